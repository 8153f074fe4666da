"""Questions sent in order, each made when its turn has come: no more wait than a server can take.

    sending = Sending(at_once=64)
    answers = await sending.all(partial(ask, pair) for pair in pairs)

A step of 48 rubrics on 512 pairs is 50,000 questions: were all made before the first is sent, no
call would go out for a minute, and all would lie in memory to the end. Batches are sent one after
the other (a rubric's questions before the next one's, as a server's cache of prefixes likes it),
while the answers of several are awaited.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio

from argo_audit.judges.failures import taken_apart

T = TypeVar("T")


class Sending:
    """At most `at_once` calls that have been made and not answered, over all batches."""

    def __init__(self, at_once: int):
        self._turn = anyio.Lock()
        self._places = anyio.Semaphore(at_once, fast_acquire=True)

    async def all(self, calls: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
        """What each call gives, in order; the one error that matters ends the others."""
        answers: dict[int, T] = {}

        async def answer(place: int, call: Callable[[], Awaitable[T]]) -> None:
            try:
                answers[place] = await call()
            finally:
                self._places.release()

        with taken_apart():
            async with anyio.create_task_group() as group, self._turn:
                for place, call in enumerate(calls):
                    await self._places.acquire()
                    group.start_soon(answer, place, call)
        return [answers[place] for place in sorted(answers)]
