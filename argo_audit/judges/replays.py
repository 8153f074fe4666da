"""Whether a reply came from Inspect's cache: it says what it once took, and takes nothing now.

    with asking(model) as request:
        output = await model.generate(text, cache=True)
    request.is_replay                   # nothing was sent

Inspect marks such a reply only where it says what it took, so that its model is watched here: a
request that is answered from the cache never reaches it.

An audit that goes on after an interruption gets from the cache what it had paid for itself, on no
record yet. There a reply counts as when it was given (`as_given`), so that its record is whole and
its budget is not spent twice; what others had paid for counts with it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from weakref import WeakSet

from inspect_ai.model import Model, ModelAPI


@dataclass
class Request:
    """One request of a model; `sent` once it has reached it."""

    sent: bool = False

    @property
    def is_replay(self) -> bool:
        """Whether it was answered from the cache, and is to count as that."""
        return not self.sent and not count_as_given()


_request: ContextVar[Request | None] = ContextVar("request", default=None)
_counts_as_given: ContextVar[bool] = ContextVar("counts_as_given", default=False)
_watched: "WeakSet[ModelAPI]" = WeakSet()


@contextmanager
def asking(model: Model) -> Iterator[Request]:
    """A request that is made in the block, by this task or others that it opens."""
    _watch(model.api)
    request = Request()
    token = _request.set(request)
    try:
        yield request
    finally:
        _request.reset(token)


@contextmanager
def as_given(given: bool = True) -> Iterator[None]:
    """Count replies from the cache as when they were given, in the block and what it opens."""
    token = _counts_as_given.set(given)
    try:
        yield
    finally:
        _counts_as_given.reset(token)


def count_as_given() -> bool:
    """Whether replies from the cache count as when they were given."""
    return _counts_as_given.get()


def _watch(api: ModelAPI) -> None:
    if api in _watched:
        return
    generate = api.generate

    @wraps(generate)
    async def told(*given: object, **more: object) -> object:
        if request := _request.get():
            request.sent = True
        return await generate(*given, **more)  # type: ignore[arg-type]  # passed on as it came

    api.generate = told  # type: ignore[method-assign, assignment]  # of this object alone
    _watched.add(api)
