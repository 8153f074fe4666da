"""Tables of plain text, as a command prints them or as markdown.

    as_markdown(Sheet("Lines", ("", "First"), [("shared", "- be brief")]))

Cells are plain text, whoever wrote it: on neither way is anything in them markup.
"""

from collections.abc import Sequence
from typing import NamedTuple

from argo_audit.report.markdown import escape, table


class Sheet(NamedTuple):
    """A table with what must be known to read it."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def as_markdown(sheet: Sheet) -> str:
    """A heading, the table, the note."""
    rows = ([escape(cell) for cell in cells] for cells in sheet.rows)
    body = table([escape(name) for name in sheet.header], rows) if sheet.rows else "Nothing."
    return "\n\n".join(filter(None, (f"## {escape(sheet.title)}", body, escape(sheet.note)))) + "\n"
