"""The solvers: they ask the judge about one pair under named rubrics, and apply trivial rules.

    solver=[judge_pair({"rubric": text, "no rubric": ""}, settings), apply_rules(["longest"])]

The judge is made by `judges.opening`, like the one inside a search, so a number in an eval log and
a number in a search mean the same. What is said of a pair gathers in the sample's
store as Judgments by name, whoever said it: the judge under a rubric, the same judge without one
(its own taste), or a rule that knows nothing of either (`RULES`; no call). A rubric is worth its
words when it beats both.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from inspect_ai.dataset import Sample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    Content,
    ContentImage,
    ContentText,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver
from pydantic import Field, JsonValue

from argo_audit.judges.judge_settings import TaskJudge
from argo_audit.judges.judged import judgments_of
from argo_audit.judges.opening import ROLE, seated
from argo_audit.records import Judgment, Message, Pair, Probability, Record, Rubric
from argo_audit.surface.contrast import prefers_more

JUDGMENTS = "judgments"
"""Key in a sample's store: Judgments by name; missing when the sample failed."""

_MESSAGE = "message"
RUBRIC = "rubric"
NO_RUBRIC = "no rubric"
LONGEST_RESPONSE = "longest response"
SHORTEST_RESPONSE = "shortest response"
FIRST_RESPONSE = "first response"
MORE_LISTS = "more list items"

_MESSAGES = {
    "system": ChatMessageSystem,
    "user": ChatMessageUser,
    "assistant": ChatMessageAssistant,
}


class PairMetadata(Record):
    """A sample's metadata: what a pair has beside id and prompt, and P(A) by label source.

    Flat, because Inspect copies a sample's metadata once per score and metric.
    """

    prompt_key: str
    population: str
    slices: dict[str, str]
    response_a: str
    response_b: str
    labels: dict[str, Probability]
    turns_a: tuple[Message, ...] = Field(default=(), exclude_if=lambda turns: not turns)
    turns_b: tuple[Message, ...] = Field(default=(), exclude_if=lambda turns: not turns)


def sample_of(pair: Pair, labels: dict[str, Probability]) -> Sample:
    """The Inspect sample of a pair and its labels by source; its input is the prompt."""
    metadata = PairMetadata(
        prompt_key=pair.prompt_key,
        population=pair.population,
        slices=pair.slices,
        response_a=pair.response_a,
        response_b=pair.response_b,
        labels=labels,
        turns_a=pair.turns_a,
        turns_b=pair.turns_b,
    )
    return Sample(
        id=pair.id,
        input=messages_of(pair.prompt),
        target=[f"{source}: {p_a:g}" for source, p_a in labels.items()],
        metadata=metadata.model_dump(mode="json"),
    )


@solver
def judge_pair(
    rubrics: dict[str, str],
    settings: dict[str, Any],
    role: str = ROLE,
    rules: Sequence[str] = (),
) -> Solver:
    """Judge a sample's pair in both orders under each rubric, and keep the judgments by its name.

    The judge is the one that the settings name, the model with that role (several: copies of one),
    or the model of the evaluation. `settings` are a TaskJudge; each epoch takes a seed of its own.
    `rules` are kept beside, as by `apply_rules`: a step of its own costs as much as a call that is
    answered at once.
    """
    given = TaskJudge.model_validate(settings)
    asked = {name: Rubric(text=text) for name, text in rubrics.items()}

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        seed = given.seed + state.epoch - 1
        judge = seated(given.model_copy(update={"seed": seed}), role)
        pair = pair_of(state)
        # one rubric after the other: the later ones find the pair in the judge's cache
        said = {name: (await judgments_of(judge, text, [pair]))[0] for name, text in asked.items()}
        keep(state, said | _by_rules(pair, rules))
        return state

    return solve


@solver
def apply_rules(names: Sequence[str]) -> Solver:
    """Keep the judgments of the rules of these names."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        keep(state, _by_rules(pair_of(state), names))
        return state

    return solve


@solver
def always(name: str, p_a: float) -> Solver:
    """Keep, by that name, the judgment that does not look at the pair."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        keep(state, {name: by_rule(pair_of(state), name, p_a)})
        return state

    return solve


@solver
def apply_labels(sources: Sequence[str]) -> Solver:
    """Keep the labels of these sources as judgments, by the source's name, where there are any.

    So a reward model is held to raw labels as a judge is.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        pair, labels = pair_of(state), PairMetadata.model_validate(state.metadata).labels
        keep(state, {s: by_rule(pair, s, labels[s]) for s in sources if s in labels})
        return state

    return solve


def keep(state: TaskState, judgments: Mapping[str, Judgment]) -> None:
    """Add judgments by name to what the sample holds."""
    kept = {name: _as_kept(judgment) for name, judgment in judgments.items()}
    state.store.set(JUDGMENTS, {**state.store.get(JUDGMENTS, {}), **kept})


def by_rule(pair: Pair, name: str, p_a: float) -> Judgment:
    """The judgment of somebody who does not see an order: a rule, or a reward model."""
    return Judgment(pair_id=pair.id, rubric_id=name, p_a=p_a, p_a_first=p_a, p_a_second=p_a)


def _by_rules(pair: Pair, names: Sequence[str]) -> dict[str, Judgment]:
    return {name: by_rule(pair, name, RULES[name](pair)) for name in names}


def _more(measure: Callable[[str], float]) -> Callable[[Pair], float]:
    """The rule that prefers the response with more of something; 0.5 where both have as much."""

    def prefer(pair: Pair) -> float:
        return float(prefers_more(measure(pair.response_a), measure(pair.response_b)))

    return prefer


def _list_items(text: str) -> float:
    return len(_LIST_ITEM.findall(text))


_LIST_ITEM = re.compile(r"^[ \t]*(?:[-*+\u2022]|\d{1,3}[.)])[ \t]", re.MULTILINE)

RULES: Mapping[str, Callable[[Pair], float]] = {
    LONGEST_RESPONSE: _more(len),
    SHORTEST_RESPONSE: _more(lambda text: -len(text)),
    FIRST_RESPONSE: lambda pair: 1.0,
    MORE_LISTS: _more(_list_items),
}
"""P(A) of a pair by the name of the rule: more characters, fewer, shown as A, more list items."""


def prefer_longest(pair: Pair) -> Judgment:
    """The judgment of "prefer the response with more characters"; 0.5 for equal lengths."""
    return by_rule(pair, LONGEST_RESPONSE, RULES[LONGEST_RESPONSE](pair))


def _content(message: Message) -> str | list[Content]:
    if not message.images:
        return message.text
    return [
        ContentText(text=message.text),
        *(ContentImage(image=image) for image in message.images),
    ]


def _images(turn: ChatMessage) -> list[str]:
    parts = [] if isinstance(turn.content, str) else turn.content
    return [part.image for part in parts if isinstance(part, ContentImage)]


def pair_of(state: TaskState) -> Pair:
    """The pair that a sample is made from."""
    known = PairMetadata.model_validate(state.metadata)
    fields = known.model_dump(exclude={"prompt_key", "labels"})
    return Pair.model_validate({"id": str(state.sample_id), "prompt": prompt_of(state), **fields})


def messages_of(prompt: Sequence[Message]) -> list[ChatMessage]:
    """A prompt as the input of a sample."""
    return [_chat_message(message) for message in prompt]


def _chat_message(message: Message) -> ChatMessage:
    """A turn as Inspect has it; one with tools keeps beside what it is here."""
    tooled = bool(message.tool_calls or message.tools or message.role == "tool")
    kept = {_MESSAGE: message.model_dump(mode="json")} if tooled else None
    if message.role == "tool":
        return ChatMessageTool(content=message.content, function=message.name, metadata=kept)
    turn: ChatMessage = _MESSAGES[message.role](content=_content(message), metadata=kept)
    return turn


def prompt_of(state: TaskState) -> list[dict[str, Any]]:
    """The prompt that a sample is made from: the fields of each Message."""
    turns = [] if isinstance(state.input, str) else state.input
    return [_fields(turn) for turn in turns]


def _fields(turn: ChatMessage) -> dict[str, Any]:
    kept = (turn.metadata or {}).get(_MESSAGE)
    if isinstance(kept, dict):
        return kept
    return {"role": turn.role, "content": turn.text, "images": _images(turn)}


def _as_kept(judgment: Judgment) -> dict[str, JsonValue]:
    """Without the reply where it was read: every reply is in the sample's model events."""
    return judgment.model_dump(mode="json", exclude={"reply"} if judgment.p_a is not None else None)
