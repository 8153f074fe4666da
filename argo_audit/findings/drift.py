"""What moved in a store: the rubrics of one family of reward models, version after version.

    for name, versions in families(store.list()).items():
        for before, after in changes(versions):
            print(moves(before, after, pairs, labels))

A family is a reward model over its revisions: its name without "@revision" and without a version or
date at its end ("rm-v2", "rm-2026-03-01"), so that retrained models are set beside each other. What
a version prefers is its *lean* on each style feature: the share of pairs on which the judge that
follows it sides with the response that has more of the feature, minus the share on which it sides
with the other. All versions are judged on the same pairs by the surface judge, offline, so a change
of lean is a paired difference: its interval is over prompts, and over all features false
discoveries are held to 5% (Benjamini and Hochberg). Where two reward models of a family labelled
the same pairs, their own leans are compared the same way, without any rubric.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student_t

from argo_audit.records import HUMAN, Label, Probability, Record, StoredRubric
from argo_audit.stats.discoveries import is_found, q_values
from argo_audit.stats.estimates import Estimate, estimate
from argo_audit.stats.intervals import by_prompt, degrees_of_freedom
from argo_audit.surface.contrast import MeasuredPairs
from argo_audit.surface.features import FEATURES
from argo_audit.surface.judge import preferences
from argo_audit.surface.reader import read_rubric

Array = npt.NDArray[np.float64]
Labels = Mapping[str, Sequence[Label]]
"""By source."""

_REVISION = re.compile(r"@[^/@]*$|[-_.]v?\d[\d._-]*$", re.I)
_EQUAL = 1e-9


class Move(Record):
    """How the lean on a feature changed; `q_value` is of no change, over all features."""

    feature: str
    before: float
    after: float
    change: Estimate
    q_value: Probability

    @property
    def clear(self) -> bool:
        """Whether it moved, at the rate of false discoveries that is allowed."""
        return is_found(self.q_value)


def family(reward_model: str) -> str:
    """A reward model's name without its revision, version or date."""
    name = reward_model
    while (shorter := _REVISION.sub("", name)) and shorter != name:
        name = shorter
    return name


def families(stored: Sequence[StoredRubric]) -> dict[str, list[StoredRubric]]:
    """Rubrics by family, oldest first; those learned from raw labels are a family of their own."""
    found: dict[str, list[StoredRubric]] = defaultdict(list)
    for rubric in stored:
        raw = " (raw labels)" if rubric.label_source == HUMAN else ""
        found[family(rubric.reward_model) + raw].append(rubric)
    return {
        name: sorted(own, key=lambda rubric: (rubric.created, rubric.version))
        for name, own in sorted(found.items())
    }


def changes(versions: Sequence[StoredRubric]) -> list[tuple[StoredRubric, StoredRubric]]:
    """Every version with the next one; of more than two, then the first with the last."""
    steps = list(pairwise(versions))
    return [*steps, (versions[0], versions[-1])] if len(steps) > 1 else steps


def rubric_moves(before: str, after: str, on: MeasuredPairs) -> list[Move]:
    """How the judge's leans changed from one rubric, given as text, to another."""
    told = [preferences(read_rubric(text), on.first, on.second) for text in (before, after)]
    return _moves(on, *(np.sign(p_a - 0.5) for p_a in told))


def label_moves(before: Sequence[Label], after: Sequence[Label], on: MeasuredPairs) -> list[Move]:
    """How leans changed from one source's labels to another's, on pairs that both labelled."""
    sides = [
        {label.pair_id: float(np.sign(label.p_a - 0.5)) for label in s} for s in (before, after)
    ]
    some = on.of([pair.id for pair in on.pairs if all(pair.id in own for own in sides)])
    ours, theirs = (np.array([own[pair.id] for pair in some.pairs]) for own in sides)
    return _moves(some, ours, theirs)


def _moves(on: MeasuredPairs, before: Array, after: Array) -> list[Move]:
    """By how much each lean changed, the largest first; none without two prompts."""
    keys = [pair.prompt_key for pair in on.pairs]
    if len(set(keys)) < 2:
        return []
    leans = [on.more * side[:, None] for side in (before, after)]
    changed = leans[1] - leans[0]
    corrected = q_values([_p_value(column, keys) for column in changed.T])
    found = [
        Move(
            feature=feature,
            before=float(leans[0][:, i].mean()),
            after=float(leans[1][:, i].mean()),
            change=estimate(changed[:, i], keys),
            q_value=corrected[i],
        )
        for i, feature in enumerate(FEATURES)
    ]
    return sorted(found, key=lambda move: (-abs(move.after - move.before), move.feature))


def _p_value(values: Array, keys: Sequence[str]) -> float:
    """Two-sided, of a mean of 0: Student's t with the error between prompts; see `intervals`."""
    clustered = by_prompt(values, keys)
    freedom = degrees_of_freedom(clustered.residuals)
    if freedom is None:
        return 1.0 if abs(clustered.mean) < _EQUAL else 0.0
    return float(2 * student_t.sf(abs(clustered.mean) / clustered.error, freedom))
