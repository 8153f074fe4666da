"""A judge of whole rubrics asked about lines: each line is a rubric by itself.

    answers = await LinesAlone(judge).line_answers(["bulleted lists"], pairs)

Any judge can be asked so, at two calls for each line and pair; one that reads several lines in a
call (roles.LineJudge) takes a fraction of that.
"""

from collections.abc import Sequence

import anyio
import numpy as np

from argo_audit.judges.judged import judgments_of
from argo_audit.records import Pair, Rubric, Usage
from argo_audit.roles import Judge, LineAnswers
from argo_audit.rubrics.unsigned import unsigned


class LinesAlone:
    """Role LineJudge, played by a judge of whole rubrics."""

    def __init__(self, judge: Judge):
        self._judge = judge

    @property
    def name(self) -> str:
        """The judge's."""
        return self._judge.name

    async def line_answers(self, lines: Sequence[str], pairs: Sequence[Pair]) -> LineAnswers:
        """See roles.LineJudge."""
        p_a = np.full((len(pairs), len(lines), 2), np.nan)
        taken: list[Usage] = []

        async def one(column: int, line: str) -> None:
            rubric = Rubric(text=f"- Rewards {unsigned(line)}\n")
            for row, said in enumerate(await judgments_of(self._judge, rubric, pairs)):
                for order, p in enumerate((said.p_a_first, said.p_a_second)):
                    p_a[row, column, order] = np.nan if p is None else p
                taken.append(said.usage)

        async with anyio.create_task_group() as group:
            for column, line in enumerate(lines):
                group.start_soon(one, column, line)
        usage = Usage.total(taken)
        return LineAnswers(p_a, usage, usage.saved, np.isnan(p_a))
