"""`inspect eval tasks/bias_probe.py --model none -T rm=... -T pairs=...`: the packaged task.

Inspect looks for a literal `@task` here, hence the repeated signature; the parameters and what the
numbers mean are explained in `argo_audit.evals.tasks.bias_probe`.
"""

from collections.abc import Sequence
from typing import Any

from inspect_ai import Task, task

from argo_audit.evals.tasks import bias_probe as packaged


@task
def bias_probe(  # noqa: PLR0913 - a task's parameters are its command line
    rm: str | None = None,
    pairs: str | None = None,
    attributes: str | Sequence[str] | None = None,
    programs: bool = True,
    rm_settings: dict[str, Any] | None = None,
    most_pairs: int | None = None,
    seed: int = 0,
) -> Task:
    return packaged.bias_probe(rm, pairs, attributes, programs, rm_settings, most_pairs, seed)
