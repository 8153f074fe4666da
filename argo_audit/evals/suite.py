"""The suite: every task that an audited run can be put to, and the rows of all of them.

    ran = run_suite([audited], log_dir="out/evals", model="argo/surface", watch=watch)
    for row in rows("out/evals"):
        print(row)

A task joins by one line in SUITE: how it is made from what a run has, and how its rows are read
back. Inspect's `eval_set` runs them, so that an interrupted suite goes on where it stopped: a
folder of logs belongs to one suite, of the same tasks with the same judge.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, Self

from inspect_ai import Task, eval_set
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.hooks import Hooks, SampleEnd, TaskStart, hooks
from inspect_ai.log import EvalLog
from inspect_ai.model import Model
from pydantic import Field, JsonValue

from argo_audit.errors import ArgoError
from argo_audit.evals.assembly import EVAL_SETTINGS, untold
from argo_audit.evals.on_record import on_record
from argo_audit.evals.reading import remove_left_behind
from argo_audit.evals.results import ResultRow
from argo_audit.evals.tasks import (
    bias_probe,
    cross_population,
    judge_reliability,
    label_agreement,
    rm_accuracy,
    rubric_ablation,
    rubric_agreement,
)
from argo_audit.files import Folder
from argo_audit.judges.opening import measuring
from argo_audit.records import Record

MOST_PROBED = 100  # pairs: 15,000 rewards, and effects of a tenth of the spread are seen
_PROBE_MEASURES = bias_probe.MEASURES[:2]


class AuditedRun(Record):
    """What a finished audit has for the tasks.

    `rubrics` are places of stored rubrics, `pairs` the file of held-out pairs, whose labels have
    `label_sources`; `raw` is the source of raw labels among them. `reward_models` can be asked
    about other pairs, as `rm_settings` say; `judge` are the judge's settings.
    """

    population: str
    rubrics: tuple[str, ...]
    pairs: str
    label_sources: tuple[str, ...]
    raw: str = "human"
    reward_models: tuple[str, ...] = ()
    rm_settings: dict[str, JsonValue] = Field(default_factory=dict)
    judge: dict[str, JsonValue] = Field(default_factory=dict)

    def judged_by(self, named: Mapping[str, str]) -> Self:
        """The same, with what its tasks are told of a judge that is no model of Inspect's."""
        return self.model_copy(update={"judge": {**self.judge, **named}})


Asked = Literal["judge", "reward models"]


class SuiteTask(NamedTuple):
    """A task of the suite: the tasks to run for audited runs, and the rows of its logs.

    `asks` says which models take part beside what is on record.
    """

    name: str
    tasks: Callable[[Sequence[AuditedRun]], list[Task]]
    results: Callable[[str | Path], list[ResultRow]]
    asks: tuple[Asked, ...] = ()


Told = Callable[[str, int, int], None]
"""Is told of a task by its name, and how many of its samples are done, of how many."""


def _rubric_agreement(runs: Sequence[AuditedRun]) -> list[Task]:
    """The judge without a rubric is asked once per run: readers lend it to the other logs."""
    return [
        rubric_agreement.rubric_agreement(
            rubric, run.pairs, list(run.label_sources), baseline=not i, judge=run.judge
        )
        for run in runs
        for i, rubric in enumerate(run.rubrics)
    ]


def _label_agreement(runs: Sequence[AuditedRun]) -> list[Task]:
    return [
        label_agreement.label_agreement(run.rubrics, run.pairs, raw=run.raw, judge=run.judge)
        for run in runs
        if run.raw in run.label_sources and len(run.label_sources) > 1
    ]


def _cross_population(runs: Sequence[AuditedRun]) -> list[Task]:
    if len(runs) < 2:
        return []
    first = runs[0]
    return [
        cross_population.cross_population(
            [rubric for run in runs for rubric in run.rubrics],
            [run.pairs for run in runs],
            [spec for run in runs for spec in run.reward_models],
            sorted({source for run in runs for source in run.label_sources} - {first.raw}),
            rm_settings=first.rm_settings,
            judge=first.judge,
        )
    ]


def _rm_accuracy(runs: Sequence[AuditedRun]) -> list[Task]:
    return [
        rm_accuracy.rm_accuracy(run.pairs, raw=run.raw)
        for run in runs
        if run.raw in run.label_sources and len(run.label_sources) > 1
    ]


def _judge_reliability(runs: Sequence[AuditedRun]) -> list[Task]:
    """With the first rubric of a run: it is the judge that is looked at."""
    return [
        judge_reliability.judge_reliability(
            run.rubrics[0], run.pairs, list(run.label_sources), judge=run.judge
        )
        for run in runs
        if run.rubrics
    ]


def _rubric_ablation(runs: Sequence[AuditedRun]) -> list[Task]:
    return [
        rubric_ablation.rubric_ablation(rubric, run.pairs, list(run.label_sources), judge=run.judge)
        for run in runs
        for rubric in run.rubrics
    ]


def _bias_probe(runs: Sequence[AuditedRun]) -> list[Task]:
    return [
        bias_probe.bias_probe(spec, run.pairs, rm_settings=run.rm_settings, most_pairs=MOST_PROBED)
        for run in runs
        for spec in run.reward_models
    ]


_JUDGE: tuple[Asked, ...] = ("judge",)
_MODELS: tuple[Asked, ...] = ("reward models",)
_PROBES = partial(bias_probe.results, measures=_PROBE_MEASURES)

SUITE: tuple[SuiteTask, ...] = (
    SuiteTask("rubric_agreement", _rubric_agreement, rubric_agreement.results, _JUDGE),
    SuiteTask("label_agreement", _label_agreement, label_agreement.results, _JUDGE),
    SuiteTask("cross_population", _cross_population, cross_population.results, _JUDGE + _MODELS),
    SuiteTask("judge_reliability", _judge_reliability, judge_reliability.results, _JUDGE),
    SuiteTask("rubric_ablation", _rubric_ablation, rubric_ablation.results, _JUDGE),
    SuiteTask("rm_accuracy", _rm_accuracy, rm_accuracy.results),
    SuiteTask("bias_probe", _bias_probe, _PROBES, _MODELS),
)


def run_suite(
    runs: Sequence[AuditedRun],
    log_dir: str,
    model: str | Model,
    *,
    roles: Mapping[str, Model | list[Model]] | None = None,
    told: Told = lambda task, done, total: None,
    suite: Sequence[SuiteTask] = SUITE,
) -> list[EvalLog]:
    """Run what is not on record in `log_dir` yet; the logs of all tasks, whatever their status.

    None at all where no task applies to what the runs have.

    Raises:
        ArgoError: When the folder holds logs of other tasks, or a task cannot be made.
    """
    tasks = [task for one in suite for task in one.tasks(runs)]
    if not tasks:  # or Inspect would take those of the working folder
        return []
    remove_left_behind(log_dir)
    asked = (model, dict(roles or {}))
    with _telling(told), untold(), measuring():
        try:
            return _eval_set(tasks, log_dir, asked)
        except PrerequisiteError as error:
            return _gone_on_with(tasks, log_dir, asked, error)


_Asked = tuple[str | Model, dict[str, Model | list[Model]]]


def _eval_set(
    tasks: list[Task], log_dir: str, asked: _Asked, *, beside_others: bool = False
) -> list[EvalLog]:
    """Evaluate the tasks that have no log; `beside_others`: in a folder with logs of others."""
    _, logs = eval_set(
        tasks,
        log_dir=log_dir,
        model=asked[0],
        model_roles=asked[1],
        display=EVAL_SETTINGS["display"],
        retry_attempts=1,
        log_realtime=EVAL_SETTINGS["log_realtime"],
        score_display=EVAL_SETTINGS["score_display"],
        acp_server=EVAL_SETTINGS["acp_server"],
        ctl_server=EVAL_SETTINGS["ctl_server"],
        log_dir_allow_dirty=beside_others,
    )
    return logs


def _gone_on_with(
    tasks: list[Task], log_dir: str, asked: _Asked, error: PrerequisiteError
) -> list[EvalLog]:
    """The logs of a suite that was begun where its folder no longer is, and of what was left."""
    record = on_record(tasks, log_dir, *asked)
    if not record.is_of_suite:
        raise _refused(log_dir, error) from error
    if not record.left:
        return record.done
    try:
        return record.done + _eval_set(record.left, log_dir, asked, beside_others=True)
    except PrerequisiteError as refused:
        raise _refused(log_dir, refused) from refused


def _refused(log_dir: str, error: PrerequisiteError) -> ArgoError:
    said = " ".join(str(error).replace("[bold]", "").replace("[/bold]", "").split())
    return ArgoError(f"{log_dir}: {said}\n  Remedy: name another folder")


def rows(log_dir: str | Path, suite: Sequence[SuiteTask] = SUITE) -> list[ResultRow]:
    """The rows of all tasks logged under a folder or URL, in the order of the suite."""
    if not Folder(log_dir).is_there():
        return []
    return [row for task in suite for row in task.results(log_dir)]


class _Tally:
    """Samples done and to do of the evaluations under way, those of one task together."""

    def __init__(self, told: Told):
        self._told = told
        self._names: dict[str, str] = {}
        self._totals: Counter[str] = Counter()
        self._done: Counter[str] = Counter()

    def begin(self, eval_id: str, name: str, total: int) -> None:
        self._names[eval_id] = name
        self._totals[name] += total
        self._tell(name)

    def advance(self, eval_id: str) -> None:
        self._done[self._names[eval_id]] += 1
        self._tell(self._names[eval_id])

    def _tell(self, name: str) -> None:
        self._told(name, self._done[name], self._totals[name])


_listening: list[_Tally] = []


@hooks(name="argo_progress", description="Tells argo-audit's display how far a suite has come.")
class _Progress(Hooks):
    """Inspect makes one of these for the process; it is heard only while a suite runs."""

    def enabled(self) -> bool:
        return bool(_listening)

    async def on_task_start(self, data: TaskStart) -> None:
        epochs, dataset = data.spec.config.epochs or 1, data.spec.dataset
        name = data.spec.task.rpartition("/")[2]
        for tally in _listening:
            tally.begin(data.eval_id, name, len(dataset.sample_ids or ()) * epochs)

    async def on_sample_end(self, data: SampleEnd) -> None:
        for tally in _listening:
            tally.advance(data.eval_id)


@contextmanager
def _telling(told: Told) -> Iterator[None]:
    _listening.append(_Tally(told))
    try:
        yield
    finally:
        _listening.pop()
