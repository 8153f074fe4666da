"""Tables on the terminal: of what an audit found, and sheets."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from argo_audit.audits.audit_facts import RUNS, read_facts
from argo_audit.cli.terminal import console, row, say
from argo_audit.evals.logs import Evaluation, read_evaluations
from argo_audit.findings.inputs import RunRecord, load_run
from argo_audit.findings.warm_starts import parts_of
from argo_audit.records import HUMAN, Agreement
from argo_audit.report.markdown import accuracy, percent
from argo_audit.report.sheets import Sheet, as_markdown

_NUMBERS = ("rank", "weight", "alike", "n", "q", "p")


def tell(audits: Sequence[Path], allow: Sequence[str] = ()) -> None:
    """Print what was found: a table of rubrics, and one of both searches where there were two."""
    console.print(summary(audits, allow))
    if (both := searches(audits, allow)) is not None:
        console.print(both)


def summary(audits: Sequence[Path], allow: Sequence[str] = ()) -> Table:
    """One row per audited rubric and label source, read from the eval logs."""
    title = "Agreement with the labels on held-out pairs (95% interval)"
    table = Table(title=title, box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    for column in ("rubric", "labels"):
        table.add_column(column, overflow="fold")
    for column in ("agreement", "no rubric", "longest", "ceiling", "n"):
        table.add_column(column, justify="right", no_wrap=True)
    for folder in audits:
        facts = read_facts(folder, allow)
        for evaluation in read_evaluations(facts.logs(folder)):
            row(table, *_cells(evaluation, facts.ceiling))
    return table


def searches(audits: Sequence[Path], allow: Sequence[str] = ()) -> Table | None:
    """What both searches of runs with a warm start reached; None where no run had one."""
    title = "What each search reached on held-out pairs (95% interval), on its own labels"
    table = Table(title=title, box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    for column in ("labels", "search"):
        table.add_column(column, overflow="fold")
    for column in ("calls", "agreement", "longest", "published"):
        table.add_column(column, justify="right", no_wrap=True)
    for folder in audits:
        facts = read_facts(folder, allow)
        evaluations = read_evaluations(facts.logs(folder))
        records = map(load_run, sorted((folder / RUNS).iterdir()))
        for record in sorted(records, key=lambda one: one.run.label_source == HUMAN):
            for cells in _parts(record, evaluations):
                row(table, *cells)
    return table if table.rows else None


def _parts(record: RunRecord, evaluations: Sequence[Evaluation]) -> Iterator[tuple[str, ...]]:
    """One row per search; `published` is what was evaluated of the run."""
    source = record.run.label_source
    own = [e for e in evaluations if e.label_source == e.train_label_source == source]
    longest = next((e.baselines.get("longest response") for e in own), None)
    published = {e.rubric_id for e in own}
    for part in parts_of(record, published):
        yield (
            f"{record.run.population}, {source}",
            part.search,
            f"{part.calls:,}",
            accuracy(part.held_out),
            _point(longest),
            "yes" if part.rubric_id in published else "no",
        )


def _cells(evaluation: Evaluation, ceiling: Agreement | None) -> tuple[str, ...]:
    baselines = (evaluation.baselines.get(name) for name in ("no rubric", "longest response"))
    return (
        evaluation.rubric_ref,
        evaluation.label_source,
        accuracy(evaluation.agreement),
        *(_point(agreement) for agreement in baselines),
        "" if evaluation.label_source == HUMAN else _point(ceiling),
        str(evaluation.agreement.n),
    )


def _point(agreement: Agreement | None) -> str:
    if agreement is None or agreement.accuracy is None:
        return "-"
    return percent(agreement.accuracy)


def show(sheets: Sequence[Sheet], *, markdown: bool) -> None:
    """Print the sheets one after the other."""
    for sheet in sheets:
        if markdown:
            say(as_markdown(sheet))
        else:
            console.print(_table(sheet) if sheet.rows else Text(f"{sheet.title}: nothing"))
            say(f"{sheet.note}\n")


def _table(sheet: Sheet) -> Table:
    found = Table(title=Text(sheet.title), box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in sheet.header:
        narrow = name.lower() in _NUMBERS
        found.add_column(Text(name), overflow="fold", no_wrap=narrow)
    for cells in sheet.rows:
        row(found, *cells)
    return found
