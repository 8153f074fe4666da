"""Rows in text with separators: commas, tabs, semicolons (as spreadsheets of many countries write).

Each record leaves as an object of texts, numbered by the line it starts on. A record with too few
or too many cells is given as a list, which no format takes for a pair. Cells without a heading are
called by their number.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence

from argo_audit.errors import InputError
from argo_audit.pairs.formats.data_stream import DataStream

_SEPARATORS = (",", ";", "\t", "|")


def delimited_rows(stream: DataStream, first: bytes, number: int) -> Iterator[tuple[int, str]]:
    """The records of a stream whose first line that is not blank is `first`.

    Raises InputError for a heading that stands twice, and on the way for broken quotes.
    """
    separator = _separator(_text(stream.file, first, number), stream.caps.row)
    records = _records(stream, first, number, separator)
    _, cells = next(records)
    heading = _heading(stream.file, cells, number)
    return _rows(records, heading)


def _rows(
    records: Iterator[tuple[int, list[str]]], heading: Sequence[str]
) -> Iterator[tuple[int, str]]:
    for number, cells in records:
        whole = len(cells) == len(heading)
        row = dict(zip(heading, cells, strict=True)) if whole else cells
        yield number, json.dumps(row, ensure_ascii=False)


def _separator(line: str, longest: int) -> str:
    """What divides the heading into most cells; a comma where nothing does."""
    return max(_SEPARATORS, key=lambda mark: _cells(line, mark, longest))


def _cells(line: str, mark: str, longest: int) -> int:
    limit = csv.field_size_limit(longest)
    try:
        return len(next(csv.reader([line], delimiter=mark), []))
    except csv.Error:  # who reads the records says what is wrong
        return 0
    finally:
        csv.field_size_limit(limit)


def _heading(file: str, cells: Sequence[str], line: int) -> list[str]:
    names = [cell or f"column {n}" for n, cell in enumerate(cells, 1)]
    twice = [name for name, uses in Counter(names).items() if uses > 1]
    if twice:
        problem = f"the column {twice[0]!r:.60} stands twice"
        raise InputError(file, problem, "Rename or remove one of the two.", line)
    return names


def _records(
    stream: DataStream, first: bytes, number: int, separator: str
) -> Iterator[tuple[int, list[str]]]:
    """The records that are not blank, with the line each starts on.

    Python's limit on the size of a cell is global: it is raised for one record at a time.
    """
    lines = _Lines(stream, first, number)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        start = lines.number + 1
        limit = csv.field_size_limit(stream.caps.row)
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if lines.size > stream.caps.row:
                raise stream.caps.exceeded(stream.file, "row", start) from error
            problem = f"not valid CSV ({error}) in the record that starts here"
            raise InputError(stream.file, problem, "Check the quotes there.", start) from error
        finally:
            csv.field_size_limit(limit)
        lines.size = 0
        if cells:
            yield start, cells


class _Lines:
    """The lines as text; `number` is that of the last one given, `size` of all since it was 0."""

    def __init__(self, stream: DataStream, first: bytes, number: int) -> None:
        self.number = number - 1
        self.size = 0
        self._stream = stream
        self._first: bytes | None = first

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line, self._first = self._first or self._stream.line(), None
        if not line:
            raise StopIteration
        self.number += 1
        self.size += len(line)
        if self.size > self._stream.caps.row:
            raise self._stream.caps.exceeded(self._stream.file, "row", self.number)
        return _text(self._stream.file, line, self.number)


def _text(file: str, line: bytes, number: int) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise InputError(file, "not UTF-8 text", "Save it as UTF-8.", number) from error
