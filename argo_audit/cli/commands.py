"""The commands of `argo-audit`, each in a module of its own; what they do lies in the rooms below.

Exit codes: 0 done, 1 could not run (the message says why and how to mend it), 2 a problem found
(`store verify`, `check-rm`, `check-judge`, `verify`) or a wrong command line, 130 interrupted.
"""

import os
import sys
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from argo_audit import __version__
from argo_audit.cli.audit_command import audit_command, resume_command
from argo_audit.cli.compare_commands import compare_command, diff_command, drift_command
from argo_audit.cli.demo_command import demo_command
from argo_audit.cli.eval_command import eval_command
from argo_audit.cli.export_command import export_command
from argo_audit.cli.follow import follow, followers, is_follower
from argo_audit.cli.gate_commands import gate_app
from argo_audit.cli.judge_commands import answers_command, check_judge_command
from argo_audit.cli.organism_commands import organism_app
from argo_audit.cli.report_command import report_command
from argo_audit.cli.rm_commands import check_rm_command, train_rm_command
from argo_audit.cli.store_commands import read_command, store_app
from argo_audit.cli.terminal import INTERRUPTED, ToldInterrupt, say, show_warnings, shown
from argo_audit.cli.verify_command import sign_command, verify_command
from argo_audit.errors import ArgoError, in_plain_words, problems
from argo_audit.outside.credentials import redacted


class _Commands(TyperGroup):
    """The commands, and what any of them may meet."""

    def invoke(self, ctx: Any) -> Any:  # of click, which some releases of typer carry inside
        """Run one; what pydantic (typer reads values with it) and the system say is put plainly."""
        try:
            with in_plain_words():
                return super().invoke(ctx)
        except typer.BadParameter as error:
            if isinstance(error.__cause__, ValidationError):
                error.message = problems(error.__cause__)[0].what
            raise


app = typer.Typer(
    cls=_Commands,
    help="What does our reward model actually reward? Learn it in words, publish the audit.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for name, command in (
    ("audit", audit_command),
    ("resume", resume_command),
    ("report", report_command),
    ("verify", verify_command),
    ("sign", sign_command),
    ("demo", demo_command),
    ("eval", eval_command),
    ("export", export_command),
    ("compare", compare_command),
    ("diff", diff_command),
    ("drift", drift_command),
    ("read", read_command),
    ("check-rm", check_rm_command),
    ("train-rm", train_rm_command),
    ("check-judge", check_judge_command),
    ("answers", answers_command),
):
    app.command(name)(command)
app.add_typer(store_app, name="store")
app.add_typer(organism_app, name="organism")
app.add_typer(gate_app, name="gate")


def main() -> None:
    """Run the command line; an ArgoError becomes its message and exit code 1."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if is_follower():
        follow()
        return
    show_warnings()
    try:
        with followers():
            app(prog_name="argo-audit")
    except ArgoError as error:
        typer.secho(f"error: {shown(redacted(str(error)))}", fg="red", err=True)
        sys.exit(1)
    except SystemExit as ended:
        if ended.code == INTERRUPTED and not isinstance(ended, ToldInterrupt):
            say("interrupted", error=True)
        raise


@app.command("version")
def version_command() -> None:
    """Print the version."""
    say(__version__)


def _version(asked: bool) -> None:
    if asked:
        version_command()
        raise typer.Exit


@app.callback()
def _argo_audit(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Options before any command; `--version` has ended it where it was given."""
