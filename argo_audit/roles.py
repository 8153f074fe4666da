"""Who acts: narrow roles, the contract written under each method.

Anything with these methods may play, whoever wrote it: no room asks for more, and the built-in
players come in by the same doors (`kinds`). Fakes in tests are real implementations of these,
passed in by the caller. A judge, policy or writer is asked from one event loop at a time, and from
another one in each search and evaluation.

Below the roles stand abilities that a reward model may have: each is a Protocol of its own, and
what it makes possible is left out, and said to be, for a model without it.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from argo_audit.records import Judgment, Message, Pair, Rubric, Usage

if TYPE_CHECKING:  # `--help` loads no numpy
    import numpy as np
    from numpy.typing import NDArray

Conversation = Sequence[Message]


class Proposal(NamedTuple):
    """A rubric's text as the policy wrote it, and which of the step's prompts it answers.

    `finished` is False when the policy was cut off at its length limit.
    """

    prompt_variant: int
    text: str
    finished: bool = True


class Written(NamedTuple):
    """What a writer answered to one prompt; `finished` is False when it was cut off."""

    text: str
    finished: bool
    usage: Usage


class LineAnswers(NamedTuple):
    """What a judge answered about lines of rubrics, and what it took.

    `p_a` [pairs, lines, 2] is P(A shows more of the line), when A was shown first and second; both
    in terms of A, nan where nothing could be told or read. `saved` counts the calls that kept
    answers spared. `unread` is true where it was not read; without it each nan may be that.
    """

    p_a: "NDArray[np.float64]"
    asked: Usage
    saved: int = 0
    unread: "NDArray[np.bool_] | None" = None


NextPrompts = Callable[[], Sequence[str]]
"""Asked once at the start of each step for that step's prompt variants (ARGO's step 4).

No prompts at all: the search is over before its last step, and the policy returns.
"""

PolicyReward = Callable[[Sequence[Proposal]], list[float]]
"""Pays one step's proposals, in order (ARGO's step 2). Total: any text gets a finite number."""


@runtime_checkable
class Named(Protocol):
    """Whoever acts has a name."""

    @property
    def name(self) -> str:
        """As it appears in records."""


@runtime_checkable
class RewardModel(Protocol):
    """The model under audit: any object with a name and `reward`, and nothing else."""

    @property
    def name(self) -> str:
        """Name and revision, as it appears in labels, stores and reports."""

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        """One finite scalar per conversation (prompt and response), in order; no side effects.

        Raises RewardModelError when a conversation cannot be scored; never returns NaN.
        """


@runtime_checkable
class Judge(Protocol):
    """The fixed judge that applies a rubric: any object with a name and an async `judge`."""

    @property
    def name(self) -> str:
        """The model's name, as it appears in records."""

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        """One Judgment per pair, in order, from both orders of showing the responses.

        An unreadable verdict, be it in one order alone, is a Judgment with `p_a=None`; it is never
        an exception and never 0.5. The empty rubric asks for the judge's own taste.
        """


@runtime_checkable
class LineJudge(Protocol):
    """A judge that is asked about lines of a rubric, each apart from its sign and weight."""

    @property
    def name(self) -> str:
        """The model's name, as it appears in records."""

    async def line_answers(self, lines: Sequence[str], pairs: Sequence[Pair]) -> LineAnswers:
        """Which response of each pair shows more of each line; `lines` are criteria as written.

        What cannot be told or read is nan; it is never an exception and never 0.5.
        """


@runtime_checkable
class Policy(Protocol):
    """The rubric writer that is trained: it proposes rubrics, and learns from what each is paid."""

    @property
    def name(self) -> str:
        """The model's name, as it appears in records."""

    @property
    def used(self) -> Usage:
        """What its own model has taken since it was made: rollouts are calls."""

    def train(self, next_prompts: NextPrompts, policy_reward: PolicyReward, steps: int) -> None:
        """Run the RL iterations up to `steps`, from the first or from where `resume` said.

        Each iteration calls `next_prompts()` once, writes rubrics for every prompt it returns,
        calls `policy_reward` once with all of them (grouped by prompt, in prompt order), and
        updates its weights to prefer what was paid more. Control is inverted on purpose: RL
        libraries own their loop, so a policy is handed the two things that ARGO changes.
        """

    def resume(self, done: int) -> int:
        """Go on from an interrupted `train`; returns the step that `train` will begin with.

        `done` steps are on record. A policy whose state is older begins earlier, never later; the
        steps up to `done` are then replayed, and what they proposed is paid what is on record.
        """


@runtime_checkable
class Writer(Protocol):
    """A model that answers prompts and does not learn: it writes rubrics, or policy prompts."""

    @property
    def name(self) -> str:
        """The model's name, as it appears in records."""

    async def write(self, prompts: Sequence[str], seed: int) -> list[Written]:
        """One answer per prompt, in order; the same seed asks for the same answers again."""


@runtime_checkable
class Fingerprinted(Protocol):
    """Ability of a reward model: to say what pins it.

    One without it is pinned by its name and its rewards on the pairs.
    """

    def fingerprint(self) -> str:
        """64 hex digits that change with whatever could change a reward."""


@runtime_checkable
class Counting(Protocol):
    """Ability of a reward model: to count what it has read, and what of it was cut."""

    @property
    def read(self) -> int:
        """Conversations so far."""

    @property
    def truncated(self) -> int:
        """Those of them that were too long: what was paid is another, shorter conversation."""


@runtime_checkable
class Uncounted(Protocol):
    """Ability of a reward model: to be asked, as in checks, without it counting."""

    def uncounted(self, max_length: int | None = None) -> RewardModel:
        """The same model with counters of its own, perhaps with another longest length (tokens)."""


@runtime_checkable
class Recorded(Protocol):
    """Ability of a reward model: it is a record of rewards, and computes none.

    So there is nothing in it to check, and it has no reward of a text that nobody has scored.
    """

    @property
    def recorded(self) -> int:
        """How many conversations have a reward."""


@runtime_checkable
class Activated(Protocol):
    """Ability of a reward model: to pass its output through the activation of its checkpoint."""

    def activated(self, conversations: Sequence[Conversation]) -> list[float]:
        """One number per conversation, in order, where `reward` gives the raw output."""


@runtime_checkable
class Typed(Protocol):
    """Ability of a reward model: to say in which type it computes."""

    @property
    def dtype(self) -> str:
        """Such as "float32"; 16-bit arithmetic is checked with more tolerance."""
