"""What a comparison found, as tables of plain text.

[lines(names, texts), *crossed(crossing)]      # sheets
"""

from collections.abc import Sequence

from argo_audit.evals.results import ResultRow
from argo_audit.findings.alignments import Row, counted, line_up, ranks, shares
from argo_audit.findings.crossing import Crossing, FeatureSplit
from argo_audit.findings.stances import feature_name
from argo_audit.report.markdown import number, percent, points
from argo_audit.report.sections.shown import (
    FEATURE_NOTE,
    MOST_FEATURES,
    NOTE,
    against_planted,
)
from argo_audit.report.sheets import Sheet
from argo_audit.rubrics.alignment import Item
from argo_audit.stats.decomposition import Split, SplitPart
from argo_audit.stats.estimates import Estimate

_LINES = ("", "first", "second", "alike", "rank", "weight")


def lines(names: tuple[str, str], texts: tuple[str, str]) -> Sheet:
    """Two rubrics aligned."""
    rows = line_up(*texts)
    said = f"First: {names[0]}; second: {names[1]}. Lines: {counted(rows)}."
    return Sheet("Line by line", _LINES, [line(row) for row in rows], said)


def line(row: Row) -> list[str]:
    """A line of one or both rubrics."""
    alike = "" if row.similarity is None else f"{row.similarity:.2f}"
    return [row.standing, _text(row.first), _text(row.second), alike, ranks(row), shares(row)]


def _text(item: Item | None) -> str:
    return "" if item is None else item.text


def crossed(crossing: Crossing) -> list[Sheet]:
    """Two populations: every agreement, and what agreement and leanings split into."""
    header = ("rubric", "on pairs of", "against labels of", "agreement", "n")
    cells = [
        (c.rubric, c.population, c.label_source, _estimate(c.agreement), str(c.agreement.n))
        for c in crossing.cells
    ]
    sheets = [Sheet("Agreement, crossed", header, cells, f"Judge: {crossing.judge}.")]
    first, second = (side.population for side in crossing.sides)
    parts = ("at home", "shown", "preferred")
    rows = [(row.rubric, *map(_part, _parts(row.split))) for row in crossing.rubrics]
    title = f"Agreement in {first} minus in {second}"
    sheets.append(Sheet(title, ("rubric", *parts), rows, NOTE.replace("*", "")))
    return [*sheets, _features(crossing)]


def _features(crossing: Crossing) -> Sheet:
    first, second = (side.population for side in crossing.sides)
    header = ("feature", first, second, "shown", "preferred")
    planted = any(row.planted for row in crossing.features)
    rows = [_feature(row, planted) for row in crossing.features[:MOST_FEATURES]]
    said = f"{FEATURE_NOTE} * marks q of 0.05 or less. {against_planted(crossing)}"
    title = "What is preferred, feature by feature"
    more = ("planted: shown", "planted: preferred") if planted else ()
    return Sheet(title, (*header, *more), rows, said.replace("*lean*", "lean"))


def _feature(row: FeatureSplit, planted: bool) -> tuple[str, ...]:
    name = f"{'* ' if row.clear else ''}{feature_name(row.feature)}"
    homes = map(points, (row.first, row.second))
    cells = (name, *homes, *map(_part, _parts(row.split)[1:]))
    if not planted:
        return cells
    true = [points(p.estimate) for p in _parts(row.planted)[1:]] if row.planted else ["", ""]
    return (*cells, *true)


def same_pairs(rows: Sequence[ResultRow]) -> Sheet:
    """Rubrics on the pairs of one population, and their paired differences."""
    header = ("rubric", "on pairs of", "against labels of", "measure", "estimate", "p", "n")
    cells = [
        (
            row.subject,
            row.population,
            row.label_source,
            row.measure,
            number(row.estimate, 3, row.interval),
            "" if row.p_value is None else f"{row.p_value:.4f}",
            str(row.n),
        )
        for row in rows
        if row.estimate is not None
    ]
    methods = "; ".join(dict.fromkeys(row.method for row in rows))
    return Sheet("Agreement on the same pairs", header, cells, methods)


def _parts(found: Split) -> tuple[SplitPart, SplitPart, SplitPart]:
    return found.total, found.shown, found.preferred


def _part(found: SplitPart) -> str:
    return points(found.estimate, found.interval)


def _estimate(found: Estimate) -> str:
    return percent(found.mean, found.interval, unit="")
