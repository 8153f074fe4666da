"""The one place where a judge is made: search, evaluation, comparison and gates call it.

    judge = open_judge("openai/gpt-5-mini", settings)          # asked here, by a search or a gate
    seat = seat_of("mine:v3", settings)                        # asked inside an Inspect evaluation
    task = rubric_agreement(judge=settings.model_dump() | seat.named)
    inspect_ai.eval(task, model=seat.model, model_roles=seat.roles)

With `reads="lines"` whoever is opened applies a rubric as the sum of its lines (`by_line`).

A judge is `argo/surface` or `argo/meaning`, vectorised; any model that Inspect knows by that name;
a kind that an installed package adds (`kinds`); or `given:NAME`, an object of this process. Inspect
evaluates models, so those take part in an evaluation as its models. Any other judge takes part by
its name, a setting of the task, with Inspect's model `none`; the log names it all the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from anyio.lowlevel import RunVar

from argo_audit import kinds
from argo_audit.errors import InputError
from argo_audit.judges.judge_settings import JudgeSettings, TaskJudge
from argo_audit.roles import Judge, LineJudge

if TYPE_CHECKING:
    from inspect_ai.model import Model

ROLE = "judge"
"""Inspect's model role of the judge, where it is not the model of the evaluation."""

SURFACE = "argo/surface"
MEANING = "argo/meaning"
NO_MODEL = "none"
_INSPECT = "inspect"
_OF_INSPECT = (_INSPECT, SURFACE)
_BY_THE_WAY = {"seed", "in_flight", "retries", "deadline", "cache"}  # not how it judges
_AROUND_IT = {"reads", "lines_per_call"}  # what is done with any judge, from outside

_measuring: ContextVar[bool] = ContextVar("measuring", default=False)
_opened: RunVar[dict[tuple[str, JudgeSettings], Judge]] = RunVar("opened")
_seated: RunVar[dict[tuple[tuple[int, ...], JudgeSettings], Judge]] = RunVar("seated")


class Seat(NamedTuple):
    """How a judge takes part in an Inspect evaluation.

    `model` is the model of the evaluation, `roles` are further model roles, `named` is what to add
    to the judge's settings of each task.
    """

    model: "str | Model"
    roles: "dict[str, list[Model]]"
    named: Mapping[str, str]


def open_judge(spec: str, settings: JudgeSettings | None = None, urls: Sequence[str] = ()) -> Judge:
    """The judge of that name, asked as the settings say; `urls` are its servers, each a copy of it.

    Raises InputError when nobody knows it, something of it is not there, or it takes no settings.
    """
    settings = settings or JudgeSettings()
    if _is_given(spec):
        _check_as_it_is(spec, settings, urls)
    judge = kinds.opened("judges", spec, settings, urls, bare=_INSPECT)
    if not isinstance(judge, Judge):
        raise kinds.refused("judges", judge)
    return _reading(judge if is_inspects(spec) else _counted(spec, judge), settings)


def open_line_judge(
    spec: str, settings: JudgeSettings | None = None, urls: Sequence[str] = ()
) -> LineJudge:
    """The judge of that name as one that is asked about lines of rubrics.

    One that reads whole rubrics alone is asked about a rubric of each line. Raises as `open_judge`.
    """
    return line_judge_of(open_judge(spec, settings, urls))


def line_judge_of(judge: Judge) -> LineJudge:
    """The judge itself where it is asked about lines, else as one that is asked one by one."""
    from argo_audit.judges.lines_alone import LinesAlone  # numpy is behind it

    return judge if isinstance(judge, LineJudge) else LinesAlone(judge)


def _counted(spec: str, judge: Judge) -> Judge:
    """A judge that is no model of Inspect's, whose calls count towards a budget all the same."""
    from argo_audit.judges.on_the_meter import on_the_meter

    return judge if spec.startswith(MEANING) else on_the_meter(spec, judge)


def _reading(judge: Judge, settings: JudgeSettings) -> Judge:
    """The judge as the settings have it read a rubric: whole, or as the sum of its lines."""
    if settings.reads == "whole":
        return judge
    from argo_audit.judges.by_line import ByLine

    return ByLine(line_judge_of(judge), judge)


def open_surface(_: str, settings: JudgeSettings, urls: Sequence[str]) -> Judge:
    """The kind `argo/surface`: no model, and all pairs at once."""
    from argo_audit.surface.judge import SurfaceJudge

    _check_computes(SURFACE, settings, urls)
    return SurfaceJudge()


def open_meaning(folder: str, settings: JudgeSettings, urls: Sequence[str]) -> Judge:
    """The kind `argo/meaning`: the same, lines read by their meaning; `folder` has the weights."""
    from argo_audit.surface.judge import BY_MEANING, SurfaceJudge
    from argo_audit.surface.meaning import Meaning
    from argo_audit.surface.sentence_encoder import open_encoder

    _check_computes(BY_MEANING, settings, urls)
    return SurfaceJudge(Meaning(open_encoder(folder or None)))


def _check_computes(judge: str, settings: JudgeSettings, urls: Sequence[str]) -> None:
    if settings.estimator != JudgeSettings().estimator or urls:
        problem = "it computes its probabilities here and now"
        raise InputError(judge, problem, "leave out the judge's estimator and its URL")


def open_inspect(name: str, settings: JudgeSettings, urls: Sequence[str]) -> Judge:
    """The kind without a prefix: any model that Inspect knows by that name."""
    from argo_audit.judges.inspect_judge import InspectJudge
    from argo_audit.judges.inspect_models import open_models

    return InspectJudge(open_models(name, urls, settings), settings)


def is_inspects(spec: str) -> bool:
    """Whether a judge takes part in an evaluation as a model of Inspect's."""
    kind, _ = kinds.split("judges", spec, _INSPECT)
    return kind in _OF_INSPECT


def seat_of(spec: str, settings: JudgeSettings | None = None, urls: Sequence[str] = ()) -> Seat:
    """How the judge of that name takes part in an evaluation.

    Models get clients of their own: an evaluation has an event loop of its own. Raises InputError
    as `open_judge` does; a judge that is no model of Inspect's is opened once it is asked.
    """
    settings = settings or JudgeSettings()
    if not is_inspects(spec):
        if _is_given(spec):
            open_judge(spec, settings, urls)
        return Seat(NO_MODEL, {}, {"name": spec})
    from argo_audit.judges.inspect_models import open_models, reopened

    models = [reopened(model) for model in open_models(spec, urls, settings)]
    return Seat(models[0], {ROLE: models} if len(models) > 1 else {}, {})


def seated(settings: TaskJudge, role: str = ROLE) -> Judge:
    """The judge of the evaluation under way: the one that the settings name, else the role's model.

    The model of a role is Inspect's; several are copies of one. Called in the event loop of the
    evaluation; a judge that is named is opened once in it, for each of the settings.
    """
    if settings.name and role == ROLE:
        return _named(settings.name, settings.plain())
    from inspect_ai.model import get_model, model_roles

    several = model_roles().get(role)
    return _of_models(several if isinstance(several, list) else [get_model(role=role)], settings)


def _of_models(models: "list[Model]", settings: TaskJudge) -> Judge:
    """One judge for all samples: what it has learned of its models holds for the next one too."""
    from argo_audit.judges.inspect_judge import InspectJudge
    from argo_audit.judges.measured_model import MeasuredModel

    known = _seated.get({})
    key = tuple(map(id, models)), settings.plain()  # the judge keeps the models, and so their ids
    if key not in known:
        plain = settings.plain()
        by_measure = settings.reads == "lines" and str(models[0]) == SURFACE
        judge = open_judge(SURFACE) if by_measure else InspectJudge(models, plain)
        if _measuring.get() and not by_measure and _is_measured(models, settings):
            judge = MeasuredModel(judge, settings.max_text)
        known[key] = _reading(judge, plain)
    _seated.set(known)
    return known[key]


@contextmanager
def measuring() -> Iterator[None]:
    """Evaluations in here compute what argo/surface says; their logs have no replies of it."""
    token = _measuring.set(True)
    try:
        yield
    finally:
        _measuring.reset(token)


def _is_measured(models: "list[Model]", settings: TaskJudge) -> bool:
    return str(models[0]) == SURFACE and settings.estimator == JudgeSettings().estimator


def _named(spec: str, settings: JudgeSettings) -> Judge:
    opened = _opened.get({})
    if (spec, settings) not in opened:
        opened[spec, settings] = open_judge(spec, settings)
    _opened.set(opened)
    return opened[spec, settings]


def _is_given(spec: str) -> bool:
    return spec.startswith(f"{kinds.GIVEN}:")


def _check_as_it_is(spec: str, settings: JudgeSettings, urls: Sequence[str]) -> None:
    """An object was made before it was given, so settings would change nothing."""
    changed = settings.model_dump(exclude_defaults=True, exclude=_BY_THE_WAY | _AROUND_IT)
    if changed or urls:
        names = ", ".join([*changed, *(["judge_urls"] if urls else [])])
        problem = f"a given judge is asked as it is, and takes no settings ({names})"
        raise InputError(spec, problem, "leave them out, and set them where the object is made")
