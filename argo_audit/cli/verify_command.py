"""`argo-audit verify REPORT`: exit code 0 where it holds, 2 where something in it does not."""

from pathlib import Path
from typing import Annotated

import typer

from argo_audit.cli.terminal import AllowOption, say

_SHOWN = 20


def verify_command(
    report: Annotated[Path, typer.Argument(help="The audit.md of a report, or its folder.")],
    allow: AllowOption = None,
) -> None:
    """Compute a report again from its sources; exit code 2 for a number that nothing backs."""
    from argo_audit.audits.verification import verify

    path = report / "audit.md" if report.is_dir() else report
    problems = verify(path, allow or ())
    for problem in problems[:_SHOWN]:
        say(problem)
    if len(problems) > _SHOWN:
        say(f"and {len(problems) - _SHOWN} more")
    if problems:
        raise typer.Exit(2)
    say(f"{path}: holds; every line is what its sources give")
