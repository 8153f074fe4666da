"""The solver: it asks the judge about one pair, with the rubric and, beside it, the baselines.

It goes through `InspectJudge`, the same code that judges inside a search, so a number in an eval
log and a number in a search mean the same. Beside the rubric's judgment stand those of two rules
that know nothing of it: the same judge without a rubric (its own taste; twice the calls) and
"prefer the longer response" (no call). A rubric is worth its words when it beats both.
"""

from typing import Any

from inspect_ai.dataset import Sample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    Content,
    ContentImage,
    ContentText,
    Model,
    get_model,
    model_roles,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver
from pydantic import JsonValue

from argo_audit.judges.inspect_judge import InspectJudge
from argo_audit.judges.settings import JudgeSettings
from argo_audit.records import Judgment, Message, Pair, Probability, Record, Rubric

JUDGMENTS = "judgments"
"""Key in a sample's store: Judgments by one of the names below; missing when the sample failed."""

RUBRIC = "rubric"
NO_RUBRIC = "no rubric"
LONGEST_RESPONSE = "longest response"

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


def sample_of(pair: Pair, labels: dict[str, Probability]) -> Sample:
    """The Inspect sample of a pair and its labels by source; its input is the prompt."""
    metadata = PairMetadata(
        prompt_key=pair.prompt_key,
        population=pair.population,
        slices=pair.slices,
        response_a=pair.response_a,
        response_b=pair.response_b,
        labels=labels,
    )
    return Sample(
        id=pair.id,
        input=[_MESSAGES[message.role](content=_content(message)) for message in pair.prompt],
        target=[f"{source}: {p_a:g}" for source, p_a in labels.items()],
        metadata=metadata.model_dump(mode="json"),
    )


@solver
def judge_pair(rubric: str, baseline: bool, settings: dict[str, Any]) -> Solver:
    """Judge a sample's pair in both orders and keep the judgments in its store by name.

    The judge is the model with the role "judge" (several: copies of one), else the model of the
    evaluation. `settings` are JudgeSettings; each epoch takes a seed of its own.
    """
    given = JudgeSettings.model_validate(settings)
    asked = {RUBRIC: Rubric(text=rubric)}
    if baseline and rubric.strip():
        asked[NO_RUBRIC] = Rubric(text="")

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        seed = given.seed + state.epoch - 1
        judge = InspectJudge(_models(), given.model_copy(update={"seed": seed}))
        pair = _pair_of(state)
        judgments = {name: (await judge.judge(text, [pair]))[0] for name, text in asked.items()}
        judgments[LONGEST_RESPONSE] = prefer_longest(pair)
        kept = {name: _as_kept(judgment) for name, judgment in judgments.items()}
        state.store.set(JUDGMENTS, kept)
        return state

    return solve


def prefer_longest(pair: Pair) -> Judgment:
    """The judgment of "prefer the response with more characters"; 0.5 for equal lengths."""
    a, b = len(pair.response_a), len(pair.response_b)
    p_a = 0.5 if a == b else float(a > b)
    return Judgment(
        pair_id=pair.id, rubric_id=LONGEST_RESPONSE, p_a=p_a, p_a_first=p_a, p_a_second=p_a
    )


def _models() -> list[Model]:
    several = model_roles().get("judge")
    return several if isinstance(several, list) else [get_model(role="judge")]


def _content(message: Message) -> str | list[Content]:
    if not message.images:
        return message.content
    return [
        ContentText(text=message.content),
        *(ContentImage(image=image) for image in message.images),
    ]


def _images(turn: ChatMessage) -> list[str]:
    parts = [] if isinstance(turn.content, str) else turn.content
    return [part.image for part in parts if isinstance(part, ContentImage)]


def _pair_of(state: TaskState) -> Pair:
    known = PairMetadata.model_validate(state.metadata)
    turns = [] if isinstance(state.input, str) else state.input
    prompt = [{"role": t.role, "content": t.text, "images": _images(t)} for t in turns]
    fields = known.model_dump(exclude={"prompt_key", "labels"})
    return Pair.model_validate({"id": str(state.sample_id), "prompt": prompt, **fields})


def _as_kept(judgment: Judgment) -> dict[str, JsonValue]:
    """Without the reply where it was read: every reply is in the sample's model events."""
    return judgment.model_dump(mode="json", exclude={"reply"} if judgment.p_a is not None else None)
