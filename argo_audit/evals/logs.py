"""Evaluation logs read back: one `Evaluation` per log and label source.

    for evaluation in read_evaluations("logs"):
        print(evaluation.rubric_ref, evaluation.label_source, evaluation.agreement.accuracy)

Logs are read through `inspect_ai.analysis` alone, so what is here can be had from any notebook.
The numbers are not those of Inspect's metrics but `agreement.measure` on the logged judgments and
labels: the function that selects rubrics also reports them, and adds the interval over prompts. A
log that failed or was interrupted is reported with its status and what it holds, never left out;
a file that is no log stops the reading.
"""

import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from fsspec.core import url_to_fs
from inspect_ai.analysis import EvalColumn, SampleColumn, evals_df, samples_df
from inspect_ai.log import EvalLog, EvalSample, list_eval_logs, read_eval_log
from pydantic import JsonValue

from argo_audit.agreement import measure
from argo_audit.errors import InputError
from argo_audit.evals.judging import JUDGMENTS, NO_RUBRIC, RUBRIC
from argo_audit.evals.subject import SubjectFacts
from argo_audit.files import Folder, driver_errors, is_url, remedy, usable
from argo_audit.judges.settings import JudgeSettings
from argo_audit.records import Agreement, Estimator, Judgment, Label, Probability, Record

_TASK = "rubric_agreement"
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, OSError)


class Evaluation(Record):
    """How one logged judge with one rubric agrees with one label source.

    `log` is the file's name; `status` is Inspect's ("success", "error", "cancelled", "started"):
    anything but "success" means that `agreement` may rest on fewer than the `n_samples` pairs
    that were to be judged. `rubric_ref` is what was evaluated: a store reference, a path, or ""
    for no rubric; `train_label_source` is what a stored rubric was learned from. `baselines` are
    "no rubric" (the same judge, the same temperature) and "longest response", by name. A log that
    left the judge without a rubric out takes those judgments from another log of the same judge on
    the same pairs: they do not depend on the rubric.
    """

    log: str
    status: str
    task: str
    task_version: str
    rubric_id: str
    rubric_ref: str
    train_label_source: str | None
    population: str
    label_source: str
    judge: str
    estimator: str
    agreement: Agreement
    baselines: dict[str, Agreement]
    n_samples: int
    created: datetime


class _Header(Record):
    """What a log knows before its samples."""

    status: str
    task: str
    task_version: str
    judge: str
    n_samples: int
    created: datetime
    facts: SubjectFacts
    settings: JudgeSettings


class _Row(Record):
    """A logged sample, `labels` by source; `judgments` is empty when the sample failed."""

    pair_id: str
    prompt_key: str
    labels: dict[str, Probability]
    judgments: dict[str, Judgment]


class _Log(NamedTuple):
    name: str
    header: _Header
    rows: list[_Row]


def read_evaluations(log_dir: str | Path) -> list[Evaluation]:
    """Every evaluation logged under a folder (or URL), oldest first; other tasks are passed over.

    Raises:
        InputError: When the folder is missing or a file in it is not a readable log.
    """
    return [
        _evaluation(log, source)
        for log in _read_logs(log_dir)
        for source in log.header.facts.label_sources
    ]


def read_judgments(log_dir: str | Path) -> dict[str, list[Judgment]]:
    """The logged judgments of each rubric by its id; of several logs of a rubric, the newest.

    Replies are there only where no verdict could be read. Raises as `read_evaluations`.
    """
    return {log.header.facts.rubric_id: _judgments(log.rows, RUBRIC) for log in _read_logs(log_dir)}


def discard_unfinished(log_dir: str | Path) -> None:
    """Remove the logs of evaluations that were interrupted; no folder holds none.

    A killed evaluation leaves a log that may not even be readable; what it held is judged again.
    """
    for log in list_eval_logs(str(log_dir)):
        if not _is_finished(log.name):
            fs, path = url_to_fs(log.name)
            fs.rm_file(path)


def _is_finished(log: str) -> bool:
    try:
        return read_eval_log(log, header_only=True).status == "success"
    except _UNREADABLE:
        return False


def _read_logs(log_dir: str | Path) -> list[_Log]:
    """The logs of this task, oldest first."""
    with usable(log_dir, "read"):
        if not Folder(log_dir).is_there():
            raise InputError(log_dir, "there is no such folder", "Name a folder of Inspect logs.")
        names = [log.name for log in list_eval_logs(str(log_dir))]
    logs = [_read_log(name, log_dir) for name in names]
    ours = [log for log in logs if log is not None]
    return _shared_baseline(sorted(ours, key=lambda log: (log.header.created, log.name)))


def _shared_baseline(logs: Sequence[_Log]) -> list[_Log]:
    """The judge without a rubric said the same of a pair whichever rubric was evaluated beside."""
    known: dict[tuple[str, str], dict[str, Judgment]] = {}
    for log in logs:
        said = {row.pair_id: row.judgments[NO_RUBRIC] for row in log.rows if _has_baseline(row)}
        known.setdefault(_setting(log), {}).update(said)
    return [
        log._replace(rows=[_with_baseline(row, known[_setting(log)]) for row in log.rows])
        for log in logs
    ]


def _setting(log: _Log) -> tuple[str, str]:
    return log.header.judge, log.header.facts.pairs_fingerprint


def _has_baseline(row: _Row) -> bool:
    return NO_RUBRIC in row.judgments


def _with_baseline(row: _Row, known: Mapping[str, Judgment]) -> _Row:
    if not row.judgments or _has_baseline(row) or row.pair_id not in known:
        return row
    judgments = {**row.judgments, NO_RUBRIC: known[row.pair_id]}
    return row.model_copy(update={"judgments": judgments})


def _read_log(log: str, log_dir: str | Path) -> _Log | None:
    try:
        with driver_errors():
            header = _read_header(log)
            return _Log(Path(log).name, header, _read_rows(log)) if header else None
    except _UNREADABLE as error:
        problem = f"not a readable log of this task ({' '.join(str(error).split()):.200})"
        mend = "Delete it or move it away; `inspect eval-retry` can repeat what it held."
        if is_url(log_dir) and isinstance(error, OSError):
            mend = remedy(log_dir, error)
        raise InputError(log, problem, mend) from error


def _read_header(log: str) -> _Header | None:
    """None for a log of another task."""
    columns = [EvalColumn("header", path=_header_of)]
    header = evals_df(log, columns=columns, quiet=True)["header"].iloc[0]
    return _Header.model_validate_json(header) if isinstance(header, str) else None


def _header_of(log: EvalLog) -> dict[str, JsonValue] | None:
    subject = (log.eval.metadata or {}).get("subject")
    if subject is None or log.eval.task.rpartition("/")[2] != _TASK:
        return None
    judges = (log.eval.model_roles or {}).get("judge")
    judge = judges[0] if isinstance(judges, list) else judges
    return {
        "status": log.status,
        "task": log.eval.task,
        "task_version": str(log.eval.task_version),
        "judge": judge.model if judge else log.eval.model,
        "n_samples": len(log.eval.dataset.sample_ids or ()),
        "created": log.eval.created,
        "facts": subject,
        "settings": (log.eval.metadata or {}).get("judge", {}),
    }


def _read_rows(log: str) -> list[_Row]:
    columns = [SampleColumn("row", path=_row_of, full=True)]
    skipped = {"events", "messages"}
    with warnings.catch_warnings():  # inspect_ai 0.3.285 uses what pandas 3.1 deprecates
        warnings.simplefilter("ignore", DeprecationWarning)
        table = samples_df(log, columns=columns, full=True, quiet=True, exclude_fields=skipped)
    return [_Row.model_validate_json(row) for row in table.get("row", ())]


def _row_of(sample: EvalSample) -> dict[str, JsonValue]:
    return {
        "pair_id": str(sample.id),
        "prompt_key": sample.metadata["prompt_key"],
        "labels": sample.metadata["labels"],
        "judgments": sample.store.get(JUDGMENTS, {}),
    }


def _evaluation(log: _Log, source: str) -> Evaluation:
    header, facts = log.header, log.header.facts
    rows = [row for row in log.rows if source in row.labels]
    baselines = sorted({name for row in rows for name in row.judgments} - {RUBRIC})
    return Evaluation(
        log=log.name,
        status=header.status,
        task=header.task,
        task_version=header.task_version,
        rubric_id=facts.rubric_id,
        rubric_ref=facts.rubric_ref,
        train_label_source=facts.train_label_source,
        population=facts.population,
        label_source=source,
        judge=header.judge,
        estimator=_estimator(_judgments(rows, RUBRIC), header.settings),
        agreement=_agreement(rows, RUBRIC, source, facts.temperature),
        baselines={name: _agreement(rows, name, source, facts.temperature) for name in baselines},
        n_samples=header.n_samples,
        created=header.created,
    )


def _agreement(rows: Sequence[_Row], judged: str, source: str, temperature: float) -> Agreement:
    labels = [Label(pair_id=row.pair_id, p_a=row.labels[source], source=source) for row in rows]
    clusters = {row.pair_id: row.prompt_key for row in rows}
    judgments = _judgments(rows, judged)
    return measure(labels, judgments, clusters=clusters, temperature=temperature)


def _judgments(rows: Sequence[_Row], judged: str) -> list[Judgment]:
    return [row.judgments[judged] for row in rows if judged in row.judgments]


def _estimator(judgments: Sequence[Judgment], settings: JudgeSettings) -> str:
    """How the probabilities that were read came about, and what was not seen whole."""
    read = [judgment for judgment in judgments if judgment.p_a is not None]
    if not read:
        return "none: no verdict was read"
    kinds = Counter(judgment.estimator or _before_estimators(judgment) for judgment in read)
    said = [_kind(kind, kinds[kind], read) for kind in sorted(kinds)]
    notes = ["both orders"] if settings.reasoning else ["both orders", "without reasons"]
    if cut := sum(judgment.truncated > 0 for judgment in judgments):
        notes.append(f"{cut} of {len(judgments)} pairs shown in part")
    return ", ".join([", but ".join(said), *notes])


def _before_estimators(judgment: Judgment) -> Estimator:
    return "votes" if judgment.votes else "log-probabilities"


def _kind(kind: Estimator, n: int, read: Sequence[Judgment]) -> str:
    of = "" if n == len(read) else f" of {n} in {len(read)} pairs"
    if kind == "log-probabilities":
        return kind if not of else f"{kind}{of}"
    most = max(judgment.votes for judgment in read)
    return f"up to {most} {kind} a pair{of}"
