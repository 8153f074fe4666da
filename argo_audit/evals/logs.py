"""Evaluation logs read back: one `Evaluation` per log and label source.

    for evaluation in read_evaluations("logs"):
        print(evaluation.rubric_ref, evaluation.label_source, evaluation.agreement.accuracy)

Logs are read through `inspect_ai.analysis` alone, so what is here can be had from any notebook.
The numbers are not those of Inspect's metrics but `agreement.measure` on the logged judgments and
labels: the function that selects rubrics also reports them, and adds the interval over prompts. A
log that failed or was interrupted is reported with its status and what it holds, never left out;
a file that is no log stops the reading.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from fsspec.core import url_to_fs
from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log

from argo_audit.errors import ArgoError
from argo_audit.evals.judging import NO_RUBRIC, RUBRIC
from argo_audit.evals.reading import (
    SUBJECT,
    UNREADABLE,
    LoggedPair,
    TaskLog,
    check_size,
    judgments_of,
    library_errors,
    read_logs,
    remove_left_behind,
)
from argo_audit.evals.results import agreement_of, estimator_of
from argo_audit.evals.subject import SubjectFacts
from argo_audit.judges.judge_settings import TaskJudge
from argo_audit.records import Agreement, Judgment, Record

TASK = "rubric_agreement"
_CALLED = re.compile(r"\w+\((.*)\)", re.DOTALL)


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


class LoggedSubject(NamedTuple):
    """A log of the task with what it says of its subject."""

    log: TaskLog
    facts: SubjectFacts
    pairs: Sequence[LoggedPair]


def read_evaluations(log_dir: str | Path) -> list[Evaluation]:
    """Every evaluation logged under a folder (or URL), oldest first; other tasks are passed over.

    Raises:
        InputError: When the folder is missing or a file in it is not a readable log.
    """
    return [
        _evaluation(log, source)
        for log in read_subjects(log_dir)
        for source in log.facts.label_sources
    ]


def read_judgments(log_dir: str | Path) -> dict[str, list[Judgment]]:
    """The logged judgments of each rubric by its id; of several logs of a rubric, the newest.

    Replies are there only where no verdict could be read. Raises as `read_evaluations`.
    """
    return {log.facts.rubric_id: judgments_of(log.pairs, RUBRIC) for log in read_subjects(log_dir)}


def unfinished(log: EvalLog, log_dir: str) -> ArgoError:
    """The error of an evaluation that did not end well: its own words, where it has any.

    An error of ours has its remedy with it; any other is to be looked at in the log.
    """
    said = _plain(log.error.message.strip()) if log.error else ""
    told = f": {said}" if said else f" with status {log.status!r}"
    remedy = "" if "Remedy:" in said else f"\n  Remedy: inspect view --log-dir {log_dir}"
    return ArgoError(f"{log.location}: the evaluation ended{told}{remedy}")


def _plain(said: str) -> str:
    """An error's message: Inspect keeps the whole of `Kind('message')`."""
    called = _CALLED.fullmatch(said)
    try:
        return str(ast.literal_eval(called[1])) if called else said
    except (ValueError, SyntaxError):
        return said


def discard_unfinished(log_dir: str | Path) -> None:
    """Remove the logs of evaluations that were interrupted; no folder holds none.

    A killed evaluation leaves a log that may not even be readable; what it held is judged again.
    """
    remove_left_behind(log_dir)
    for log in list_eval_logs(str(log_dir)):
        if not _is_finished(log.name):
            fs, path = url_to_fs(log.name)
            fs.rm_file(path)


def _is_finished(log: str) -> bool:
    try:
        check_size(log)
        with library_errors():
            return read_eval_log(log, header_only=True).status == "success"
    except UNREADABLE:
        return False


def read_subjects(log_dir: str | Path) -> list[LoggedSubject]:
    """The logs of this task, oldest first, each with the baseline that another of them holds."""
    logs = read_logs(log_dir, TASK)
    facts = [log.told(SUBJECT, SubjectFacts) for log in logs]
    return _shared_baseline(
        [LoggedSubject(log, of, log.pairs) for log, of in zip(logs, facts, strict=True)]
    )


def _shared_baseline(logs: Sequence[LoggedSubject]) -> list[LoggedSubject]:
    """The judge without a rubric said the same of a pair whichever rubric was evaluated beside."""
    known: dict[tuple[str, str], dict[str, Judgment]] = {}
    for log in logs:
        said = {p.pair_id: p.judgments[NO_RUBRIC] for p in log.pairs if NO_RUBRIC in p.judgments}
        known.setdefault(_setting(log), {}).update(said)
    return [
        log._replace(pairs=[_with_baseline(pair, known[_setting(log)]) for pair in log.pairs])
        for log in logs
    ]


def _setting(log: LoggedSubject) -> tuple[str, str]:
    return log.log.judge, log.facts.pairs_fingerprint


def _with_baseline(pair: LoggedPair, known: Mapping[str, Judgment]) -> LoggedPair:
    if not pair.judgments or NO_RUBRIC in pair.judgments or pair.pair_id not in known:
        return pair
    judgments = {**pair.judgments, NO_RUBRIC: known[pair.pair_id]}
    return pair.model_copy(update={"judgments": judgments})


def _evaluation(log: LoggedSubject, source: str) -> Evaluation:
    logged, facts = log.log, log.facts
    pairs = [pair for pair in log.pairs if source in pair.labels]
    baselines = sorted({name for pair in pairs for name in pair.judgments} - {RUBRIC})
    settings = logged.told("judge", TaskJudge)
    return Evaluation(
        log=logged.name,
        status=logged.status,
        task=logged.task,
        task_version=logged.task_version,
        rubric_id=facts.rubric_id,
        rubric_ref=facts.rubric_ref,
        train_label_source=facts.train_label_source,
        population=facts.population,
        label_source=source,
        judge=logged.judge,
        estimator=estimator_of(judgments_of(pairs, RUBRIC), settings),
        agreement=agreement_of(pairs, RUBRIC, source, facts.temperature),
        baselines={n: agreement_of(pairs, n, source, facts.temperature) for n in baselines},
        n_samples=logged.n_samples,
        created=logged.created,
    )
