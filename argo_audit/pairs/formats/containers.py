"""What rows come in: JSON lines, a JSON array, CSV or Parquet, gzipped or not.

    rows = open_rows("pairs.csv.gz")
    for number, text in rows.texts: ...       # the row as one JSON object

The container follows from the file's name: .csv, .parquet, .json (an array, or lines: both are
called so), and lines of JSON for any other. A row leaves here as JSON text whatever it came in, so
that every format is read and checked in one way.

What is wrong with the file as a whole is found here and is always an error; what is wrong with
one row is found by its format, and may be left out.
"""

import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic_core import from_json

from argo_audit.errors import InputError
from argo_audit.files import is_url, read_bytes, reason, remedy

Numbered = Iterator[tuple[int, str]]


@dataclass(frozen=True)
class Rows:
    """The rows of a file or data set, to be read once.

    `origin` names it in errors and records: a path, or a data set at its commit. `texts` gives the
    number of each row, from 1, and the row as JSON; numbers count lines of text where there are
    any, and rows where `unit` says so.
    """

    origin: str
    texts: Numbered
    unit: str = "line"

    def error(self, problem: str, remedy: str, number: int | None = None) -> InputError:
        """An error at a row, or of the whole."""
        return InputError(self.origin, problem, remedy, number, self.unit)


def open_rows(path: str | Path) -> Rows:
    """The rows of a file of this machine or behind an fsspec URL.

    Raises:
        InputError: When the file is missing, truncated or empty; for what shows only on the way,
            such as bytes that are no UTF-8, as `texts` is read.
    """
    file = str(path)
    content = _content(file).removeprefix(b"\xef\xbb\xbf")
    if not content.strip():
        raise InputError(file, "the file is empty", "Write one pair as JSON on each line.")
    kind = PurePosixPath(file.removesuffix(".gz")).suffix.lower()
    if kind == ".parquet":
        return Rows(file, _parquet(file, content), "row")
    if kind == ".csv":
        return Rows(file, _csv(file, content))
    if kind == ".json" and content.lstrip().startswith(b"["):
        return Rows(file, _array(file, content), "row")
    return Rows(file, _lines(file, content))


def as_json(rows: Iterable[Mapping[str, object]]) -> Numbered:
    """Rows of any table, numbered from 1; what JSON has no word for (dates, bytes) is null."""
    for number, row in enumerate(rows, 1):
        yield number, json.dumps(row, ensure_ascii=False, default=lambda _: None)


def _content(file: str) -> bytes:
    """What is in a file of this machine or behind an fsspec URL, unzipped."""
    try:
        content = read_bytes(file)
        if file.endswith(".gz") or content.startswith(b"\x1f\x8b"):
            return gzip.decompress(content)
    except FileNotFoundError as error:
        raise InputError(file, "there is no such file", "Check the path.") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        problem = f"not a whole gzip file ({error})"
        raise InputError(file, problem, "Copy or download it again.") from error
    except OSError as error:
        problem = f"cannot be read ({reason(error)})"
        mend = remedy(file, error) if is_url(file) else "Give a file you may read."
        raise InputError(file, problem, mend) from error
    return content


def _lines(file: str, content: bytes) -> Numbered:
    """The lines that are not blank."""
    for number, line in enumerate(io.BytesIO(content), 1):
        try:
            text = line.removesuffix(b"\n").decode()
        except UnicodeDecodeError as error:
            raise InputError(file, "not UTF-8 text", "Save it as UTF-8.", number) from error
        if text.strip():
            yield number, text


def _array(file: str, content: bytes) -> Numbered:
    try:
        rows = from_json(content)
    except ValueError as error:
        remedy = "Write an array of objects, or one object on each line."
        raise InputError(file, f"not valid JSON ({error})", remedy) from error
    yield from as_json(rows)


def _csv(file: str, content: bytes) -> Numbered:
    """Each record as an object of texts, numbered by the line it starts on.

    A record with too few or too many cells is given as a list, which no format takes for a pair.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(file, "not UTF-8 text", "Save it as UTF-8.", line) from error
    (_, header), *records = _records(file, text)
    for number, cells in records:
        row = dict(zip(header, cells, strict=True)) if len(cells) == len(header) else cells
        yield number, json.dumps(row, ensure_ascii=False)


def _records(file: str, text: str) -> list[tuple[int, list[str]]]:
    """The records that are not blank, with the line each starts on.

    Read in one go, since Python's limit on the size of a cell is global and must be put back.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records, start = [], 1
    limit = csv.field_size_limit(sys.maxsize)
    try:
        for cells in reader:
            if cells:
                records.append((start, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        problem = f"not valid CSV ({error}) in the record that starts here"
        raise InputError(file, problem, "Check the quotes there.", start) from error
    finally:
        csv.field_size_limit(limit)
    return records


def _parquet(file: str, content: bytes) -> Numbered:
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(io.BytesIO(content))
        yield from as_json(row for batch in table.iter_batches(1000) for row in batch.to_pylist())
    except (pyarrow.ArrowException, UnicodeDecodeError) as error:
        problem = f"not a whole Parquet file ({error})"
        raise InputError(file, problem, "Copy or download it again.") from error
