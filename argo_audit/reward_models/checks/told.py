"""What a check found, in words, and which of them are told and stop nobody.

    said(check)           # "0.31, tolerance 0.5 (must be above: ...)"

Knows nothing of reward models, so that a report can say it.
"""

from argo_audit.records import Check

SURE_LABELS, SIDES = "labels beyond 0.99", "sides with people"

TOLD = (SURE_LABELS, SIDES)
"""Checks of what a reward model prefers: when they fail it is told, and nobody is stopped."""


def said(check: Check) -> str:
    """What a check found, in a line."""
    if check.measured is None:
        return check.detail
    return f"{check.measured:.3g}, tolerance {check.tolerance or 0:.3g} ({check.detail})"
