"""`inspect eval tasks/rubric_agreement.py --model argo/surface`: the packaged task, by its file.

Inspect looks for a literal `@task` here, hence the repeated signature; the parameters and what the
numbers mean are explained in `argo_audit.evals.tasks.rubric_agreement`.
"""

from collections.abc import Sequence
from typing import Any

from inspect_ai import Task, task

from argo_audit.evals.tasks import rubric_agreement as packaged


@task
def rubric_agreement(  # noqa: PLR0913 - a task's parameters are its command line
    rubric: str | None = "organism-a",
    pairs: str | None = None,
    labels: str | Sequence[str] | None = None,
    rm: str | Sequence[str] | None = None,
    store: str | None = None,
    temperature: float | None = None,
    baseline: bool = True,
    judge: dict[str, Any] | None = None,
    limit_seed: int = 0,
    rm_settings: dict[str, Any] | None = None,
) -> Task:
    return packaged.rubric_agreement(**locals())
