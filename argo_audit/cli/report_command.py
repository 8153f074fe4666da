"""`argo-audit report AUDIT...`: one report over audits that are done."""

import sys
from typing import Annotated

import typer

from argo_audit.cli.terminal import AllowOption, AuditsArgument, IntentOption, OutOption, say
from argo_audit.outside.credentials import command_line


def report_command(
    audits: AuditsArgument,
    out: OutOption,
    title: Annotated[str, typer.Option(help="The report's title.")] = "Audit",
    intent: IntentOption = None,
    evals: Annotated[
        list[str] | None,
        typer.Option(help="More eval logs with probes; those in the audits are read anyway."),
    ] = None,
    allow: AllowOption = None,
) -> None:
    """Write one report over one or more audits, populations side by side; loads no model."""
    from argo_audit.audits.reporting import Origin, report

    commands = (command_line(["argo-audit", *sys.argv[1:]]),)
    more, allowed = tuple(evals or ()), tuple(allow or ())
    files = report(Origin(tuple(audits), title, commands, intent, more, allowed), out)
    say(f"audit: {files.markdown}\n       {files.html}")
