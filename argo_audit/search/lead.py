"""Lead: learn the rubric line by line, for a fraction of the calls that whole rubrics take.

1. Propose: the policy sees pairs that contrast and writes lines; nobody says what they are worth.
2. Ask: the judge says which response shows more of each line, on a shared sample of train pairs.
3. Weigh: a regression of the labels on the answers says which lines count, how much, how surely.
4. Write: the lines that count, in several lengths, weighted or not.
5. Race: the whole-rubric judge says which of these it follows best, on fresh pairs.
6. Again, with the pairs that the rubric still gets wrong, as long as that gains anything.
7. Verify: the winners are measured on dev, which selects, and on held-out, which does not.

    winners = lead(policy, judge, data, SearchConfig(steps=3), memory)
    winners[-1].rubric.text

The policy proposes as it would write rubrics, through the same role: an Inspect model, a causal LM
that is trained meanwhile, or the embedded writer, which is asked without pairs since it reads none.
The judge is asked by line where it can be (roles.LineJudge), else each line is a rubric by itself.
Why by line: what a line says of a pair is asked once and holds in every rubric that has the line,
so a regression on a few hundred pairs finds what RL finds over thousands of rubrics (docs/search.md
has the figures; what it cannot find are rules that only hold between lines, such as gates).
"""

from collections.abc import Sequence

from argo_audit.records import Measurement, PolicyPrompt, Step, Usage
from argo_audit.roles import Judge, Policy, Proposal, Writer
from argo_audit.search.memory import Memory, Recall, writable
from argo_audit.search.panel import Panel, open_panel
from argo_audit.search.rounds import Rounds
from argo_audit.search.search_settings import SearchConfig
from argo_audit.search.selection import SearchData, Selection, Winner
from argo_audit.search.windows import best_of_rounds


def lead(
    policy: Policy,
    judge: Judge,
    data: SearchData,
    config: SearchConfig,
    memory: Memory,
    rewriter: Writer | None = None,
) -> tuple[Winner, ...]:
    """The winners of each stretch of rounds, the best of all last; `config.steps` is unused.

    A memory that holds records continues their search, as in `argo`. Nobody rewrites the prompts.
    """
    with open_panel(judge) as panel:
        search = _Lead(policy, panel, data, config, memory)
        search.replay(policy.resume(search.done))
        policy.train(search.next_prompts, search.policy_reward, config.lead.rounds)
        return search.winners()


class _Lead:
    """The rounds, as a policy meets them, and their record."""

    def __init__(
        self, policy: Policy, panel: Panel, data: SearchData, config: SearchConfig, memory: Memory
    ):
        self._policy, self._panel, self._data = policy, panel, data
        self._config, self._memory, self._recall = config, memory, Recall(memory)
        self._rounds = Rounds(panel, data, config, memory)
        self._step, self.done = 0, self._recall.done
        self._used = policy.used

    def replay(self, begin: int) -> None:
        """Take the rounds before `begin` from the record."""
        for step in range(begin):
            self._rounds.replay(step)
            self._close()

    def next_prompts(self) -> list[str]:
        """What the policy is shown this round; nothing once the rounds are over."""
        if self._step >= self.done and (self._rounds.over or not self._memory.go_on()):
            return []
        drafts = self._rounds.prompts(self._policy)
        known = self._recall.prompts(self._step, drafts)
        fresh = [
            PolicyPrompt(run=self._memory.run, step=self._step, variant=variant, text=text)
            for variant, text in enumerate(drafts)
            if variant not in known
        ]
        self._memory.add(*fresh)
        return drafts

    def policy_reward(self, proposals: Sequence[Proposal]) -> list[float]:
        """One round; what is on record of it is neither asked nor judged again."""
        paid = self._rounds.take(self._step, writable(proposals))
        if self._step >= self.done:
            self._memory.add(self._end())
        self._close()
        return paid

    def winners(self) -> tuple[Winner, ...]:
        """Each round's winner on dev and held-out; dev selects."""
        selection = Selection(self._data, self._config.clip, self._step)
        judged = best_of_rounds(self._rounds.finalists, self._panel, self._data)
        for attempt, dev, held_out in judged:
            found: list[Measurement] = selection.take(attempt, dev, held_out)
            self._memory.add(*self._recall.unrecorded(found))
        return selection.winners()

    def _end(self) -> Step:
        """The end of a round, with what the policy has taken since the one before."""
        used, self._used = self._policy.used - self._used, self._policy.used
        attempts = sum(one.step == self._step for one in self._memory.journal.attempts)
        return Step(
            run=self._memory.run,
            step=self._step,
            attempts=attempts,
            policy=used,
            rewriter=Usage(),
        )

    def _close(self) -> None:
        self._step += 1
        finalists = self._rounds.finalists
        self._memory.progress(self._step, finalists[-1] if finalists else None)
