"""One HTTP answer of a server that nobody vouches for: whole, small enough, and in time.

    with_limits = Bounded(httpx.Client(...), seconds=120.0)
    with_limits.ask("POST", url, {"input": [[1, 2]]})       # Answer(status=200, content=b"...")

A server may drip one byte a second, answer without an end, or say that what it sends is gzip. So an
answer is asked for without compression, read up to MOST_BYTES, unpacked up to as many, and waited
for `seconds` in all: connecting, headers and body. A thread that reads on past that time is left
behind with its connection, which the one who waits cannot interrupt, and ends with it.
"""

import re
import zlib
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx

MOST_BYTES = 16 * 2**20
"""Of an answer, packed or not: a reward takes a hundred, and a request asks for a few."""

_LONGEST_WAIT = 30  # seconds that a server may ask for
_PACKED = {"gzip", "x-gzip", "deflate"}
_ANY_HEADER = 47  # of zlib: gzip or deflate, whichever it is
_T = TypeVar("_T")


class Answer(NamedTuple):
    """What came back."""

    status: int
    content: bytes
    retry_after: float

    @property
    def text(self) -> str:
        """As much of it as is text."""
        return self.content.decode(errors="replace")


class BadAnswerError(Exception):
    """An answer that no waiting will mend: too large, or not what it says it is."""


class LateAnswerError(Exception):
    """No whole answer in time."""


class Bounded:
    """HTTP with a limit on size and total time; usable from several threads."""

    def __init__(self, http: httpx.Client, seconds: float) -> None:
        self._http, self._seconds = http, seconds
        self._ended = Event()

    def close(self) -> None:
        """Let go of every connection; threads that still read end soon."""
        self._ended.set()
        self._http.close()

    def ask(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Answer:
        """The whole answer.

        Raises LateAnswerError, BadAnswerError, and whatever httpx raises of a request.
        """
        return _within(self._seconds, lambda: self._read(method, url, body))

    def _read(self, method: str, url: str, body: Mapping[str, Any] | None) -> Answer:
        until = monotonic() + self._seconds
        with self._http.stream(method, url, json=body) as answer:
            content = bytearray()
            for part in answer.iter_raw():
                content += part
                if len(content) > MOST_BYTES:
                    raise BadAnswerError(f"an answer of more than {MOST_BYTES >> 20} MiB")
                if monotonic() > until or self._ended.is_set():
                    raise LateAnswerError(self._late)
            encoding = answer.headers.get("content-encoding", "").strip().lower()
            asked = answer.headers.get("retry-after", "").strip()
            return Answer(answer.status_code, _plain(bytes(content), encoding), _seconds(asked))

    @property
    def _late(self) -> str:
        return f"no whole answer in {self._seconds:g} s"


def _within(seconds: float, call: Callable[[], _T]) -> _T:
    """The result of a call, or LateAnswerError; one that does not come back is left to itself."""
    results: SimpleQueue[tuple[_T | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            results.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - raised again where the call was made
            results.put((None, error))

    Thread(target=run, daemon=True).start()
    try:
        found, error = results.get(timeout=seconds)
    except Empty:
        raise LateAnswerError(f"no whole answer in {seconds:g} s") from None
    if error is not None:
        raise error
    return found  # type: ignore[return-value]  # without an error it is what the call returned


def _plain(content: bytes, encoding: str) -> bytes:
    """The content unpacked, though none was asked to be packed."""
    if not content or encoding in ("", "identity"):
        return content
    if encoding not in _PACKED:
        raise BadAnswerError(
            f"an answer in the encoding {encoding[:20]!r}, which was not asked for"
        )
    unpacker = zlib.decompressobj(_ANY_HEADER)
    try:
        plain = unpacker.decompress(content, MOST_BYTES + 1)
    except zlib.error as error:
        raise BadAnswerError(f"an answer that says it is {encoding}, and is not") from error
    if len(plain) > MOST_BYTES:
        raise BadAnswerError(f"an answer that unpacks to more than {MOST_BYTES >> 20} MiB")
    if not unpacker.eof:
        raise BadAnswerError(f"an answer of {encoding} without its end")
    return plain


def _seconds(asked: str) -> float:
    """What Retry-After asks for; a date and anything else that is no number asks for nothing."""
    known = re.fullmatch(r"[0-9]{1,9}", asked)
    return min(float(known[0]), _LONGEST_WAIT) if known else 0.0


def shown(url: str) -> str:
    """A URL as it may be printed: without what stands before its host and after its path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("?")[0].rpartition("@")[2]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=host, query="", fragment=""))


def password(url: str) -> str | None:
    """What a URL holds that nobody may read."""
    try:
        return urlsplit(url).password
    except ValueError:
        return None
