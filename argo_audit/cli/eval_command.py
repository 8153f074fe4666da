"""`argo-audit eval RUN`: the task suite on finished audits, one table of what it found."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from argo_audit.cli.terminal import (
    AllowOption,
    AllowRemoteImagesOption,
    AuditsArgument,
    SafeConsole,
    console,
    say,
)
from argo_audit.errors import InputError

if TYPE_CHECKING:
    from argo_audit.audits.run import Watch
    from argo_audit.cli.watch import Display

_PHASE = "evaluate"
_WIDE = 200  # of a table that goes into a file


def eval_command(  # noqa: PLR0913 - a command's parameters are its command line
    runs: AuditsArgument,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the logs. Default: evals in the run.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="Another judge than the audit's, named as Inspect does.")
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option("--model-role", help="ROLE=MODEL, for tasks that ask for more than a judge."),
    ] = None,
    details: Annotated[
        bool, typer.Option("--details", help="Print slices, KL, Brier scores and win rates too.")
    ] = False,
    allow_remote_images: AllowRemoteImagesOption = False,
    allow: AllowOption = None,
) -> None:
    """Run the task suite on finished audits: is the judge with the rubric the reward model?

    Interrupted, the same command goes on with it. The logs can be looked at with inspect view.
    """
    from argo_audit.audits.evaluate import EVALS, evaluate
    from argo_audit.cli.results_table import legend, results_table
    from argo_audit.cli.watch import Display

    if out is None and len(runs) > 1:
        raise InputError("--out", "several runs have no folder in common", "name a folder")
    place = out or runs[0] / EVALS
    roles = dict(_role(given) for given in role or ())
    with Display(console) as display:
        found = evaluate(runs, place, judge, roles, _Lanes(display), allow=allow or ())
    wide = console if console.is_terminal else SafeConsole(width=_WIDE)
    wide.print(results_table(found, details=details))
    for line in legend(found):
        say(line)
    for line in found.left_out:
        say(f"left out: {line}")
    say(f"logs: {place}")


class _Lanes:
    """A line of the display for each evaluation, from the moment that it begins."""

    def __init__(self, display: "Display"):
        self._display = display
        self._lanes: dict[str, Watch] = {}

    def __call__(self, name: str, done: int, total: int) -> None:
        """Show how far an evaluation has come."""
        from argo_audit.audits.run import Event

        if name not in self._lanes:
            self._lanes[name] = self._display.lane(name, (_PHASE,))
        self._lanes[name](Event(_PHASE, done, total))


def _role(given: str) -> tuple[str, str]:
    role, equals, model = given.partition("=")
    if not (role and equals and model):
        raise InputError(given, "not a role and its model", "write --model-role ROLE=MODEL")
    return role, model
