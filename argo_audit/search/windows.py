"""What is sent to selection: the rubrics of each stretch of steps, the winners of rounds by line.

    for attempt, dev, held_out in best_of_windows(attempts, steps, panel, data, config):
        selection.take(attempt, dev, held_out)

Train agreement nominates within each window and dev selects among all, so that the report can show
how the best rubrics of early and of late steps fare on the same pairs.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeAlias

from argo_audit.records import Attempt
from argo_audit.search.lessons import ranked
from argo_audit.search.panel import Panel, Verdicts
from argo_audit.search.search_settings import SearchConfig
from argo_audit.search.selection import MEASURED_ON, SearchData

Measured: TypeAlias = tuple[Attempt, Verdicts, Verdicts]
"""An attempt, and what the judge said with it on dev and on held-out."""


def best_of_rounds(
    finalists: Sequence[Attempt], panel: Panel, data: SearchData
) -> Iterator[Measured]:
    """The winners of rounds by line in their order, each rubric once: where it won first."""
    first = {one.rubric.text: one for one in reversed(finalists)}
    for text, attempt in reversed(first.items()):
        dev, held_out = (panel.judge([text], data.splits[split])[text] for split in MEASURED_ON)
        yield attempt, dev, held_out


def best_of_windows(
    attempts: Sequence[Attempt], steps: int, panel: Panel, data: SearchData, config: SearchConfig
) -> Iterator[Measured]:
    """Each window's top rubrics on train, with the verdicts on dev and on held-out.

    One window is judged after the other, when it is asked for.
    """
    for window in range(config.windows):
        low, high = (edge * steps / config.windows for edge in (window, window + 1))
        able = ranked(a for a in attempts if low <= a.step < high)
        top = list(islice(able, config.top))
        texts = [attempt.rubric.text for attempt in top]
        dev, held_out = (panel.judge(texts, data.splits[split]) for split in MEASURED_ON)
        for attempt in top:
            yield attempt, dev[attempt.rubric.text], held_out[attempt.rubric.text]
