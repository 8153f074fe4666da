"""`inspect eval tasks/label_agreement.py --model argo/surface`: the packaged task, by its file.

Inspect looks for a literal `@task` here, hence the repeated signature; the parameters and what the
numbers mean are explained in `argo_audit.evals.tasks.label_agreement`.
"""

from collections.abc import Sequence
from typing import Any

from inspect_ai import Task, task

from argo_audit.evals.tasks import label_agreement as packaged


@task
def label_agreement(  # noqa: PLR0913 - a task's parameters are its command line
    rubrics: str | Sequence[str] = ("organism-a", "organism-a-human"),
    pairs: str | None = None,
    labels: str | Sequence[str] | None = None,
    rm: str | Sequence[str] | None = None,
    raw: str = "human",
    store: str | None = None,
    rm_settings: dict[str, Any] | None = None,
    judge: dict[str, Any] | None = None,
    limit_seed: int = 0,
) -> Task:
    return packaged.label_agreement(**locals())
