"""Pairs as Python gives them: a file's name, what was read of one, a list, a DataFrame or its rows.

    read_given(frame).pairs
    read_given([Pair(...), Pair(...)]).fingerprint

Every door takes all of these, and what is none of them is refused in a sentence.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Protocol, runtime_checkable

from argo_audit.errors import InputError, brief
from argo_audit.files import is_url, write_whole
from argo_audit.pairs.pair_file import HUB, Hub, PairFile, read
from argo_audit.records import Pair, fingerprint

_FORMS = "give a file, a list of Pair, or a DataFrame or rows with the columns of a format"
_NAMED = 3


@runtime_checkable
class Frame(Protocol):
    """What a pandas DataFrame can be asked for."""

    def to_json(self, *, orient: Literal["records"], lines: bool) -> str:
        """One line for each row, an object of its columns."""


GivenPairs = (
    str | PathLike[str] | PairFile | Sequence[Pair] | Sequence[Mapping[str, object]] | Frame
)
"""A file or data set of the hub, pairs as they were read, pairs, or a DataFrame or rows of them."""


def read_given(
    pairs: GivenPairs,
    *,
    format: str | None = None,
    skip_invalid: bool = False,
    hub: Hub | None = None,
) -> PairFile:
    """Pairs as a file of them would be read; `hub` opens data sets of the hub.

    Raises InputError for what is none, or holds none.
    """
    if isinstance(pairs, PairFile):
        return pairs
    if isinstance(pairs, str | PathLike):
        return read(place_of(pairs), format=format, skip_invalid=skip_invalid, hub=hub)
    name, lines = _table(pairs)
    return _of_lines(name, lines, format, skip_invalid) if name else _of_pairs(pairs)


def _table(given: object) -> tuple[str, str]:
    """What a table is called and its rows as lines; nothing for what is no table."""
    if isinstance(given, Frame):
        return "DataFrame", _lines_of(given)
    rows = given if isinstance(given, Sequence) else ()
    if rows and all(isinstance(row, Mapping) for row in rows):
        return "rows", _as_lines(rows)
    return "", ""


def place_of(path: str | PathLike[str]) -> str | Path:
    """A place elsewhere as it is named; on this machine, `~` is the user's folder."""
    elsewhere = isinstance(path, str) and (path.startswith(HUB) or is_url(path))
    return str(path) if elsewhere else Path(path).expanduser()


def _of_pairs(several: object) -> PairFile:
    if not isinstance(several, Sequence):
        raise InputError("pairs", f"no pairs but one of type {type(several).__name__}", _FORMS)
    pairs = [one for one in several if isinstance(one, Pair)]
    other = next((one for one in several if not isinstance(one, Pair)), None)
    if len(pairs) < len(several):
        raise InputError("pairs", f"among them is one of type {type(other).__name__}", _FORMS)
    if not pairs:
        raise InputError("pairs", "there are none", "give one at least")
    counts = Counter(pair.id for pair in pairs)
    if twice := [name for name, count in counts.items() if count > 1]:
        shown = ", ".join(map(repr, twice[:_NAMED])) + (", …" if len(twice) > _NAMED else "")
        raise InputError("pairs", f"several have the id {shown}", "give each an id of its own")
    digest = fingerprint("\n".join(pair.model_dump_json() for pair in pairs), length=64)
    return PairFile(tuple(pairs), {}, fingerprint=digest, skipped=())


def _lines_of(frame: Frame) -> str:
    try:
        return frame.to_json(orient="records", lines=True)
    except (ValueError, TypeError, OverflowError) as error:  # whatever pandas cannot write
        remedy = "give one row a pair, with columns of different names that hold texts"
        raise InputError("DataFrame", f"cannot be read ({brief(error)})", remedy) from error


def _as_lines(rows: Sequence[object]) -> str:
    try:
        return "".join(f"{json.dumps(row)}\n" for row in rows)
    except (ValueError, TypeError) as error:
        remedy = "give texts, numbers, lists and dictionaries of them"
        raise InputError("rows", f"cannot be read ({brief(error)})", remedy) from error


def _of_lines(name: str, lines: str, format: str | None, skip_invalid: bool) -> PairFile:
    """A table is read as a file of its rows would be."""
    with TemporaryDirectory() as folder:
        file = Path(folder, f"{name}.jsonl")
        write_whole(file, lines)
        try:
            return read(file, format=format, skip_invalid=skip_invalid)
        except InputError as error:  # by its name here, and not that of a file that is gone
            raise InputError(name, error.problem, error.remedy, error.line, "row") from error
