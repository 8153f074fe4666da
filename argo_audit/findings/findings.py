"""Claims become findings: what each check says of them, and the status that follows.

    for finding in findings(claims(rubric_text), probes(probed), slopes(compared(pairs, labels))):
        print(finding.status, finding.claim, finding.effect, finding.interval)

Two kinds of check err in different ways. A probe asks the reward model about edited texts, which
may be unlike any that it has seen; a slope compares texts as they are, in which other things come
along. A check *supports* a claim when its effect has the claimed sign with the false discoveries
controlled (Benjamini and Hochberg, 1995, over all features looked at, per kind of check) and its
interval reaches SMALLEST; it *denies* it when its effect has the other sign by the same standard,
or its whole 95% interval lies below SMALLEST in the claimed direction. Then a finding is

- verified, when every check that could be made supports it,
- refuted, when a check denies it and none supports it,
- inconclusive, when checks disagree or cannot tell,
- untested, when there is none: the line was not read, or nothing measures its feature.

Verifying takes both kinds where both exist. Over twelve worlds whose truth is exactly known, the
probe alone flagged 11% of the false lines, both together 2% (`python -m benchmarks.audit`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from argo_audit.findings.claims import Claim
from argo_audit.findings.stances import feature_name
from argo_audit.records import Evidence, Finding, FindingStatus
from argo_audit.stats.discoveries import is_found, q_values

SMALLEST = 0.1
"""In spreads: an effect below it decides next to no pair, and a claim of it says nothing."""

Answer = Literal["supports", "denies", "cannot tell"]
_NOT_READ = "the line names nothing that can be measured on a response"
_NO_CHECK = "too few responses show it, and no edit was paid"


def findings(
    claims: Iterable[Claim], probed: Mapping[str, Evidence], sloped: Mapping[str, Evidence]
) -> tuple[Finding, ...]:
    """One finding per claim, in order; evidence is by feature, none where there is no check."""
    claimed = tuple(claims)
    features = {claim.feature for claim in claimed}
    kinds = [adjusted(evidence, features) for evidence in (probed, sloped)]
    return tuple(
        _finding(claim, [kind[claim.feature] for kind in kinds if claim.feature in kind])
        for claim in claimed
    )


def adjusted(evidence: Mapping[str, Evidence], features: Iterable[str]) -> dict[str, Evidence]:
    """The evidence on these features, with q-values over all of them."""
    own = {feature: evidence[feature] for feature in sorted(features) if feature in evidence}
    corrected = q_values([it.p_value for it in own.values()])
    return {
        feature: it.model_copy(update={"q_value": q})
        for (feature, it), q in zip(own.items(), corrected, strict=True)
    }


def answer(evidence: Evidence, sign: int) -> Answer:
    """What one check says of a claim of this sign."""
    effect = sign * evidence.effect
    most = max(sign * evidence.interval.low, sign * evidence.interval.high)
    sure = is_found(evidence.q_value)
    if most < SMALLEST or (sure and effect < 0):
        return "denies"
    return "supports" if sure and effect > 0 else "cannot tell"


def status(answers: Sequence[Answer]) -> FindingStatus:
    """What follows from all checks of a claim."""
    if not answers:
        return "untested"
    if set(answers) == {"supports"}:
        return "verified"
    return "refuted" if "denies" in answers and "supports" not in answers else "inconclusive"


def _finding(claim: Claim, evidence: Sequence[Evidence]) -> Finding:
    sign = 1 if claim.direction == "rewards" else -1
    answers = [answer(it, sign) for it in evidence]
    first = evidence[0] if evidence else None
    return Finding(
        claim=f"{claim.direction} {feature_name(claim.feature) or 'what the line says'}",
        criterion=claim.quote,
        line=claim.line,
        feature=claim.feature,
        direction=claim.direction,
        effect=first.effect if first else None,
        interval=first.interval if first else None,
        n=first.n if first else 0,
        status=status(answers),
        reason=_reason(claim, evidence, answers),
        evidence=tuple(evidence),
    )


def _reason(claim: Claim, evidence: Sequence[Evidence], answers: Sequence[Answer]) -> str:
    if not claim.feature:
        return _NOT_READ
    said = [f"the {it.method} {told}" for it, told in zip(evidence, answers, strict=True)]
    return ", ".join(said) if said else _NO_CHECK
