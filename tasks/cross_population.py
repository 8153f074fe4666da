"""`inspect eval tasks/cross_population.py --model argo/surface`: the packaged task.

Inspect looks for a literal `@task` here, hence the repeated signature; the parameters and what the
numbers mean are explained in `argo_audit.evals.tasks.cross_population`.
"""

from collections.abc import Sequence
from typing import Any

from inspect_ai import Task, task

from argo_audit.evals.tasks import cross_population as packaged


@task
def cross_population(  # noqa: PLR0913 - a task's parameters are its command line
    rubrics: str | Sequence[str] = ("organism-a", "organism-b"),
    pairs: str | Sequence[str] | None = None,
    rms: str | Sequence[str] | None = None,
    labels: str | Sequence[str] | None = None,
    store: str | None = None,
    rm_settings: dict[str, Any] | None = None,
    judge: dict[str, Any] | None = None,
    limit_seed: int = 0,
) -> Task:
    return packaged.cross_population(**locals())
