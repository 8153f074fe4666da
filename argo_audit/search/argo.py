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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random

import numpy as np
from pydantic import Field

from argo_audit.records import (
    Agreement,
    Attempt,
    Judgment,
    Label,
    Miss,
    Pair,
    PolicyPrompt,
    Record,
    Rubric,
    Step,
    Usage,
)
from argo_audit.roles import Judge, Policy, Proposal, Writer
from argo_audit.rubrics.outline import outline, repeated_share
from argo_audit.search.feedback import Disagreement, FeedbackConfig, Tried, policy_prompts
from argo_audit.search.memory import TEMPLATE, Memory, Recall
from argo_audit.search.panel import Panel, open_panel
from argo_audit.search.rewriting import request, rewritten
from argo_audit.search.selection import MEASURED_ON, SearchData, Selection, Winner
from argo_audit.stats.agreement import CLIP, kl_divergence, measure


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


def argo(
    policy: Policy,
    judge: Judge,
    data: SearchData,
    config: SearchConfig,
    memory: Memory,
    rewriter: Writer | None = None,
) -> tuple[Winner, ...]:
    """Train `policy`; return the best rubrics on dev of the first third, two thirds and all steps.

    The last one is the best of the run; a rubric that wins twice comes once. Dev alone selects:
    held-out is measured for the same rubrics, for the report, and selects nothing. Empty when no
    attempt had a criterion or no verdict could be read. A `rewriter` rewrites the policy prompts.

    A memory that holds records continues their search: what is on record is neither judged nor
    written again, and on a machine that repeats itself the outcome is that of an uninterrupted
    search. Raises RunFolderError when the record could not have come from this search.
    """
    with open_panel(judge, rewriter) as panel:
        search = _Search(policy, panel, data, config, memory)
        search.replay(policy.resume(search.done))
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


class _Search:
    """What happens between the policy's updates; its state is the list of attempts."""

    def __init__(
        self,
        policy: Policy,
        panel: Panel,
        data: SearchData,
        config: SearchConfig,
        memory: Memory,
    ):
        self._policy, self._panel, self._data = policy, panel, data
        self._config, self._memory, self._recall = config, memory, Recall(memory)
        self._rng = Random(config.seed)
        self._train = {p.id: p for p in data.splits["train"] if p.id in data.labels[data.source]}
        self._attempts: list[Attempt] = []
        self._step = 0
        self.done = self._recall.done
        self._used, self._rewriting = policy.used, Usage()

    def replay(self, begin: int) -> None:
        """Take the steps before `begin` from the record, making the same random choices again."""
        for _ in range(begin):
            self._drafts()
            self._minibatch()
            self._close(self._recall.attempts(self._step))

    def next_prompts(self) -> list[str]:
        """Step 4: this step's policy prompts, from the attempts of the last `recent` steps."""
        if self._step >= self.done and not self._memory.go_on():
            return []
        drafts = self._drafts()
        known = self._recall.prompts(self._step, drafts)
        fresh = self._prompts({v: text for v, text in enumerate(drafts) if v not in known})
        self._memory.add(*fresh)
        known |= {prompt.variant: prompt for prompt in fresh}
        return [known[variant].text for variant in range(len(drafts))]

    def policy_reward(self, proposals: Sequence[Proposal]) -> list[float]:
        """Step 2: judge every rubric of the step on one minibatch and pay for agreement.

        What is on record is paid as it was then.
        """
        proposals = [p._replace(text=_writable(p.text)) for p in proposals]
        batch = self._minibatch()
        recorded = self._recall.attempts(self._step)
        claimed = self._recall.claim(self._step, proposals)
        fresh = [p for p, attempt in zip(proposals, claimed, strict=True) if attempt is None]
        made = self._attempted(fresh, batch)
        self._memory.add(*made)
        end = self._end_of_step(len(recorded) + len(made))
        if self._step >= self.done:
            self._memory.add(end)
        self._close([*recorded, *made])
        rest = iter(made)
        return [(attempt or next(rest)).policy_reward for attempt in claimed]

    def winners(self) -> tuple[Winner, ...]:
        """Measure the top rubrics of each window of steps on dev and held-out; dev selects."""
        selection = Selection(self._data, self._config.clip, self._step)
        for window in range(self._config.windows):
            for attempt, *judgments in self._window(window):
                found = selection.take(attempt, *judgments)
                self._memory.add(*self._recall.unrecorded(found))
        return selection.winners()

    def _drafts(self) -> list[str]:
        """The step's prompts as the templates write them."""
        return policy_prompts(*self._evidence(), self._config.feedback, self._rng)

    def _evidence(self) -> tuple[list[Tried], list[Disagreement]]:
        """Recent attempts, best first, and the pairs that the best of them is most wrong on."""
        since = self._step - self._config.recent
        ranked = _ranked(a for a in self._attempts if a.step >= since)
        tried = [Tried(a.rubric.text, a.train.accuracy or 0.0, a.gain) for a in ranked]
        misses = ranked[0].misses if ranked else ()
        return tried, [
            Disagreement(self._train[m.pair_id], m.label_p_a, m.judge_p_a) for m in misses
        ]

    def _prompts(self, drafts: Mapping[int, str]) -> list[PolicyPrompt]:
        """The drafts by variant as prompts, rewritten where a rewriter's answer can be used."""
        tried, wrong = self._evidence()
        config = self._config.feedback
        requests = [request(draft, tried, wrong, config) for draft in drafts.values() if tried]
        answers = self._panel.rewrite(requests, self._config.seed + self._step)
        self._rewriting += Usage.total(answer.usage for answer in answers)
        texts = [rewritten(answer, config) for answer in answers] or [None] * len(drafts)
        return [
            PolicyPrompt(
                run=self._memory.run,
                step=self._step,
                variant=variant,
                text=text or draft,
                author=(text and self._panel.rewriter) or TEMPLATE,
            )
            for (variant, draft), text in zip(drafts.items(), texts, strict=True)
        ]

    def _minibatch(self) -> list[Pair]:
        size = min(self._config.minibatch, len(self._train))
        return self._rng.sample(list(self._train.values()), size)

    def _attempted(self, proposals: Sequence[Proposal], batch: Sequence[Pair]) -> list[Attempt]:
        """Judge proposals on the minibatch; a text's first proposal bears what judging it took."""
        if not proposals:
            return []
        started = time.monotonic()
        labels = self._data.labels_for(batch, self._data.source)
        judged = self._panel.judge((proposal.text for proposal in proposals), batch)
        seconds = (time.monotonic() - started) / len(proposals)
        used = {
            text: Usage.total(judgment.usage for judgment in judgments)
            for text, judgments in judged.items()
        }
        return [
            self._attempt(p, labels, judged[p.text], seconds).model_copy(
                update={"usage": used.pop(p.text, Usage())}
            )
            for p in proposals
        ]

    def _attempt(
        self, proposal: Proposal, labels: list[Label], judgments: list[Judgment], seconds: float
    ) -> Attempt:
        config = self._config
        fitted = None if config.fit_temperature else 1.0
        train = measure(labels, judgments, temperature=fitted, clip=config.clip)
        target = np.array([label.p_a for label in labels])
        empty_kl = float(kl_divergence(target, np.full_like(target, 0.5)).mean())
        return Attempt(
            run=self._memory.run,
            step=self._step,
            prompt_variant=proposal.prompt_variant,
            rubric=Rubric(text=proposal.text),
            train=train,
            policy_reward=reward_of(proposal, train, empty_kl, config),
            empty_kl=empty_kl,
            misses=tuple(_misses(labels, judgments))[: config.feedback.disagreements],
            usage=Usage(),
            seconds=seconds,
        )

    def _end_of_step(self, attempts: int) -> Step:
        """What the step has taken; what was written again for a step on record is in no other."""
        used = self._policy.used
        end = Step(
            run=self._memory.run,
            step=self._step,
            attempts=attempts,
            policy=used - self._used,
            rewriter=self._rewriting,
        )
        self._used, self._rewriting = used, Usage()
        return end

    def _close(self, attempts: Sequence[Attempt]) -> None:
        self._attempts += attempts
        self._step += 1
        self._memory.progress(self._step, next(iter(_ranked(self._attempts)), None))

    def _window(self, window: int) -> Iterator[tuple[Attempt, list[Judgment], list[Judgment]]]:
        """The window's top rubrics on train, with their judgments on dev and held-out."""
        low, high = (edge * self._step / self._config.windows for edge in (window, window + 1))
        top = _ranked(a for a in self._attempts if low <= a.step < high)[: self._config.top]
        texts = [attempt.rubric.text for attempt in top]
        dev, held_out = (
            self._panel.judge(texts, self._data.splits[split]) for split in MEASURED_ON
        )
        for attempt in top:
            text = attempt.rubric.text
            yield attempt, dev[text], held_out[text]


def _misses(labels: Sequence[Label], judgments: Sequence[Judgment]) -> list[Miss]:
    """Pairs on which label and judge are on different sides, furthest apart first."""
    said = {label.pair_id: label.p_a for label in labels}
    found = [
        Miss(pair_id=j.pair_id, label_p_a=said[j.pair_id], judge_p_a=j.p_a)
        for j in judgments
        if j.p_a is not None and (j.p_a - 0.5) * (said[j.pair_id] - 0.5) < 0
    ]
    return sorted(found, key=lambda miss: abs(miss.label_p_a - miss.judge_p_a), reverse=True)


def _writable(text: str) -> str:
    """The text with what UTF-8 cannot hold (lone surrogates) replaced by a question mark."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _ranked(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Distinct rubrics that have criteria, best gain first."""
    best: dict[str, Attempt] = {}
    for one in sorted(attempts, key=lambda attempt: attempt.gain, reverse=True):
        if len(outline(one.rubric.text)):
            best.setdefault(one.rubric.id, one)
    return list(best.values())
