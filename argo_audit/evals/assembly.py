"""What tasks are assembled from: the samples of labelled pairs, the judge's settings.

Task(dataset=dataset(pairs, labels, seed=0), solver=judge_pair({"rubric": text}, settings))
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any, Final, Literal, TypedDict

from inspect_ai.dataset import MemoryDataset
from pydantic import JsonValue, ValidationError

from argo_audit.errors import InputError, brief
from argo_audit.evals.judging import sample_of
from argo_audit.judges.judge_settings import TaskJudge
from argo_audit.records import Label, Pair


class EvalSettings(TypedDict):
    """Arguments of `inspect_ai.eval` that are about overhead and not about results."""

    display: Literal["log"]
    log_realtime: bool
    score_display: bool
    acp_server: bool
    ctl_server: bool


EVAL_SETTINGS: Final[EvalSettings] = {
    "display": "log",
    "log_realtime": False,
    "score_display": False,
    "acp_server": False,
    "ctl_server": False,
}
"""For a program that shows its own progress. Two thirds more samples per second with a judge that
answers at once, nearly all of it from `log_realtime`, which only the live view needs. Inspect's
display "none" lays out the tables that it does not show, a third of an evaluation's time; its "log"
has none: it logs how far it is, below the level that is shown, and failures above it (`untold`)."""

_FAILED = re.compile(r" failed \(\d+/\d+ logged\)")


@contextmanager
def untold() -> Iterator[None]:
    """No traceback of a failed task in the root's log: its own log and our error tell of it."""
    root = logging.getLogger()
    root.addFilter(_is_no_failure)
    try:
        yield
    finally:
        root.removeFilter(_is_no_failure)


def _is_no_failure(record: logging.LogRecord) -> bool:
    return not (record.exc_info and _FAILED.search(record.getMessage()))


def dataset(
    pairs: Iterable[Pair],
    labels: Mapping[str, Sequence[Label]],
    *,
    seed: int = 0,
    location: str | None = None,
) -> MemoryDataset:
    """One sample per pair with its labels by source, in an order that `seed` draws."""
    of_pair: dict[str, dict[str, float]] = {pair.id: {} for pair in pairs}
    for source, of_source in labels.items():
        for label in of_source:
            of_pair[label.pair_id][source] = label.p_a
    samples = [sample_of(pair, of_pair[pair.id]) for pair in pairs]
    Random(seed).shuffle(samples)
    return MemoryDataset(samples, name="pairs", location=location)


def judge_settings(given: Mapping[str, Any] | None) -> dict[str, JsonValue]:
    """The settings of `-T judge=`, whole and checked. Raises InputError."""
    try:
        return TaskJudge.model_validate(given or {}).told()
    except ValidationError as error:
        known = ", ".join(TaskJudge.model_fields)
        raise InputError("-T judge", brief(error, TaskJudge), f"known are {known}") from error
