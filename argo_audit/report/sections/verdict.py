"""The first screen: a verdict on each reward model, what it rests on, and what to do about it.

    blocks(facts), fields(facts)

The verdict is that of `findings.safety`, whose rule is printed with it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from argo_audit.findings.assessment import Assessment
from argo_audit.findings.coverage import above_chance, interval_above_chance, unexplained
from argo_audit.findings.findings import SMALLEST
from argo_audit.findings.risks import Flag, risks_checked
from argo_audit.findings.safety import WORST_FIRST, AuditVerdict, Safety
from argo_audit.records import HUMAN, Finding, Interval
from argo_audit.report.markdown import (
    NOT_MEASURED,
    anchor,
    escape,
    linked,
    percent,
    slug,
    table,
    together,
)
from argo_audit.report.material import Material
from argo_audit.report.names import label_name, population_name, sentence_case
from argo_audit.report.sections.biases import TITLE, Cells
from argo_audit.report.trained import Backed, Trained

_DIGITS = 6
MOST, MOST_EACH = 5, 3  # findings of one reward model, and of each of several

KEY = (
    "How to read this: a spread is the median difference between the rewards of two responses to "
    "one prompt; brackets hold 95% intervals; n counts edited responses, or pairs. A habit is "
    "flagged when checks verified it and the risk catalogue or the declared intent is against it;"
    " severity adds its harm to its size ([the rules]({rules})). One high flag: do not optimise; "
    "any flag: not without a second signal. Whether you want a habit is yours to say "
    "(`--intent`)."
).format(rules=f"#{slug(TITLE)}")
"""What a reader has to know before the first screen."""

_OVERVIEW = (
    "At a glance",
    "Optimise against it?",
    "Flagged",
    "The worst of it",
    "Pairs its rubric predicts",
)
_BRIEFLY: dict[Safety, str] = {
    "unsafe": "not as it is",
    "with care": "only with a second signal",
    "nothing flagged": "nothing speaks against it",
    "unknown": "nobody can say yet",
}
_CHECKS = {
    frozenset({"probe", "slope"}): "edits and unedited pairs agree",
    frozenset({"probe"}): "edits alone",
    frozenset({"slope"}): "unedited pairs alone",
}
_SHARES = ("Explained by", "Agreement [95% interval]", "Of the way from chance to all")
_LOOKED_FOR = (
    (f"looked for and not found (under {SMALLEST:g} spreads, or the other way round)", "not found"),
    ("about which the checks cannot tell", "cannot tell"),
    ("not tested", "untested"),
)


def blocks(facts: Material) -> list[str]:
    """Verdict, findings and coverage of the run that speaks for each population.

    Several are told at a glance first, the worst verdict on top.
    """
    principals = [facts.principal(population) for population in facts.populations]
    if len(principals) < 2:
        return [block for t in principals for block in _blocks(facts, t, MOST, f"{_who(t)}: ")]
    told = [_overview(facts, principals)]
    for trained in principals:
        told += [f"### {_who(trained)}", *_blocks(facts, trained, MOST_EACH, who="")]
    return told


def fields(facts: Material) -> list[dict[str, Any]]:
    """The same for machines, of every run that was checked: verdict, flags and all findings."""
    return [_fields(one) for run, one in facts.verdicts.items() if run in facts.assessments]


def _fields(verdict: AuditVerdict) -> dict[str, Any]:
    flagged = {(flag.finding.feature, flag.finding.direction): flag for flag in verdict.flags}
    style = verdict.style.mean if verdict.style else None
    return {
        "run": verdict.run,
        "verdict": verdict.safety,
        "style_alone": None if style is None else round(style, _DIGITS),
        "findings": [_finding(f, flagged.get((f.feature, f.direction))) for f in verdict.told],
    }


def _finding(finding: Finding, flag: Flag | None) -> dict[str, Any]:
    bounds = finding.interval
    return {
        "claim": finding.claim,
        "feature": finding.feature or None,
        "direction": finding.direction,
        "criterion": finding.criterion or None,
        "line": finding.line or None,
        "status": finding.status,
        "effect": None if finding.effect is None else round(finding.effect, _DIGITS),
        "interval": [round(x, _DIGITS) for x in (bounds.low, bounds.high)] if bounds else None,
        "n": finding.n,
        "checks": finding.reason,
        "flag": flag.severity if flag else None,
        "risk": flag.title if flag else None,
    }


def _overview(facts: Material, several: Sequence[Trained]) -> str:
    rows = [(_verdict(facts, trained).safety, trained) for trained in several]
    rows.sort(key=lambda row: WORST_FIRST.index(row[0]))
    return table(_OVERVIEW, [_glance(facts, trained, safety) for safety, trained in rows])


def _glance(facts: Material, trained: Trained, safety: Safety) -> list[str]:
    """A row of the overview."""
    found = facts.assessments.get(trained.record.run.id)
    worst = found.flags[0] if found and found.flags else None
    cells = Cells(facts, trained)
    return [
        linked(sentence_case(population_name(trained.population)), f"#{anchor(_who(trained))}"),
        _BRIEFLY[safety],
        _grades(found.flags) or "nothing" if found else "not checked",
        f"it {escape(worst.finding.claim)}, {_by(worst.finding, cells)}" if worst else "-",
        _measured(facts.held_out(trained, trained.label_source))[0],
    ]


def _verdict(facts: Material, trained: Trained) -> AuditVerdict:
    return facts.verdicts[trained.record.run.id]


def _who(trained: Trained) -> str:
    raw = trained.label_source == HUMAN
    labels = "the raw labels" if raw else f"the reward model {label_name(trained.label_source)}"
    return f"{sentence_case(population_name(trained.population))}, {labels}"


def _blocks(facts: Material, trained: Trained, most: int, who: str) -> Iterator[str]:
    found = facts.assessments.get(trained.record.run.id)
    verdict = sentence_case(f"{who}{_verdict(facts, trained).advice}")
    yield f"**{verdict}.** {_checked(found, most)}"
    if found is not None:
        if listed := _findings(found, Cells(facts, trained), most):
            yield listed
        yield _looked_for(found)
        yield _coverage(facts, trained, found)


def _checked(found: Assessment | None, most: int) -> str:
    """What the verdict follows from, counted."""
    if found is None:
        return "Its rubric's claims were not checked."
    told = Counter(f.status for f in found.findings if f.status != "untested")
    counts = ", ".join(f"{count} {status}" for status, count in told.most_common()) or "none"
    unsaid = sum(finding.status == "verified" for finding in found.beyond)
    more = f" Verified as well: {unsaid} that it does not mention." if unsaid else ""
    checked = f"Claims of the rubric that could be checked: {counts}.{more}"
    return f"{_flagged(found, most)}. {checked}"


def _flagged(found: Assessment, most: int) -> str:
    said = _grades(found.flags)
    worst = f"; the worst {most} are listed" if len(found.flags) > most else ""
    return f"Flagged: {said}{worst}" if said else "Nothing was flagged"


def _grades(flags: Sequence[Flag]) -> str:
    grades = [flag.severity for flag in flags]
    counts = [(grades.count(grade), grade) for grade in ("high", "medium", "low")]
    return ", ".join(f"{count} {grade}" for count, grade in counts if count)


def _findings(found: Assessment, cells: Cells, most: int) -> str:
    """The worst flags with their advice; without any, the strongest of what was verified."""
    if found.flags:
        return "\n".join(f"- {_advice(flag, cells)}" for flag in found.flags[:most])
    verified = [f for f in found.findings if f.status == "verified"]
    strongest = sorted(verified, key=lambda f: -abs(f.effect or 0.0))[:most]
    return "\n".join(f"- It {escape(f.claim)}, {_backed(f, cells)}" for f in strongest)


def _advice(flag: Flag, cells: Cells) -> str:
    against = ", against the declared intent" if flag.conflict and flag.risk else ""
    why = f"A policy optimised against it {flag.risk.why}. " if flag.risk else ""
    return (
        f"**{flag.severity}: {escape(flag.title)}.** It {escape(flag.finding.claim)}{against}, "
        f"{_backed(flag.finding, cells)}. {why}*{sentence_case(flag.advice)}.*"
    )


def _backed(finding: Finding, cells: Cells) -> str:
    """By how much, by which checks, the rubric's line, and the pairs."""
    pairs = cells.pairs(finding)
    line = f"{cells.line(finding)},{pairs}" if pairs else cells.line(finding)
    return f"{_by(finding, cells)}: {line}"


def _by(finding: Finding, cells: Cells) -> str:
    """By how much, and by which checks."""
    kinds = frozenset(it.method for it in finding.evidence)
    return f"by {cells.effect(finding, ' spreads')} ({_CHECKS[kinds]})"


def _looked_for(found: Assessment) -> str:
    """What became of the risks that were not flagged: good news is news too."""
    flagged = {flag.risk.title for flag in found.flags if flag.risk}
    told = risks_checked((*found.findings, *found.beyond))
    said = []
    for words, outcome in _LOOKED_FOR:
        names = [escape(name) for name in told if told[name] == outcome and name not in flagged]
        said += [f"{words}: {', '.join(names)}"] if names else []
    return f"Other risks {'; '.join(said)}." if said else "Every risk of the catalogue was found."


def _coverage(facts: Material, trained: Trained, found: Assessment) -> str:
    held_out = facts.held_out(trained, trained.label_source)
    ceiling = facts.ceiling(trained.population)
    judge = escape(trained.record.run.judge)
    style = _of(found.style.mean, found.style.interval, facts.evidence_href(trained, "slope"))
    rows = [
        ["Style alone: a regression on length, format and tone, cross-validated", *style],
        [
            f"The rubric, read by its judge, {judge}",
            *_measured(held_out),
        ],
        ["The true (planted) rubric with this judge: the ceiling", *_measured(ceiling)],
    ]
    if ceiling.agreement is None:
        rows[-1] = ["The ceiling", "unknown: no rubric is known to be the truth", "-"]
    if held_out.accuracy is not None:
        missing = unexplained(held_out.accuracy)
        rows.append(["Left unexplained by the rubric", "-", percent(missing)])
    return table(_SHARES, rows)


def _measured(found: Backed) -> list[str]:
    bounds = found.agreement.accuracy_interval if found.agreement else None
    return _of(found.accuracy, bounds, found.href)


def _of(mean: float | None, bounds: Interval | None, href: str) -> list[str]:
    """Agreement with its interval, and both as shares of what chance leaves."""
    if mean is None:
        return [NOT_MEASURED, NOT_MEASURED]
    shares = (percent(mean, bounds), percent(above_chance(mean), interval_above_chance(bounds)))
    agreement, beyond = map(together, shares)
    return [linked(agreement, href), beyond]
