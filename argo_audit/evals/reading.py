"""Logs read back as they are, through `inspect_ai.analysis` alone: what any notebook could read.

    for log in read_logs("logs", "rubric_agreement"):
        print(log.status, log.judge, log.metadata["subject"], log.pairs[0].judgments["rubric"])

A task's results are made from these by a function of that task's own. A log that failed or was
interrupted is read with its status and what it holds, never left out; a file that is no log stops
the reading. Of the samples neither messages nor events are read: what was said of a pair is in the
sample's store.
"""

import contextlib
import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import unquote

from inspect_ai.analysis import EvalColumn, SampleColumn, evals_df, samples_df
from inspect_ai.log import EvalLog, EvalSample, list_eval_logs
from pydantic import BaseModel, Field, JsonValue, ValidationError, model_validator

from argo_audit.errors import InputError, brief
from argo_audit.evals.judging import JUDGMENTS
from argo_audit.evals.metrics import slices_of
from argo_audit.files import Folder, driver_errors, is_url, remedy, usable
from argo_audit.outside.caps import check_archive
from argo_audit.records import Judgment, Probability, Record

T = TypeVar("T")
R = TypeVar("R", bound=BaseModel)

SUBJECT = "subject"
"""Key in a task's metadata: what it is about, in the task's own terms."""

_OF_INSPECT = re.compile(r"\.inspect_tmp_[\w-]+\.writing|[0-9A-Za-z]{22}")
_LIBRARIES = ("ijson", "zstandard", "zstd", "backports", "compression")
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, EOFError, ValueError, TypeError, KeyError, AttributeError,
    OSError, NotImplementedError, RecursionError,
)  # fmt: skip
"""What reading a damaged log raises: of zip files, of what is packed in them, of JSON, of records.
"""

_MEND = "Delete it or move it away; `inspect eval-retry` can repeat what it held."
_LOGS_REMEMBERED, _HEADERS_REMEMBERED = 16, 256
_SMALL = 1_000_000  # bytes of a log: what many of a larger size hold is not kept in memory


class LoggedPair(Record):
    """A logged sample: `labels` by source, `judgments` by name and none when the sample failed.

    `slices` are the pair's by kind, its population and length band among them; `noted` is what
    else the task kept in the sample's store.
    """

    pair_id: str
    epoch: int
    prompt_key: str
    slices: dict[str, str]
    labels: dict[str, Probability]
    judgments: dict[str, Judgment]
    noted: dict[str, JsonValue] = Field(default_factory=dict)
    error: str = ""

    @model_validator(mode="after")
    def _judged_themselves(self) -> Self:
        others = {j.pair_id for j in self.judgments.values()} - {self.pair_id}
        if others:
            raise ValueError(f"the sample {self.pair_id} holds a judgment of {min(others)}")
        return self

    @property
    def key(self) -> str:
        """Tells the epochs of a pair apart."""
        return f"{self.pair_id}\x1f{self.epoch}"


class LogHeader(Record):
    """What a log knows before its samples; `n_samples` were to be evaluated.

    `metadata` is the task's own; `status` is Inspect's ("success", "error", "cancelled",
    "started"): anything but "success" means fewer pairs.
    """

    status: str
    task: str
    task_version: str
    judge: str
    n_samples: int
    created: datetime
    metadata: dict[str, Any]

    def told(self, key: str, kind: type[R]) -> R:
        """What the task says under a key of its metadata. Raises InputError as `read_as`."""
        return self.read_as(kind, key, self.metadata.get(key, {}))

    def read_as(self, kind: type[R], key: str, said: object) -> R:
        """What a log says under a key, as what it is. Raises InputError for what is no such."""
        try:
            return kind.model_validate(said)
        except ValidationError as error:
            place = f"the log of {self.task} of {self.created:%Y-%m-%d %H:%M:%S}"
            problem = f"not a readable log of this task ({key}: {brief(error, kind):.200})"
            raise InputError(place, problem, _MEND) from error


class FoundLog(NamedTuple):
    """A log of which only the header was read; `path` is a path or a URL."""

    path: str
    header: LogHeader


class TaskLog(LogHeader):
    """One log of a task, by the name of its file."""

    name: str
    pairs: tuple[LoggedPair, ...]


def read_logs(log_dir: str | Path, task: str) -> list[TaskLog]:
    """The logs of a task of this package under a folder or URL, oldest first.

    Raises:
        InputError: When the folder is missing or a file in it is not a readable log.
    """
    return [read_log(found) for found in find_logs(log_dir, task)]


def find_logs(log_dir: str | Path, task: str) -> list[FoundLog]:
    """As `read_logs`, without reading what the logs hold."""
    with usable(log_dir, "read"):
        if not Folder(log_dir).is_there():
            raise InputError(log_dir, "there is no such folder", "Name a folder of Inspect logs.")
        names = [log.name for log in list_eval_logs(str(log_dir))]
    found = []
    for name in names:
        with _readable(name):
            header = _read_header(name, task)
        found += [FoundLog(name, header)] if header else []
    return sorted(found, key=lambda log: (log.header.created, log.path))


def read_log(found: FoundLog) -> TaskLog:
    """The whole log. Raises InputError when it cannot be read."""
    with _readable(found.path):
        pairs = _read_pairs(found.path)
        return TaskLog(**dict(found.header), name=Path(found.path).name, pairs=pairs)


def remove_left_behind(log_dir: str | Path) -> None:
    """Remove what Inspect leaves in a folder of this machine when it is killed while it writes.

    Its probe of whether files can be appended to has a bare random name, its parts a hidden one.
    """
    folder = Folder(log_dir).local
    if folder and folder.is_dir():
        for entry in folder.iterdir():
            if _OF_INSPECT.fullmatch(entry.name) and entry.is_file() and not entry.is_symlink():
                entry.unlink(missing_ok=True)


def judgments_of(pairs: Iterable[LoggedPair], judged: str) -> list[Judgment]:
    """The judgments of one name, of the pairs that have one."""
    return [pair.judgments[judged] for pair in pairs if judged in pair.judgments]


@contextlib.contextmanager
def _readable(log: str) -> Iterator[None]:
    """What reading a damaged log raises becomes an InputError; one too large is not read."""
    try:
        with driver_errors(), library_errors():
            check_size(log)
            yield
    except UNREADABLE as error:
        problem = f"not a readable log of this task ({brief(error):.200})"
        mend = _MEND
        if is_url(log) and isinstance(error, OSError) and not log.startswith("file://"):
            mend = remedy(log, error)
        raise InputError(log, problem, mend) from error


def check_size(log: str) -> None:
    """Raise InputError for a log of this machine that unpacks to more than is read."""
    path = _path_of(log)
    if path:
        check_archive(path)


def _path_of(log: str) -> Path | None:
    """Of a log of this machine, which Inspect lists as file:// with what it quotes."""
    path = log.removeprefix("file://")
    if is_url(path):
        return None
    return Path(unquote(path) if path != log else path)


@contextlib.contextmanager
def library_errors() -> Iterator[None]:
    """Inspect reads logs with libraries whose errors derive from Exception alone."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _LIBRARIES:
            raise
        raise ValueError(str(error)) from error


def _once(read: Callable[[str], T], remembered: int) -> Callable[[str], T]:
    """A small log of this machine is read again when its file has changed: a report asks often."""
    of_file = lru_cache(remembered)(lambda log, _: read(log))

    def once(log: str) -> T:
        path = _path_of(log)
        if path is None:
            return read(log)
        file = path.stat()
        stamp = (file.st_ino, file.st_size, file.st_mtime_ns, file.st_ctime_ns)
        return of_file(log, stamp) if file.st_size <= _SMALL else read(log)

    return once


def _read_header(log: str, task: str) -> LogHeader | None:
    """None for a log of another task."""
    header = _any_header(log)
    ours = header.task.rpartition("/")[2] == task and SUBJECT in header.metadata
    return header if ours else None


def _header_as_it_is(log: str) -> LogHeader:
    columns = [EvalColumn("header", path=_header_of)]
    found = evals_df(log, columns=columns, quiet=True)["header"].iloc[0]
    return LogHeader.model_validate_json(found)


_any_header = _once(_header_as_it_is, _HEADERS_REMEMBERED)


def _header_of(log: EvalLog) -> dict[str, JsonValue]:
    judges = (log.eval.model_roles or {}).get("judge")
    judge = judges[0] if isinstance(judges, list) else judges
    settings = (log.eval.metadata or {}).get("judge", {})
    return {
        "status": log.status,
        "task": log.eval.task,
        "task_version": str(log.eval.task_version),
        "judge": settings.get("name") or (judge.model if judge else log.eval.model),
        "n_samples": len(log.eval.dataset.sample_ids or ()),
        "created": log.eval.created,
        "metadata": log.eval.metadata or {},
    }


def _pairs_as_they_are(log: str) -> tuple[LoggedPair, ...]:
    columns = [SampleColumn("pair", path=_pair_of, full=True)]
    skipped = {"events", "messages"}
    with warnings.catch_warnings():  # inspect_ai 0.3.285 uses what pandas 3.1 deprecates
        warnings.simplefilter("ignore", DeprecationWarning)
        table = samples_df(log, columns=columns, full=True, quiet=True, exclude_fields=skipped)
    return tuple(LoggedPair.model_validate_json(pair) for pair in table.get("pair", ()))


_read_pairs = _once(_pairs_as_they_are, _LOGS_REMEMBERED)


def _pair_of(sample: EvalSample) -> dict[str, JsonValue]:
    noted = {key: value for key, value in sample.store.items() if key != JUDGMENTS}
    return {
        "pair_id": str(sample.id),
        "epoch": sample.epoch,
        "prompt_key": sample.metadata["prompt_key"],
        "slices": dict(slices_of(sample.metadata)),
        "labels": sample.metadata["labels"],
        "judgments": sample.store.get(JUDGMENTS, {}),
        "noted": noted,
        "error": sample.error.message if sample.error else "",
    }
