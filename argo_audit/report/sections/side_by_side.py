r"""Two rubrics side by side: aligned lines as a table, with the words that differ marked.

    >>> marked("Rewards short answers.", "Rewards long answers.")
    ('Rewards **short** answers.', 'Rewards **long** answers.')

Which lines belong together is `alignments`' to say; inside two lines that do, words are compared,
so that a reader sees at once what the other rubric says otherwise. The page shows what is bold in a
quote as a mark.
"""

import re
from collections.abc import Sequence

from argo_audit.findings.alignments import Row, ranks, shares
from argo_audit.report.differing_words import Run, differing
from argo_audit.report.markdown import escape, number, table, together, visible
from argo_audit.report.trained import Trained
from argo_audit.rubrics.alignment import Item

LINES = ("", "First", "Second", "Alike", "Rank", "Weight")

_WORD = re.compile(r"\w")


def marked(first: str, second: str) -> tuple[str, str]:
    """Both texts on one line as markdown, with the words in bold that the other has not.

    Nothing is bold in texts that share no word: all of it would be.
    """
    both = differing(*(" ".join(visible(text).split()) for text in (first, second)))
    if not any(_WORD.search(run.text) for run in both[0] if not run.differs):
        return escape(first), escape(second)
    return _bold(both[0]), _bold(both[1])


def quoted_rows(rows: Sequence[Row], first: Trained, second: Trained) -> str:
    """Aligned lines as a table, quoted from both rubrics."""
    return table(LINES, (_quoted_row(row, first, second) for row in rows))


def _quoted_row(row: Row, first: Trained, second: Trained) -> list[str]:
    alike = number(row.similarity) if row.similarity is not None else ""
    texts = _line(row.first, first), _line(row.second, second)
    said = marked(*texts) if all(texts) else (None, None)
    cells = _quote(row.first, first, said[0]), _quote(row.second, second, said[1])
    return [together(row.standing), *cells, alike, together(ranks(row)), together(shares(row))]


def _line(item: Item | None, trained: Trained) -> str:
    if item is None or trained.source is None or item.line < 1:
        return ""
    return trained.source.words(trained.text, item.line)


def _quote(item: Item | None, trained: Trained, said: str | None) -> str:
    if item is None or trained.source is None or item.line < 1:
        return ""
    return trained.source.quote(trained.text, item.line, said)


def _bold(runs: Sequence[Run]) -> str:
    parts = []
    for run in runs:
        said, space = escape(run.text), " " if run.text.endswith(" ") else ""
        parts.append(f"**{said}**{space}" if run.differs and said else f"{said}{space}")
    return "".join(parts)
