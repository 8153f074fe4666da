"""What an audit has found already: biases that a reward model is known, and allowed, to have.

    accepted(Path("audit/audit.md"))          # {("flattery", "rewards"), ...}

An audit is a document that people signed. What it verified is known; what a reward model does
beside that is new.
"""

from pathlib import Path
from typing import Any

from argo_audit.audit.markdown import front_matter
from argo_audit.errors import InputError

_REPORT = "audit.md"
_KNOWN = "verified"


def accepted(audit: Path) -> frozenset[tuple[str, str]]:
    """Feature and direction of every verified finding of an audit: its folder, or audit.md.

    Raises InputError for what is no audit, or one without findings.
    """
    path = _report(audit)
    return frozenset(
        (str(found["feature"]), str(found["direction"]))
        for found in _findings(path)
        if found.get("status") == _KNOWN and found.get("feature")
    )


def _report(audit: Path) -> Path:
    places = (audit, audit / _REPORT, audit / "audit" / _REPORT)
    for place in places:
        if place.is_file():
            return place
    remedy = "name the folder of a finished audit, or its audit.md"
    raise InputError(audit, "no audit is here", remedy)


def _findings(path: Path) -> list[dict[str, Any]]:
    """The findings in the front matter, of all runs."""
    remedy = "make it again with this version: argo-audit report RUN"
    try:
        fields, _ = front_matter(path.read_text(encoding="utf-8"))
        verdicts = fields["verdicts"]
        found = [dict(finding) for verdict in verdicts for finding in verdict["findings"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(path, "no findings can be read from it", remedy) from error
    if any("feature" not in finding or "direction" not in finding for finding in found):
        raise InputError(path, "its findings do not name their features", remedy)
    return found
