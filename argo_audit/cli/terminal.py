"""What the commands share: the console, how text is shown, and options that several have.

Names and rubrics come from files and models. Nothing in them is markup to the terminal: `say` and
`row` show them as they are, with control characters spelled out. Whatever else is drawn goes
through a SafeConsole, which does so too; no command has another way to print.
"""

import logging
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from argo_audit.audits.compare_settings import CompareOptions
from argo_audit.audits.request import AuditRequest
from argo_audit.cli.fields import option

INTERRUPTED = 130


class SafeConsole(Console):
    """A console on which only its own styles act: what it is given to draw is shown as it is."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """The one way from any table, text or progress bar to what is written."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable() or segment.text == "\n":
                yield segment
            else:
                yield Segment(shown(segment.text), segment.style)


console = SafeConsole()

StoreOption = Annotated[str | None, option(CompareOptions, "store")]
RootArgument = Annotated[
    str | None, typer.Argument(help=CompareOptions.model_fields["store"].description)
]
OutOption = Annotated[Path, option(AuditRequest, "out")]
SeedOption = Annotated[int, option(AuditRequest, "seed")]
PairsOption = Annotated[str, option(AuditRequest, "pairs")]
FormatOption = Annotated[str | None, option(AuditRequest, "format")]
SkipInvalidOption = Annotated[bool, option(AuditRequest, "skip_invalid")]
AllowRemoteImagesOption = Annotated[
    bool,
    typer.Option(
        "--allow-remote-images",
        help="Fetch pictures that pairs name by http(s); without it nothing is fetched.",
        callback=lambda allowed: _fetched() if allowed else None,
    ),
]
IntentOption = Annotated[Path | None, option(AuditRequest, "intent")]
BudgetOption = Annotated[str | None, option(AuditRequest, "budget")]
PricesOption = Annotated[Path | None, option(AuditRequest, "prices")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask before more than $5 are spent.")]
AllowOption = Annotated[list[str] | None, option(CompareOptions, "allow")]
MovedModelsOption = Annotated[
    list[str] | None,
    typer.Option("--rm", help="Where a reward model is now, for each of the audit in order."),
]
AuditsArgument = Annotated[list[Path], typer.Argument(help="Output folders of finished audits.")]


class ToldInterrupt(SystemExit):
    """The end of a command that was interrupted and has said how to go on."""


def _fetched() -> None:
    """Asked for on the command line alone: no file that was found can ask for it."""
    from argo_audit.pairs.images import allow_remote

    allow_remote()


class _Shown(logging.Formatter):
    """What this package warns of, as `say` would print it."""

    def format(self, record: logging.LogRecord) -> str:
        return shown(super().format(record))


def show_warnings() -> None:
    """Send what this package logs to standard error, with control characters spelled out."""
    logger = logging.getLogger("argo_audit")
    if not any(isinstance(handler.formatter, _Shown) for handler in logger.handlers):
        handler = logging.StreamHandler()
        handler.setFormatter(_Shown("%(message)s"))
        logger.addHandler(handler)
        logger.propagate = False


def asking(*, yes: bool) -> Callable[[str], bool] | None:
    """Who agrees to what something costs: `--yes`, whoever sits at the terminal, or nobody."""
    if yes:
        return lambda said: True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    return lambda said: typer.confirm(shown(f"{said}. Go on?"), err=True)


def say(text: str, *, error: bool = False) -> None:
    """Print text as it is: no markup, no wrapping, no control characters."""
    typer.echo(shown(text), err=error)


def shown(text: str) -> str:
    """Text with control characters spelled out."""
    from argo_audit.report.markdown import visible  # a parser of markdown stands beside it

    return visible(text)


def row(table: Table, *cells: str) -> None:
    """Add a row of text as it is to a table."""
    table.add_row(*(Text(shown(cell)) for cell in cells))


@contextmanager
def resumable(*folders: Path) -> Iterator[None]:
    """Around an audit: interrupted, it says how to go on with those of the folders that began."""
    from argo_audit.audits.begun import REQUEST_FILE

    try:
        yield
    except KeyboardInterrupt as error:
        begun = [folder for folder in folders if (folder / REQUEST_FILE).is_file()]
        if not begun:
            raise
        for folder in begun:
            way = f"argo-audit resume {shlex.quote(str(folder))}"
            say(f"interrupted; to go on: {way}", error=True)
        raise ToldInterrupt(INTERRUPTED) from error
