"""Part of section 2, and of the first screen: does the judge of the audit read?

    warnings(facts), blocks(facts)

Asked before the search about pairs whose truth is known. A judge that does not obey and was
accepted is said first: whatever stands below it is what such a judge made of the rubrics.
"""

from argo_audit.judges.judge_checks import FICTION, LEAST, WITHOUT_WEIGHTS, JudgeFound, told
from argo_audit.report.markdown import escape, table
from argo_audit.report.material import Material

_TITLE = "### Does the judge read?"
_NOTE = (
    "Asked before the search about pairs whose truth is known. *Obedience* is the share of "
    "verdicts that are what a rubric, or its opposite, asks for: 1 is a judge that reads, 0.5 a "
    "coin. Shares with 95% intervals over pairs, and n verdicts."
)


def warnings(facts: Material) -> list[str]:
    """What has to be known first: a judge that does not do what rubrics ask, or may not."""
    return [*_disobedient(facts), *_unchecked(facts)]


def _disobedient(facts: Material) -> list[str]:
    return [
        f"**Read this first.** The judge {escape(found.judge)} does not read: "
        f"{escape(told(found.obedience(reads)))}, where at least {LEAST:g} is asked for. Its use "
        f"was accepted; {FICTION}."
        for found in _found(facts)
        for reads in found.relied_on
        if not found.obeys([reads])
    ]


def _unchecked(facts: Material) -> list[str]:
    """Judges of which nobody knows: objects given from Python, those of packages, of old audits."""
    checked = facts.inputs.judge_checks
    runs = [record.run for record in facts.inputs.runs]
    judges = dict.fromkeys(run.judge for run in runs if not checked.get(run.population))
    return [
        f"**The judge was not checked.** Whether {escape(judge)} does what rubrics ask was not "
        "measured on pairs whose truth is known: all that stands below rests on it."
        for judge in judges
        if not judge.startswith(WITHOUT_WEIGHTS)
    ]


def blocks(facts: Material) -> list[str]:
    """The table of what was measured; nothing where no judge was checked."""
    found = _found(facts)
    if not found:
        return []
    names = dict.fromkeys(share.name for one in found for share in one.shares)
    rows = [[escape(name), *(_cell(one, name) for one in found)] for name in names]
    rows.append(["Probabilities from", *(escape(", ".join(one.estimators)) for one in found)])
    rows.append(["Calls of the check", *(f"{one.usage.calls:,}" for one in found)])
    return [_TITLE, _NOTE, table(["Measured", *(escape(one.judge) for one in found)], rows)]


def _found(facts: Material) -> list[JudgeFound]:
    """Each judge once, though several populations had the same."""
    checks = facts.inputs.judge_checks.values()
    return list({one.judge: one for several in checks for one in several}.values())


def _cell(found: JudgeFound, name: str) -> str:
    share = found.share(name)
    if share.mean is None or share.interval is None:
        return "too little was read" if share.unread else "not asked"
    unread = f", {share.unread} unread" if share.unread else ""
    bounds = f"[{share.interval.low:.2f}, {share.interval.high:.2f}]"
    return f"{share.mean:.2f} {bounds}, {share.n}{unread}"
