"""`inspect eval tasks/rm_accuracy.py -T pairs=FILE -T rm=SPEC`: the packaged task, by its file.

Inspect looks for a literal `@task` here, hence the repeated signature; the parameters and what the
numbers mean are explained in `argo_audit.evals.tasks.rm_accuracy`.
"""

from collections.abc import Sequence
from typing import Any

from inspect_ai import Task, task

from argo_audit.evals.tasks import rm_accuracy as packaged


@task
def rm_accuracy(
    pairs: str,
    rm: str | Sequence[str] | None = None,
    labels: str | Sequence[str] | None = None,
    raw: str = "human",
    rm_settings: dict[str, Any] | None = None,
    limit_seed: int = 0,
) -> Task:
    return packaged.rm_accuracy(**locals())
