"""A judge of whole rubrics, and the judge of lines beside it, as one.

BothReadings(KeepsUnread(judge, path), line_judge)
"""

from collections.abc import Sequence

from argo_audit.records import Judgment, Pair, Rubric
from argo_audit.roles import Judge, LineAnswers, LineJudge


class BothReadings:
    """Roles Judge and LineJudge, each played by another."""

    def __init__(self, whole: Judge, lines: LineJudge):
        self._whole, self._lines = whole, lines

    @property
    def name(self) -> str:
        """That of the judge of whole rubrics."""
        return self._whole.name

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        """See roles.Judge."""
        return await self._whole.judge(rubric, pairs)

    async def line_answers(self, lines: Sequence[str], pairs: Sequence[Pair]) -> LineAnswers:
        """See roles.LineJudge."""
        return await self._lines.line_answers(lines, pairs)
