"""A judge that nobody else counts, on the meter: an object from Python, or of an installed package.

    judge = on_the_meter("given:coin", Coin())        # its calls count as its judgments say

Models of Inspect's are counted request by request (`patience`). What any other judge asks passes no
such place, so it is counted by the `usage` of what it returns. Before it is asked, the most that a
pair has taken so far is set aside for each pair; and while nothing is known the first pair is asked
alone, so that no crowd of pairs of unknown price is under way. A judge whose pairs differ widely
may pass a limit by that difference, once: it says only afterwards what it took. Models of Inspect's
that it asks in turn are counted once, as it says.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol, TypeVar, runtime_checkable

import anyio

from argo_audit.judges.both_readings import BothReadings
from argo_audit.judges.judged import judgments_of
from argo_audit.judges.meter import Meter, metered, the_meter
from argo_audit.records import Judgment, Pair, Rubric, Usage
from argo_audit.roles import Judge, LineAnswers, LineJudge

T = TypeVar("T")


@runtime_checkable
class CountsItself(Protocol):
    """A judge each of whose requests is on the meter already."""

    counts_requests: Literal[True]


def on_the_meter(name: str, judge: Judge) -> Judge:
    """The judge, counted under that name; one that is asked about lines still is."""
    if isinstance(judge, CountsItself):
        return judge
    counted = _CountedJudge(name, judge)
    if not isinstance(judge, LineJudge):
        return counted
    return BothReadings(counted, _CountedLines(name, judge))


class _Account:
    """What pairs take of a judge, by what is asked of them, and what is held for them."""

    def __init__(self, counted_as: str):
        self._as, self._first = counted_as, anyio.Lock()
        self._most: dict[int, Usage] = {}

    async def asked(
        self,
        pairs: Sequence[Pair],
        lines: int,
        ask: Callable[[Sequence[Pair]], Awaitable[T]],
        used: Callable[[T], Usage],
    ) -> list[T]:
        """The answers about all pairs, in one part or two."""
        meter = the_meter()
        if meter is None or not pairs:
            return [await ask(pairs)]
        found: list[T] = []
        async with self._first:
            if lines not in self._most:
                found.append(await self._part(meter, pairs[:1], lines, ask, used))
        rest = pairs[len(found) :]
        if rest:
            found.append(await self._part(meter, rest, lines, ask, used))
        return found

    async def _part(
        self,
        meter: Meter,
        pairs: Sequence[Pair],
        lines: int,
        ask: Callable[[Sequence[Pair]], Awaitable[T]],
        used: Callable[[T], Usage],
    ) -> T:
        usual = Usage(calls=2 * lines)  # in each order a call for each line
        most = _each(self._most.get(lines, usual), lambda count: count * len(pairs))
        await meter.hold(self._as, most)
        took = None
        try:
            with metered(None):
                answer = await ask(pairs)
            took = used(answer)
        finally:
            meter.settle(self._as, most, took)
        each = _each(took, lambda count: -(-count // len(pairs)))
        self._most[lines] = _larger(self._most.get(lines, Usage()), each)
        return answer


class _CountedJudge:
    """Role Judge, played by one whose judgments say what they took."""

    def __init__(self, counted_as: str, judge: Judge):
        self._account, self._judge = _Account(counted_as), judge

    @property
    def name(self) -> str:
        """The judge's."""
        return self._judge.name

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        """See roles.Judge."""
        parts = await self._account.asked(
            pairs,
            1,
            lambda some: judgments_of(self._judge, rubric, some),
            lambda said: Usage.total(one.usage for one in said),
        )
        return [judgment for part in parts for judgment in part]


class _CountedLines:
    """Role LineJudge, played by one whose answers say what they took."""

    def __init__(self, counted_as: str, judge: LineJudge):
        self._account, self._judge = _Account(counted_as), judge

    @property
    def name(self) -> str:
        """The judge's."""
        return self._judge.name

    async def line_answers(self, lines: Sequence[str], pairs: Sequence[Pair]) -> LineAnswers:
        """See roles.LineJudge."""
        import numpy as np  # whoever opens a judge need not have it

        parts = await self._account.asked(
            pairs,
            max(1, len(lines)),
            lambda some: self._judge.line_answers(lines, some),
            lambda said: said.asked,
        )
        told = [np.isnan(p.p_a) if p.unread is None else p.unread for p in parts]
        return LineAnswers(
            np.concatenate([part.p_a for part in parts]),
            Usage.total(part.asked for part in parts),
            sum(part.saved for part in parts),
            np.concatenate(told),
        )


def _each(usage: Usage, changed: Callable[[int], int]) -> Usage:
    return Usage(**{name: changed(count) for name, count in usage.model_dump().items()})


def _larger(one: Usage, other: Usage) -> Usage:
    both = one.model_dump(), other.model_dump()
    names = both[0].keys() | both[1].keys()
    return Usage(**{name: max(counts.get(name, 0) for counts in both) for name in names})
