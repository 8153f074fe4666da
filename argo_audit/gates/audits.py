"""What an audit has found already: biases that a reward model is known, and allowed, to have.

    accepted(Path("audit/audit.md"))          # {("flattery", "rewards"), ...}

An audit is a document that people signed. What it verified is known; what a reward model does
beside that is new.
"""

from pathlib import Path

from argo_audit.audit.markdown import front_matter
from argo_audit.errors import InputError

_REPORT = "audit.md"
_KNOWN = "verified"


def accepted(audit: Path) -> frozenset[tuple[str, str]]:
    """Feature and direction of every verified finding of an audit: its folder, or audit.md.

    Raises InputError for what is no audit, or one without findings.
    """
    path = _report(audit)
    return frozenset(claim for claim, status in _findings(path) if status == _KNOWN)


def _report(audit: Path) -> Path:
    places = (audit, audit / _REPORT, audit / "audit" / _REPORT)
    for place in places:
        if place.is_file():
            return place
    remedy = "name the folder of a finished audit, or its audit.md"
    raise InputError(audit, "no audit is here", remedy)


def _findings(path: Path) -> list[tuple[tuple[str, str], str]]:
    """What the front matter claims, as (feature, direction), and the status of each claim."""
    try:
        fields, _ = front_matter(path.read_text(encoding="utf-8"))
        found = [one for verdict in fields["verdicts"] for one in verdict["findings"]]
        return [(_claimed(one["claim"]), str(one["status"])) for one in found]
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = "make it again with this version: argo-audit report RUN"
        raise InputError(path, "no findings can be read from it", remedy) from error


def _claimed(claim: str) -> tuple[str, str]:
    """A claim says "rewards option menu": a direction, and the name of a feature in words."""
    direction, _, words = claim.partition(" ")
    return words.replace(" ", "_"), direction
