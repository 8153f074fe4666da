"""A row of a format that others define: what of it is read, and what is not, by name.

    class _Trl(Row):
        prompt: str
        chosen: str
        ...
        def labelled(self) -> LabelledPair: ...

    TRL = PairFormat("trl", _Trl)
    TRL.read('{"prompt": "Hi", "chosen": "Hello", "rejected": "Go", "source": "web"}').unused
    # {"source"}

Every cell is used, or named as unused, or the row is refused. What nobody declares as a field is
unused, also deep inside (`chosen[].weight`). A column that tells what was asked (`system`, `tools`,
...) is refused by a format that does not read it: without it the question would be another one.
Cells that hold nothing (null, "", [], {}) are as good as absent.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, model_validator

from argo_audit.pairs.formats.json_rows import key_twice
from argo_audit.pairs.formats.labelled import LabelledPair, Read
from argo_audit.records import Record

_ASKED = frozenset(
    {"system", "system_prompt", "system_message", "history", "tools", "functions"}
    | {"image", "images", "tool_calls"}
)


class Open(Record):
    """Part of a row; what it holds beside its fields is kept apart, to be named."""

    model_config = ConfigDict(extra="allow")


class ExactRow(Open):
    """A row whose columns have one name and one type."""

    def labelled(self) -> LabelledPair:
        """The pair and the labels; raises ValueError where the row makes none."""
        raise NotImplementedError  # not abstract: a row that gives several has `read` alone

    def read(self) -> Read:
        """All pairs of the row, for one that gives several."""
        return Read((self.labelled(),))

    def unread(self) -> Iterator[str]:
        """What a field holds that is not used, by name."""
        yield from ()


class Row(ExactRow):
    """A row as others write them; `aliases` are other names of its columns."""

    aliases: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _by_one_name(cls, row: object) -> object:
        """Columns by the names of the fields; of optional ones those that hold something."""
        if not isinstance(row, dict):
            return row
        named: dict[str, object] = {}
        for column, cell in row.items():
            name = cls.aliases.get(column, column)
            said = row.get(name) if is_blank(named.get(name)) else named[name]
            if name != column and cell == said:
                continue  # the same, said twice
            if name != column and not is_blank(said):
                name = column
            if not (name in named and is_blank(cell)):
                named[name] = cell
        return {
            name: cell for name, cell in named.items() if not is_blank(cell) or _needed(cls, name)
        }


class Reading(NamedTuple):
    """The pairs of a row, those it does not give and why, and the names of what is not used."""

    pairs: tuple[LabelledPair, ...]
    left_out: tuple[str, ...] = ()
    unused: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PairFormat:
    """A format by name.

    `row` models a row; a row that has its columns is of this format, if `recognises` agrees.
    Formats of this project are `ours`: types are exact and ids are unique. Files of others have
    numbers in quotes and ids that repeat. The letters of a format may be `drawn`. Consecutive rows
    that are alike in the column `together` are one, with the rows in `rows`. `data_sets`,
    `reads` and `leaves` are for the table of formats: where it is found, what becomes of its
    columns, and which are named as unused.
    """

    name: str
    row: type[ExactRow] | type[LabelledPair]
    recognises: Callable[[Mapping[str, object]], bool] = lambda row: True
    ours: bool = False
    drawn: bool = False
    together: str = ""
    needs: tuple[str, ...] = ()
    data_sets: str = ""
    reads: str = ""
    leaves: str = "-"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a row must have."""
        fields = self.row.model_fields.items()
        return self.needs or tuple(name for name, field in fields if field.is_required())

    def describes(self, row: Mapping[str, object]) -> bool:
        """Whether the row is of this format."""
        aliases = self.row.aliases if issubclass(self.row, Row) else {}
        named = {aliases.get(column, column) for column in row}
        return named.issuperset(self.columns) and self.recognises(row)

    def read(self, text: str) -> Reading:
        """One row, as JSON. Raises ValueError, pydantic's ValidationError among it."""
        row = self.row.model_validate_json(text, strict=self.ours or None)
        if (twice := key_twice(text)) is not None:
            raise ValueError(f"the key {twice!r:.60} stands twice")
        if isinstance(row, LabelledPair):
            return Reading((row,))
        names = (*left_over(row), *row.unread())
        unused = frozenset(name.removeprefix("rows[].") for name in names)
        if asked := sorted(unused & _ASKED):
            what = f"the column {asked[0]!r} tells what was asked"
            raise ValueError(f"{what}, and {self.name} does not read it")
        return Reading(*row.read(), unused)


def _needed(row: type[Row], name: str) -> bool:
    return name in row.model_fields and row.model_fields[name].is_required()


def is_blank(cell: object) -> bool:
    """Whether a cell holds nothing."""
    return cell is None or cell in ("", [], {})


def left_over(part: object, place: str = "") -> Iterator[str]:
    """The names of what no field of a row takes, at any depth: `chosen[].weight`."""
    if isinstance(part, BaseModel):
        for name, cell in (part.model_extra or {}).items():
            if not is_blank(cell):
                yield f"{place}{name}"
        for name, cell in _nested(part):
            yield from left_over(cell, f"{place}{name}")
    elif isinstance(part, tuple):
        for one in part:
            yield from left_over(one, f"{place}[].")


def _nested(part: BaseModel) -> Iterator[tuple[str, Any]]:
    for name in type(part).model_fields:
        cell = getattr(part, name)
        if isinstance(cell, tuple):
            yield name, cell
        elif isinstance(cell, BaseModel):
            yield f"{name}.", cell
