"""`argo-audit export AUDIT --out FILE`: the held-out pairs for Feedback Forensics."""

from pathlib import Path
from typing import Annotated

import typer

from argo_audit.cli.terminal import AllowOption, AuditsArgument, say


def export_command(
    audits: AuditsArgument,
    out: Annotated[Path, typer.Option("--out", help="File to write, .json.")],
    title: Annotated[str, typer.Option(help="The data set's name.")] = "Audit",
    allow: AllowOption = None,
) -> None:
    """Write held-out pairs with labels, judges and style features as annotated pairs (JSON 2.0).

    Feedback Forensics opens them: feedback-forensics -d FILE. Responses are in the file.
    """
    from argo_audit.audits.export import export

    made = export(audits, out, title, allow or ())
    say(f"{out}: {len(made.comparisons)} pairs, {len(made.annotators)} annotators")
