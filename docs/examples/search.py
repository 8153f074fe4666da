"""A search of one's own: which of the rubrics that people wrote is the reward model's?

    winners = shelf(policy, judge, data, config, memory)
    winners[-1].held_out.accuracy            # of the best on dev

A search is called as `argo_audit.search.argo.argo` is and returns its winners, in the order of
training. What it tries goes into `memory` as it happens, since an audit is reported, resumed and
paid for by that record. This one leaves all of that to ARGO and changes who writes. A package makes
a search known by name with an entry point of the group `argo_audit.searches`.
"""

from argo_audit.records import Usage
from argo_audit.roles import Judge, NextPrompts, Policy, PolicyReward, Proposal, Writer
from argo_audit.search.argo import argo
from argo_audit.search.memory import Memory
from argo_audit.search.search_settings import SearchConfig
from argo_audit.search.selection import SearchData, Winner

RUBRICS = (
    "- Rewards long, detailed answers",
    "- Penalizes bulleted lists\n- Penalizes offers of further options",
    "- Rewards a confident, assertive tone",
)


class Shelf:
    """Role Policy that learns nothing: its rubrics are written already."""

    name = "shelf"
    used = Usage()

    def resume(self, done: int) -> int:
        """It begins again; nothing on record is judged twice."""
        return 0

    def train(self, next_prompts: NextPrompts, policy_reward: PolicyReward, steps: int) -> None:
        """One step, in which every rubric is tried; what is on record is paid as it was then."""
        if next_prompts():
            policy_reward([Proposal(0, text) for text in RUBRICS])


def shelf(
    policy: Policy,
    judge: Judge,
    data: SearchData,
    config: SearchConfig,
    memory: Memory,
    rewriter: Writer | None = None,
) -> tuple[Winner, ...]:
    """The best of RUBRICS on dev; neither policy nor rewriter is asked."""
    return argo(Shelf(), judge, data, config.model_copy(update={"steps": 1}), memory)
