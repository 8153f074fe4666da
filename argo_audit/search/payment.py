"""Step 2 of ARGO: rubrics judged on one minibatch, and what the policy is paid for each.

    payment = Payment(panel, data, config, run="my-run")
    payment.attempts(step, proposals, batch)[0].policy_reward        # nats, -KL less prices

Two collapses are guarded: into the empty rubric (a format floor below what saying nothing earns)
and into repeated text (a price per repeated line, beside the policy's own KL to its start). The
audit counts both.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from argo_audit.records import Agreement, Attempt, Label, Pair, Rubric, Usage
from argo_audit.roles import Proposal
from argo_audit.rubrics.outline import outline, repeated_share
from argo_audit.search.lessons import misses
from argo_audit.search.panel import Panel, Verdicts
from argo_audit.search.search_settings import SearchConfig
from argo_audit.search.selection import SearchData
from argo_audit.stats.agreement import kl_divergence, measure


def reward_of(proposal: Proposal, train: Agreement, empty_kl: float, config: SearchConfig) -> float:
    """What the policy is paid for one rubric, in nats; total over any text.

    -KL on the verdicts that could be read and the floor on the rest, less the prices for having
    too few criteria and for repeated lines. A text that is no rubric earns the floor itself,
    `config.floor` below the empty rubric's -KL.
    """
    floor = -empty_kl - config.floor
    criteria = len(outline(proposal.text))
    if train.kl is None or not criteria or not proposal.finished:
        return floor
    read = train.n / (train.n + train.unparsed)
    missing = max(0.0, 1 - criteria / config.min_criteria)
    price = config.floor * missing + config.repeat_price * repeated_share(proposal.text)
    return max(floor, read * -train.kl + (1 - read) * floor - price)


class Taken(NamedTuple):
    """What judging a rubric took, with the seconds shared out evenly over the step."""

    usage: Usage
    seconds: float


class Payment:
    """Makes attempts of proposals: judged, measured against the labels, and paid.

    With `reasons` what the judge said on the pairs gone wrong is kept.
    """

    def __init__(
        self,
        panel: Panel,
        data: SearchData,
        config: SearchConfig,
        run: str,
        *,
        reasons: bool = False,
    ):
        self._panel, self._data, self._config, self._run = panel, data, config, run
        self._reasons = reasons

    def attempts(
        self, step: int, proposals: Sequence[Proposal], batch: Sequence[Pair]
    ) -> list[Attempt]:
        """One per proposal, in order; a text's first proposal bears what judging it took."""
        if not proposals:
            return []
        started = time.monotonic()
        labels = self._data.labels_for(batch, self._data.source)
        texts = (proposal.text for proposal in proposals)
        judged = self._panel.judge(texts, batch, reasons=self._reasons)
        seconds = (time.monotonic() - started) / len(proposals)
        used = {text: said.usage for text, said in judged.items()}
        return [
            self.attempt(step, p, labels, judged[p.text], Taken(used.pop(p.text, Usage()), seconds))
            for p in proposals
        ]

    def attempt(
        self,
        step: int,
        proposal: Proposal,
        labels: Sequence[Label],
        said: Verdicts,
        taken: Taken,
    ) -> Attempt:
        """A rubric on which the judge has spoken, as an attempt of that step."""
        config = self._config
        fitted = None if config.fit_temperature else 1.0
        train = measure(labels, said, temperature=fitted, clip=config.clip)
        target = np.array([label.p_a for label in labels])
        empty_kl = float(kl_divergence(target, np.full_like(target, 0.5)).mean())
        return Attempt(
            run=self._run,
            step=step,
            prompt_variant=proposal.prompt_variant,
            rubric=Rubric(text=proposal.text),
            train=train,
            policy_reward=reward_of(proposal, train, empty_kl, config),
            empty_kl=empty_kl,
            misses=tuple(misses(labels, said))[: config.feedback.disagreements],
            **taken._asdict(),
        )
