"""How much is read of a file that nobody vouches for.

    read_whole(Path("facts.json"), RECORD)              # InputError for one beyond 64 MiB
    unpacked(content, "labels.json.gz")                 # 100 times the packed size, or 64 MiB
    check_archive(Path("logs/a.eval"))                  # what a zip says that it unpacks to

Decisions: a cap is no guess at what somebody has, but what no honest file of a kind comes near: a
record of an audit has kilobytes, text packs to a tenth and seldom to a fortieth. It is held while
reading, so that what is above it never lies in memory. Who has such a file says so:
ARGO_MAX_FILE_MIB takes the place of every cap.
"""

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO, BinaryIO

from argo_audit.errors import InputError

MIB = 1 << 20
RECORD = 64 * MIB
"""Bytes of one record or document: JSON, TOML, YAML, markdown."""
LINES = 4096 * MIB
"""Bytes of a file of many records, one a line."""

_ENV = "ARGO_MAX_FILE_MIB"
_MOST_TIMES = 100  # what gzip may make of text; a bomb makes a thousand
_ALWAYS = 64 * MIB  # whatever the packed size
_PLAIN = 512 * MIB  # of a log that is not packed, which is parsed as a whole
_CHUNK = MIB
_ANY_HEADER = 31  # of zlib: gzip
_NO_HEADER = -15
_LOCAL_HEADER = 30  # bytes before the name of an entry of a zip
_ZSTD = 93  # a zip's number for it, which zipfile knows from Python 3.14 on
_ENTRIES = 32 * MIB  # bytes of a zip's list of entries: each takes ten times as much when read
_IN_ZIP64 = 0xFFFFFFFF
_ENDS = 98  # bytes at the end of a zip: two records of zip64, where it has them, and its own


def open_local(path: Path) -> BinaryIO:
    """A file of this machine, to be read; OSError for a pipe, whose other end may never come."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if stat.S_ISFIFO(os.fstat(handle).st_mode):
            raise OSError("it is a pipe, and a file is needed")
        os.set_blocking(handle, True)
        return os.fdopen(handle, "rb")
    except OSError:
        os.close(handle)
        raise


def read_whole(path: Path, at_most: int = LINES) -> bytes:
    """The content of a file of this machine; raises OSError, and InputError for too much."""
    with open_local(path) as file:
        return read_stream(file, path, at_most)


def read_stream(file: IO[bytes], name: str | Path, at_most: int) -> bytes:
    """What is left in an open file; raises InputError for too much of it."""
    most = _most(at_most)
    try:
        found = os.fstat(file.fileno())
        size = found.st_size if stat.S_ISREG(found.st_mode) else 0
    except (AttributeError, io.UnsupportedOperation):  # a file of fsspec
        size = 0
    content = bytearray()
    while size <= most and len(content) <= most and (part := file.read(_CHUNK)):
        content += part
    if max(size, len(content)) > most:
        raise _too_much(name, "is larger than", most, size)
    return bytes(content)


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file of records, each with its end; the last may have none.

    Raises InputError for a line longer than a record: a file may be all one, and nearly nothing on
    the disk of who sent it.
    """
    most = _most(RECORD)
    with open_local(path) as file:
        while line := file.readline(most + 1):
            if len(line) > most:
                raise _too_much(path, "has a line that is longer than", most)
            yield line


def check_room(handle: int, name: str | Path) -> None:
    """Raise InputError for a large open file that is holes: all of it takes hours to read.

    Other large files are read: weights lie in the folders of audits, and are as large.
    """
    found = os.fstat(handle)
    if found.st_size > _most(LINES) and found.st_blocks * 512 < found.st_size // 8:
        problem = f"{found.st_size // MIB} MiB that are holes, and take no room on this disk"
        raise InputError(name, problem, "remove it: nothing of an audit is like this")


def check_size(size: int, name: str | Path, at_most: int) -> None:
    """Raise InputError for more than is read, of what comes a part at a time."""
    if size > (most := _most(at_most)):
        raise _too_much(name, "is larger than", most)


def read_text(path: Path, at_most: int = RECORD) -> str:
    """As `read_whole`, in UTF-8, with the ends of its lines as Python has them."""
    text = read_whole(path, at_most).decode()
    return text.replace("\r\n", "\n").replace("\r", "\n")


def unpacked(packed: bytes, name: str | Path) -> bytes:
    """The content of a gzip file of one or several members.

    Raises InputError for what unpacks to too much, EOFError and zlib.error for what is no gzip.
    """
    most = _most(max(_ALWAYS, _MOST_TIMES * len(packed)))
    content, rest = bytearray(), packed
    while rest:
        unpacker = zlib.decompressobj(_ANY_HEADER)
        content += unpacker.decompress(rest, most + 1 - len(content))
        if len(content) > most:
            raise _too_much(name, "unpacks to more than", most)
        if not unpacker.eof:
            raise EOFError("the file ends before its content does")
        rest = unpacker.unused_data.lstrip(b"\0")  # padding, as gzip itself allows
    return bytes(content)


def check_archive(path: Path) -> None:
    """Raise InputError for a zip whose entries unpack to too much; what is no zip is measured.

    What a zip says of its sizes is not believed: who reads it may not look at them either.
    """
    found = path.stat()
    _check_archive(path, found.st_size, found.st_mtime_ns, os.environ.get(_ENV))


@lru_cache(maxsize=4096)
def _check_archive(path: Path, size: int, *_: object) -> None:
    """As `check_archive`, once for each state of a file and of the environment."""
    if not zipfile.is_zipfile(path):
        if size > (most := _most(_PLAIN)):
            raise _too_much(path, "is larger than", most, size)
        return
    left = most = _most(max(_ALWAYS, _MOST_TIMES * size))
    with path.open("rb") as file:
        starts = _list_of_entries(file, path)
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if archive.start_dir != starts:
                raise _two_lists(path)
        said = sum(entry.file_size for entry in entries)
        for entry in entries if said <= most else ():
            left -= _unpacks_to(file, entry, left)
    if said > most or left < 0:
        raise _too_much(path, "unpacks to more than", most, said if said > most else 0)


def _list_of_entries(file: BinaryIO, path: Path) -> int:
    """Where in a zip the list of its entries starts, by all readers alike; raises InputError.

    What stands behind the list or before the entries moves it, for some readers and not for others;
    and some look at the records of zip64 wherever they are, others only where they are called for.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _ENDS))
    end = file.read(_ENDS).rjust(_ENDS, b"\0")
    plain = end[76:80] == b"PK\x05\x06" and end[-2:] == b"\0\0"
    long, starts = _little(end[88:92]), _little(end[92:96])
    if end[56:60] == b"PK\x06\x07":  # of zip64, to which fields that are full point
        full = b"\xff\xff" in {end[i : i + 2] for i in (80, 82, 84, 86)}
        full |= _IN_ZIP64 in (long, starts)
        plain &= full and _little(end[64:72]) == size - _ENDS
        long, starts = _little(end[40:48]), _little(end[48:56])
    if not plain:
        raise _two_lists(path)
    if long > (most := _most(_ENTRIES)):
        raise _too_much(path, "lists its entries in more than", most, long)
    return starts


def _two_lists(path: Path) -> InputError:
    problem = "a zip with something before or behind its entries"
    return InputError(path, problem, "pack it again, or take it away")


def _unpacks_to(file: BinaryIO, entry: zipfile.ZipInfo, most: int) -> int:
    """Bytes that an entry unpacks to, or somewhat more than `most`."""
    if entry.compress_type == zipfile.ZIP_STORED:
        return max(entry.file_size, entry.compress_size)
    file.seek(entry.header_offset)
    header = file.read(_LOCAL_HEADER)  # ends in the lengths of the name and of what follows it
    file.seek(sum(_little(header[i : i + 2]) for i in (26, 28)), os.SEEK_CUR)
    measured = _MEASURED.get(entry.compress_type)
    if measured is None:
        raise zipfile.BadZipFile(f"an entry is packed by method {entry.compress_type}")
    total = 0
    for size in measured(file, entry.compress_size):
        total += size
        if total > most:
            break
    return total


def _deflated(file: BinaryIO, packed: int) -> Iterator[int]:
    """How much comes out, a part at a time."""
    unpacker = zlib.decompressobj(_NO_HEADER)
    while packed > 0 and (part := file.read(min(_CHUNK, packed))):
        packed -= len(part)
        while part:
            yield len(unpacker.decompress(part, _CHUNK))
            part = unpacker.unconsumed_tail


def _of_zstd(file: BinaryIO, packed: int) -> Iterator[int]:
    """As `_deflated`; Inspect packs its logs so."""
    import pyarrow

    try:
        with pyarrow.CompressedInputStream(_Part(file, packed), "zstd") as unpacked:
            while part := unpacked.read(_CHUNK):
                yield len(part)
    except OSError as error:  # as pyarrow calls what is no zstd
        raise zipfile.BadZipFile(str(error)) from error


class _Part(io.RawIOBase):
    """The next bytes of a file, as a file."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def readable(self) -> bool:
        return True

    # typeshed's WriteableBuffer is no runtime type; RawIOBase hands over these two alone
    def readinto(self, into: "bytearray | memoryview") -> int:  # type: ignore[override]
        found = self._file.read(min(len(into), self._left))
        into[: len(found)] = found
        self._left -= len(found)
        return len(found)


_MEASURED: dict[int, Callable[[BinaryIO, int], Iterator[int]]] = {
    zipfile.ZIP_DEFLATED: _deflated,
    _ZSTD: _of_zstd,
}


def _little(content: bytes) -> int:
    return int.from_bytes(content, "little")


def _most(usual: int) -> int:
    asked = os.environ.get(_ENV, "")
    return int(asked) * MIB if asked.isascii() and asked.isdigit() else usual


def _too_much(name: str | Path, problem: str, most: int, size: int = 0) -> InputError:
    """The error, with what would be enough where that is known, and else twice as much."""
    enough = size // MIB + 1 if size else 2 * most // MIB
    remedy = f"if that is as it should be, allow more: {_ENV}={enough}"
    return InputError(name, f"{problem} {most // MIB} MiB, which is as much as is read", remedy)
