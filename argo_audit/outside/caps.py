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
from pathlib import Path
from typing import BinaryIO

from argo_audit.errors import InputError

MIB = 1 << 20
RECORD = 64 * MIB
"""Bytes of one record or document: JSON, TOML, YAML, markdown."""
LINES = 4096 * MIB
"""Bytes of a file of many records, one a line."""

_ENV = "ARGO_MAX_FILE_MIB"
_MOST_TIMES = 100  # what gzip may make of text; a bomb makes a thousand
_ALWAYS = 64 * MIB  # whatever the packed size
_CHUNK = MIB
_ANY_HEADER = 31  # of zlib: gzip


def read_whole(path: Path, at_most: int = LINES) -> bytes:
    """The content of a file of this machine; raises OSError, and InputError for too much."""
    with path.open("rb") as file:
        return read_stream(file, path, at_most)


def read_stream(file: BinaryIO, name: str | Path, at_most: int) -> bytes:
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
        raise _too_much(name, "is larger than", most)
    return bytes(content)


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
    """Raise InputError for a zip whose entries unpack to too much; what is no zip is measured."""
    size = path.stat().st_size
    if not zipfile.is_zipfile(path):
        if size > (most := _most(LINES)):
            raise _too_much(path, "is larger than", most)
        return
    with zipfile.ZipFile(path) as archive:
        unpacks_to = sum(entry.file_size for entry in archive.infolist())
    most = _most(max(_ALWAYS, _MOST_TIMES * size))
    if unpacks_to > most:
        raise _too_much(path, "unpacks to more than", most)


def _most(usual: int) -> int:
    asked = os.environ.get(_ENV, "")
    return int(asked) * MIB if asked.isascii() and asked.isdigit() else usual


def _too_much(name: str | Path, problem: str, most: int) -> InputError:
    remedy = f"if that is as it should be, allow more: {_ENV}={2 * most // MIB}"
    return InputError(name, f"{problem} {most // MIB} MiB, which is as much as is read", remedy)
