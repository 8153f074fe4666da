"""Part of section 2: what the reward models were checked for before their labels were believed.

    blocks(facts)

One row per check, one column per reward model: what was measured, beside the tolerance that it had.
Failed checks are listed under the table with their reasons.
"""

from collections.abc import Sequence

from argo_audit.records import Check, Conformance
from argo_audit.report.markdown import escape, link, table
from argo_audit.report.material import Material
from argo_audit.reward_models.checks.told import TOLD, remedies, said, soundness

_TITLE = "### Can the reward model be believed?"
_NOTE = (
    "Measured on fixed probes and some of the pairs, before labelling: what was found, and the "
    "tolerance. *Spread* is the median difference between the rewards of a pair."
)
_NONE = "No reward model was checked: the labels were not computed here."


def blocks(facts: Material) -> list[str]:
    """The table of all checks, then the failed ones in words."""
    reports = [report for found in facts.inputs.conformance.values() for report in found]
    if not reports:
        return [_TITLE, _NONE]
    header = ["Check", *(escape(report.reward_model) for report in reports)]
    names = dict.fromkeys(check.name for report in reports for check in report.checks)
    rows = [["Pairs asked about", *(str(report.pairs) for report in reports)]]
    rows += [["Spread", *(_value(report.spread) for report in reports)]]
    rows += [["Longest input, tokens", *(str(r.max_length or "not known") for r in reports)]]
    if any(report.temperature for report in reports):
        rows += [["Reward temperature", *(_value(r.temperature or 1.0) for r in reports)]]
    rows += [[escape(name), *(_cell(report, name) for report in reports)] for name in names]
    files = [link(path.name, facts.href(path)) for path in facts.inputs.checks]
    source = [f"From {', '.join(files)}."] if files else []
    told = [*_failures(reports), *_unseen(reports)]
    return [_TITLE, _NOTE, table(header, rows), *told, *source]


def warnings(facts: Material) -> list[str]:
    """What has to be known first: rewards against people, labels without strength, and the unseen.

    What could not be looked at in a reward model of its kind is told beside its checks alone.
    """
    reports = [report for found in facts.inputs.conformance.values() for report in found]
    return [
        f"**Read this first.** {escape(report.reward_model)}{told}"
        for report in reports
        for told in (*_against(report), *_unlooked(report))
    ]


def _against(report: Conformance) -> list[str]:
    failed = [check for check in report.failed if check.name in TOLD]
    return [f", {escape(check.name)}: {escape(said(check))}" for check in failed]


def _unlooked(report: Conformance) -> list[str]:
    names = ", ".join(escape(check.name) for check in report.missed)
    return [f": {soundness(report)}. What could have been looked at: {names}."] if names else []


def _unseen(reports: Sequence[Conformance]) -> list[str]:
    """What was not looked at, of each reward model: a check that cannot look is no pass."""
    lines = [
        f"- {escape(report.reward_model)}: {soundness(report)}. {_would_look(report)}".rstrip()
        for report in reports
        if report.unchecked
    ]
    return ["Not checked, so nothing to rely on:", "\n".join(lines)] if lines else []


def _would_look(report: Conformance) -> str:
    """What would have let checks look that could not."""
    needed = [f"{escape(line)}." for line in remedies(report.missed)]
    return f"To be looked at, they need: {' '.join(needed)}" if needed else ""


def _cell(report: Conformance, name: str) -> str:
    check = next((check for check in report.checks if check.name == name), None)
    if check is None or check.outcome == "not applicable":
        return "-"
    if check.outcome == "not checked":
        return check.outcome
    return f"**{_measured(check)}**" if check.outcome == "fail" else _measured(check)


def _measured(check: Check) -> str:
    if check.measured is None:
        return check.outcome
    return f"{check.outcome}: {_value(check.measured)} ({_value(check.tolerance)})"


def _value(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"


def _failures(reports: Sequence[Conformance]) -> list[str]:
    """In words, or nothing when all passed."""
    failed = [
        (report, check) for report in reports for check in report.failed if check.name not in TOLD
    ]
    if not failed:
        return []
    lines = [
        f"- {escape(report.reward_model)}, {escape(check.name)}: {escape(check.detail)}"
        for report, check in failed
    ]
    return ["Failed, and labelled with all the same because it was asked for:", "\n".join(lines)]
