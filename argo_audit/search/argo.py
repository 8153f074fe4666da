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

With `config.warm_start` the first steps are the rounds of `lead`: what it wrote is in the memory
that feedback draws on, so RL begins where searching by line ends. The rubric that `lead` would have
published stays, unless dev says clearly that another is better (`selection`).

Policy, Judge and labels are roles and records: this file knows none of the models behind them.
The policy's world is synchronous and the judge's is not; they meet in one event loop, held open
for the whole search (`panel`). What is paid is in `payment`, what is fed back in `lessons`.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from random import Random

import numpy as np

from argo_audit.policies.policy_names import reads_pairs
from argo_audit.records import Attempt, Pair, Step, Usage
from argo_audit.roles import Judge, Policy, Proposal, Writer
from argo_audit.search.feedback import drawn, policy_prompts
from argo_audit.search.full_prompts import LabelledPairs, full_prompts, labelled_pairs
from argo_audit.search.lessons import Lessons, Past
from argo_audit.search.memory import Memory, Recall, writable
from argo_audit.search.panel import Panel, open_panel
from argo_audit.search.payment import Payment
from argo_audit.search.prompting import Prompting
from argo_audit.search.rounds import Rounds
from argo_audit.search.search_settings import SearchConfig
from argo_audit.search.selection import SearchData, Selection, Winner
from argo_audit.search.shown_pairs import Seen
from argo_audit.search.windows import Measured, best_of_rounds, best_of_windows


def argo(
    policy: Policy,
    judge: Judge,
    data: SearchData,
    config: SearchConfig,
    memory: Memory,
    rewriter: Writer | None = None,
) -> tuple[Winner, ...]:
    """Train `policy`; return the best rubrics on dev of the first third, two thirds and all steps.

    After a warm start: lead's rubric, then the best of the first half of what followed, and of all.
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
        steps = config.steps + search.warm
        policy.train(search.next_prompts, search.policy_reward, steps)  # steps 1 and 3
        return search.winners()


class _Search:
    """What happens between the policy's updates; its state is what was tried so far."""

    def __init__(
        self, policy: Policy, panel: Panel, data: SearchData, config: SearchConfig, memory: Memory
    ):
        self._policy, self._panel, self._data = policy, panel, data
        self._config, self._memory, self._recall = config, memory, Recall(memory)
        self._full = _is_full(policy, config, self._recall)
        self._payment = Payment(panel, data, config, memory.run, reasons=self._full)
        self._prompting = Prompting(panel, config, memory.run)
        self._rng = Random(config.seed)
        self._train = {p.id: p for p in data.splits["train"] if p.id in data.labels[data.source]}
        self._pairs = list(self._train.values())
        self._past = Past(config.recent)
        self._rounds = Rounds(panel, data, config, memory)
        self.warm = config.lead.rounds if config.warm_start else 0
        self._step = 0
        self.done = self._recall.done
        self._used = self._taken()

    def replay(self, begin: int) -> None:
        """Take the steps before `begin` from the record, making the same random choices again."""
        for step in range(begin):
            if step < self.warm:
                self._rounds.replay(step)
            else:
                drawn(*self._lessons(), self._config.feedback, self._rng)
                self._minibatch()
            self._close(self._recall.attempts(self._step))

    def policy_reward(self, proposals: Sequence[Proposal]) -> list[float]:
        """Step 2: judge every rubric of the step on one minibatch and pay for agreement.

        What is on record is paid as it was then.
        """
        proposals = writable(proposals)
        if self._step < self.warm:
            return self._propose_lines(proposals)
        batch = self._minibatch()
        recorded = self._recall.attempts(self._step)
        claimed = self._recall.claim(self._step, proposals)
        fresh = [p for p, attempt in zip(proposals, claimed, strict=True) if attempt is None]
        made = self._payment.attempts(self._step, fresh, batch)
        self._memory.add(*made)
        end = self._end_of_step(len(recorded) + len(made))
        if self._step >= self.done:
            self._memory.add(end)
        self._close([*recorded, *made])
        rest = iter(made)
        return [(attempt or next(rest)).policy_reward for attempt in claimed]

    def next_prompts(self) -> list[str]:
        """Step 4: this step's policy prompts, from the attempts of the last `recent` steps."""
        if self._step >= self.done and not self._memory.go_on():
            return []
        learned = self._lessons() if self._step >= self.warm else Lessons((), ())
        drafts = self._drafts(learned)
        known = self._recall.prompts(self._step, drafts)
        missing = {v: text for v, text in enumerate(drafts) if v not in known}
        fresh = self._prompting.prompts(self._step, missing, learned)
        self._memory.add(*fresh)
        known |= {prompt.variant: prompt for prompt in fresh}
        return [known[variant].text for variant in range(len(drafts))]

    def _drafts(self, learned: Lessons) -> list[str]:
        if self._step < self.warm:
            return self._rounds.prompts(self._policy)
        feedback = self._config.feedback
        if not self._full:
            return policy_prompts(*learned, feedback, self._rng)
        made = drawn(*learned, feedback, self._rng)
        seed = f"{self._config.seed} {self._step}"
        return full_prompts(made, learned.tried, self._labelled, feedback, seed)

    def _propose_lines(self, proposals: Sequence[Proposal]) -> list[float]:
        """A step of the warm start: what is proposed is asked line by line."""
        paid = self._rounds.take(self._step, proposals)
        made = [one for one in self._memory.journal.attempts if one.step == self._step]
        end = self._end_of_step(len(made))
        if self._step >= self.done:
            self._memory.add(end)
        self._close(made)
        return paid

    def winners(self) -> tuple[Winner, ...]:
        """Measure the top rubrics of each window of steps on dev and held-out; dev selects.

        What the warm start found is measured first, as `lead` would have.
        """
        data, config = self._data, self._config
        selection = Selection(data, config.clip, self._step, self.warm)
        finalists = self._rounds.finalists
        self._select(selection, best_of_rounds(finalists, self._panel, data))
        selection.settle()
        known = {one.rubric.id for one in finalists}
        others = [one for one in self._past.attempts if one.rubric.id not in known]
        windows = best_of_windows(others, self._step, self._panel, data, config)
        self._select(selection, windows)
        return selection.winners()

    def _select(self, selection: Selection, judged: Iterable[Measured]) -> None:
        for attempt, dev, held_out in judged:
            found = selection.take(attempt, dev, held_out)
            self._memory.add(*self._recall.unrecorded(found))

    @cached_property
    def _labelled(self) -> LabelledPairs:
        labels = self._data.labels_for(self._pairs, self._data.source)
        return labelled_pairs(Seen(self._pairs, np.array([label.p_a for label in labels])))

    def _lessons(self) -> Lessons:
        return self._past.lessons(self._train)

    def _minibatch(self) -> list[Pair]:
        return self._rng.sample(self._pairs, min(self._config.minibatch, len(self._pairs)))

    def _taken(self) -> tuple[Usage, Usage]:
        """By the policy and by the rewriter, since they were made."""
        return self._policy.used, self._prompting.used

    def _end_of_step(self, attempts: int) -> Step:
        """What the step has taken; what was written again for a step on record is in no other."""
        before, self._used = self._used, self._taken()
        policy, rewriter = (now - then for now, then in zip(self._used, before, strict=True))
        run, step = self._memory.run, self._step
        return Step(run=run, step=step, attempts=attempts, policy=policy, rewriter=rewriter)

    def _close(self, attempts: Sequence[Attempt]) -> None:
        self._past.add(attempts)
        self._step += 1
        self._memory.progress(self._step, self._past.best)


def _is_full(policy: Policy, config: SearchConfig, recall: Recall) -> bool:
    """Whether the policy's prompts show pairs: unless it is known to make no use of them.

    A search that was begun with short ones goes on with them.
    """
    return reads_pairs(policy.name) and config.feedback.contrasts > 0 and not recall.is_short
