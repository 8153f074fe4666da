"""Tables of plain text, as a command prints them or as markdown.

    as_markdown(Sheet("Lines", ("", "First"), [("shared", "- be brief")]))

Cells are plain text, whoever wrote it: on neither way is anything in them markup.
"""

import html
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from argo_audit.report.markdown import escape, table, visible

if TYPE_CHECKING:
    import pandas as pd


class Sheet(NamedTuple):
    """A table with what must be known to read it."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def to_frame(self) -> "pd.DataFrame":
        """The same as a table of pandas; cells stay texts."""
        import pandas as pd

        return pd.DataFrame([list(row) for row in self.rows], columns=list(self.header))

    def _repr_html_(self) -> str:
        """The same for a notebook, where no text of it can act."""
        return html_table(self.header, self.rows, self.title, self.note)


def html_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], title: str, note: str = ""
) -> str:
    """A small table in which no text can act."""
    head = "".join(f"<th>{_plain(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{_plain(c)}</td>' for c in cells)}</tr>" for cells in rows)
    said = f"<p>{_plain(note)}</p>" if note else ""
    return f"<table><caption>{_plain(title)}</caption><tr>{head}</tr>{body}</table>{said}"


def _plain(text: str) -> str:
    return html.escape(visible(text))


def as_markdown(sheet: Sheet) -> str:
    """A heading, the table, the note."""
    rows = ([escape(cell) for cell in cells] for cells in sheet.rows)
    body = table([escape(name) for name in sheet.header], rows) if sheet.rows else "Nothing."
    return "\n\n".join(filter(None, (f"## {escape(sheet.title)}", body, escape(sheet.note)))) + "\n"
