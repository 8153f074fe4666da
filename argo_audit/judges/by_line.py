r"""A judge that applies a rubric as the sum of its lines.

    judge = ByLine(line_judge, whole)
    judgments = await judge.judge(Rubric(text="- Rewards lists\n- Penalizes apologies"), pairs)

Which response shows more of each line is asked without the line's sign (roles.LineJudge), and what
that is worth is the rubric's to say (`rubrics.signed_lines`): in each order

    log-odds(A) = sum over lines of worth x log-odds of the answer

with the absolute worths adding up to 1; how steep this is a fitted judge temperature says, as of
any judge. Gates come after: the response that shows more of what a gate looks for loses GATE
log-odds, less what the cap leaves it, by as much as the answer is sure. A condition ("when asked
for code") is part of what is asked: where it is not met both responses show the line alike.

What cannot be told of a line counts for neither response, and a line of which nobody knows whether
it rewards or penalises is not asked; the reply names it. Of a rubric of whose lines none can be
told there is no verdict. A text without lines, the empty rubric too, is read whole.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from argo_audit.records import Judgment, Pair, Rubric, Usage
from argo_audit.roles import Judge, LineAnswers, LineJudge
from argo_audit.rubrics.signed_lines import TOP, SignedLine, signed_lines

GATE = 6.0
"""Log-odds that a gate without a number takes from the response that it holds for."""

_SUREST = 1e-4  # of an answer: one line alone does not decide a rubric for ever
_SHOWN = 6

Array = NDArray[np.float64]


class ByLine:
    """Roles Judge and LineJudge, played by a judge of lines and, for what has none, by `whole`."""

    def __init__(self, line_judge: LineJudge, whole: Judge):
        self._lines, self._whole = line_judge, whole

    @property
    def name(self) -> str:
        """The judge's."""
        return self._whole.name

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        """One Judgment per pair, in order; see roles.Judge."""
        found = signed_lines(rubric.text)
        if not found:
            return await self._whole.judge(rubric, pairs)
        lines = [line for line in found if not line.is_unread]
        unread = [line.text for line in found if line.is_unread]
        said = await self._lines.line_answers([line.text for line in lines], pairs)
        p_a = preferences(lines, said.p_a)
        usages = _shared_out(said, len(pairs))
        return [
            _judgment(rubric, pair, p, _told(lines, answers, unread), usage)
            for pair, p, answers, usage in zip(pairs, p_a, said.p_a, usages, strict=True)
        ]

    async def line_answers(self, lines: Sequence[str], pairs: Sequence[Pair]) -> LineAnswers:
        """See roles.LineJudge."""
        return await self._lines.line_answers(lines, pairs)


def preferences(lines: Sequence[SignedLine], p_a: Array) -> Array:
    """P(A preferred) [pairs, 2] of answers [pairs, lines, 2]; nan where no line could be told."""
    odds = logit(np.clip(p_a, _SUREST, 1 - _SUREST))
    told = ~np.isnan(odds)
    worth = np.array([line.worth for line in lines])
    summed = np.einsum("l,plo->po", worth, np.where(told, odds, 0.0))
    lost = np.array([0.0 if line.cap is None else GATE * (1 - line.cap / TOP) for line in lines])
    sure = np.where(told, 2 * p_a - 1, 0.0)
    gated = summed - np.einsum("l,plo->po", lost, sure)
    return np.asarray(np.where(told.any(axis=1), expit(gated), np.nan), dtype=np.float64)


def _judgment(rubric: Rubric, pair: Pair, p: Array, told: str, usage: Usage) -> Judgment:
    first, second = (None if np.isnan(one) else float(one) for one in p)
    read = [one for one in (first, second) if one is not None]
    return Judgment(
        pair_id=pair.id,
        rubric_id=rubric.id,
        p_a=sum(read) / 2 if len(read) == 2 else None,
        p_a_first=first,
        p_a_second=second,
        estimator="lines",
        unread=2 - len(read),
        reply=told,
        usage=usage,
    )


def _told(lines: Sequence[SignedLine], answers: Array, unread: Sequence[str]) -> str:
    """How many lines could be told, and which response shows more of those that weigh most.

    And the lines of which nobody knows whether they reward or penalise.
    """
    both = answers.mean(axis=1)
    heavy = sorted(range(len(lines)), key=lambda i: -abs(lines[i].worth))[:_SHOWN]
    said = "; ".join(f"{lines[i].text}: {_side(both[i])}" for i in heavy)
    lost = f" Reward or penalty, not known: {'; '.join(unread[:_SHOWN])}" if unread else ""
    count = len(lines) + len(unread)
    return f"{int((~np.isnan(both)).sum())} of {count} lines told. {said}{lost}"


def _side(p: float) -> str:
    if np.isnan(p):
        return "cannot tell"
    return f"{'A' if p > 0.5 else 'B' if p < 0.5 else 'equal'} ({p:.2f})"


def _shared_out(said: LineAnswers, pairs: int) -> list[Usage]:
    """What all pairs took together, evenly; what is left over goes to the first ones."""
    if not pairs:
        return []
    total = {k: v for k, v in (said.asked.model_dump() | {"saved": said.saved}).items() if v}
    return [
        Usage(**{k: v // pairs + (place < v % pairs) for k, v in total.items()})
        for place in range(pairs)
    ]
