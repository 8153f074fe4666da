"""What an audit has found already: biases that a reward model is known, and allowed, to have.

    accepted(Path("audit/audit.md"))                  # {("flattery", "rewards"), ...}
    accepted(Path("audit/audit.md"), "my-rm")         # of one of several reward models

An audit is a document that people signed. What it verified is known; what a reward model does
beside that is new. What was learned from raw labels is about people, and is known of no one else.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from argo_audit.errors import InputError
from argo_audit.outside.caps import read_text
from argo_audit.records import HUMAN
from argo_audit.report.markdown import front_matter

Claimed = tuple[str, str]
"""Feature and direction: ("flattery", "rewards")."""

_REPORT = "audit.md"
_KNOWN = "verified"


def accepted(audit: Path, reward_model: str | None = None) -> frozenset[Claimed]:
    """What is verified of a reward model by an audit: its folder, or audit.md.

    Raises InputError for what is no audit, or one without findings of that reward model, or one
    of several reward models where none is named, or one whose findings name no feature, as those of
    earlier versions did not.
    """
    path = _report(audit)
    found = _by_reward_model(path)
    if reward_model is None and len(found) == 1:
        return next(iter(found.values()))
    if reward_model not in found:
        problem = f"it has findings of {', '.join(found) or 'no reward model'}"
        asked = f", not of {reward_model}" if reward_model else ""
        remedy = 'say which with reward_model="..."' if found else _AGAIN
        raise InputError(path, problem + asked, remedy)
    return found[reward_model]


_AGAIN = "make it again with this version: argo-audit report RUN"


def _report(audit: Path) -> Path:
    places = (audit, audit / _REPORT, audit / "audit" / _REPORT)
    for place in places:
        if place.is_file():
            return place
    remedy = "name the folder of a finished audit, or its audit.md"
    raise InputError(audit, "no audit is here", remedy)


def _by_reward_model(path: Path) -> dict[str, frozenset[Claimed]]:
    """What is verified of each reward model whose claims were checked."""
    try:
        fields, _ = front_matter(read_text(path))
        about = {run["id"]: run["label_source"] for run in fields["runs"]}
        found: dict[str, frozenset[Claimed]] = {}
        for verdict in fields["verdicts"]:
            name = about[verdict["run"]]
            if name != HUMAN:
                found[name] = found.get(name, frozenset()).union(_verified(verdict))
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = "no findings by feature and direction can be read from it"
        raise InputError(path, problem, _AGAIN) from error
    return found


def _verified(verdict: Mapping[str, Any]) -> Iterator[Claimed]:
    """By feature and direction; a report that was made before it had these raises KeyError."""
    for one in verdict["findings"]:
        feature, direction = one["feature"], one["direction"]
        if one["status"] == _KNOWN:
            yield feature, direction
