"""The bytes of a data file: unpacked as they are read, and never more of them than is allowed.

    with opened("pairs.jsonl.zst") as stream:
        for number, line in stream.lines(): ...

What a file unpacks to is bounded in three ways: in all, by how many times more than the file
itself, and by row. A file that is more than that is refused with the cap and the words that raise
it: whoever knows the file sets them in the environment, and the file itself has no say.
"""

import bz2
import gzip
import io
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, cast

from argo_audit.errors import InputError, brief
from argo_audit.files import is_url, open_bytes, reason, remedy

_MIB = 1 << 20
FREE = 64 * _MIB
"""What any file may unpack to, however small it is."""

_BROKEN = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
}
_NAMED = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd", ".bz2": "bzip2", ".xz": "xz"}
_FOREIGN = {
    b"PK\x03\x04": "a zip archive or spreadsheet",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
}
_GZIP = 31  # of zlib: with the header and the end of gzip
_PART = 64 << 10
_LONGEST_MAGIC = max(map(len, (*_PACKED, *_FOREIGN)))


@dataclass(frozen=True, slots=True)
class Caps:
    """How much of a data file is read: bytes once unpacked, bytes of one row, times its own size.

    `whole` bounds what has to be in memory at once: a JSON array, a packed Parquet file.
    """

    unpacked: int = 16384 * _MIB
    whole: int = 2048 * _MIB
    row: int = 32 * _MIB
    ratio: int = 200

    @classmethod
    def from_environment(cls) -> "Caps":
        """The caps, each raised or lowered by its variable, a number of MiB (or of times)."""
        given = {name: os.environ.get(variable, "") for name, variable in _VARIABLES.items()}
        sizes = {name: int(text) for name, text in given.items() if text.isdecimal()}
        return cls(**{name: n if name == "ratio" else n * _MIB for name, n in sizes.items()})

    def exceeded(self, file: str, name: str, line: int | None = None) -> InputError:
        """The error of a file that is more than a cap allows."""
        cap = getattr(self, name)
        said = f"{cap} times its own size" if name == "ratio" else f"{cap // _MIB} MiB"
        twice = 2 * cap if name == "ratio" else 2 * cap // _MIB
        problem = f"{_WHAT[name]} is more than {said}, which is not read"
        mend = f"If the file is what it should be, raise the cap: {_VARIABLES[name]}={twice}"
        return InputError(file, problem, mend, line)


_VARIABLES = {
    "unpacked": "ARGO_MAX_DATA_MIB",
    "whole": "ARGO_MAX_ARRAY_MIB",
    "row": "ARGO_MAX_ROW_MIB",
    "ratio": "ARGO_MAX_RATIO",
}
_WHAT = {
    "unpacked": "what it holds",
    "whole": "what has to be read in one piece",
    "row": "a row",
    "ratio": "what it unpacks to",
}


class DataStream:
    """The unpacked bytes of one file, read once."""

    def __init__(self, file: str, source: IO[bytes], packed: str | None, caps: Caps) -> None:
        self.file = file
        self.caps = caps
        self.packed = packed
        self._bytes = io.BufferedReader(_Bounded(file, source, packed, caps), _MIB)

    @property
    def kind(self) -> str:
        """The suffix that says what it holds, such as ".csv"."""
        return PurePosixPath(unpacked_name(self.file)).suffix.lower()

    def starts_with(self, magic: bytes) -> bool:
        """Whether the rest begins with these bytes."""
        return self._bytes.peek(len(magic))[: len(magic)] == magic

    def line(self) -> bytes:
        """The next line, or as much of it as a row may have and one byte more."""
        return self._bytes.readline(self.caps.row + 1)

    def rest(self) -> bytes:
        """All that is left; raises InputError where it is too much to be in memory."""
        found = self._bytes.read(self.caps.whole + 1)
        if len(found) > self.caps.whole:
            raise self.caps.exceeded(self.file, "whole")
        return found

    def lines(self, first: int = 1) -> Iterator[tuple[int, bytes]]:
        """The lines that are left, numbered from `first`; raises InputError for one too long."""
        number = first
        while line := self.line():
            if len(line) > self.caps.row:
                raise self.caps.exceeded(self.file, "row", number)
            yield number, line
            number += 1


@contextmanager
def opened(file: str, caps: Caps) -> Iterator[DataStream]:
    """A file of this machine or behind an fsspec URL, unpacked whatever its name says.

    Raises InputError when it cannot be read, or is of a kind that holds no rows.
    """
    with _errors(file), open_bytes(file) as source:
        start = source.read(_LONGEST_MAGIC)
        source.seek(0)
        for magic, what in _FOREIGN.items():
            if start.startswith(magic):
                remedy = "Save it as JSON lines, CSV or Parquet."
                raise InputError(file, f"{what}, which is not read", remedy)
        packed = next((kind for magic, kind in _PACKED.items() if start.startswith(magic)), None)
        by_name = next((kind for end, kind in _NAMED.items() if file.lower().endswith(end)), None)
        yield DataStream(file, source, packed or (by_name if start else None), caps)


def unpacked_name(file: str) -> str:
    """The name without the suffix that says how it is packed."""
    return next((file[: -len(end)] for end in _NAMED if file.lower().endswith(end)), file)


@contextmanager
def _errors(file: str) -> Iterator[None]:
    if "\0" in file:
        raise InputError(
            file.replace("\0", "?"), "no file has a NUL in its name", "Check the path."
        )
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(file, "there is no such file", "Check the path.") from error
    except OSError as error:
        problem = f"cannot be read ({brief(error)})"
        mend = remedy(file, error) if is_url(file) else "Give a file you may read."
        raise InputError(file, problem, mend) from error


class _Bounded(io.RawIOBase):
    """Unpacks, counts what comes out, and stops where it is too much."""

    def __init__(self, file: str, source: IO[bytes], packed: str | None, caps: Caps) -> None:
        self._file, self._packed, self._caps = file, packed, caps
        self._source = source
        self._unpacked = _unpacking(source, packed)
        self._count = 0

    def readable(self) -> bool:
        return True

    # typeshed's WriteableBuffer is no runtime type; RawIOBase hands over these two alone
    def readinto(self, into: "bytearray | memoryview") -> int:  # type: ignore[override]
        found = self._read(min(len(into), _MIB))  # counted before there is more of it
        into[: len(found)] = found
        self._count += len(found)
        if self._count > self._caps.unpacked:
            raise self._caps.exceeded(self._file, "unpacked")
        if self._packed and self._count > max(FREE, self._caps.ratio * self._source.tell()):
            raise self._caps.exceeded(self._file, "ratio")
        return len(found)

    def _read(self, size: int) -> bytes:
        try:
            return self._unpacked.read(size)
        except OSError as error:
            if self._packed is None:
                raise
            raise self._broken(error) from error
        except _BROKEN as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> InputError:
        why = reason(error) if isinstance(error, OSError) else str(error)
        problem = f"not a whole {self._packed} file ({why})"
        return InputError(self._file, problem, "Copy or download it again.")


class _Gunzip:
    """The content of a gzip file; zeros that stand behind a member are read many at a time.

    Python's own reads them one by one, and a file may have gigabytes that took no room on a disk.
    """

    def __init__(self, source: IO[bytes]) -> None:
        self._source, self._packed, self._inside = source, b"", False
        self._unpacker = zlib.decompressobj(_GZIP)

    def read(self, size: int) -> bytes:
        while self._packed or self._more():
            self._inside = True
            found = self._unpacker.decompress(self._packed, size)
            self._packed = self._unpacker.unconsumed_tail
            if self._unpacker.eof:
                self._inside, self._packed = False, self._unpacker.unused_data.lstrip(b"\0")
                self._unpacker = zlib.decompressobj(_GZIP)
            if found:
                return found
        return b""

    def _more(self) -> bool:
        """Read on; False where the file ends, which it may not inside of a member."""
        blank = 0
        while part := self._source.read(_PART):
            self._packed = part if self._inside else part.lstrip(b"\0")
            if self._packed:
                return True
            blank += len(part)
            if blank > FREE:
                raise EOFError("nothing but zeros stands behind it")
        if self._inside:
            raise EOFError("the file ends before its content does")
        return False


def _unpacking(source: IO[bytes], packed: str | None) -> IO[bytes]:
    if packed == "zstd":
        import pyarrow

        return cast(IO[bytes], pyarrow.CompressedInputStream(source, "zstd"))
    return cast(IO[bytes], _STANDARD[packed](source)) if packed else source


_STANDARD: dict[str, Callable[[IO[bytes]], object]] = {
    "gzip": _Gunzip,
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}
