"""Tables that a command prints, on the terminal or as markdown.

    show([Sheet("Lines", ("", "First"), [("shared", "- be brief")])], markdown=False)

Cells are plain text, whoever wrote it: on neither way is anything in them markup.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.table import Table

from argo_audit.audit.markdown import escape, table
from argo_audit.cli.terminal import console, row, say

_NUMBERS = ("rank", "weight", "alike", "n", "q", "p")


class Sheet(NamedTuple):
    """A table with what must be known to read it."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def show(sheets: Sequence[Sheet], *, markdown: bool) -> None:
    """Print the sheets one after the other."""
    for sheet in sheets:
        if markdown:
            say(as_markdown(sheet))
        else:
            console.print(_table(sheet) if sheet.rows else f"{sheet.title}: nothing", markup=False)
            say(f"{sheet.note}\n")


def as_markdown(sheet: Sheet) -> str:
    """A heading, the table, the note."""
    rows = ([escape(cell) for cell in cells] for cells in sheet.rows)
    body = table([escape(name) for name in sheet.header], rows) if sheet.rows else "Nothing."
    return "\n\n".join(filter(None, (f"## {escape(sheet.title)}", body, escape(sheet.note)))) + "\n"


def _table(sheet: Sheet) -> Table:
    found = Table(title=sheet.title, box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in sheet.header:
        narrow = name.lower() in _NUMBERS
        found.add_column(name, overflow="fold", no_wrap=narrow)
    for cells in sheet.rows:
        row(found, *cells)
    return found
