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
import json
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from argo_audit.errors import of_record

VERSION = "0.1.0"
"""Of this package, in what it writes; `argo_audit.__version__` is the same."""

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0, le=2**53)]
"""How many, or the how manieth: as much as a float holds exactly, so that arithmetic never ends."""
Split = Literal["train", "dev", "held-out"]
FindingStatus = Literal["verified", "refuted", "inconclusive", "untested"]
CLIP = 1e-3
"""Judged probabilities are clipped to [CLIP, 1 - CLIP], so that no KL is infinite."""

HUMAN = "human"
"""The source of raw labels, those that people gave; any other is a reward model's name."""


PLANTED = "planted"
"""The source of the labels that an organism's planted preferences give."""


def fingerprint(text: str, length: int = 12) -> str:
    """The first `length` hex digits of the SHA-256 of `text` (UTF-8; any text has one)."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def _empty(value: object) -> bool:
    """What is not written: fields that came later leave records without them as they were."""
    return not value


class Record(BaseModel):
    """Base of all records: frozen, no unknown fields, finite floats only."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    if not TYPE_CHECKING:  # or a checker would take any argument for a field

        def __init__(self, /, **given: Any) -> None:
            """Made in Python; raises RecordError, which says what is wrong in plain words."""
            try:
                super().__init__(**given)
            except ValidationError as error:
                raise of_record(error, type(self)) from error

        # as pydantic's own: a record that is read from JSON is not made by it
        __init__.__pydantic_base_init__ = True


class Settings(Record):
    """Base of what a user may set.

    The docstring under a field is its help: on the command line, in docs/options.md and in Python.
    """

    model_config = ConfigDict(use_attribute_docstrings=True)


class ToolCall(Record):
    """One call of a tool."""

    name: str
    """The tool's."""
    arguments: str = "{}"
    """What it is called with, as JSON text."""
    id: str = Field(default="", exclude_if=_empty)
    """By which the turn of the tool names the call."""

    @property
    def decoded(self) -> object:
        """The arguments as an object; the text itself where it is no JSON."""
        try:
            return json.loads(self.arguments)
        except (ValueError, RecursionError):
            return self.arguments

    @property
    def plain(self) -> str:
        """The arguments as JSON without escapes that hide what a text says; else as they are."""
        try:
            return json.dumps(json.loads(self.arguments), ensure_ascii=False)
        except (ValueError, RecursionError):
            return self.arguments


class Message(Record):
    """One turn of a conversation: who speaks, what is said, and what is shown with it."""

    role: Literal["system", "user", "assistant", "tool"]
    """Who speaks; a tool says what came of a call."""
    content: str
    """The text."""
    images: tuple[str, ...] = ()
    """URLs, data URIs or paths, shown after the text."""
    tool_calls: tuple[ToolCall, ...] = Field(default=(), exclude_if=_empty)
    """The tools that the assistant calls in this turn."""
    tool_call_id: str = Field(default="", exclude_if=_empty)
    """The call that a turn of a tool answers, where calls have ids."""
    name: str = Field(default="", exclude_if=_empty)
    """The tool that speaks."""
    tools: str = Field(default="", exclude_if=_empty)
    """In the first turn: a JSON list that defines the tools that are at hand."""

    @property
    def key(self) -> str:
        """All that the turn shows, as one string."""
        calls = (f"{call.name}({call.plain}) {call.id}" for call in self.tool_calls)
        said = (("call", *calls), ("of", self.tool_call_id, self.name), ("tools", self.tools))
        tooled = (f"\x1d{kind}\x1d" + "\x1d".join(of) for kind, *of in said if any(of))
        return "\x1f".join((self.role, self.content, *self.images, *tooled))

    @property
    def text(self) -> str:
        """What the turn says, each call of a tool on a line of its own: `[call name {...}]`."""
        calls = (f"[call {call.name} {call.plain}]" for call in self.tool_calls)
        return "\n".join((*([self.content] if self.content else []), *calls))


class Pair(Record):
    """A prompt and two responses; the letters carry no merit.

    A response that is more than one text, because it calls tools, has its turns in `turns_a` or
    `turns_b`; `response_a` is then what they say, as one text.
    """

    id: str = Field(min_length=1)
    """Distinct within a file."""
    prompt: tuple[Message, ...] = Field(min_length=1)
    """The conversation so far; its last turn asks."""
    response_a: str
    """The answer shown under the letter A."""
    response_b: str
    """The answer shown under the letter B."""
    population: str = ""
    """Whose prompts these are; "" where nobody said."""
    slices: dict[str, str] = Field(default_factory=dict)
    """Names by kind (language, topic, …), for numbers over parts of the pairs."""
    turns_a: tuple[Message, ...] = Field(default=(), exclude_if=_empty)
    """The turns of response A, where it is more than a text because it calls tools."""
    turns_b: tuple[Message, ...] = Field(default=(), exclude_if=_empty)
    """Likewise of response B."""

    @property
    def prompt_key(self) -> str:
        """Identifies the prompt's text: the cluster for splits and intervals."""
        return fingerprint("\x1e".join(message.key for message in self.prompt))

    def swapped(self) -> "Pair":
        """The same pair with the letters exchanged."""
        exchanged = {
            "response_a": self.response_b,
            "response_b": self.response_a,
            "turns_a": self.turns_b,
            "turns_b": self.turns_a,
        }
        return self.model_copy(update=exchanged)

    def conversations(self) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
        """The prompt continued by response A, and by response B."""
        responses = ((self.response_a, self.turns_a), (self.response_b, self.turns_b))
        a, b = ((*self.prompt, *(turns or _said(text))) for text, turns in responses)
        return a, b


def _said(text: str) -> tuple[Message, ...]:
    return (Message(role="assistant", content=text),)


class Label(Record):
    """The target preference of one pair: P(A preferred), and whose it is; a tie is 0.5."""

    pair_id: str
    """The pair's `id`."""
    p_a: Probability
    """P(A preferred); a tie is 0.5."""
    source: str
    """The reward model at its revision, or `human`."""
    rewards: tuple[float, float] | None = None
    """The reward model's scalars for (A, B), where they are known."""


class Rubric(Record):
    """A rubric is its text; the empty rubric is the judge's own taste, the baseline."""

    text: str
    """Markdown or any other text; no format is asked for."""

    @property
    def id(self) -> str:
        """First 12 hex digits of the text's SHA-256: same text, same rubric."""
        return fingerprint(self.text)


class Usage(Record):
    """What calls of a model took; tokens are what its provider counted, 0 where it counts none."""

    calls: Count = 0
    """Answers that were asked for."""
    input_tokens: Count = 0
    """Tokens read, cached ones among them."""
    cached_tokens: Count = 0
    """Those of `input_tokens` that the provider took from a cache of prefixes."""
    output_tokens: Count = 0
    """Tokens written."""
    cut_off: Count = Field(default=0, exclude_if=_empty)
    """Calls whose reply was cut at a limit of tokens: it is not read."""
    empty: Count = Field(default=0, exclude_if=_empty)
    """Calls whose reply had no text, such as reasoning alone."""
    formless: Count = Field(default=0, exclude_if=_empty)
    """Calls whose reply was whole and gave no verdict."""
    refused: Count = Field(default=0, exclude_if=_empty)
    """Calls that the provider refused, or stopped by its filter: they are not asked again."""
    failed: Count = Field(default=0, exclude_if=_empty)
    """Calls that failed, all of their repetitions too."""
    repeated: Count = Field(default=0, exclude_if=_empty)
    """Requests beyond the first of a call, where one failed that may do so."""
    saved: Count = Field(default=0, exclude_if=_empty)
    """Calls that were not made, since their answers were kept."""
    replayed: Count = Field(default=0, exclude_if=_empty)
    """Of those, calls whose whole reply Inspect's cache gave again."""

    @classmethod
    def total(cls, usages: Iterable["Usage"]) -> "Usage":
        """The sum of all, field by field."""
        sums = map(sum, zip(*map(_counts, usages), strict=True))
        return cls(**dict(zip(cls.model_fields, sums, strict=False)))

    def __add__(self, other: "Usage") -> "Usage":
        """The sum of both."""
        return Usage.total((self, other))

    def __sub__(self, earlier: "Usage") -> "Usage":
        """What was taken since `earlier`."""
        taken = (now - then for now, then in zip(_counts(self), _counts(earlier), strict=True))
        return Usage(**dict(zip(Usage.model_fields, taken, strict=True)))

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.input_tokens + self.output_tokens

    @property
    def lost(self) -> dict[str, int]:
        """Calls that gave nothing, by cause in words; without those that happened to none."""
        counts = (
            (self.cut_off, "cut off at the limit of tokens"),
            (self.empty, "without any text"),
            (self.formless, "without a verdict"),
            (self.refused, "refused by the provider"),
            (self.failed, "failed"),
        )
        return {cause: count for count, cause in counts if count}


def _counts(usage: Usage) -> tuple[int, ...]:
    """All fields in order."""
    return tuple(vars(usage).values())


Estimator = Literal["lines", "log-probabilities", "votes", "scores"]
"""How P(A) was read off a judge: summed over the rubric's lines, or for the whole rubric from its
verdict token, sampled verdicts, or its own scores."""


class Judgment(Record):
    """A judge's preference on one pair under one rubric, from both orders.

    Where one order alone was read there is no `p_a`: it would hold what the place of an answer does
    to the judge. What was read of the order is kept.
    """

    pair_id: str
    """The pair's `id`."""
    rubric_id: str
    """The rubric's `id`, or the name of a rule or source that judged without one."""
    p_a: Probability | None
    """Mean of both orders; None unless a verdict could be read in each."""
    p_a_first: Probability | None
    """P(A preferred) when A was shown first."""
    p_a_second: Probability | None
    """P(A preferred) when A was shown second."""
    estimator: Estimator | None = None
    """How the probabilities were read off the judge."""
    votes: Count = 0
    """How many sampled replies gave a verdict; 0 for log-probabilities."""
    unread: Count = 0
    """How many replies gave none."""
    truncated: Count = 0
    """How many of the texts shown were cut to a limit."""
    reply: str = ""
    """The first that gave no verdict, else the first; of the surface judge, how much it read."""
    usage: Usage = Usage()
    """What judging took."""

    @model_validator(mode="before")
    @classmethod
    def _of_both_orders(cls, given: Any) -> Any:
        """Also of what was written when one order was enough, and of anybody's judge."""
        if isinstance(given, dict) and given.get("p_a") is not None:
            orders = given.get("p_a_first"), given.get("p_a_second")
            if orders.count(None) == 1:
                return given | {"p_a": None}
        return given

    @property
    def is_incomplete(self) -> bool:
        """Whether an order, or some votes of it, could not be read, and others could."""
        read = (self.p_a_first, self.p_a_second).count(None) < 2
        return read and (self.p_a is None or self.unread > 0)

    @property
    def flipped(self) -> bool | None:
        """Whether exchanging the order exchanges the verdict; None unless both were read."""
        if self.p_a_first is None or self.p_a_second is None:
            return None
        return (self.p_a_first - 0.5) * (self.p_a_second - 0.5) < 0


class Interval(Record):
    """A confidence interval and how it was estimated."""

    low: float
    """Lower limit."""
    high: float
    """Upper limit."""
    level: Probability = 0.95
    """Coverage that is meant."""
    method: str
    """How it was estimated, in words."""


class Agreement(Record):
    """How well judgments match labels. Nats throughout.

    KL, cross-entropy and Brier use the judge's probability after `temperature` and clipping.
    """

    accuracy: float | None
    """Share of sided labels that the judge agrees with, 0.5 of each at P(A) = 0.5; higher is
    better."""
    kl: float | None
    """Mean KL(label || judge); lower is better."""
    kl_raw: float | None
    """The KL at temperature 1."""
    cross_entropy: float | None
    """Mean cross-entropy; the KL and the labels' own entropy."""
    brier: float | None
    """Mean squared difference of the probabilities."""
    n: Count
    """Pairs that were judged, and their verdicts read."""
    ties: Count
    """Those of them with a label of exactly 0.5, which do not enter accuracy."""
    unparsed: Count
    """Pairs without a verdict in both orders, which enter nothing but this count."""
    incomplete: Count = Field(default=0, exclude_if=_empty)
    """Pairs of which an order or some votes could not be read; without an order they are among
    `unparsed`."""
    prompts: Count
    """How many distinct prompts the intervals resample; 0 where there are none."""
    position_flip_rate: float | None
    """Share of pairs, read in both orders, whose verdict follows the order."""
    temperature: float
    """What the judge's log-odds are divided by; 1 is as given."""
    clip: float
    """Probabilities are clipped to [clip, 1 - clip]."""
    accuracy_interval: Interval | None = None
    """Over prompts."""
    kl_interval: Interval | None = None
    """Over prompts."""


class PolicyPrompt(Record):
    """What the policy was shown for one variant of one step, and who wrote it."""

    run: str
    """The search's `Run.id`."""
    step: Count
    """RL iteration, from 0."""
    variant: Count
    """Which of the step's prompts, from 0."""
    text: str
    """The prompt."""
    author: str = "template"
    """The model that rewrote it from the evidence, or "template"."""


class Miss(Record):
    """A pair on which label and judge take opposite sides."""

    pair_id: str
    """The pair's `id`."""
    label_p_a: Probability
    """P(A preferred) by the label."""
    judge_p_a: Probability
    """P(A preferred) by the judge."""
    reasons: str = Field(default="", exclude_if=_empty)
    """What the judge said when A was shown first, where it is kept; of a long text both ends."""


class Attempt(Record):
    """One rubric tried: the search's memory, appended as it happens."""

    run: str
    """The search's `Run.id`."""
    step: Count
    """RL iteration, from 0."""
    prompt_variant: Count
    """Which of the step's prompts it answered."""
    rubric: Rubric
    """What the policy wrote."""
    train: Agreement
    """Agreement on the step's minibatch."""
    policy_reward: float
    """What the policy was paid, in nats."""
    empty_kl: float | None = None
    """The KL there of a judge that always says 0.5; None in records that lack it."""
    misses: tuple[Miss, ...] = ()
    """The pairs it was most wrong on, furthest apart first."""
    scores: tuple[float, ...] = Field(default=(), exclude_if=_empty)
    """How right it was on each pair, where a search goes by that; in the order of being asked."""
    usage: Usage
    """What judging it took: nothing for a text that the step had judged before."""
    seconds: float
    """Wall time of judging, shared out evenly over the step."""

    @property
    def gain(self) -> float:
        """Nats that it was paid above what the empty rubric's KL is worth."""
        return (self.empty_kl or 0.0) + self.policy_reward


class WeighedLine(Record):
    """A line of a rubric, and what a regression of the labels on the judge's answers says of it."""

    text: str
    """What a response shows more or less of, without a sign."""
    name: str = Field(default="", exclude_if=_empty)
    """What whoever proposed it called it."""
    weight: float = 0.0
    """Log-odds of the label for each of the answer's; 0 where the line was left out."""
    stability: Probability = 0.0
    """Share of resamples of the prompts in which it had this sign."""
    z: float = 0.0
    """What it says beside the other lines, in standard errors over prompts."""


class Weighing(Record):
    """Lines that were asked on the same pairs, and what they weigh together."""

    run: str
    """The search's `Run.id`."""
    step: Count
    """Round, from 0."""
    pairs: Count
    """On how many pairs they were asked."""
    lines: tuple[WeighedLine, ...]
    """All that were asked on these pairs."""
    rubric: str = ""
    """What is written of them, as long as nothing else is asked; "" where no line says anything."""
    usage: Usage = Usage()
    """What asking took."""
    saved: Count = Field(default=0, exclude_if=_empty)
    """Calls that kept answers spared."""


class Step(Record):
    """The end of a step: all of its attempts are on record."""

    run: str
    """The search's `Run.id`."""
    step: Count
    """RL iteration, from 0."""
    attempts: Count
    """How many the step has."""
    policy: Usage = Usage()
    """What writing the rubrics took."""
    rewriter: Usage = Usage()
    """What rewriting the prompts took."""


class Measurement(Record):
    """The agreement of one attempted rubric on dev or held-out pairs, against one label source."""

    run: str
    """The search's `Run.id`."""
    rubric_id: str
    """The rubric's `id`."""
    split: Split
    """On which pairs."""
    label_source: str
    """Against whose labels."""
    agreement: Agreement
    """How well the judge with the rubric matches them."""
    usage: Usage = Usage()
    """What judging took, told with the first source only: the others took nothing more."""


class Run(Record):
    """One search; written before anything else, so that a dead run is still legible."""

    id: str
    """Made from its population, its label source and all that was asked for."""
    population: str
    """Whose prompts the pairs are."""
    label_source: str
    """What the policy was paid for agreeing with."""
    judge: str
    """The judge's name."""
    policy: str
    """The policy's name."""
    config: dict[str, Any]
    """What was asked for, resolved."""
    seed: int
    """Of every random choice."""
    packages: dict[str, str]
    """Versions of the packages that numbers depend on."""
    data_fingerprint: str
    """Of the pairs and their labels in the file."""
    rm_fingerprint: str
    """Pins what labelled: a reward model's own, or, of one that cannot say what pins it, made from
    its name and its rewards on the pairs; of other labels it is made from the labels."""
    started: datetime
    """When it began, the first time."""
    ended: datetime | None = None
    """None while it runs."""
    outcome: str = "running"
    """How it ended: "completed", or why it stopped; "running" until then."""
    used: dict[str, Usage] = Field(default_factory=dict)
    """What it took, by role and phase; known once it has ended."""
    resumed: tuple[datetime, ...] = ()
    """When it was taken up again after an interruption."""


class StoredRubric(Record):
    """A rubric in the store, with where it came from and how well it agrees."""

    version: int = Field(ge=1, le=2**53)
    """Its number among those of its reward model, from 1."""
    rubric: Rubric
    """The text, with its `id`."""
    reward_model: str
    """Whose preferences it describes."""
    label_source: str
    """What it was trained on."""
    parent: Count | None
    """The version it descends from; None for a first one."""
    run: str
    """The search that found it: its `Run.id`."""
    judge: str
    """The judge it was trained with."""
    created: datetime
    """When it was stored."""
    dev: Agreement
    """The agreement that selected it."""
    held_out: Agreement | None
    """Measured once, afterwards; None where it was not."""


EvidenceMethod = Literal["probe", "slope"]


class Evidence(Record):
    """What a response that clearly has a feature is paid for it; below 0, what that costs it.

    In spreads: the median difference between the rewards of a pair.
    """

    method: EvidenceMethod
    """A probe edits responses and asks the reward model; a slope compares pairs as they are."""
    effect: float
    """In spreads."""
    interval: Interval
    """Of the effect, in spreads."""
    p_value: Probability
    """Two-sided, of no effect."""
    q_value: Probability | None = None
    """The p-value adjusted for all features that were looked at."""
    n: Count
    """How many edits were paid, or how many pairs differed in the feature."""
    prompts: Count
    """Of how many prompts."""


class Finding(Record):
    """One claim about the reward model: the criterion that makes it and what checks found."""

    claim: str
    """In words: the direction, and the name of the feature."""
    criterion: str
    """The rubric's line as it was read; "" where no line says so."""
    line: int
    """The line's number in the rubric, from 1; 0 where no line says so."""
    feature: str
    """Id of the feature; "" where the line could not be read."""
    direction: Literal["rewards", "penalises"]
    """Whether the reward model is said to pay for the feature or to charge for it."""
    effect: float | None
    """That of the strongest kind of evidence there is, in spreads; None without any."""
    interval: Interval | None
    """Of that effect."""
    n: Count
    """What that effect rests on; 0 without any."""
    status: FindingStatus
    """What follows from all evidence."""
    reason: str
    """Why this status."""
    evidence: tuple[Evidence, ...] = ()
    """One of each kind of check that could be made, the strongest first."""

    @property
    def sign(self) -> int:
        """Of the effect that is claimed."""
        return 1 if self.direction == "rewards" else -1


class Check(Record):
    """One thing that a reward model was checked for before it was trusted."""

    name: str
    """What was looked at."""
    outcome: Literal["pass", "fail", "not checked", "not applicable"]
    """What the check says; what is "not checked" could be wrong and could not be looked at."""
    measured: float | None = None
    """In rewards, unless `detail` says otherwise."""
    tolerance: float | None = None
    """In rewards, unless `detail` says otherwise."""
    detail: str
    """Why this tolerance, what failed, or why the check does not apply."""
    remedy: str = Field(default="", exclude_if=_empty)
    """What would let a check look that could not; "" where nothing does for this kind of model."""


class Conformance(Record):
    """The checks of one reward model."""

    reward_model: str
    """Its name, at its revision."""
    fingerprint: str
    """The model's own; of one that cannot say what pins it, made from its name and its rewards on
    what was asked."""
    pairs: Count
    """How many pairs it was asked about."""
    spread: float | None
    """Median absolute difference between the two rewards of a probe pair, the scale of all
    tolerances."""
    max_length: Count | None
    """In tokens; None where unknown."""
    checks: tuple[Check, ...]
    """All that were made, those that do not apply included."""
    temperature: float | None = None
    """That of the labels that were made after; None where rewards were taken as they stand."""

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.checks if check.outcome == "fail")

    @property
    def unchecked(self) -> tuple[Check, ...]:
        """The checks that could not look."""
        return tuple(check for check in self.checks if check.outcome == "not checked")

    @property
    def missed(self) -> tuple[Check, ...]:
        """The checks that could not look, and could have: who asks has to give what they need."""
        return tuple(check for check in self.unchecked if check.remedy)
