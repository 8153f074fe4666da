"""Rows in JSON: one on each line, one array of them, or one object that holds them.

Which it is follows from the content, never from the name: people call all of these .json and
.jsonl. A row leaves as the text it has in the file, so that a key that stands in it twice is
still there to be found.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import NamedTuple

from argo_audit.errors import InputError
from argo_audit.pairs.formats.data_stream import DataStream

Numbered = Iterator[tuple[int, str]]
IsRow = Callable[[Mapping[str, object]], bool]

_ARRAY = "Write an array of objects, or one object on each line."
_DECODER = json.JSONDecoder()
_BLANK = " \t\r\n"


class JsonRows(NamedTuple):
    """The rows, what they are counted in, and the keys that stood beside them."""

    texts: Numbered
    unit: str = "line"
    beside: tuple[str, ...] = ()


def json_rows(stream: DataStream, first: bytes, number: int, is_row: IsRow) -> JsonRows:
    """The rows of a stream whose first line that is not blank is `first`.

    Raises InputError for what is wrong with the whole; the rest shows as the rows are read.
    """
    opening = first.lstrip()[:1]
    later = stream.lines(number + 1)
    whole = len(first) <= stream.caps.row and _parsed(first) is not None
    if opening not in (b"[", b"{") or (whole and (following := list(islice(_filled(later), 1)))):
        rest = following if opening in (b"[", b"{") else []
        return JsonRows(_lines(stream, chain([(number, first)], rest, later)))
    content = first if whole else first + stream.rest()
    text = _decoded(stream.file, content, number)
    if opening == b"[" and (whole or stream.kind == ".json" or _array_ends(text)):
        return JsonRows(_elements(stream, text), "row")
    if opening == b"{" and isinstance(found := _parsed(content), dict):
        if is_row(found) and len(content) > stream.caps.row:
            raise stream.caps.exceeded(stream.file, "row", number)
        return _object(stream.file, found, (number, text), is_row)
    again = enumerate(content.split(b"\n"), number)
    return JsonRows(_lines(stream, _filled(again)))


def key_twice(text: str) -> str | None:
    """A key that stands twice in one object of a JSON text, if one does."""
    found: list[str] = []

    def look(pairs: list[tuple[str, object]]) -> None:
        if len(pairs) > len({key for key, _ in pairs}):
            found.append(Counter(key for key, _ in pairs).most_common(1)[0][0])

    try:
        json.loads(text, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return None  # what reads the row says what is wrong with it
    return found[0] if found else None


def _parsed(content: bytes) -> object:
    """The value, None where it is no JSON (null among it)."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _filled(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    return ((number, line) for number, line in lines if line.strip())


def _lines(stream: DataStream, lines: Iterator[tuple[int, bytes]]) -> Numbered:
    """The lines that are not blank."""
    for number, line in lines:
        if len(line) > stream.caps.row:
            raise stream.caps.exceeded(stream.file, "row", number)
        text = _decoded(stream.file, line.removesuffix(b"\n"), number)
        if text.strip():
            yield number, text


def _decoded(file: str, content: bytes, number: int) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = number + content[: error.start].count(b"\n")
        raise InputError(file, "not UTF-8 text", "Save it as UTF-8.", line) from error


def _array_ends(text: str) -> bool:
    return text.rstrip().endswith("]")


def _elements(stream: DataStream, text: str) -> Numbered:
    """The elements of an array, each as it is written."""
    place, number = _after(text, text.index("[") + 1), 0
    while text[place : place + 1] != "]" or number:
        number += 1
        try:
            _, end = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            problem = f"not valid JSON ({error})"
            raise InputError(stream.file, problem, _ARRAY, number, "row") from error
        if end - place > stream.caps.row:
            raise stream.caps.exceeded(stream.file, "row", number)
        yield number, text[place:end]
        place = _after(text, end)
        if text[place : place + 1] != ",":
            break
        place = _after(text, place + 1)
    if text[place:].strip(_BLANK) != "]":
        raise InputError(stream.file, "not valid JSON (the array does not end well)", _ARRAY)


def _after(text: str, place: int) -> int:
    """The place of the next character that is not blank."""
    while text[place : place + 1] and text[place] in _BLANK:
        place += 1
    return place


def _object(
    file: str, found: Mapping[str, object], row: tuple[int, str], is_row: IsRow
) -> JsonRows:
    """One object: a row, or what holds a list of rows under one of its keys."""
    lists = {key: value for key, value in found.items() if isinstance(value, list)}
    lists = {key: rows for key, rows in lists.items() if rows and all(map(_is_object, rows))}
    if is_row(found) or not lists:
        return JsonRows(iter([row]))
    if (twice := key_twice(row[1])) is not None:
        raise InputError(file, f"the key {twice!r:.60} stands twice", "Remove one of the two.")
    if len(lists) > 1:
        names = ", ".join(f"{name!r:.40}" for name in lists)
        remedy = "Save the rows that are meant as a file of their own."
        raise InputError(file, f"one object with rows under {names}: which are meant?", remedy)
    ((name, rows),) = lists.items()
    texts = ((n, json.dumps(row, ensure_ascii=False)) for n, row in enumerate(rows, 1))
    return JsonRows(texts, "row", tuple(key for key in found if key != name))


def _is_object(value: object) -> bool:
    return isinstance(value, dict)
