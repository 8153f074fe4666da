"""What the checks found for one rubric: findings, the flags among them, and what style explains.

    found = assess(rubric_text, compared(pairs, labels), probed, Intent(intent_text))
    found.findings, found.flags, found.style

No model is loaded: edits were paid when the reward model was probed (`bias_probe`), and pairs are
compared by the labels that they have. What the rubric does not speak of but the risk catalogue or
the intent does is checked too, since a rubric may miss what matters most.
"""

from collections.abc import Sequence
from typing import NamedTuple

from argo_audit.findings.claims import Claim, claims, unsaid
from argo_audit.findings.coverage import style_explained
from argo_audit.findings.findings import findings
from argo_audit.findings.probed import probes
from argo_audit.findings.risks import Flag, Intent, catalogued, flags
from argo_audit.findings.slopes import Compared, slopes
from argo_audit.probes.probe import Probed
from argo_audit.records import Finding
from argo_audit.stats.estimates import Estimate


class Assessment(NamedTuple):
    """Of one rubric: `findings` are those of its lines, `beyond` those that no line makes.

    `pairs` were compared and `responses` edited; `style` is the agreement of style alone with the
    same labels, `intent` what was declared.
    """

    findings: tuple[Finding, ...]
    beyond: tuple[Finding, ...]
    flags: tuple[Flag, ...]
    style: Estimate
    pairs: int
    responses: int
    intent: Intent


def assess(
    text: str, pairs: Compared, probed: Sequence[Probed] = (), intent: Intent | None = None
) -> Assessment:
    """Check a rubric's claims, and what matters beside them, on pairs and on edited responses."""
    wanted = intent or Intent()
    said = claims(text)
    more = unsaid(said, (*catalogued(), *_forbidden(wanted)))
    found = findings((*said, *more), probes(probed), slopes(pairs))
    return Assessment(
        findings=found[: len(said)],
        beyond=found[len(said) :],
        flags=flags(found, wanted),
        style=style_explained(pairs),
        pairs=len(pairs.pay),
        responses=len({response.response_id for response in probed}),
        intent=wanted,
    )


def _forbidden(intent: Intent) -> list[Claim]:
    """That the reward model does the opposite of each thing that the intent asks for."""
    asked = [claim for claim in claims(intent.text) if claim.feature]
    return list(
        dict.fromkeys(
            Claim(claim.feature, "penalises" if claim.direction == "rewards" else "rewards")
            for claim in asked
        )
    )
