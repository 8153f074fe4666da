"""What rows come in: JSON lines, a JSON array or object, CSV and its kin, Parquet; packed or not.

    with open_rows("pairs.csv.gz", is_row) as rows:
        for number, text in rows.texts: ...       # the row as one JSON object

CSV and Parquet are known by their names (.csv, .tsv, .parquet; Parquet by its first bytes too),
everything else is JSON. How a file is packed shows in its first bytes. A row leaves here as JSON
text whatever it came in, so that every format is read and checked in one way, and rows are read one
at a time, so that a file may be larger than the memory.

What is wrong with the file as a whole is found here and is always an error; what is wrong with
one row is found by its format, and may be left out.
"""

import datetime
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

from argo_audit.errors import InputError
from argo_audit.files import is_url
from argo_audit.pairs.formats.data_stream import FREE, Caps, DataStream, opened
from argo_audit.pairs.formats.delimited import delimited_rows
from argo_audit.pairs.formats.json_rows import IsRow, Numbered, json_rows
from argo_audit.pairs.images import data_uri

if TYPE_CHECKING:
    import pyarrow
    from pyarrow import parquet

_PARQUET = b"PAR1"
_AT_ONCE = 256


@dataclass(frozen=True)
class Rows:
    """The rows of a file or data set, to be read once.

    `origin` names it in errors and records: a path, or a data set at its commit. `texts` gives the
    number of each row, from 1, and the row as JSON; numbers count lines of text where there are
    any, and rows where `unit` says so. `beside` names what a file holds beside its rows.
    """

    origin: str
    texts: Numbered
    unit: str = "line"
    beside: tuple[str, ...] = ()

    def error(self, problem: str, remedy: str, number: int | None = None) -> InputError:
        """An error at a row, or of the whole."""
        return InputError(self.origin, problem, remedy, number, self.unit)


@contextmanager
def open_rows(path: str | Path, is_row: IsRow, caps: Caps | None = None) -> Iterator[Rows]:
    """The rows of a file here or behind an fsspec URL; `is_row` knows one when it sees it.

    Raises:
        InputError: When the file is missing, empty or of no kind that holds rows; for what shows
            only on the way, such as bytes that are no UTF-8, as `texts` is read.
    """
    file = str(path)
    with opened(file, caps or Caps.from_environment()) as stream:
        kind = stream.kind
        if kind in (".parquet", ".pq") or stream.starts_with(_PARQUET):
            yield Rows(file, _parquet(file, stream), "row")
            return
        number, first = _first_line(stream)
        if kind in (".csv", ".tsv", ".tab"):
            yield Rows(file, delimited_rows(stream, first, number))
        else:
            yield Rows(file, *json_rows(stream, first, number, is_row))


def as_json(rows: Iterable[Mapping[str, object]]) -> Numbered:
    """Rows of any table, numbered from 1; bytes become data URIs, dates and the like texts."""
    for number, row in enumerate(rows, 1):
        yield number, json.dumps(row, ensure_ascii=False, default=_worded)


def _worded(value: object) -> str:
    if isinstance(value, bytes):
        return data_uri(value)
    return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else str(value)


def _first_line(stream: DataStream) -> tuple[int, bytes]:
    """The first line that is not blank, without a byte order mark."""
    number = 1
    line = stream.line().removeprefix(b"\xef\xbb\xbf")
    while line and not line.strip():
        if len(line) > stream.caps.row:
            raise stream.caps.exceeded(stream.file, "row", number)
        number, line = number + 1, stream.line()
    if not line:
        raise InputError(stream.file, "the file is empty", "Write one pair as JSON on each line.")
    return number, line


def _parquet(file: str, stream: DataStream) -> Numbered:
    import pyarrow
    from pyarrow import parquet

    try:
        apart = stream.packed or is_url(file)
        table = parquet.ParquetFile(io.BytesIO(stream.rest()) if apart else file)
        twice = [name for name, n in Counter(table.schema_arrow.names).items() if n > 1]
        if twice:
            problem = f"the column {twice[0]!r:.60} stands twice"
            raise InputError(file, problem, "Rename or remove one of the two.")
        batches = table.iter_batches(_at_once(file, table.metadata, stream.caps))
        yield from as_json(_parquet_rows(file, batches, stream.caps))
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        problem = f"not a whole Parquet file ({error})"
        raise InputError(file, problem, "Copy or download it again.") from error


def _at_once(file: str, about: "parquet.FileMetaData", caps: Caps) -> int:
    """How many rows may be unpacked together, by what the file says of its pages; none is yet.

    Raises InputError for a file that says it is too much.
    """
    packed, size, largest = 0, 0, 1
    for group in map(about.row_group, range(about.num_row_groups)):
        columns = [group.column(n) for n in range(group.num_columns)]
        packed += sum(column.total_compressed_size for column in columns)
        whole = sum(column.total_uncompressed_size for column in columns)
        size, largest = size + whole, max(largest, whole // max(1, group.num_rows))
    if size > max(FREE, caps.ratio * packed):
        raise caps.exceeded(file, "ratio")
    if largest > caps.row:
        raise caps.exceeded(file, "row")
    return max(1, min(_AT_ONCE, caps.row // largest))


def _parquet_rows(
    file: str, batches: Iterable["pyarrow.RecordBatch"], caps: Caps
) -> Iterator[dict[str, object]]:
    """Of a batch that is large a row at a time, so that one row alone has to be bounded."""
    unpacked = 0
    for batch in batches:
        unpacked += batch.nbytes
        if unpacked > caps.unpacked:
            raise caps.exceeded(file, "unpacked")
        if batch.nbytes <= caps.row:
            yield from batch.to_pylist()
            continue
        for row in map(batch.slice, range(batch.num_rows), repeat(1)):
            if row.nbytes > caps.row:
                raise caps.exceeded(file, "row")
            yield from row.to_pylist()
