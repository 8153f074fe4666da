"""ARGO: learn the rubric under which a fixed judge prefers what the labels prefer.

The four steps of Sodhi et al. (2026), Figure 1, as they happen here at each RL step:

1. Generate rubrics: the policy writes G rubrics for each prompt variant.
2. Score them: the judge applies every rubric to the same minibatch of train pairs;
   policy reward = -KL(label || judge), Eq. 1, at the judge temperature fitted per rubric.
3. Update the policy: its own business (`Policy.train` inverts control).
4. Feed back: the next prompts are written from the best, the worst, and the pairs gone wrong.

    winners = argo(policy, judge, data, SearchConfig(steps=60), memory)
    winners[-1].rubric.text          # the best on dev
    winners[-1].held_out.accuracy    # on pairs that selected nothing

Policy, Judge and labels are roles and records: this file knows none of the models behind them.
The policy's world is synchronous and the judge's is not; they meet in one event loop, held open
for the whole search. Two collapses are guarded: into the empty rubric (a format floor below what
saying nothing earns) and into repeated text (a price per repeated line, beside the policy's own KL
to its start). The audit counts both.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import NamedTuple, Protocol

import anyio
import numpy as np
from anyio.from_thread import BlockingPortal, start_blocking_portal
from pydantic import Field

from argo_audit.agreement import CLIP, kl_divergence, measure
from argo_audit.feedback import Disagreement, FeedbackConfig, Tried, policy_prompts
from argo_audit.records import (
    Agreement,
    Attempt,
    Judgment,
    Label,
    Measurement,
    Pair,
    PolicyPrompt,
    Record,
    Rubric,
    Usage,
)
from argo_audit.roles import Judge, Policy, Proposal
from argo_audit.rubrics import outline
from argo_audit.selection import MEASURED_ON, SearchData, Selection, Winner


class SearchConfig(Record):
    """What a search does; saved with the run.

    `minibatch` is pairs per step, drawn anew each step and shared by all its rubrics.
    `fit_temperature` fits the judge temperature per rubric on the minibatch. `floor` is what a text
    that is no rubric (cut off, or without a criterion) earns below the empty rubric, in nats, and
    one with fewer than `min_criteria` lines pays its share of it; `repeat_price` is what a rubric
    of repeated lines only would earn below one without repeats. `recent` is how many steps back
    feedback looks. After training the `top` rubrics of each of `windows` stretches of steps are
    measured on dev and held-out.
    """

    steps: int = Field(default=40, ge=1)
    minibatch: int = Field(default=256, ge=1)
    fit_temperature: bool = True
    clip: float = Field(default=CLIP, gt=0, lt=0.5)
    floor: float = Field(default=0.05, ge=0)
    min_criteria: int = Field(default=4, ge=1)
    repeat_price: float = Field(default=0.1, ge=0)
    recent: int = Field(default=15, ge=1)
    windows: int = Field(default=9, ge=3)
    top: int = Field(default=50, ge=1)
    feedback: FeedbackConfig = FeedbackConfig()
    seed: int = 0


class Memory(Protocol):
    """Where a search writes as it goes; each call appends one record, durably."""

    run: str

    def add(self, record: PolicyPrompt | Attempt | Measurement) -> None:
        """Append one record."""

    def progress(self, step: int, best: Attempt | None) -> None:
        """Called after each step with the number of steps done and the best attempt so far."""


def argo(
    policy: Policy, judge: Judge, data: SearchData, config: SearchConfig, memory: Memory
) -> tuple[Winner, ...]:
    """Train `policy`; return the best rubrics on dev of the first third, two thirds and all steps.

    The last one is the best of the run; a rubric that wins twice comes once. Dev alone selects:
    held-out is measured for the same rubrics, for the report, and selects nothing. Empty when no
    attempt had a criterion or no verdict could be read.
    """
    with start_blocking_portal() as loop:
        search = _Search(judge, data, config, memory, loop)
        policy.train(search.next_prompts, search.policy_reward, config.steps)
        return search.winners()


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


def repeated_share(text: str) -> float:
    """Share of the non-blank lines that repeat an earlier one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return 1 - len(set(lines)) / len(lines) if lines else 0.0


class _Scored(NamedTuple):
    """An attempt, its gain (nats that its KL is below the empty rubric's) and its judgments."""

    attempt: Attempt
    gain: float
    judgments: list[Judgment]


class _Search:
    """What happens between the policy's updates; its state is the list of attempts."""

    def __init__(
        self,
        judge: Judge,
        data: SearchData,
        config: SearchConfig,
        memory: Memory,
        loop: BlockingPortal,
    ):
        self._judge, self._data, self._config = judge, data, config
        self._memory, self._loop = memory, loop
        self._rng = Random(config.seed)
        self._train = {p.id: p for p in data.splits["train"] if p.id in data.labels[data.source]}
        self._scored: list[_Scored] = []
        self._step = 0

    def next_prompts(self) -> list[str]:
        """Step 4: this step's policy prompts, from the attempts of the last `recent` steps."""
        since = self._step - self._config.recent
        ranked = _ranked(s for s in self._scored if s.attempt.step >= since)
        tried = [
            Tried(s.attempt.rubric.text, s.attempt.train.accuracy or 0.0, s.gain) for s in ranked
        ]
        wrong = self._disagreements(ranked[0].judgments) if ranked else []
        prompts = policy_prompts(tried, wrong, self._config.feedback, self._rng)
        for variant, text in enumerate(prompts):
            self._memory.add(
                PolicyPrompt(run=self._memory.run, step=self._step, variant=variant, text=text)
            )
        return prompts

    def policy_reward(self, proposals: Sequence[Proposal]) -> list[float]:
        """Step 2: judge every rubric of the step on one minibatch and pay for agreement."""
        started = time.monotonic()
        proposals = [p._replace(text=_writable(p.text)) for p in proposals]
        batch = self._rng.sample(
            list(self._train.values()), min(self._config.minibatch, len(self._train))
        )
        labels = self._data.labels_for(batch, self._data.source)
        judged = self._judge_all([proposal.text for proposal in proposals], batch)
        seconds = (time.monotonic() - started) / len(proposals)
        scored = [self._score(p, labels, judged[p.text], seconds) for p in proposals]
        for one in scored:
            self._memory.add(one.attempt)
        self._scored += scored
        self._step += 1
        self._memory.progress(self._step, next((s.attempt for s in _ranked(self._scored)), None))
        return [one.attempt.policy_reward for one in scored]

    def winners(self) -> tuple[Winner, ...]:
        """Measure the top rubrics of each window of steps on dev and held-out; dev selects."""
        selection = Selection(self._data, self._config.clip, self._step)
        for window in range(self._config.windows):
            for attempt, *judgments in self._window(window):
                for measurement in selection.take(attempt, *judgments):
                    self._memory.add(measurement)
        return selection.winners()

    def _score(
        self, proposal: Proposal, labels: list[Label], judgments: list[Judgment], seconds: float
    ) -> _Scored:
        config = self._config
        fitted = None if config.fit_temperature else 1.0
        train = measure(labels, judgments, temperature=fitted, clip=config.clip)
        target = np.array([label.p_a for label in labels])
        empty_kl = float(kl_divergence(target, np.full_like(target, 0.5)).mean())
        attempt = Attempt(
            run=self._memory.run,
            step=self._step,
            prompt_variant=proposal.prompt_variant,
            rubric=Rubric(text=proposal.text),
            train=train,
            policy_reward=reward_of(proposal, train, empty_kl, config),
            empty_kl=empty_kl,
            usage=Usage.total(judgment.usage for judgment in judgments),
            seconds=seconds,
        )
        return _Scored(attempt, empty_kl + attempt.policy_reward, judgments)

    def _judge_all(self, texts: Sequence[str], pairs: Sequence[Pair]) -> dict[str, list[Judgment]]:
        """Judgments by rubric text; equal texts are judged once, different ones side by side."""
        judged: dict[str, list[Judgment]] = {}

        async def one(text: str) -> None:
            judged[text] = await self._judge.judge(Rubric(text=text), pairs)

        async def every() -> None:
            async with anyio.create_task_group() as group:
                for text in dict.fromkeys(texts):
                    group.start_soon(one, text)

        self._loop.call(every)
        return judged

    def _window(self, window: int) -> Iterator[tuple[Attempt, list[Judgment], list[Judgment]]]:
        """The window's top rubrics on train, with their judgments on dev and held-out."""
        low, high = (edge * self._step / self._config.windows for edge in (window, window + 1))
        top = _ranked(s for s in self._scored if low <= s.attempt.step < high)[: self._config.top]
        texts = [s.attempt.rubric.text for s in top]
        dev, held_out = (
            self._judge_all(texts, self._data.splits[split]) if texts else {}
            for split in MEASURED_ON
        )
        for one in top:
            text = one.attempt.rubric.text
            yield one.attempt, dev[text], held_out[text]

    def _disagreements(self, judgments: Sequence[Judgment]) -> list[Disagreement]:
        """Pairs on which label and judge are on different sides, furthest apart first."""
        labels = self._data.labels[self._data.source]
        found = [
            Disagreement(self._train[j.pair_id], labels[j.pair_id].p_a, j.p_a)
            for j in judgments
            if j.p_a is not None and (j.p_a - 0.5) * (labels[j.pair_id].p_a - 0.5) < 0
        ]
        return sorted(found, key=lambda d: abs(d.label_p_a - d.judge_p_a), reverse=True)


def _writable(text: str) -> str:
    """The text with what UTF-8 cannot hold (lone surrogates) replaced by a question mark."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _ranked(scored: Iterable[_Scored]) -> list[_Scored]:
    """Distinct rubrics that have criteria, best gain first."""
    best: dict[str, _Scored] = {}
    for one in sorted(scored, key=lambda s: s.gain, reverse=True):
        if len(outline(one.attempt.rubric.text)):
            best.setdefault(one.attempt.rubric.id, one)
    return list(best.values())
