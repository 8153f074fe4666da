"""`python -m benchmarks.calls [--calls 600]`: CPU time of a judge's call, and of what is below it.

A server of OpenAI's protocol runs in a process of its own on this machine, and gives the same reply
at once. The same questions go to it four ways, 64 at a time: by httpx alone, by the client that
Inspect uses, by an Inspect model alone, and by a judge of this package. Counted is the CPU time of
the process that asks, the quickest of three rounds, less what a round of none takes. What is ours
is the judge's less the model's. The last line counts: `bars met: K of N`.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Annotated, Any, NamedTuple

import httpx
import typer
from inspect_ai.model import ChatMessageUser, GenerateConfig, get_model
from inspect_ai.util import collect
from openai import AsyncOpenAI
from rich.console import Console

from argo_audit.judges.inspect_judge import InspectJudge
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.judges.questions import ask
from argo_audit.records import Message, Pair, Rubric
from argo_audit.report.markdown import table

page = Console(soft_wrap=True)

MOST_OURS = 1.0
"""Milliseconds of CPU that a judge's call may take beyond the call of its Inspect model."""

_AT_ONCE = 64
_ROUNDS = 3
_KEY = "none"
_USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
_MESSAGE = {"role": "assistant", "content": "The second is longer.\nVerdict: A"}
_REPLY = json.dumps(
    {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "judge",
        "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop", "logprobs": None}],
        "usage": _USAGE,
    }
).encode()
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(_REPLY),
    _REPLY,
)
RUBRIC = Rubric(text="\n".join(f"- Rewards answers of kind {number}." for number in range(12)))


class Way(NamedTuple):
    """How questions are asked: a name, and what asks about so many pairs."""

    name: str
    asks: Callable[[str, Sequence[Pair]], Coroutine[Any, Any, None]]


def pairs(count: int) -> list[Pair]:
    """Pairs that no cache knows."""
    words = "one of several short words that make an answer of usual length. " * 8
    return [
        Pair(
            id=f"p{number}",
            prompt=(Message(role="user", content=f"Question {number}?"),),
            response_a=f"{number}: {words}",
            response_b=f"{words} {number}",
        )
        for number in range(count)
    ]


def _questions(asked: Sequence[Pair]) -> list[str]:
    settings = JudgeSettings(estimator="votes", votes=1)
    orders = (order for pair in asked for order in (pair, pair.swapped()))
    return [ask(RUBRIC, order, "verdict", settings).text for order in orders]


async def _bounded(calls: Sequence[Callable[[], Awaitable[object]]]) -> None:
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(call: Callable[[], Awaitable[object]]) -> None:
        async with places:
            await call()

    await asyncio.gather(*map(one, calls))


async def by_httpx(url: str, asked: Sequence[Pair]) -> None:
    """The request alone, and its reply as JSON."""
    async with httpx.AsyncClient(timeout=60) as client:

        async def post(text: str) -> object:
            body = {"model": "judge", "messages": [{"role": "user", "content": text}]}
            return (await client.post(f"{url}/chat/completions", json=body)).json()

        await _bounded([partial(post, text) for text in _questions(asked)])


async def by_client(url: str, asked: Sequence[Pair]) -> None:
    """The client of OpenAI's, which Inspect uses."""
    async with AsyncOpenAI(base_url=url, api_key=_KEY) as client:

        async def create(text: str) -> object:
            return await client.chat.completions.create(
                model="judge", messages=[{"role": "user", "content": text}]
            )

        await _bounded([partial(create, text) for text in _questions(asked)])


async def by_model(url: str, asked: Sequence[Pair]) -> None:
    """Inspect's model without a judge."""
    model = get_model("openai-api/test/judge", base_url=url, api_key=_KEY, memoize=False)
    config = GenerateConfig(max_connections=_AT_ONCE, max_tokens=64)
    await collect(
        *(
            model.generate([ChatMessageUser(content=text)], config=config)
            for text in _questions(asked)
        )
    )


async def by_judge(url: str, asked: Sequence[Pair]) -> None:
    """A judge of this package, by one vote an order."""
    model = get_model("openai-api/test/judge", base_url=url, api_key=_KEY, memoize=False)
    settings = JudgeSettings(estimator="votes", votes=1, in_flight=_AT_ONCE, cache=False)
    await InspectJudge(model, settings).judge(RUBRIC, asked)


WAYS = (
    Way("httpx", by_httpx),
    Way("OpenAI's client", by_client),
    Way("Inspect's model", by_model),
    Way("the judge", by_judge),
)


def milliseconds(way: Way, url: str, calls: int) -> float:
    """CPU time of one call: of the quickest round, less what a client alone takes."""
    many, few = pairs(calls // 2), pairs(1)
    asyncio.run(way.asks(url, few))  # what is loaded once
    taken = [_seconds(way, url, many) - _seconds(way, url, few) for _ in range(_ROUNDS)]
    return 1000 * min(taken) / (2 * (len(many) - len(few)))


def _seconds(way: Way, url: str, asked: Sequence[Pair]) -> float:
    begun = time.process_time()
    asyncio.run(way.asks(url, asked))
    return time.process_time() - begun


def _serve(told: Connection) -> None:
    """The same answer to every request, in a process of its own."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
                await reader.readexactly(int(length or b"0"))
                writer.write(_ANSWER)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


def main(calls: Annotated[int, typer.Option(min=4, help="Of each way, a round.")] = 600) -> None:
    """Ask a server on this machine in four ways and print what a call takes."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ours.recv()}/v1"
    taken = [milliseconds(way, url, calls) for way in WAYS]
    server.terminate()
    rows = [[way.name, f"{ms:.2f}"] for way, ms in zip(WAYS, taken, strict=True)]
    page.print(table(("Asked by", "CPU a call, ms"), rows))
    met = taken[-1] - taken[-2] <= MOST_OURS
    page.print(f"bars met: {int(met)} of 1")
    sys.exit(not met)


if __name__ == "__main__":
    typer.run(main)
