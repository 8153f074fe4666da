"""The section on biases: every claim of the rubric, what was found of it, and what is a warning.

    section(facts).blocks

Flags come first, then all findings, so that a reader sees what was not borne out as well: a line
of a rubric is a claim until the reward model has been asked.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from argo_audit.audit.assessment import Assessment
from argo_audit.audit.evidence import reference
from argo_audit.audit.facts import Facts, Source, Trained, label_name, run_name
from argo_audit.audit.findings import FALSE_DISCOVERIES, SMALLEST
from argo_audit.audit.markdown import NOT_MEASURED, Section, escape, linked, table, together
from argo_audit.audit.risks import LARGE, MODERATE, Flag
from argo_audit.audit.stances import feature_name
from argo_audit.records import Evidence, Finding, FindingStatus

TITLE = "Biases: what the rubric claims, and what was found"

Quote = Callable[[Finding], str]
"""What the report says of a finding in one place, such as its line quoted with a link."""
Effect = Callable[[Evidence | Finding | None], str]

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


def section(facts: Facts) -> Section:
    """Flags and findings of every rubric that was checked."""
    checked = [t for t in facts.all_trained if t.record.run.id in facts.assessments]
    if not checked:
        text = "Not measured: no run has both a rubric and its held-out pairs on record."
        return Section(TITLE, [text])
    blocks = [_NOTE, _RULE]
    for trained in checked:
        blocks += [f"### {run_name(trained)}: claims", *_blocks(facts, trained)]
    return Section(TITLE, blocks)


def effects(facts: Facts, trained: Trained) -> Effect:
    """How an effect is shown: with its interval and how many edits or pairs it rests on, linked."""

    def effect(found: Evidence | Finding | None) -> str:
        if found is None or found.effect is None or found.interval is None:
            return NOT_MEASURED
        numbers = (found.effect, found.interval.low, found.interval.high)
        mean, low, high = (f"{round(number, 2) + 0.0:+.2f}" for number in numbers)  # no -0.00
        said = together(f"{mean} [{low}, {high}], n = {found.n}")
        method = found.evidence[0].method if isinstance(found, Finding) else found.method
        return linked(said, facts.evidence_href(trained, method))

    return effect


def quoted(source: Source | None, text: str) -> Quote:
    """How a finding's line is quoted: with a link to where it stands, if it does."""

    def quote(finding: Finding) -> str:
        if not finding.line or source is None:
            return "no line of the rubric says so"
        return source.quote(text, finding.line)

    return quote


def _blocks(facts: Facts, trained: Trained) -> list[str]:
    found = facts.assessments[trained.record.run.id]
    quote, effect = quoted(trained.source, trained.text), effects(facts, trained)

    def pairs(finding: Finding) -> str:
        return reference(facts, trained, finding)

    warned = [_flag(flag, effect, quote, pairs) for flag in found.flags]
    beyond = [finding for finding in found.beyond if finding.status == "verified"]
    labels = label_name(trained.label_source)
    return [
        f"Against the labels of {labels}: {_counts(facts, trained, found)}.",
        *_caveats(found),
        table(_FLAGS, warned) if warned else "Nothing was flagged.",
        table(_FINDINGS, [_row(one, effect, quote, pairs) for one in _ordered(found.findings)])
        if found.findings
        else "The rubric has no line that claims anything.",
        *([_also(beyond, effect, pairs)] if beyond else []),
    ]


def _counts(facts: Facts, trained: Trained, found: Assessment) -> str:
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


def _flag(flag: Flag, effect: Effect, quote: Quote, pairs: Quote) -> list[str]:
    conflict = ", against the intent" if flag.conflict and flag.risk else ""
    return [
        f"**{flag.severity}**",
        escape(flag.title) + conflict,
        escape(flag.finding.claim) + pairs(flag.finding),
        effect(flag.finding),
        quote(flag.finding),
    ]


def _ordered(findings: Iterable[Finding]) -> list[Finding]:
    """By status, then the largest effect first."""
    return sorted(findings, key=lambda f: (_STATUSES.index(f.status), -abs(f.effect or 0.0)))


def _row(finding: Finding, effect: Effect, quote: Quote, pairs: Quote) -> list[str]:
    by = {evidence.method: evidence for evidence in finding.evidence}
    checks = [effect(by[kind]) if kind in by else "-" for kind in ("probe", "slope")]
    return [finding.status, escape(finding.claim) + pairs(finding), *checks, quote(finding)]


def _also(beyond: Iterable[Finding], effect: Effect, pairs: Quote) -> str:
    listed = "; ".join(
        f"{finding.direction} {escape(feature_name(finding.feature))} ({effect(finding)})"
        f"{pairs(finding)}"
        for finding in _ordered(beyond)
    )
    return f"Verified as well, though no line of the rubric says so: {listed}."
