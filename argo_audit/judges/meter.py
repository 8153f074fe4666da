"""What may be spent, held where every request of a model passes: nobody goes beyond it.

    meter = Meter(20_000, lambda model, usage: usage.calls)
    with metered(meter):
        ...                              # each request of `patience.answered` is counted
    meter.spent, meter.used["openai/gpt-5-mini"].calls

A request is counted before it is sent, at the most that it can take, and afterwards at what it
took: so calls that are under way together do not pass the limit together. A repeated request and
one that only found out that there are no log-probabilities count like any other. At the limit, who
still has calls under way waits for what they leave; then BudgetSpentError ends the work. A reply
from Inspect's cache counts as when it was given: less is taken than is counted, never more.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock

import anyio

from argo_audit.errors import BudgetSpentError
from argo_audit.records import Usage

Worth = Callable[[str, Usage], float]
"""What calls of a model take, in the unit of the limit."""

_PAUSE = 0.02
"""Seconds until somebody who waits at the limit looks again."""

_meter: ContextVar["Meter | None"] = ContextVar("meter", default=None)


@dataclass
class Meter:
    """Counts what is asked; `shown` is the limit in words. `spent` may begin above 0."""

    limit: float
    worth: Worth
    shown: str = ""
    spent: float = 0.0
    used: dict[str, Usage] = field(default_factory=dict)
    _held: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    async def hold(self, model: str, most: Usage) -> float:
        """Set aside the most that a request can take; raises BudgetSpentError for lack of it."""
        worth = self.worth(model, most)
        while not self._take(worth):
            await anyio.sleep(_PAUSE)
        return worth

    def settle(self, model: str, held: float, took: Usage | None) -> None:
        """Count what a request took; None where nobody knows, and it may have been all of it."""
        with self._lock:
            self._held -= held
            self.spent += held if took is None else self.worth(model, took)
            known = took or Usage(calls=1)
            self.used[model] = self.used.get(model, Usage()) + known

    @property
    def calls(self) -> int:
        """Requests so far, since it was made."""
        return sum(usage.calls for usage in self.used.values())

    def _take(self, worth: float) -> bool:
        with self._lock:
            if self.spent + self._held + worth <= self.limit:
                self._held += worth
                return True
            if self._held > 0:
                return False
        raise BudgetSpentError(
            f"the budget of {self.shown} is spent; nothing beyond it was asked.\n"
            "  Remedy: go on with a larger --budget: what came is kept, and is not asked again"
        )


@contextmanager
def metered(meter: Meter | None) -> Iterator[None]:
    """Count what is asked in the block, here and in the loops and threads that it opens."""
    token = _meter.set(meter)
    try:
        yield
    finally:
        _meter.reset(token)


def the_meter() -> Meter | None:
    """What counts here and now, if anything does."""
    return _meter.get()
