"""One run as the report speaks of it: the rubric it selected, the file that holds it, its numbers.

trained.source.quote(trained.text, 3)      # “Long responses” [line 68](…)
Backed(agreement, href).accuracy
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from argo_audit.findings.inputs import RunRecord
from argo_audit.records import Agreement, StoredRubric
from argo_audit.report.markdown import escape, link, visible
from argo_audit.store import file_name, slug

_LONGEST_QUOTE = 300  # characters of one line


@dataclass(frozen=True)
class Source:
    """A text file as the report links to it; the quoted text starts on its line `first_line`."""

    href: str
    first_line: int

    def quote(self, text: str, line: int, said: str | None = None) -> str:
        """Line `line` of `text` (from 1) as `words` gives it, with a link to where it stands.

        `said` is the same as markdown, where something in it is marked.
        """
        words = _words(text, line)
        cut = " …" if len(words) > _LONGEST_QUOTE else ""
        shown = escape(words[:_LONGEST_QUOTE]) if said is None else said
        return f"“{shown}”{cut} {self.line(self.first_line + line - 1)}"

    def words(self, text: str, line: int) -> str:
        """Line `line` of `text` less its list marks, cut where it is long."""
        return _words(text, line)[:_LONGEST_QUOTE]

    def line(self, number: int) -> str:
        """A link to one line of the file."""
        return link(f"line {number}", f"{self.href}#L{number}")


class Backed(NamedTuple):
    """An agreement with a link to the file that it comes from; None where it was not measured.

    The link is empty where no file is known, or it lies on another machine.
    """

    agreement: Agreement | None = None
    href: str = ""

    @property
    def accuracy(self) -> float | None:
        """None when it was not measured."""
        return None if self.agreement is None else self.agreement.accuracy


def _words(text: str, line: int) -> str:
    words = visible(text).split("\n")[line - 1].strip().strip("|").strip()
    return words.removeprefix("- ").removeprefix("* ")


@dataclass(frozen=True)
class Trained:
    """A run, the rubric it put into a store, the file that holds it, and the store's root."""

    record: RunRecord
    best: StoredRubric | None
    source: Source | None
    store: Path | None

    @property
    def path(self) -> Path | None:
        """The file of the selected rubric."""
        return self.store / stored_path(self.best) if self.store and self.best else None

    @property
    def population(self) -> str:
        """As the run names it."""
        return self.record.run.population

    @property
    def label_source(self) -> str:
        """What the run was trained on."""
        return self.record.run.label_source

    @property
    def text(self) -> str:
        """The selected rubric's text; empty when nothing was selected."""
        return self.best.rubric.text if self.best else ""


def stored_path(stored: StoredRubric) -> Path:
    """Where a store keeps a rubric, from its root."""
    return Path(slug(stored.reward_model), file_name(stored))
