"""Files of web servers, brought here before they are read: no more, no slower, from no other host.

    with web_file("https://host/pairs.jsonl", LINES) as file:     # on disk, without a name
        file.read()

A server is a stranger. It may send without an end, a byte at a time, or on to another host, such as
one that only this machine can reach; each is an error that says so. Who means the other host names
it. Headers have a minute, and what follows may not be slower on average than a modem was.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, NamedTuple

from argo_audit.errors import InputError, brief
from argo_audit.outside.caps import check_size

if TYPE_CHECKING:
    import httpx

_MOST_HOPS = 5
_WEB = ("http://", "https://")


class Patience(NamedTuple):
    """How long a server is waited for."""

    seconds: float = 60.0
    """Until the headers are there, and between two parts of what follows."""
    slowest: int = 4096
    """Bytes a second on average, once it has taken as long."""


_PATIENCE = Patience()


def is_web(url: str) -> bool:
    """Whether a web server has it; a part of a URL that is chained from several counts."""
    return any(part.lower().startswith(_WEB) for part in url.split("::"))


@contextmanager
def web_file(url: str, at_most: int, patience: Patience = _PATIENCE) -> Iterator[IO[bytes]]:
    """One file of a web server, from its start.

    Raises InputError for one of more than `at_most` bytes, that comes too slowly or from another
    host, and OSError where there is none.
    """
    from fsspec.asyn import get_loop, sync  # a thread of its own: there may be a loop in this one

    if "::" in url:
        raise InputError(url, "a file of a web server inside of another", "download it before")
    with TemporaryFile() as file:
        sync(get_loop(), _Download(url, file, at_most, patience).run)
        file.seek(0)
        yield file


class _Download(NamedTuple):
    url: str
    file: IO[bytes]
    at_most: int
    patience: Patience

    async def run(self) -> None:
        import httpx

        try:
            async with httpx.AsyncClient(timeout=self.patience.seconds) as client:
                answer = await self._answer(client)
                try:
                    await self._take(answer)
                finally:
                    await answer.aclose()
        except TimeoutError as error:
            problem = f"it did not answer within {self.patience.seconds:.0f} seconds"
            raise OSError(problem) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise OSError(brief(error)) from error

    async def _answer(self, client: "httpx.AsyncClient") -> "httpx.Response":
        """What the server answers at last, its headers read."""
        request = client.build_request("GET", self.url, headers={"Accept-Encoding": "identity"})
        for _ in range(_MOST_HOPS):
            async with asyncio.timeout(self.patience.seconds):
                answer = await client.send(request, stream=True)
            if answer.next_request is None:
                return answer
            await answer.aclose()
            there = answer.next_request.url
            if there.host != request.url.host:
                host = f"{there.scheme}://{there.netloc.decode()}"
                problem = f"the server sends on to another host, {host}"
                raise InputError(self.url, problem, "name the file there, if you mean that host")
            request = answer.next_request
        raise OSError(f"the server sends on more than {_MOST_HOPS} times")

    async def _take(self, answer: "httpx.Response") -> None:
        if answer.status_code == 404:
            raise FileNotFoundError(self.url)
        if not answer.is_success:
            said = f"the server answers {answer.status_code} {answer.reason_phrase}"
            raise OSError(said.rstrip())
        taken, begun = 0, time.monotonic()
        async for part in answer.aiter_raw():
            taken += len(part)
            check_size(taken, self.url, self.at_most)
            took = time.monotonic() - begun
            if took > self.patience.seconds and taken < took * self.patience.slowest:
                problem = f"the server has sent {taken} bytes in {took:.0f} seconds"
                raise InputError(self.url, problem, "download it by other means")
            self.file.write(part)
