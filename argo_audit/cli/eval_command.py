"""`argo-audit eval RUN`: the task suite on finished audits, one table of what it found."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from argo_audit.cli.terminal import (
    AllowOption,
    AllowRemoteImagesOption,
    AuditsArgument,
    MovedModelsOption,
    PricesOption,
    SafeConsole,
    YesOption,
    asking,
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
    rm: MovedModelsOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what it would take, and do nothing.")
    ] = False,
    budget: Annotated[
        str | None,
        typer.Option(
            help='The most that may be spent: "12.50" (dollars), "20000 calls"; tasks that it does '
            "not afford are left out. Unset, 20,000 calls of models elsewhere, and $20."
        ),
    ] = None,
    prices: PricesOption = None,
    yes: YesOption = False,
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
    if dry_run:
        _plan(runs, judge, roles, (budget, prices), (allow or (), rm or ()))
        return
    sure = asking(yes=yes)
    with Display(console) as display:
        found = evaluate(
            runs,
            place,
            judge,
            roles,
            _Lanes(display),
            allow=allow or (),
            reward_models=rm or (),
            budget=budget,
            prices=prices,
            sure=sure,
        )
    wide = console if console.is_terminal else SafeConsole(width=_WIDE)
    wide.print(results_table(found, details=details))
    for line in legend(found):
        say(line)
    for line in found.left_out:
        say(f"left out: {line}")
    say(f"logs: {place}")


def _plan(
    runs: list[Path],
    judge: str | None,
    roles: dict[str, str],
    paid: tuple[str | None, Path | None],
    found: tuple[Sequence[str], Sequence[str]],
) -> None:
    from argo_audit.audits.evaluate import plan_evaluation
    from argo_audit.audits.price import Budget, known_prices
    from argo_audit.audits.suite_plan import at_most, budget_of, within
    from argo_audit.cli.plan_table import add_most, phases_table, price_sentences
    from argo_audit.evals.suite import SUITE

    (given, file), (allow, moved) = paid, found
    phases, most, models = plan_evaluation(runs, judge, roles, tuple(allow), moved)
    prices = known_prices(file)
    budget = budget_of(models, Budget.parse(given) if given else None, prices)
    table = phases_table("What this evaluation is expected to take, and at most", phases, prices)
    add_most(table, at_most(most), models.settings.retries, budget, prices)
    console.print(table)
    if budget:
        say(f"Never more than {budget}, repeated calls and votes included.")
    for line in within(SUITE, phases, budget, prices)[1]:
        say(f"would be left out: {line}")
    for line in price_sentences([models.judge, *models.roles.values()], prices):
        say(line)


class _Lanes:
    """A line of the display for each evaluation, from the moment that it begins."""

    def __init__(self, display: "Display"):
        self._display = display
        self._lanes: dict[str, Watch] = {}

    def __call__(self, name: str, done: int, total: int) -> None:
        """Show how far an evaluation has come."""
        from argo_audit.audits.run import Event
        from argo_audit.judges.meter import the_meter

        if name not in self._lanes:
            self._lanes[name] = self._display.lane(name, (_PHASE,))
        meter = the_meter()
        self._lanes[name](Event(_PHASE, done, total, calls=meter.calls if meter else 0))


def _role(given: str) -> tuple[str, str]:
    role, equals, model = given.partition("=")
    if not (role and equals and model):
        raise InputError(given, "not a role and its model", "write --model-role ROLE=MODEL")
    return role, model
