"""Which format rows are in, and the rows as that format reads them."""

import json
import re
from collections.abc import Sequence
from itertools import chain

from pydantic import ValidationError
from pydantic_core import from_json

from argo_audit.errors import InputError, did_you_mean, problems
from argo_audit.pairs.formats.containers import Rows
from argo_audit.pairs.formats.json_rows import Numbered
from argo_audit.pairs.formats.native import NATIVE
from argo_audit.pairs.formats.registry import FORMATS, detect, known_formats, named
from argo_audit.pairs.formats.rows import PairFormat

_LOOKED_AT = 100
"""Rows that may be of no known format before one that is."""

_MOST_TOGETHER = 1000
_KIND = re.compile(r"\.(?:str|[\w-]+\[[^\]]*\])")
"""In the place of what is wrong: one of the types that a cell may have."""


def recognised(rows: Rows, name: str | None) -> tuple[PairFormat, Numbered]:
    """The format by name or by the first row that is in any, and all rows as it reads them.

    Raises InputError where there is no such format, or no row is in any.
    """
    chosen, texts = _format(rows, name)
    return chosen, _together(rows, chosen.together, texts) if chosen.together else texts


def problem(error: ValueError, chosen: PairFormat) -> str:
    """What is wrong, without the text that is wrong: model text does not enter messages."""
    if not isinstance(error, ValidationError):
        return str(error)
    by_place: dict[str, str] = {}
    for found in problems(error, chosen.row, quote=False):
        by_place.setdefault(_KIND.sub("", found.where), found.what)
    shown = list(by_place.items())[:3]
    return "; ".join(f"{place!r:.120}: {what}" if place else what for place, what in shown)


def remedy(chosen: PairFormat) -> str:
    """What to do about a row that is not of the format."""
    return (
        f"Read as {chosen.name}, which needs {', '.join(chosen.columns)}: name another format with "
        "--format (in Python format=), mend or remove what is wrong, or leave such lines out with "
        "--skip-invalid (skip_invalid=True)."
    )


def _format(rows: Rows, name: str | None) -> tuple[PairFormat, Numbered]:
    if name is not None:
        if (chosen := named(name)) is None:
            near = did_you_mean(name, (known.name for known in FORMATS))
            said = f"there is no format {name!r:.40}{near}"
            raise rows.error(said, f"Formats and what they need: {known_formats()}.")
        return chosen, rows.texts
    first_object: tuple[int, list[str]] | None = None
    looked_at: list[tuple[int, str]] = []
    for number, text in rows.texts:
        looked_at.append((number, text))
        row = _object(text)
        if row is not None and (found := detect(row)) is not None:
            return found, chain(looked_at, rows.texts)
        if row is not None and first_object is None:
            first_object = (number, list(row))
        if len(looked_at) == _LOOKED_AT:
            break
    if first_object is not None:
        raise _unrecognised(rows, *first_object)
    return NATIVE, chain(looked_at, rows.texts)


def _object(text: str) -> dict[str, object] | None:
    try:
        row = from_json(text)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _unrecognised(rows: Rows, number: int, columns: Sequence[str]) -> InputError:
    seen = ", ".join(f"{column!r:.40}" for column in columns[:12]) or "none"
    more = f" and {len(columns) - 12} more" if len(columns) > 12 else ""
    said = f"the format is not recognised; the columns are {seen}{more}"
    mend = f"Rename columns, or name a format (format). Known are: {known_formats()}."
    return rows.error(said, mend, number)


def _together(rows: Rows, column: str, texts: Numbered) -> Numbered:
    """Consecutive rows that are alike in a column as one, by the number of the first."""
    held: list[str] = []
    start, of = 0, None
    for number, text in texts:
        row = _object(text)
        its = None if row is None else json.dumps(row.get(column))
        if held and (its is None or its != of):
            yield start, _joined(held)
            held = []
        if its is None:
            yield number, text  # no row at all: whoever reads it says what is wrong
            continue
        if not held:
            start, of = number, its
        held.append(text)
        if len(held) > _MOST_TOGETHER:
            said = f"more than {_MOST_TOGETHER} rows belong together by {column!r}"
            raise rows.error(said, "Divide them, or name another format.", start)
    if held:
        yield start, _joined(held)


def _joined(texts: Sequence[str]) -> str:
    return f'{{"rows": [{",".join(texts)}]}}'
