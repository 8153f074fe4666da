"""Simpler searches, to say what the others gain: `best-of-n` and `logistic`.

    winners = best_of_n(policy, judge, data, SearchConfig(steps=5), memory)
    winners = logistic(policy, judge, data, SearchConfig(), memory)

`best-of-n` draws rubrics from one prompt, tells the policy nothing of what they were worth, and
keeps the best. `logistic` asks each of the first lines proposed by itself on all pairs, and writes
what a regression says: no line is dropped early, nothing is proposed again, and the rubrics written
are judged on few pairs.
"""

from collections.abc import Sequence

from argo_audit.judges.both_readings import BothReadings
from argo_audit.judges.lines_alone import LinesAlone
from argo_audit.records import Usage
from argo_audit.roles import Judge, NextPrompts, Policy, PolicyReward, Proposal, Writer
from argo_audit.search.argo import argo
from argo_audit.search.lead import lead
from argo_audit.search.line_arithmetic import once
from argo_audit.search.memory import Memory
from argo_audit.search.search_settings import SearchConfig
from argo_audit.search.selection import SearchData, Winner


def best_of_n(
    policy: Policy,
    judge: Judge,
    data: SearchData,
    config: SearchConfig,
    memory: Memory,
    rewriter: Writer | None = None,
) -> tuple[Winner, ...]:
    """The best on dev of the rubrics that an untrained policy writes unasked."""
    explore = ("explore",) * len(config.feedback.variants)
    feedback = config.feedback.model_copy(update={"variants": explore})
    update = {"feedback": feedback, "warm_start": False}
    return argo(_Unpaid(policy), judge, data, config.model_copy(update=update), memory)


def logistic(
    policy: Policy,
    judge: Judge,
    data: SearchData,
    config: SearchConfig,
    memory: Memory,
    rewriter: Writer | None = None,
) -> tuple[Winner, ...]:
    """The rubric of a regression on lines that were each asked alone."""
    alone = BothReadings(judge, LinesAlone(judge))
    asked = config.model_copy(update={"lead": once(config.lead)})
    return lead(policy, alone, data, asked, memory)


class _Unpaid:
    """A policy whose rubrics are all worth the same to it, so that it stays as it is."""

    def __init__(self, policy: Policy):
        self._policy = policy

    @property
    def name(self) -> str:
        return self._policy.name

    @property
    def used(self) -> Usage:
        return self._policy.used

    def resume(self, done: int) -> int:
        return self._policy.resume(done)

    def train(self, next_prompts: NextPrompts, policy_reward: PolicyReward, steps: int) -> None:
        def alike(proposals: Sequence[Proposal]) -> list[float]:
            return [0.0 for _ in policy_reward(proposals)]

        self._policy.train(next_prompts, alike, steps)
