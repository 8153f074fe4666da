"""Questions go out in order, a few are made ahead, and an error comes out as it is."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import anyio
import pytest

from argo_audit.judges.sending import Sending

AT_ONCE = 4


def test_no_more_calls_are_made_than_may_be_under_way_and_answers_are_in_order() -> None:
    made, answered, ahead = 0, 0, []

    async def call(place: int) -> int:
        nonlocal answered
        await anyio.sleep(0.001 * (place % 3))
        answered += 1
        return place

    def calls() -> Iterator[Callable[[], Awaitable[int]]]:
        nonlocal made
        for place in range(50):
            made += 1
            ahead.append(made - answered)
            yield partial(call, place)

    assert asyncio.run(Sending(AT_ONCE).all(calls())) == list(range(50))
    assert max(ahead) == AT_ONCE + 1, "one is made while it waits for its place"


def test_batches_are_sent_one_after_the_other_and_awaited_together() -> None:
    sent: list[str] = []
    both_out = anyio.Event()

    async def call(name: str) -> str:
        sent.append(name)
        if len(sent) == AT_ONCE:
            both_out.set()
        await both_out.wait()
        return name

    async def two() -> None:
        sending = Sending(AT_ONCE)
        async with anyio.create_task_group() as group:
            for batch in ("a", "b"):
                group.start_soon(sending.all, [partial(call, batch)] * 2)

    asyncio.run(two())
    assert sent == ["a", "a", "b", "b"]


def test_an_error_ends_the_others_and_leaves_all_places_free() -> None:
    async def fails() -> int:
        raise KeyError("gone")

    async def waits() -> int:
        await anyio.sleep_forever()
        return 0

    async def answers() -> int:
        return 1

    async def both() -> list[int]:
        sending = Sending(AT_ONCE)
        with pytest.raises(KeyError, match="gone"):
            await sending.all([waits, fails, *[waits] * 9])
        return await sending.all([answers] * 9)

    assert asyncio.run(both()) == [1] * 9
