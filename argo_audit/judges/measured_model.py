"""`argo/surface` where it sits in an evaluation as Inspect's model: computed, and not prompted.

    judge = MeasuredModel(InspectJudge(models, settings), settings.max_text)

What it makes of a prompt is what it makes of the pair: the same number, for a part of the time
that a question, a reply and their place in a log take. A pair that a prompt would not hold as it
is, cut or with images, is prompted.
"""

from collections.abc import Sequence

from argo_audit.records import Judgment, Pair, Rubric
from argo_audit.roles import Judge
from argo_audit.surface.judge import SurfaceJudge


class MeasuredModel:
    """Role Judge: `prompted` is asked about what is not measured, and its name is the name."""

    def __init__(self, prompted: Judge, max_text: int) -> None:
        """`max_text` is of how many characters a text is shown."""
        self._prompted, self._max_text = prompted, max_text
        self._measured = SurfaceJudge()

    @property
    def name(self) -> str:
        """That of the model."""
        return self._prompted.name

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        """One Judgment per pair, in order; see roles.Judge."""
        whole = len(rubric.text) <= self._max_text and all(map(self._is_shown_whole, pairs))
        return await (self._measured if whole else self._prompted).judge(rubric, pairs)

    def _is_shown_whole(self, pair: Pair) -> bool:
        turns = [turn for conversation in pair.conversations() for turn in conversation]
        longest = sum(len(turn.content) for turn in turns)
        return longest <= self._max_text and not any(turn.images for turn in turns)
