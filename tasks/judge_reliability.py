"""`inspect eval tasks/judge_reliability.py --model argo/surface`: the packaged task, by its file.

Inspect looks for a literal `@task` here, hence the repeated signature; the parameters and what the
numbers mean are explained in `argo_audit.evals.tasks.judge_reliability`.
"""

from collections.abc import Sequence
from typing import Any

from inspect_ai import Task, task

from argo_audit.evals.tasks import judge_reliability as packaged


@task
def judge_reliability(  # noqa: PLR0913 - a task's parameters are its command line
    rubric: str | None = "organism-a",
    pairs: str | None = None,
    labels: str | Sequence[str] | None = None,
    rm: str | Sequence[str] | None = None,
    store: str | None = None,
    temperature: float | None = None,
    runs: int = 3,
    shuffles: int = 1,
    other_judge: str | None = None,
    judge: dict[str, Any] | None = None,
    limit_seed: int = 0,
    rm_settings: dict[str, Any] | None = None,
) -> Task:
    return packaged.judge_reliability(**locals())
