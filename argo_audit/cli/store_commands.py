"""`argo-audit store …` and `argo-audit read`: what rubrics there are and what they say."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from argo_audit.cli.terminal import RootArgument, StoreOption, console, row, say
from argo_audit.errors import InputError, brief
from argo_audit.outside.caps import read_text

if TYPE_CHECKING:  # a command imports what it needs, when it is called
    from argo_audit.store import RubricStore

store_app = typer.Typer(help="Versioned rubrics.", no_args_is_help=True)


@store_app.command("list")
def store_list(root: RootArgument = None) -> None:
    """List stored rubrics with their agreement."""
    from argo_audit.report.markdown import accuracy
    from argo_audit.store import ref

    table = Table("rubric", "trained on", "parent", "dev", "held-out", "run", box=None)
    for stored in _store(root).list():
        row(
            table, ref(stored), stored.label_source, str(stored.parent or "-"),
            accuracy(stored.dev), accuracy(stored.held_out), stored.run,
        )  # fmt: skip
    console.print(table)


@store_app.command("show")
def store_show(
    rubric: Annotated[str, typer.Argument(help="<reward model> or <reward model>@<version>.")],
    store: StoreOption = None,
) -> None:
    """Print a stored rubric's text."""
    say(_store(store).get(rubric).rubric.text)


@store_app.command("verify")
def store_verify(root: RootArgument = None) -> None:
    """Check every file of the store; exit code 2 when something is wrong."""
    store = _store(root)
    problems = store.verify()
    for problem in problems:
        say(problem)
    if problems:
        raise typer.Exit(2)
    say(f"{store.root}: sound, {len(store.list())} rubrics")


def read_command(
    rubric: Annotated[str, typer.Argument(help="A .md file, or a rubric of the store.")],
    store: StoreOption = None,
    by_meaning: Annotated[
        bool,
        typer.Option("--by-meaning", help="As argo/meaning reads it: needs the extra [reader]."),
    ] = False,
    weights: Annotated[
        str | None, typer.Option(help="A folder with the weights of --by-meaning.")
    ] = None,
) -> None:
    """Show what the surface judge reads in a rubric, and which lines it cannot."""
    from argo_audit.surface.meaning import Meaning
    from argo_audit.surface.reader import read_rubric
    from argo_audit.surface.sentence_encoder import open_encoder
    from argo_audit.surface.tally import tally

    text = _text(rubric, store)
    meaning = Meaning(open_encoder(weights)) if by_meaning else None
    reading = read_rubric(text, meaning)
    table = Table("line", "feature", "direction", "weight", "quote", box=None)
    for c in reading.criteria:
        direction = "rewards" if c.direction > 0 else "penalises"
        row(table, str(c.line), c.feature, direction, f"{c.weight:g}", c.quote)
    for g in reading.gates:
        when = "present" if g.present else "absent"
        row(table, str(g.line), g.feature, f"cap if {when}", f"<= {g.cap:g}", g.quote)
    console.print(table)
    told = tally(text, meaning)
    for unread in told.unread:
        say(f"not read: {unread.text}")
    for malformed in told.malformed:
        say(f"malformed, so not read: {malformed.text}")
    say(f"{told}; read by {meaning.name if meaning else 'phrases alone, see --by-meaning'}")


def _text(name: str, store: str | None) -> str:
    if not name.endswith(".md"):
        return _store(store).get(name).rubric.text
    try:
        return read_text(Path(name))
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a name that no file has
        raise InputError(name, brief(error), "name a rubric file in UTF-8") from error


def _store(root: str | None) -> "RubricStore":
    from argo_audit.evals.subject import default_store
    from argo_audit.store import RubricStore

    return RubricStore(root or default_store())
