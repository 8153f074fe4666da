"""What of the preferences that were planted a rubric recovered: recall and precision.

    for row in recovered(planted, stances(rubric_text)):
        row.feature, row.verdict

Possible only where the truth is known, that is in an organism. A wrong sign counts against recall
and precision alike. Features are correlated in text (tables come with headers), so a spurious one
may still predict the labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from argo_audit.findings.inputs import Planted
from argo_audit.findings.stances import Stance

Verdict = Literal["recovered", "missed", "wrong sign", "spurious"]


@dataclass(frozen=True)
class Recovered:
    """One feature: what was planted (+1 or -1, strength), what was read, and the verdict."""

    feature: str
    planted: int | None
    strength: float | None
    read: Stance | None
    verdict: Verdict


@dataclass(frozen=True)
class Score:
    """Share of planted preferences recovered, and of read ones that were planted so."""

    recall: float | None
    precision: float | None


def recovered(planted: Planted, read: Mapping[str, Stance]) -> list[Recovered]:
    """Planted features by strength, then spurious ones by weight."""
    known = sorted(planted.preferences, key=lambda p: (-p.strength, p.feature))
    rows = []
    for preference in known:
        direction = 1 if preference.direction == "rewards" else -1
        stance = read.get(preference.feature)
        verdict = _verdict(direction, stance)
        rows.append(Recovered(preference.feature, direction, preference.strength, stance, verdict))
    features = {preference.feature for preference in known}
    spurious = [(feature, stance) for feature, stance in read.items() if feature not in features]
    return rows + [Recovered(name, None, None, stance, "spurious") for name, stance in spurious]


def score(rows: Sequence[Recovered]) -> Score:
    """Recall and precision; None where there is nothing to divide by."""
    found = sum(row.verdict == "recovered" for row in rows)
    planted = sum(row.planted is not None for row in rows)
    read = sum(row.read is not None for row in rows)
    return Score(found / planted if planted else None, found / read if read else None)


def _verdict(direction: int, stance: Stance | None) -> Verdict:
    if stance is None:
        return "missed"
    return "recovered" if stance.direction == direction else "wrong sign"
