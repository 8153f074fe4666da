"""Records in order, as a list that knows what each is of, and as a table for whoever has pandas.

    found = RecordList(attempts, [{"label_source": "human"} for _ in attempts])
    found[0].policy_reward, len(found), found[:5]
    found.of(label_source="human")
    found.to_frame()                    # columns label_source, run, step, …, train.accuracy, …

A frame has a column for each field; those of a record within a record are named "field.field".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, overload, runtime_checkable

from argo_audit.errors import InputError, did_you_mean
from argo_audit.records import Record
from argo_audit.report.sheets import html_table

if TYPE_CHECKING:
    import pandas as pd

R = TypeVar("R", covariant=True)
Cell = str | int | float | bool | None

_SHOWN = 20
_LONGEST = 80


@runtime_checkable
class Tupled(Protocol):
    """What a NamedTuple is."""

    def _asdict(self) -> dict[str, object]: ...


class RecordList(Sequence[R], Generic[R]):
    """Records in order; `beside` says of each what it is of, in the same words."""

    def __init__(self, records: Iterable[R], beside: Iterable[Mapping[str, Cell]] = ()) -> None:
        """Without `beside` nothing is known but the records."""
        self._records = tuple(records)
        self.beside = tuple(beside) or tuple({} for _ in self._records)

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> "RecordList[R]": ...
    def __getitem__(self, index: int | slice) -> "R | RecordList[R]":
        """A record, or the list of some."""
        if isinstance(index, slice):
            return RecordList(self._records[index], self.beside[index])
        return self._records[index]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._records)

    def __iter__(self) -> Iterator[R]:
        """In order."""
        return iter(self._records)

    def __repr__(self) -> str:
        """Their number and kind."""
        kinds = dict.fromkeys(type(record).__name__ for record in self._records)
        return f"<RecordList of {len(self)} {' or '.join(kinds) or 'records'}>"

    def of(self, **wanted: Cell) -> "RecordList[R]":
        """Those of which this was said beside, or that have this field: `of(status="verified")`.

        Raises InputError for a name that is neither.
        """
        every = list(zip(self._records, self.beside, strict=True))
        known = dict.fromkeys(name for record, said in every for name in _told(record, said))
        for name in wanted if every else ():
            if name not in known:
                problem = f"there is no such field{did_you_mean(name, known)}"
                raise InputError(name, problem, f"choose among {', '.join(known)}")
        kept = [
            (record, said)
            for record, said in every
            if wanted.items() <= _told(record, said).items()
        ]
        return RecordList((record for record, _ in kept), (said for _, said in kept))

    def rows(self) -> list[dict[str, object]]:
        """One flat dictionary each: what was said beside, then the fields."""
        every = [
            {**said, **_flat(record)}
            for record, said in zip(self._records, self.beside, strict=True)
        ]
        nested = {name.rpartition(".")[0] for row in every for name in row if "." in name}
        return [{k: v for k, v in row.items() if k not in nested} for row in every]

    def to_frame(self) -> "pd.DataFrame":
        """A table with a row for each record, and its fields as columns."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def _repr_html_(self) -> str:
        """The first of them, for a notebook."""
        return as_table(self.rows()[:_SHOWN], f"{len(self)} records")


def _told(record: object, said: Mapping[str, Cell]) -> Mapping[str, object]:
    """The fields of a record, under what was said beside."""
    return {**(_fields(record) or {}), **said}


def as_table(rows: Sequence[Mapping[str, object]], caption: str) -> str:
    """Rows as a small table for a notebook, in which no text can act."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return html_table(names, ([_shown(row.get(name)) for name in names] for row in rows), caption)


def _shown(cell: object) -> str:
    if cell is None:
        return ""
    text = f"{cell:.4g}" if isinstance(cell, float) else str(cell)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _flat(record: object, before: str = "") -> dict[str, object]:
    """The fields of a record, those of records in it under their own names behind its."""
    found: dict[str, object] = {}
    for name, value in (_fields(record) or {}).items():
        inner = _flat(value, f"{before}{name}.")
        found |= inner or {f"{before}{name}": value}
    return found


def _fields(record: object) -> Mapping[str, object] | None:
    if isinstance(record, Record):
        return dict(record)
    if isinstance(record, Tupled):
        return record._asdict()
    if is_dataclass(record) and not isinstance(record, type):
        return asdict(record)
    return None
