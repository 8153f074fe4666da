"""The asynchronous roles, asked from the policy's synchronous world through one event loop.

    with open_panel(judge, rewriter) as panel:
        panel.judge(["- rewards lists"], pairs)["- rewards lists"]      # one Judgment per pair

RL libraries own a synchronous loop; judges and writers are asynchronous. This is the one place
where the two meet, in one loop that is held open for a whole search. What fails among many that are
asked at once comes out as the one error that it is; an interrupt ends the calls under way.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal

from argo_audit.judges.failures import taken_apart
from argo_audit.records import Judgment, Pair, Rubric
from argo_audit.roles import Judge, Writer, Written


@contextmanager
def open_panel(judge: Judge, rewriter: Writer | None = None) -> Iterator["Panel"]:
    """The roles, until the block ends."""
    with start_blocking_portal() as loop:
        yield Panel(judge, rewriter, loop)


class Panel:
    """A judge and, perhaps, a rewriter of prompts."""

    def __init__(self, judge: Judge, rewriter: Writer | None, loop: BlockingPortal):
        self._judge, self._rewriter, self._loop = judge, rewriter, loop

    @property
    def rewriter(self) -> str | None:
        """The rewriter's name."""
        return self._rewriter.name if self._rewriter else None

    def judge(self, texts: Iterable[str], pairs: Sequence[Pair]) -> dict[str, list[Judgment]]:
        """Judgments by rubric text; equal texts are judged once, different ones side by side."""
        judged: dict[str, list[Judgment]] = {}

        async def one(text: str) -> None:
            judged[text] = await self._judge.judge(Rubric(text=text), pairs)

        async def every() -> None:
            with taken_apart():
                await together()

        async def together() -> None:
            async with anyio.create_task_group() as group:
                for text in dict.fromkeys(texts):
                    group.start_soon(one, text)

        self._loop.call(every)
        return judged

    def rewrite(self, requests: Sequence[str], seed: int) -> list[Written]:
        """The rewriter's answer to each request; none at all without a rewriter."""
        if self._rewriter is None or not requests:
            return []
        return self._loop.call(self._rewriter.write, requests, seed)
