"""What may be spent, held where every request of a model passes: nobody goes beyond it.

    meter = Meter(20_000, lambda model, usage: usage.calls)
    with metered(meter):
        ...                              # each request of `patience.answered` is counted
    meter.spent, meter.used["openai/gpt-5-mini"].calls

A request is counted before it is sent, at the most that it can take, and afterwards at what it
took: so calls that are under way together do not pass the limit together. A repeated request and
one that only found out that there are no log-probabilities count like any other. At the limit, who
still has calls under way waits for what they leave; then BudgetSpentError ends the work. A reply
from Inspect's cache takes nothing (`replays` has the one exception).
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

_ROUNDING = 1e-9
"""Share of a limit that sums of dollars may be wrong by: so little is nobody's."""

_meter: ContextVar["Meter | None"] = ContextVar("meter", default=None)


@dataclass
class Meter:
    """Counts what is asked; `shown` is the limit in words. `spent` may begin above 0.

    What `also` counts, in a unit of its own, is held beside it: a request has to fit within both.
    """

    limit: float
    worth: Worth
    shown: str = ""
    spent: float = 0.0
    also: "Meter | None" = None
    used: dict[str, Usage] = field(default_factory=dict)
    _held: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def each(self) -> Iterator["Meter"]:
        """This one, and those beside it."""
        yield self
        if self.also:
            yield from self.also.each()

    async def hold(self, model: str, most: Usage) -> None:
        """Set aside the most that a request can take; raises BudgetSpentError for lack of it."""
        while not self._take(model, most):
            await anyio.sleep(_PAUSE)

    def settle(self, model: str, most: Usage, took: Usage | None) -> None:
        """Count what a request took, for which `most` was held.

        None where nobody knows: it may have been all of it.
        """
        for meter in self.each():
            meter._settle(model, most, took)

    @property
    def calls(self) -> int:
        """Requests so far, since it was made."""
        return sum(usage.calls for usage in self.used.values())

    def _settle(self, model: str, most: Usage, took: Usage | None) -> None:
        held = self.worth(model, most)
        with self._lock:
            self._held -= held
            self.spent += held if took is None else self.worth(model, took)
            known = took or Usage(calls=1)
            self.used[model] = self.used.get(model, Usage()) + known

    def _take(self, model: str, most: Usage) -> bool:
        """Hold it here and in those beside this one, or nowhere."""
        worth = self.worth(model, most)
        if not self._fits(worth):
            return False
        held = False
        try:
            held = self.also is None or self.also._take(model, most)
        finally:
            if not held:
                with self._lock:
                    self._held -= worth
        return held

    def _fits(self, worth: float) -> bool:
        with self._lock:
            if self.spent + self._held + worth <= self.limit:
                self._held += worth
                return True
            if self._held > _ROUNDING * self.limit:
                return False
        raise BudgetSpentError(
            f"the budget of {self.shown} is spent; nothing beyond it was asked.\n"
            "  Remedy: go on with a larger --budget (in Python resume(out, budget=…)): what came "
            "is kept, and is not asked again"
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
