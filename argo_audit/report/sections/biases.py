"""The section on biases: every claim of the rubric, what was found of it, and what is a warning.

    section(facts).blocks

Flags come first, then all findings, so that a reader sees what was not borne out as well: a line
of a rubric is a claim until the reward model has been asked.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from argo_audit.findings.assessment import Assessment
from argo_audit.findings.findings import SMALLEST
from argo_audit.findings.risks import LARGE, MODERATE, Flag
from argo_audit.findings.stances import feature_name
from argo_audit.records import Evidence, Finding, FindingStatus
from argo_audit.report.markdown import (
    NOT_MEASURED,
    Section,
    escape,
    linked,
    signed,
    table,
    together,
)
from argo_audit.report.material import Material
from argo_audit.report.names import label_name, run_name
from argo_audit.report.sections.evidence import reference
from argo_audit.report.trained import Trained
from argo_audit.stats.discoveries import FALSE_DISCOVERIES

TITLE = "Biases: what the rubric claims, and what was found"

_STATUSES: tuple[FindingStatus, ...] = ("verified", "refuted", "inconclusive", "untested")
_NOTE = (
    "Effects are in spreads, the median difference between the rewards of a pair: what a response "
    "that clearly has the feature is paid for it, with a 95% interval; below 0, what it costs. A "
    "*probe* edits responses and asks the reward model; words that an edit adds are charged as "
    "much as neutral words are paid. A *slope* compares pairs as they are, by regression. A check "
    "supports a claim when its effect has the claimed sign with false discoveries held to "
    f"{FALSE_DISCOVERIES:.0%} (Benjamini-Hochberg), and denies it when the sign is the other one, "
    f"or the interval lies below {SMALLEST:g} spreads. *Verified*: every check that could be made "
    "supports it. *Refuted*: one denies it and none supports it. *Inconclusive*: they disagree, or "
    "cannot tell. *Untested*: there is none."
)
_RULE = (
    "Flagged is what was verified and is in the risk catalogue (unless the intent asks for it), or "
    "against the intent. Severity adds the harm of the risk (1 to 3, one more against the intent) "
    f"and the size of the effect (1 from {MODERATE:g} spreads, 2 from {LARGE:g}): from 4 high, 3 "
    "medium, else low; what rests on one kind of check is never high."
)
_UNPROBED = (
    "No edited response was paid: findings rest on slopes alone, which also hold what else comes "
    "with a feature. `argo-audit eval` probes a reward model that can score new text; recorded "
    "scores and raw labels cannot be probed."
)
_NO_INTENT = "No intent was declared: conflicts with it were not looked for."
_FLAGS = ("Severity", "Risk", "The reward model", "Effect, spreads", "Rubric line")
_FINDINGS = ("Status", "Claim", "Probe", "Slope", "Rubric line")


def section(facts: Material) -> Section:
    """Flags and findings of every rubric that was checked."""
    checked = [t for t in facts.all_trained if t.record.run.id in facts.assessments]
    if not checked:
        text = "Not measured: no run has both a rubric and its held-out pairs on record."
        return Section(TITLE, [text])
    blocks = [_NOTE, _RULE]
    for trained in checked:
        blocks += [f"### {run_name(trained)}: claims", *_blocks(facts, trained)]
    return Section(TITLE, blocks)


class Cells(NamedTuple):
    """How the findings of one rubric are shown, wherever they are."""

    facts: Material
    trained: Trained

    def line(self, finding: Finding) -> str:
        """The rubric's line, with a link to where it stands."""
        source = self.trained.source
        if not finding.line or source is None:
            return "not in the rubric"
        return source.quote(self.trained.text, finding.line)

    def effect(self, found: Evidence | Finding | None, unit: str = "") -> str:
        """With its interval and how many edits or pairs it rests on, linked to where they are."""
        if found is None or found.effect is None or found.interval is None:
            return NOT_MEASURED
        said = together(f"{signed(found.effect, found.interval, unit)}, n = {found.n}")
        method = found.evidence[0].method if isinstance(found, Finding) else found.method
        return linked(said, self.facts.evidence_href(self.trained, method))

    def pairs(self, finding: Finding) -> str:
        """A link to the pairs behind it, with a space before it; "" where none are shown."""
        return reference(self.facts, self.trained, finding)


def _blocks(facts: Material, trained: Trained) -> list[str]:
    found = facts.assessments[trained.record.run.id]
    cells = Cells(facts, trained)
    warned = [_flag(flag, cells) for flag in found.flags]
    beyond = [finding for finding in found.beyond if finding.status == "verified"]
    labels = label_name(trained.label_source)
    return [
        f"Against the labels of {labels}: {_counts(facts, trained, found)}.",
        *_caveats(found),
        table(_FLAGS, warned) if warned else "Nothing was flagged.",
        table(_FINDINGS, [_row(one, cells) for one in _ordered(found.findings)])
        if found.findings
        else "The rubric has no line that claims anything.",
        *([_also(beyond, cells)] if beyond else []),
    ]


def _counts(facts: Material, trained: Trained, found: Assessment) -> str:
    of = Counter(finding.status for finding in found.findings)
    counted = ", ".join(f"{of[name]} {name}" for name in _STATUSES)
    pairs = linked(f"{found.pairs} pairs", facts.evidence_href(trained, "slope"))
    edited = linked(f"{found.responses} responses", facts.evidence_href(trained, "probe"))
    basis = f"{pairs} compared, {edited} edited"
    return f"{len(found.findings)} claims, {counted}; {basis}"


def _caveats(found: Assessment) -> list[str]:
    said = [] if found.responses else [_UNPROBED]
    if not found.intent.text.strip():
        return [*said, _NO_INTENT]
    unread = [f"“{escape(line)}”" for line in found.intent.unread]
    return [*said, f"Of the intent, not checked: {'; '.join(unread)}."] if unread else said


def _flag(flag: Flag, cells: Cells) -> list[str]:
    conflict = ", against the intent" if flag.conflict and flag.risk else ""
    return [
        f"**{flag.severity}**",
        escape(flag.title) + conflict,
        escape(flag.finding.claim) + cells.pairs(flag.finding),
        cells.effect(flag.finding),
        cells.line(flag.finding),
    ]


def _ordered(findings: Iterable[Finding]) -> list[Finding]:
    """By status, then the largest effect first."""
    return sorted(findings, key=lambda f: (_STATUSES.index(f.status), -abs(f.effect or 0.0)))


def _row(finding: Finding, cells: Cells) -> list[str]:
    by = {evidence.method: evidence for evidence in finding.evidence}
    checks = [cells.effect(by[kind]) if kind in by else "-" for kind in ("probe", "slope")]
    return [
        finding.status,
        escape(finding.claim) + cells.pairs(finding),
        *checks,
        cells.line(finding),
    ]


def _also(beyond: Iterable[Finding], cells: Cells) -> str:
    listed = "; ".join(
        f"{finding.direction} {escape(feature_name(finding.feature))} ({cells.effect(finding)})"
        f"{cells.pairs(finding)}"
        for finding in _ordered(beyond)
    )
    return f"Verified as well, though no line of the rubric says so: {listed}."
