"""What flows through argo-audit: frozen records that know nothing and are one JSON line each.

    >>> pair = Pair(id="p1", prompt=(Message(role="user", content="Hi"),),
    ...             response_a="Hello.", response_b="Hello! Great to meet you!")
    >>> Label(pair_id=pair.id, p_a=0.25, source="human").p_a
    0.25

Behaviour lives in the rooms above; they take records and return records. Probabilities are of
"response A is preferred" and lie in [0, 1]; `None` stands for "could not be measured" and is
never replaced by a number.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

VERSION = "0.1.0"
"""Of this package, in what it writes; `argo_audit.__version__` is the same."""

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Split = Literal["train", "dev", "held-out"]
FindingStatus = Literal["verified", "refuted", "inconclusive", "untested"]

HUMAN = "human"
"""The source of raw labels, those that people gave; any other is a reward model's name."""


def fingerprint(text: str, length: int = 12) -> str:
    """The first `length` hex digits of the SHA-256 of `text` (UTF-8; any text has one)."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


class Record(BaseModel):
    """Base of all records: frozen, no unknown fields, finite floats only."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Message(Record):
    """One turn of a conversation; `images` are URLs, data URIs or paths, shown after its text."""

    role: Literal["system", "user", "assistant"]
    content: str
    images: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """All that the turn shows, as one string."""
        return "\x1f".join((self.role, self.content, *self.images))


class Pair(Record):
    """A prompt and two responses; the letters carry no merit."""

    id: str = Field(min_length=1)
    prompt: tuple[Message, ...] = Field(min_length=1)
    response_a: str
    response_b: str
    population: str = ""
    slices: dict[str, str] = Field(default_factory=dict)

    @property
    def prompt_key(self) -> str:
        """Identifies the prompt's text: the cluster for splits and intervals."""
        return fingerprint("\x1e".join(message.key for message in self.prompt))

    def swapped(self) -> "Pair":
        """The same pair with the letters exchanged."""
        return self.model_copy(
            update={"response_a": self.response_b, "response_b": self.response_a}
        )

    def conversations(self) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
        """The prompt continued by response A, and by response B."""
        answers = (self.response_a, self.response_b)
        a, b = ((*self.prompt, Message(role="assistant", content=text)) for text in answers)
        return a, b


class Label(Record):
    """The target preference of one pair; a tie is 0.5.

    `source` names the reward model at its revision, or `human`. `rewards` are the reward model's
    scalars for (A, B) where they are known.
    """

    pair_id: str
    p_a: Probability
    source: str
    rewards: tuple[float, float] | None = None


class Rubric(Record):
    """A rubric is its text; the empty rubric is the judge's own taste, the baseline."""

    text: str

    @property
    def id(self) -> str:
        """First 12 hex digits of the text's SHA-256: same text, same rubric."""
        return fingerprint(self.text)


class Usage(Record):
    """What calls of a model took; tokens are what its provider counted, 0 where it counts none.

    `cached_tokens` are those of `input_tokens` that the provider took from a cache of prefixes.
    """

    calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0

    @classmethod
    def total(cls, usages: Iterable["Usage"]) -> "Usage":
        """The sum of all, field by field."""
        rows = [(u.calls, u.input_tokens, u.cached_tokens, u.output_tokens) for u in usages]
        sums = map(sum, zip(*rows, strict=True))
        return cls(**dict(zip(cls.model_fields, sums, strict=False)))

    def __add__(self, other: "Usage") -> "Usage":
        """The sum of both."""
        return Usage.total((self, other))

    def __sub__(self, earlier: "Usage") -> "Usage":
        """What was taken since `earlier`."""
        return Usage(
            calls=self.calls - earlier.calls,
            input_tokens=self.input_tokens - earlier.input_tokens,
            cached_tokens=self.cached_tokens - earlier.cached_tokens,
            output_tokens=self.output_tokens - earlier.output_tokens,
        )

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.input_tokens + self.output_tokens


Estimator = Literal["log-probabilities", "votes", "scores"]
"""How P(A) was read off a judge: from its verdict token, sampled verdicts, or its own scores."""


class Judgment(Record):
    """A judge's preference on one pair under one rubric, from both orders.

    `p_a_first` is P(A preferred) when A was shown first, `p_a_second` when A was shown second;
    `p_a` is their mean, or None when no verdict could be read in either order. `votes` is how many
    sampled replies gave one (0 for log-probabilities), `unread` how many replies gave none, of
    which `reply` is the first; `truncated` is how many of the texts shown were cut to a limit.
    """

    pair_id: str
    rubric_id: str
    p_a: Probability | None
    p_a_first: Probability | None
    p_a_second: Probability | None
    estimator: Estimator | None = None
    votes: int = 0
    unread: int = 0
    truncated: int = 0
    reply: str = ""
    usage: Usage = Usage()

    @property
    def flipped(self) -> bool | None:
        """Whether exchanging the order exchanges the verdict; None unless both were read."""
        if self.p_a_first is None or self.p_a_second is None:
            return None
        return (self.p_a_first - 0.5) * (self.p_a_second - 0.5) < 0


class Interval(Record):
    """A confidence interval and how it was estimated."""

    low: float
    high: float
    level: Probability = 0.95
    method: str


class Agreement(Record):
    """How well judgments match labels; higher accuracy is better, lower KL is better.

    `n` pairs were judged (of which `ties` have a label of exactly 0.5 and do not enter accuracy),
    `unparsed` pairs had no verdict and enter nothing but this count. KL, cross-entropy and Brier
    use the judge's probability after `temperature` (1 = as given) and clipping to
    [clip, 1 - clip]; `kl_raw` is the KL at temperature 1. Nats throughout. `prompts` is how many
    distinct prompts the intervals resample, 0 where there are none.
    """

    accuracy: float | None
    kl: float | None
    kl_raw: float | None
    cross_entropy: float | None
    brier: float | None
    n: int
    ties: int
    unparsed: int
    prompts: int
    position_flip_rate: float | None
    temperature: float
    clip: float
    accuracy_interval: Interval | None = None
    kl_interval: Interval | None = None


class PolicyPrompt(Record):
    """What the policy was shown for one variant of one step, and who wrote it.

    `author` is the model that rewrote it from the evidence, or "template".
    """

    run: str
    step: int
    variant: int
    text: str
    author: str = "template"


class Miss(Record):
    """A pair on which label and judge take opposite sides."""

    pair_id: str
    label_p_a: Probability
    judge_p_a: Probability


class Attempt(Record):
    """One rubric tried: the search's memory, appended as it happens.

    `prompt_variant` is which of the step's prompts it answered, `policy_reward` what the policy
    was paid, `train` the agreement on the step's minibatch, `empty_kl` what a judge that always
    says 0.5 would have as its KL there, `misses` the pairs it was most wrong on (furthest apart
    first), `usage` what judging it took (nothing for a text that the step had judged before).
    """

    run: str
    step: int
    prompt_variant: int
    rubric: Rubric
    train: Agreement
    policy_reward: float
    empty_kl: float | None = None
    misses: tuple[Miss, ...] = ()
    usage: Usage
    seconds: float

    @property
    def gain(self) -> float:
        """Nats that it was paid above what the empty rubric's KL is worth."""
        return (self.empty_kl or 0.0) + self.policy_reward


class Step(Record):
    """The end of a step: all of its `attempts` are on record.

    `policy` and `rewriter` are what writing the rubrics and the prompts took.
    """

    run: str
    step: int
    attempts: int
    policy: Usage = Usage()
    rewriter: Usage = Usage()


class Measurement(Record):
    """The agreement of one attempted rubric on dev or held-out pairs, against one label source.

    `usage` is what judging took, told with the first source only: the others took nothing more.
    """

    run: str
    rubric_id: str
    split: Split
    label_source: str
    agreement: Agreement
    usage: Usage = Usage()


class Run(Record):
    """One search; written before anything else, so that a dead run is still legible.

    `used` is what it took, by role and phase, known once it has ended; `resumed` is when it was
    taken up again after an interruption. `rm_fingerprint` pins what labelled: a reward model's own,
    or, of one that cannot say what pins it, made from its name and its rewards on the pairs; of
    other labels it is made from the labels.
    """

    id: str
    population: str
    label_source: str
    judge: str
    policy: str
    config: dict[str, Any]
    seed: int
    packages: dict[str, str]
    data_fingerprint: str
    rm_fingerprint: str
    started: datetime
    ended: datetime | None = None
    outcome: str = "running"
    used: dict[str, Usage] = Field(default_factory=dict)
    resumed: tuple[datetime, ...] = ()


class StoredRubric(Record):
    """A rubric in the store, with where it came from and how well it agrees.

    `parent` is the version it descends from (None for a first one); `label_source` is what it was
    trained on; dev agreement selected it, held-out agreement was measured once, afterwards.
    """

    version: int = Field(ge=1)
    rubric: Rubric
    reward_model: str
    label_source: str
    parent: int | None
    run: str
    judge: str
    created: datetime
    dev: Agreement
    held_out: Agreement | None


EvidenceMethod = Literal["probe", "slope"]


class Evidence(Record):
    """What a response that clearly has a feature is paid for it; below 0, what that costs it.

    A probe edits responses and asks the reward model; a slope compares pairs as they are. `effect`
    and `interval` are in spreads: the median difference between the rewards of a pair. `n` is how
    many edits were paid, or how many pairs differed in the feature, of `prompts` prompts. `p_value`
    is two-sided, of no effect; `q_value` is it adjusted for all features that were looked at.
    """

    method: EvidenceMethod
    effect: float
    interval: Interval
    p_value: Probability
    q_value: Probability | None = None
    n: int
    prompts: int


class Finding(Record):
    """One claim about the reward model: the criterion that makes it and what checks found.

    `claim` says it in words. `criterion` is the rubric's line as it was read and `line` its number,
    "" and 0 where no line says so; `feature` is "" where the line could not be read. `effect`,
    `interval` and `n` are those of the strongest kind of `evidence` there is, None and 0 without
    any; `reason` says why this status.
    """

    claim: str
    criterion: str
    line: int
    feature: str
    direction: Literal["rewards", "penalises"]
    effect: float | None
    interval: Interval | None
    n: int
    status: FindingStatus
    reason: str
    evidence: tuple[Evidence, ...] = ()

    @property
    def sign(self) -> int:
        """Of the effect that is claimed."""
        return 1 if self.direction == "rewards" else -1


class Check(Record):
    """One thing that a reward model was checked for before it was trusted.

    `measured` and `tolerance` are in rewards unless `detail` says otherwise; `detail` says why
    this tolerance, what failed, or why the check does not apply.
    """

    name: str
    outcome: Literal["pass", "fail", "not applicable"]
    measured: float | None = None
    tolerance: float | None = None
    detail: str


class Conformance(Record):
    """The checks of one reward model.

    `spread` is the median absolute difference between the two rewards of a probe pair, the scale
    of all tolerances; `pairs` were asked about, `max_length` is in tokens, None where unknown.
    `fingerprint` is the model's own; of one that cannot say what pins it, it is made from its name
    and its rewards on what was asked.
    """

    reward_model: str
    fingerprint: str
    pairs: int
    spread: float | None
    max_length: int | None
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.checks if check.outcome == "fail")
