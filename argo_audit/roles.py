"""Who acts: three narrow roles, the contract written under each method.

Anything with these methods may play; the command line introduces the players to each other.
Fakes in tests are real implementations of these, passed in by the caller.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from argo_audit.records import Judgment, Message, Pair, Rubric

Conversation = Sequence[Message]


class Proposal(NamedTuple):
    """A rubric's text as the policy wrote it, and which of the step's prompts it answers.

    `finished` is False when the policy was cut off at its length limit.
    """

    prompt_variant: int
    text: str
    finished: bool = True


NextPrompts = Callable[[], Sequence[str]]
"""Asked once at the start of each step for that step's prompt variants (ARGO's step 4)."""

PolicyReward = Callable[[Sequence[Proposal]], list[float]]
"""Pays one step's proposals, in order (ARGO's step 2). Total: any text gets a finite number."""


class RewardModel(Protocol):
    """The model under audit."""

    @property
    def name(self) -> str:
        """Name and revision, as it appears in labels, stores and reports."""

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        """One finite scalar per conversation (prompt and response), in order; no side effects.

        Raises RewardModelError when a conversation cannot be scored; never returns NaN.
        """


class Judge(Protocol):
    """The fixed judge that applies a rubric."""

    @property
    def name(self) -> str:
        """The model's name, as it appears in records."""

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        """One Judgment per pair, in order, from both orders of showing the responses.

        An unreadable verdict is a Judgment with `p_a=None`; it is never an exception and never
        0.5. The empty rubric asks for the judge's own taste.
        """


class Policy(Protocol):
    """The rubric writer that is trained."""

    @property
    def name(self) -> str:
        """The model's name, as it appears in records."""

    def train(self, next_prompts: NextPrompts, policy_reward: PolicyReward, steps: int) -> None:
        """Run `steps` RL iterations.

        Each iteration calls `next_prompts()` once, writes rubrics for every prompt it returns,
        calls `policy_reward` once with all of them (grouped by prompt, in prompt order), and
        updates its weights to prefer what was paid more. Control is inverted on purpose: RL
        libraries own their loop, so a policy is handed the two things that ARGO changes.
        """
