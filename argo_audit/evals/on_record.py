"""What a folder of logs holds of a suite already, by content: a suite that was moved goes on.

    done, left = on_record(tasks, "out/evals", "argo/surface", {})

Inspect knows a task by its arguments. Some of them are places, and a folder that was moved has
others. Here a task is what it is about (its metadata, where pairs have a fingerprint and rubrics
their text), how it is asked for, places aside, and who is asked.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from inspect_ai import Task
from inspect_ai._util.registry import registry_params
from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log
from inspect_ai.model import Model

from argo_audit.evals.reading import UNREADABLE, check_size, library_errors
from argo_audit.files import Folder
from argo_audit.records import fingerprint

_PLACES = frozenset({"rubric", "rubrics", "pairs", "rm", "rms", "store"})  # of a task's arguments
_PLACES_NOTED = frozenset({"pairs_file", "pairs_files"})  # of what it notes of its subject

Roles = Mapping[str, Model | list[Model]]


class OnRecord(NamedTuple):
    """Logs that hold tasks to their end, and the tasks that are left.

    `is_of_suite`: every log that is there is of one of the tasks, finished or not.
    """

    done: list[EvalLog]
    left: list[Task]
    is_of_suite: bool


def on_record(
    tasks: Sequence[Task], log_dir: str, model: str | Model, roles: Roles | None
) -> OnRecord:
    """What a folder holds of the tasks; a log that cannot be read holds nothing."""
    wanted = {_of_task(task, model, roles or {}): task for task in tasks}
    found = [(_of_log(log), log) for log in _headers(log_dir)]
    done = {key: log for key, log in found if key in wanted and log.status == "success"}
    left = [task for key, task in wanted.items() if key not in done]
    return OnRecord([*done.values()], left, all(key in wanted for key, _ in found))


def _headers(log_dir: str) -> Iterator[EvalLog]:
    for log in list_eval_logs(log_dir) if Folder(log_dir).is_there() else ():
        try:
            check_size(log.name)
            with library_errors():
                yield read_eval_log(log.name, header_only=True)
        except UNREADABLE:
            continue


def _of_task(task: Task, model: str | Model, roles: Roles) -> str:
    named = {role: [str(one) for one in _several(of_role)] for role, of_role in roles.items()}
    version, asked = task.version, str(task.model or model)
    return _key((task.name, version), registry_params(task), task.metadata, (asked, named))


def _of_log(log: EvalLog) -> str:
    spec = log.eval
    named = {
        role: [one.model for one in _several(of_role)]
        for role, of_role in (spec.model_roles or {}).items()
    }
    told = (spec.task, spec.task_version)
    return _key(told, spec.task_args_passed, spec.metadata, (spec.model, named))


def _several(of_role: Any) -> list[Any]:
    return of_role if isinstance(of_role, list) else [of_role]


def _key(
    task: tuple[str, int | str],
    args: Mapping[str, Any],
    metadata: Mapping[str, Any] | None,
    asked: tuple[str, Mapping[str, list[str]]],
) -> str:
    how = {name: value for name, value in args.items() if name not in _PLACES}
    named = (task[0].rpartition("/")[2], str(task[1]))
    about = (named, how, _without_places(metadata or {}), asked)
    return fingerprint(json.dumps(about, sort_keys=True, default=str))


def _without_places(noted: Any) -> Any:
    if not isinstance(noted, Mapping):
        return noted
    return {k: _without_places(v) for k, v in noted.items() if k not in _PLACES_NOTED}
