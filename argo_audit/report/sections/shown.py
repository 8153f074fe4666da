"""After section 4: do two populations differ in what they are shown, or in what they prefer?

    section(facts).blocks

A rubric learned on A that does worse on B may have met other pairs or another preference. Crossed
labels tell them apart: every reward model labels the pairs of both populations.
"""

from collections.abc import Sequence

from argo_audit.findings.crossing import Cell, Crossing, FeatureSplit, RubricSplit, held_planted
from argo_audit.findings.stances import feature_name
from argo_audit.report.markdown import (
    NOT_MEASURED,
    Section,
    escape,
    percent,
    points,
    table,
    together,
)
from argo_audit.report.material import Material
from argo_audit.report.names import label_name, population_name
from argo_audit.report.sections.provenance import log_name
from argo_audit.stats.decomposition import Split, SplitPart

TITLE = "Shown or preferred"
MOST_FEATURES = 12
_SMALLEST = 0.001

NOTE = (
    "Each population has pairs and a reward model, and both reward models label all pairs. The "
    "difference between the two that belong together is *shown* (other pairs, the same labels) "
    "plus *preferred* (the same pairs, other labels), each averaged over both ways round "
    "(Kitagawa, 1955), in points; 95% intervals (bootstrap over the prompts of both populations)."
)
FEATURE_NOTE = (
    "The *lean* of a reward model on a feature: the share of pairs on which it sides with the "
    "response that has more of it, minus the share on which it sides with the other, in points. q: "
    "of no difference in what is preferred, after Benjamini and Hochberg over all features. "
    "Features are the surface judge's: leanings on content are not seen."
)


def section(facts: Material) -> Section:
    """Agreement crossed, and what it and the leanings split into, for every two populations."""
    crossings = facts.inputs.crossings
    if not crossings:
        return Section(TITLE, [_missing(facts)])
    blocks = [NOTE]
    for crossing in crossings:
        first, second = (population_name(side.population) for side in crossing.sides)
        where = log_name(facts, crossing.log)
        blocks += [f"### Crossed: {first} and {second}", f"{_counts(crossing)} Log: {where}."]
        blocks += [_agreements(crossing.cells), _rubrics(crossing), FEATURE_NOTE]
        blocks += [_features(crossing.features)]
        blocks += [said] if (said := against_planted(crossing)) else []
    return Section(TITLE, blocks)


def against_planted(crossing: Crossing) -> str:
    """How often the intervals hold the planted parts of the same pairs; "" where none is known."""
    known = sum(row.planted is not None for row in crossing.features)
    if not known:
        return ""
    shown, preferred = held_planted(crossing)
    return (
        f"Of {known} features the interval holds the part that was planted, on the same "
        f"pairs, {shown} times (shown) and {preferred} times (preferred). Where it "
        "does not, the reward models do not prefer what was planted."
    )


def part(found: SplitPart) -> str:
    """A part with its interval, in points."""
    return together(points(found.estimate, found.interval))


def probability(value: float) -> str:
    """A p-value or q-value with three decimals, never 0."""
    return f"{value:.3f}" if value >= _SMALLEST else f"below {_SMALLEST}"


def agreement(cell: Cell) -> str:
    """A cell with its interval and count."""
    found = cell.agreement
    if found.mean is None:
        return NOT_MEASURED
    return together(percent(found.mean, found.interval)) + f" of {found.n}"


def _missing(facts: Material) -> str:
    if len(facts.populations) < 2:
        return "Not measured: there is one population."
    return (
        "Not measured: the populations were not crossed. `argo-audit compare` with the folders of "
        "both audits does it, and the next report has it."
    )


def _counts(crossing: Crossing) -> str:
    sides = zip(crossing.sides, crossing.pairs, strict=True)
    counts = (f"{pairs} pairs of {population_name(side.population)}" for side, pairs in sides)
    return f"{' and '.join(counts)}; judge {escape(crossing.judge)}."


def _agreements(cells: Sequence[Cell]) -> str:
    header = ("Rubric", "On pairs of", "Against labels of", "Agreement")
    rows = (
        [escape(c.rubric), population_name(c.population), label_name(c.label_source), agreement(c)]
        for c in cells
    )
    return table(header, rows)


def _rubrics(crossing: Crossing) -> str:
    if not crossing.rubrics:
        return "Not all four means are known, so agreement was not split."
    first, second = (population_name(side.population) for side in crossing.sides)
    header = ("Agreement of", f"At home in {first} minus in {second}", "Shown", "Preferred")
    return table(header, (_rubric(row) for row in crossing.rubrics))


def _rubric(row: RubricSplit) -> list[str]:
    return [escape(row.rubric), *_parts(row.split)]


def _parts(found: Split) -> list[str]:
    return [part(found.total), part(found.shown), part(found.preferred)]


def _features(rows: Sequence[FeatureSplit]) -> str:
    if not rows:
        return "The pairs are not where the log says, so features could not be measured."
    header = ["Feature", "First", "Second", "Difference", "Shown", "Preferred", "q"]
    planted = any(row.planted for row in rows)
    header += ["Planted: shown", "Planted: preferred"] if planted else []
    shown = [_feature(row, planted) for row in rows[:MOST_FEATURES]]
    left = len(rows) - len(shown)
    rest = f"\n\nAnd {left} more that differ less in what is preferred." if left > 0 else ""
    return table(header, shown) + rest


def _feature(row: FeatureSplit, planted: bool) -> list[str]:
    name = escape(feature_name(row.feature))
    homes = [points(lean) for lean in (row.first, row.second)]
    q = probability(row.q_value)
    cells = [f"**{name}**" if row.clear else name, *homes, *_parts(row.split), q]
    if not planted:
        return cells
    true = row.planted
    parts = [points(p.estimate) for p in (true.shown, true.preferred)] if true else []
    return [*cells, *(parts or [NOT_MEASURED] * 2)]
