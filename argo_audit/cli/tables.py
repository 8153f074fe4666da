"""The table at the end of an audit."""

from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from argo_audit.cli.facts import read_facts
from argo_audit.cli.parts import HUMAN
from argo_audit.cli.terminal import percent, row
from argo_audit.evals.logs import Evaluation, read_evaluations
from argo_audit.records import Agreement, Interval


def summary(audits: Sequence[Path]) -> Table:
    """One row per audited rubric and label source, read from the eval logs."""
    title = "Agreement with the labels on held-out pairs (95% interval)"
    table = Table(title=title, box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    for column in ("rubric", "labels"):
        table.add_column(column, overflow="fold")
    for column in ("agreement", "no rubric", "longest", "ceiling", "n"):
        table.add_column(column, justify="right", no_wrap=True)
    for folder in audits:
        facts = read_facts(folder)
        for evaluation in read_evaluations(facts.logs(folder)):
            row(table, *_cells(evaluation, facts.ceiling))
    return table


def _cells(evaluation: Evaluation, ceiling: Agreement | None) -> tuple[str, ...]:
    baselines = (evaluation.baselines.get(name) for name in ("no rubric", "longest response"))
    return (
        evaluation.rubric_ref,
        evaluation.label_source,
        percent(evaluation.agreement),
        *(_point(agreement) for agreement in baselines),
        "" if evaluation.label_source == HUMAN else _point(ceiling),
        str(evaluation.agreement.n),
    )


def _point(agreement: Agreement | None) -> str:
    if agreement is None or agreement.accuracy is None:
        return "-"
    return f"{agreement.accuracy:.1%}"


def bounds(estimate: float | None, interval: Interval | None) -> str:
    """A share or difference in percent with its interval."""
    if estimate is None:
        return "not measured"
    within = "" if interval is None else f" [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"
    return f"{100 * estimate:.1f}{within}"
