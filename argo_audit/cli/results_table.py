"""What the suite found, as a table, and how its numbers came about.

console.print(results_table(found))
"""

from collections import Counter
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from argo_audit.cli.terminal import row
from argo_audit.evals.results import ResultRow
from argo_audit.report.markdown import number as as_text

_NARROWEST = 9  # columns of text are folded, but not to shreds
_DETAILS = ("kl", "brier", "win rate")
"""Measures that say in another way what the row before them says."""


def results_table(found: Sequence[ResultRow], *, details: bool = False) -> Table:
    """One row per number of every task; slices, KL, Brier scores and win rates only on request."""
    title = "Results (95% interval, prompts being what is independent)"
    table = Table(
        title=title, box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for column in ("task", "pairs", "subject", "labels", "measure"):
        table.add_column(column, overflow="fold", min_width=_NARROWEST)
    for column in ("estimate", "p", "n"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("note", overflow="fold", min_width=_NARROWEST)
    before: tuple[str, str] = ("", "")
    for number in found:
        if details or not (number.slice or number.measure.endswith(_DETAILS)):
            now = (number.task, number.population)
            if now != before and before[0]:
                table.add_section()
            row(table, *(now if now != before else ("", "")), *_cells(number))
            before = now
    return table


def legend(found: Sequence[ResultRow]) -> list[str]:
    """How the numbers of each task came about, and of which of its subjects where that differs."""
    told: dict[tuple[str, str], dict[str, None]] = {}
    for number in found:
        subjects = told.setdefault((number.task, number.method), {})
        subjects[number.subject or "(no rubric)"] = None
    methods = Counter(task for task, _ in told)
    names = {key: f" of {', '.join(subjects)}" for key, subjects in told.items()}
    return [
        f"{task}{names[task, method] if methods[task] > 1 else ''}: {method}"
        for task, method in told
        if method
    ]


def _cells(number: ResultRow) -> tuple[str, ...]:
    """`n` with the pairs that have no value beside it, where there are any."""
    return (
        number.subject or "(no rubric)",
        number.label_source,
        f"{number.measure} ({number.slice})" if number.slice else number.measure,
        as_text(number.estimate, 3, number.interval),
        "" if number.p_value is None else f"{number.p_value:.4f}",
        f"{number.n} (-{number.unscored})" if number.unscored else str(number.n),
        number.note,
    )
