"""What a rubric rewards and penalises, feature by feature, as the surface reader reads it.

    >>> stances("- Rewards bullet lists.")["bullets"].direction
    1

Two rubrics, or a rubric and a planted preference, can be compared only in common terms; here they
are the features that the surface judge measures. Lines about one feature add up with their signs,
since a rubric may both ask for length and cap it. A feature that only gates mention takes its
stand from them.
"""

from collections import defaultdict
from dataclasses import dataclass

from argo_audit.surface.reader import ReadCriterion, read_rubric


@dataclass(frozen=True)
class Stance:
    """+1 rewards, -1 penalises; `weight` is None when only a gate says so.

    `lines` are the lines of the rubric that were read so, the heaviest first.
    """

    direction: int
    weight: float | None
    lines: tuple[int, ...]

    @property
    def verb(self) -> str:
        """What the rubric does with the feature."""
        return "rewards" if self.direction > 0 else "penalises"


def stances(text: str) -> dict[str, Stance]:
    """By feature, the heaviest first; features on which a rubric takes no side are left out."""
    reading = read_rubric(text)
    lines: dict[str, list[ReadCriterion]] = defaultdict(list)
    for criterion in reading.criteria:
        lines[criterion.feature].append(criterion)
    found = {feature: stance for feature, own in lines.items() if (stance := _sum(own))}
    for gate in reading.gates:
        if gate.feature not in lines and gate.feature not in found:
            found[gate.feature] = Stance(-1 if gate.present else 1, None, (gate.line,))
    return dict(sorted(found.items(), key=lambda item: (-(item[1].weight or 0), item[0])))


def unread(text: str) -> tuple[str, ...]:
    """What the surface reader could make nothing of."""
    return read_rubric(text).unread


def feature_name(feature: str) -> str:
    """A feature's id in words."""
    return feature.replace("_", " ")


def _sum(criteria: list[ReadCriterion]) -> Stance | None:
    total = sum(criterion.direction * criterion.weight for criterion in criteria)
    if not total:
        return None
    direction = 1 if total > 0 else -1
    own = [criterion for criterion in criteria if criterion.direction == direction]
    own.sort(key=lambda criterion: (-criterion.weight, criterion.line))
    return Stance(direction, abs(total), tuple(dict.fromkeys(c.line for c in own)))
