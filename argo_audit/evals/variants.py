"""Solvers that ask again: in other runs, by another judge, under a rubric in other words.

    solver=[judge_pair({RUBRIC: text}, settings), *again(text, 3, settings),
            by_other_judge(text, settings), paraphrase(text, settings)]

Each keeps its judgments by a name of its own in the sample, next to those under the rubric as it
stands, so that what changed is read off pair by pair. What cannot be asked leaves no judgment: no
other judge where no model has that role, no paraphrase where there is none.
"""

from collections.abc import Mapping
from typing import Any

import anyio
from inspect_ai.model import GenerateConfig, ModelOutput, get_model, model_roles
from inspect_ai.solver import Generate, Solver, TaskState, solver

from argo_audit.evals.judging import judge_pair
from argo_audit.evals.paraphrase import paraphrased, request, rewritten
from argo_audit.judges.failures import Failure
from argo_audit.judges.judge_settings import JudgeSettings, TaskJudge
from argo_audit.judges.opening import ROLE
from argo_audit.judges.patience import (
    CUT_OFF,
    Patience,
    answered,
    most_of,
    seconds_for,
    with_limits,
)
from argo_audit.records import Record

OTHER_JUDGE = "other judge"
PARAPHRASED = "paraphrased"

OTHER_JUDGE_ROLE = "other_judge"
REWRITER_ROLE = "rewriter"

PARAPHRASE = "paraphrase"
"""Key in a sample's store: the Paraphrase it was judged under."""

WORD_TABLE = "word table"
_SEEDS_PER_RUN = 7_919  # away from the seeds of epochs, and of a vote's neighbours


class Paraphrase(Record):
    """The rubric in other words; `editor` is a model or the word table, None is no paraphrase."""

    text: str | None
    editor: str
    reason: str = ""


def run_name(run: int) -> str:
    """The name of the judgments of a further run; the first is under the rubric's own name."""
    return f"run {run}"


def again(rubric: str, runs: int, settings: Mapping[str, Any]) -> list[Solver]:
    """Judge by the same rubric in runs 2 to `runs`, each with a seed of its own."""
    given = TaskJudge.model_validate(settings)
    return [
        judge_pair(
            {run_name(run): rubric},
            given.model_copy(update={"seed": given.seed + _SEEDS_PER_RUN * run}).told(),
        )
        for run in range(2, runs + 1)
    ]


@solver
def by_other_judge(rubric: str, settings: dict[str, Any], name: str = "") -> Solver:
    """Judge by the judge of that name, else by the model with the role "other_judge", if any.

    A name is for a judge that is no model of Inspect's; nothing is said where there is neither.
    """
    asked = TaskJudge.model_validate(settings).model_copy(update={"name": name}).told()
    judge = judge_pair({OTHER_JUDGE: rubric}, asked, ROLE if name else OTHER_JUDGE_ROLE)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        there = name or OTHER_JUDGE_ROLE in model_roles()
        return await judge(state, generate) if there else state

    return solve


@solver
def paraphrase(rubric: str, settings: dict[str, Any]) -> Solver:
    """Judge under the rubric in other words: those of the model with role "rewriter", if any.

    The rewriter is asked once per evaluation, and a rubric of its that cannot be used is replaced
    by no other: the sample says why.
    """
    lock, known = anyio.Lock(), list[Paraphrase]()

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        async with lock:
            if not known:
                known.append(await _paraphrase(rubric, TaskJudge.model_validate(settings)))
        [found] = known
        state.store.set(PARAPHRASE, found.model_dump(mode="json"))
        if found.text is None:
            return state
        return await judge_pair({PARAPHRASED: found.text}, settings)(state, generate)

    return solve


async def _paraphrase(rubric: str, settings: JudgeSettings) -> Paraphrase:
    if REWRITER_ROLE not in model_roles():
        text = paraphrased(rubric)
        reason = "" if text else "no word of it is in the table"
        return Paraphrase(text=text, editor=WORD_TABLE, reason=reason)
    model = with_limits(get_model(role=REWRITER_ROLE))
    config = GenerateConfig(seed=settings.seed, max_retries=0)

    async def call() -> ModelOutput:
        return await model.generate(request(rubric), config=config)

    seconds = settings.deadline or seconds_for(settings.max_reply_tokens)
    patience = Patience(settings.retries, seconds, most=most_of(request(rubric), None))
    outcome = await answered(call, model, patience)
    if isinstance(outcome.result, Failure):  # one question for the whole task: nothing is left
        raise outcome.result.stopped(f"the rewriter {model}")
    finished = outcome.result.stop_reason not in CUT_OFF
    text = rewritten(rubric, outcome.result.completion) if finished else None
    reason = "" if text else "the rewriter's rubric has other items, gates or weights, or none"
    return Paraphrase(text=text, editor=str(model), reason=reason)
