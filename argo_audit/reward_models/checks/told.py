"""What a check found, in words, and which of them are told and stop nobody.

    said(check)           # "0.31, tolerance 0.5 (must be above: ...)"
    soundness(report)     # "sound as far as looked: 3 of 18 not checked"

Knows nothing of reward models, so that a report can say it.
"""

from collections.abc import Sequence

from argo_audit.records import Check, Conformance

SURE_LABELS, SIDES = "labels beyond 0.99", "sides with people"

TOLD = (SURE_LABELS, SIDES)
"""Checks of what a reward model prefers: when they fail it is told, and nobody is stopped."""


def said(check: Check) -> str:
    """What a check found, in a line."""
    if check.measured is None:
        return check.detail
    return f"{check.measured:.3g}, tolerance {check.tolerance or 0:.3g} ({check.detail})"


def soundness(report: Conformance) -> str:
    """What all checks say together: only one that looked speaks for a reward model."""
    looked = f"{len(report.unchecked)} of {len(report.checks)} not checked"
    if report.failed:
        return f"not sound, and {looked}" if report.unchecked else "not sound"
    if not any(check.outcome == "pass" for check in report.checks):
        return f"nothing is known: {looked}"
    return f"sound as far as looked: {looked}" if report.unchecked else "sound"


def remedies(checks: Sequence[Check]) -> list[str]:
    """What would let checks look that could not, and which of them: a line for each remedy."""
    needed: dict[str, list[str]] = {}
    for check in checks:
        if check.remedy:
            needed.setdefault(check.remedy, []).append(check.name)
    return [f"{', '.join(names)}: {remedy}" for remedy, names in needed.items()]
