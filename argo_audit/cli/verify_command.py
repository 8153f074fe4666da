"""`argo-audit verify REPORT` (exit code 2 where something does not hold) and `argo-audit sign`."""

from pathlib import Path
from typing import Annotated

import typer

from argo_audit.cli.terminal import AllowOption, say

_SHOWN = 20
_REMEDY = (
    "  Remedy: put back what is named, or, where it is as it should be, write the report again: "
    "argo-audit report AUDIT --out FOLDER"
)

ReportArgument = Annotated[Path, typer.Argument(help="The audit.md of a report, or its folder.")]


def verify_command(
    report: ReportArgument,
    key: Annotated[
        Path | None, typer.Option(help="Public key (.pub) that must have signed the report.")
    ] = None,
    allow: AllowOption = None,
) -> None:
    """Compute a report again from its sources; exit code 2 for a number that nothing backs.

    Every file is held to the report's manifest, and with --key the manifest to its signature.
    """
    from argo_audit.audits.signing import unsigned
    from argo_audit.audits.verification import (
        report_at,
        verify,
        with_later_logs,
        without_manifest,
    )

    path = report_at(report)
    problems = [*(unsigned(path.parent, key) if key else ()), *verify(path, allow or ())]
    for problem in problems[:_SHOWN]:
        say(problem)
    if len(problems) > _SHOWN:
        say(f"and {len(problems) - _SHOWN} more")
    if note := without_manifest(path):
        say(note)
    if problems:
        say(_REMEDY)
        raise typer.Exit(2)
    say(f"{path}: holds; every line is what its sources give")
    if note := with_later_logs(path):
        say(note)


def sign_command(
    report: ReportArgument,
    key: Annotated[Path, typer.Option(help="Private key of ssh-keygen, without a .pub.")],
    allow: AllowOption = None,
) -> None:
    """Sign a report that holds: its manifest, with ssh-keygen; `verify --key` checks it."""
    from argo_audit.audits.signing import sign

    folder = report if report.is_dir() else report.parent
    say(f"signed: {sign(folder, key, allow or ())}")
