"""The asynchronous roles, asked from the policy's synchronous world through one event loop.

    with open_panel(judge, rewriter) as panel:
        panel.judge(["- rewards lists"], pairs)["- rewards lists"]      # one verdict per pair

RL libraries own a synchronous loop; judges and writers are asynchronous. This is the one place
where the two meet, in one loop that is held open for a whole search. What fails among many that are
asked at once comes out as the one error that it is; an interrupt ends the calls under way.

A judgment with its reply takes one to two thousand bytes, and selection asks for a hundred
rubrics on thousands of pairs: so of each rubric what a search measures by is kept as soon as it
has been judged, and the rest let go.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import isnan, nan
from typing import NamedTuple, overload

import anyio
from anyio.from_thread import BlockingPortal

from argo_audit.judges.event_loop import open_loop
from argo_audit.judges.failures import taken_apart
from argo_audit.judges.judged import judgments_of
from argo_audit.judges.lines_alone import LinesAlone
from argo_audit.policies.answered import answers_of
from argo_audit.records import Judgment, Pair, Rubric, Usage
from argo_audit.roles import Judge, LineAnswers, LineJudge, Writer, Written

REASONS = 800
"""Characters of a judge's reply that are kept as its reasons."""


class Verdict(NamedTuple):
    """Of a judgment, what agreement is measured by."""

    pair_id: str
    p_a: float | None
    flipped: bool | None
    is_incomplete: bool
    reasons: str = ""


class Verdicts(Sequence[Verdict]):
    """What was said with one rubric, in order, and what it took; why, where that is kept."""

    def __init__(self, judgments: Sequence[Judgment], *, reasons: bool = False):
        self._reasons = [_both_ends(j.reply) for j in judgments] if reasons else None
        self.usage = Usage.total(judgment.usage for judgment in judgments)
        self._pair_ids = [judgment.pair_id for judgment in judgments]
        self._p_a = array("d", (nan if j.p_a is None else j.p_a for j in judgments))
        self._flipped = array("b", (-1 if j.flipped is None else j.flipped for j in judgments))
        self._incomplete = array("b", (j.is_incomplete for j in judgments))

    def extended(self, more: "Verdicts") -> "Verdicts":
        """These, followed by those on more pairs."""
        both = Verdicts(())
        both.usage = self.usage + more.usage
        both._pair_ids = self._pair_ids + more._pair_ids
        both._p_a = self._p_a + more._p_a
        both._flipped = self._flipped + more._flipped
        both._incomplete = self._incomplete + more._incomplete
        return both

    def __len__(self) -> int:
        """How many pairs were judged."""
        return len(self._pair_ids)

    @overload
    def __getitem__(self, place: int) -> Verdict: ...

    @overload
    def __getitem__(self, place: slice) -> list[Verdict]: ...

    def __getitem__(self, place: int | slice) -> Verdict | list[Verdict]:
        """One verdict, or some."""
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        p_a, flipped = self._p_a[place], self._flipped[place]
        return Verdict(
            self._pair_ids[place],
            None if isnan(p_a) else p_a,
            None if flipped < 0 else bool(flipped),
            bool(self._incomplete[place]),
            self._reasons[place] if self._reasons else "",
        )


def _both_ends(reply: str) -> str:
    """A reply, or its beginning and its end: what decided stands in either."""
    if len(reply) <= REASONS:
        return reply
    half = REASONS // 2
    return f"{reply[:half]}\n[… {len(reply) - 2 * half} characters …]\n{reply[-half:]}"


@contextmanager
def open_panel(judge: Judge, rewriter: Writer | None = None) -> Iterator["Panel"]:
    """The roles, until the block ends."""
    with open_loop() as loop:
        yield Panel(judge, rewriter, loop)


class Panel:
    """A judge and, perhaps, a rewriter of prompts."""

    def __init__(self, judge: Judge, rewriter: Writer | None, loop: BlockingPortal):
        self._judge, self._rewriter, self._loop = judge, rewriter, loop
        self._line_judge = judge if isinstance(judge, LineJudge) else LinesAlone(judge)

    @property
    def rewriter(self) -> str | None:
        """The rewriter's name."""
        return self._rewriter.name if self._rewriter else None

    def judge(
        self, texts: Iterable[str], pairs: Sequence[Pair], *, reasons: bool = False
    ) -> dict[str, Verdicts]:
        """Verdicts by rubric text; equal texts are judged once, different ones side by side."""
        judged: dict[str, Verdicts] = {}

        async def one(text: str) -> None:
            judgments = await judgments_of(self._judge, Rubric(text=text), pairs)
            judged[text] = Verdicts(judgments, reasons=reasons)

        async def every() -> None:
            with taken_apart():
                await together()

        async def together() -> None:
            async with anyio.create_task_group() as group:
                for text in dict.fromkeys(texts):
                    group.start_soon(one, text)

        self._loop.call(every)
        return judged

    def lines(self, lines: Sequence[str], pairs: Sequence[Pair]) -> LineAnswers:
        """What the judge answers about lines, each apart from its sign."""

        async def ask() -> LineAnswers:
            with taken_apart():
                return await self._line_judge.line_answers(lines, pairs)

        return self._loop.call(ask)

    def rewrite(self, requests: Sequence[str], seed: int) -> list[Written]:
        """The rewriter's answer to each request; none at all without a rewriter."""
        if self._rewriter is None or not requests:
            return []
        return self._loop.call(answers_of, self._rewriter, requests, seed)
