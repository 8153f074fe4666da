"""Windows of a search: the rubrics of each stretch of steps that are sent to selection.

    for attempt, dev, held_out in best_of_windows(attempts, steps, panel, data, config):
        selection.take(attempt, dev, held_out)

Train agreement nominates within each window and dev selects among all, so that the report can show
how the best rubrics of early and of late steps fare on the same pairs.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from argo_audit.records import Attempt
from argo_audit.search.lessons import ranked
from argo_audit.search.panel import Panel, Verdicts
from argo_audit.search.search_settings import SearchConfig
from argo_audit.search.selection import MEASURED_ON, SearchData


def best_of_windows(
    attempts: Sequence[Attempt], steps: int, panel: Panel, data: SearchData, config: SearchConfig
) -> Iterator[tuple[Attempt, Verdicts, Verdicts]]:
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
