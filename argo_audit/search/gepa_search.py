"""GEPA: whole rubrics evolved by reflection, along a front of those best on some pair.

    winners = gepa(policy, judge, data, SearchConfig(steps=40), memory)

The optimiser is that of its authors (Agrawal et al., 2025), the package `gepa`. In each step:

1. A parent is drawn from the front, and judged on a small minibatch of train pairs.
2. The policy is shown it, with the pairs that it gets wrong, and writes another.
3. The new one is judged on the same pairs; where it is better, on the validation pairs too, a share
   of train that is the same for all, and joins.

Scores are agreement, pair by pair. The package has a loop of its own, and so has a policy: the
package's runs in another thread and asks (`other_loop`). The policy is paid nothing: it is not
trained. What each pair scored is on record, and the package draws by its seed, so a search that was
interrupted goes through its record again and asks for none of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from argo_audit.errors import RunFolderError
from argo_audit.policies.policy_names import reads_pairs
from argo_audit.records import Attempt, Measurement, Pair, PolicyPrompt, Step, Usage
from argo_audit.roles import Judge, Policy, Proposal, Writer
from argo_audit.search.feedback import Drawn, policy_prompts
from argo_audit.search.full_prompts import full_prompts, labelled_pairs
from argo_audit.search.gepa_package import Begin, Evaluate, Propose, Split, evolve
from argo_audit.search.lessons import Tried, disagreements_of, tried_of
from argo_audit.search.memory import Memory, Recall, writable
from argo_audit.search.other_loop import OtherLoop
from argo_audit.search.panel import Panel, open_panel
from argo_audit.search.payment import Payment, Taken
from argo_audit.search.search_settings import SearchConfig, Variant
from argo_audit.search.selection import MEASURED_ON, SearchData, Selection, Winner
from argo_audit.search.shown_pairs import Seen
from argo_audit.stats.agreement import agreeing

_THIRDS = (1, 2, 3)


def gepa(
    policy: Policy,
    judge: Judge,
    data: SearchData,
    config: SearchConfig,
    memory: Memory,
    rewriter: Writer | None = None,
) -> tuple[Winner, ...]:
    """The best on dev of the rubrics that were best on the validation pairs, by thirds of steps.

    A memory that holds records continues their search. Nobody rewrites the prompts. Raises
    RunFolderError when the record could not have come from this search.
    """
    with open_panel(judge) as panel:
        search = _Gepa(policy, panel, data, config, memory)
        try:
            search.replay(policy.resume(search.done))
            policy.train(search.next_prompts, search.policy_reward, config.steps)
            search.finish()
        finally:
            search.end()
        return search.winners()


@dataclass(frozen=True)
class _Validated:
    """A rubric that was judged on the validation pairs, in which step, and its mean score there."""

    attempt: Attempt
    score: float


class _Gepa:
    """What the package asks, and the record of it; a step begins with its question for one."""

    def __init__(
        self, policy: Policy, panel: Panel, data: SearchData, config: SearchConfig, memory: Memory
    ):
        self._policy, self._panel, self._data = policy, panel, data
        self._config, self._memory, self._recall = config, memory, Recall(memory)
        self._pairs = _shuffled(data, config.seed)
        self._validate = min(config.gepa.validation, len(self._pairs) // 2)
        self._full = reads_pairs(policy.name) and config.feedback.contrasts > 0
        self._payment = Payment(panel, data, config, memory.run, reasons=self._full)
        labels = data.labels_for(self._pairs, data.source)
        target = np.array([label.p_a for label in labels], dtype=np.float64)
        self._labelled = labelled_pairs(Seen(self._pairs, target))
        places = range(len(self._pairs))
        split = Split(places[: self._validate], places[self._validate :])
        self._loop = OtherLoop(lambda ask: evolve(ask, split, config.gepa.minibatch, config.seed))
        self._asked: dict[str, Attempt] = {}
        self._validated: list[_Validated] = []
        self._step, self._made, self.done = 0, list[Attempt](), self._recall.done
        self._parent, self._used = "", policy.used

    def replay(self, begin: int) -> None:
        """Take the steps before `begin` from the record."""
        for _ in range(begin):
            if self._waits():
                self._loop.answer(self._on_record())

    def next_prompts(self) -> list[str]:
        """What the policy is shown; nothing once the steps are over. All variants are alike."""
        if not self._waits():
            return []
        drafts = [self._draft()] * len(self._config.feedback.variants)
        known = self._recall.prompts(self._step, drafts)
        run, step = self._memory.run, self._step
        fresh = [
            PolicyPrompt(run=run, step=step, variant=variant, text=text)
            for variant, text in enumerate(drafts)
            if variant not in known
        ]
        self._memory.add(*fresh)
        return drafts

    def policy_reward(self, proposals: Sequence[Proposal]) -> list[float]:
        """The first that can be used goes to the package; the policy is not paid."""
        found = self._on_record()
        if found is None and self._step >= self.done:
            found = _usable(writable(proposals), self._parent)
        self._loop.answer(found)
        return [0.0 for _ in proposals]

    def finish(self) -> None:
        """Let the package judge what was written last."""
        while self._waits():
            self._loop.answer(None)

    def end(self) -> None:
        """Leave no thread behind, whatever happened."""
        self._loop.end()

    def winners(self) -> tuple[Winner, ...]:
        """The best on the validation pairs of the first third, two thirds and all of the steps."""
        selection = Selection(self._data, self._config.clip, self._step)
        finalists: dict[str, Attempt] = {}
        for third in _THIRDS:
            before = [v for v in self._validated if v.attempt.step < third * self._step / 3]
            if before:
                best = max(before, key=lambda one: one.score).attempt
                finalists.setdefault(best.rubric.text, best)
        for text, attempt in finalists.items():
            dev, held_out = (
                self._panel.judge([text], self._data.splits[one])[text] for one in MEASURED_ON
            )
            found: list[Measurement] = selection.take(attempt, dev, held_out)
            self._memory.add(*self._recall.unrecorded(found))
        return selection.winners()

    def _waits(self) -> bool:
        """Answer what is asked until a rubric is to be written; whether one is."""
        while (question := self._loop.question()) is not None:
            if isinstance(question, Propose):
                self._parent = question.parent
                return True
            answered = self._evaluated if isinstance(question, Evaluate) else self._may_begin
            self._loop.answer(answered(question))
        return False

    def _may_begin(self, _: Begin) -> bool:
        """Close the step before; whether there is another."""
        if self._step >= self.done:
            used, self._used = self._policy.used - self._used, self._policy.used
            run, made = self._memory.run, len(self._made)
            self._memory.add(
                Step(run=run, step=self._step, attempts=made, policy=used, rewriter=Usage())
            )
        self._step, self._made = self._step + 1, []
        best = max(self._validated, key=lambda one: one.score, default=None)
        self._memory.progress(self._step, best.attempt if best else None)
        if self._step >= self._config.steps:
            return False
        return self._step < self.done or self._memory.go_on()

    def _evaluated(self, question: Evaluate) -> list[float]:
        """What each pair scores; what is on record is not judged again."""
        recorded = self._recall.attempts(self._step)
        if len(self._made) < len(recorded):
            attempt = recorded[len(self._made)]
            if (attempt.rubric.text, len(attempt.scores)) != (question.text, len(question.places)):
                raise RunFolderError(
                    f"{self._memory.run}: step {self._step} would not judge what it judged before, "
                    "so the search cannot go on.\n  Remedy: use the version of argo-audit and of "
                    "gepa that began it, or start anew in another folder"
                )
        else:
            attempt = self._judged(question)
            self._memory.add(attempt)
        self._made.append(attempt)
        self._asked[question.text] = attempt
        if question.places[0] < self._validate:
            score = sum(attempt.scores) / len(attempt.scores)
            self._validated.append(_Validated(attempt, score))
        return list(attempt.scores)

    def _judged(self, question: Evaluate) -> Attempt:
        pairs = [self._pairs[place] for place in question.places]
        labels = self._data.labels_for(pairs, self._data.source)
        said = self._panel.judge([question.text], pairs, reasons=self._full)[question.text]
        target = np.array([label.p_a for label in labels])
        p_a = np.array([0.5 if one.p_a is None else one.p_a for one in said])
        proposal, taken = Proposal(0, question.text), Taken(said.usage, 0.0)
        attempt = self._payment.attempt(self._step, proposal, labels, said, taken)
        scores = tuple(float(one) for one in agreeing(target, p_a))
        return attempt.model_copy(update={"scores": scores})

    def _on_record(self) -> str | None:
        """What was written in this step: judged first in the first one, after its parent else."""
        written = self._recall.attempts(self._step)[min(self._step, 1) :]
        return written[0].rubric.text if written else None

    def _draft(self) -> str:
        """What the policy is shown of the parent, as it just did on the minibatch."""
        parent = self._asked.get(self._parent)
        tried: list[Tried] = [tried_of(parent)] if parent else []
        feedback = self._config.feedback
        rng = Random(f"{self._config.seed} {self._step}")
        if not self._full:
            alone = feedback.model_copy(update={"variants": ("improve",), "elite": 1})
            return policy_prompts(tried, (), alone, rng)[0]
        wrong = disagreements_of(tried[0], self._labelled.by_id) if tried else []
        variant: Variant = "disagreements" if wrong else "improve" if tried else "explore"
        made = Drawn(variant, tried, None)
        seed = f"{self._config.seed} {self._step}"
        return full_prompts([made], tried, self._labelled, feedback, seed)[0]


def _shuffled(data: SearchData, seed: int) -> list[Pair]:
    """The labelled train pairs: those to validate on first."""
    labels = data.labels[data.source]
    pairs = [pair for pair in data.splits["train"] if pair.id in labels]
    Random(seed).shuffle(pairs)
    return pairs


def _usable(proposals: Sequence[Proposal], parent: str) -> str | None:
    """The first whole rubric that is another one."""
    texts = (p.text for p in proposals if p.finished and p.text.strip())
    return next((text for text in texts if text != parent), None)
