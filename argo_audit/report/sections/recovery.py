"""Section 7: the preferences that were planted, and what of them the rubrics recovered.

    section(facts).blocks

Possible only where the truth is known, that is in an organism (`findings.recall`).
"""

from argo_audit.findings.recall import Recovered, recovered, score
from argo_audit.findings.stances import feature_name, stances
from argo_audit.report.markdown import Section, escape, linked, number, percent, table
from argo_audit.report.material import Material
from argo_audit.report.names import population_name, run_name
from argo_audit.report.sections.summary import with_interval
from argo_audit.report.trained import Trained

TITLE = "Recovered against planted"

_NOTE = (
    "The rubric's side is what the surface reader reads in it; a weight of 1 is that of an average "
    "line. A planted preference may be missed because the rubric lacks it, or because its words "
    "were not understood. A spurious feature may still be a correlate of a planted one."
)
_HEADER = ("Feature", "Planted", "Strength", "Rubric", "Weight", "Verdict")
_CEILING = "Ceiling (the planted preferences written as a rubric, same judge)"


def section(facts: Material) -> Section:
    """A table of features and a line of scores for each population with planted preferences."""
    known = [p for p in facts.populations if p in facts.inputs.planted]
    if not known:
        return Section(TITLE, ["Nothing is known to be planted in these labels: not measured."])
    blocks = [_NOTE]
    for population in known:
        blocks += [f"### Planted in {population_name(population)}", *_tables(facts, population)]
    return Section(TITLE, blocks)


def _tables(facts: Material, population: str) -> list[str]:
    planted = facts.inputs.planted[population]
    runs = [(t, recovered(planted, stances(t.text))) for t in facts.trained(population) if t.best]
    if not runs:
        return ["No rubric was selected: not measured."]
    scores = [(_linked(trained), score(rows)) for trained, rows in runs]
    summary = [[name, percent(found.recall), percent(found.precision)] for name, found in scores]
    ceiling = f"{_CEILING}: {with_interval(facts.ceiling(population))}."
    features = [
        block
        for trained, rows in runs
        for block in (f"{_linked(trained)}:", table(_HEADER, map(_row, rows)))
    ]
    return [table(("Run", "Recall", "Precision"), summary), ceiling, *features]


def _linked(trained: Trained) -> str:
    return linked(run_name(trained), trained.source.href if trained.source else "")


def _row(row: Recovered) -> list[str]:
    sides = {1: "rewarded", -1: "penalised", None: "-"}
    read = row.read
    return [
        escape(feature_name(row.feature)),
        sides[row.planted],
        number(row.strength) if row.strength is not None else "-",
        sides[read.direction if read else None],
        ("gate" if read.weight is None else number(read.weight)) if read else "-",
        row.verdict,
    ]
