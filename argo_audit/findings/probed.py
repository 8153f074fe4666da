"""What edits of a response did to its reward, feature by feature.

    found = probes(probed)            # probed: the records of a bias_probe log
    found["flattery"].effect          # in spreads, of a response made to flatter

Adding and removing say the same of an attribute with opposite signs, so both count, each against
the same text edited back (see `effects`). An edit that puts a sentence in also makes a response
longer, and a reward model that likes length would seem to like whatever is put in. So the words
that an edit adds are charged at what neutral words are paid: what responses gained that were padded
to the length of an edit, by the number of words. An attribute that is itself length is not charged.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from argo_audit.probes.edits.catalogue import descriptions
from argo_audit.probes.edits.counterfactuals import ATTRIBUTES
from argo_audit.probes.edits.passages import words
from argo_audit.probes.effects import spread
from argo_audit.probes.probe import Probed, ProbedEdit
from argo_audit.records import Evidence
from argo_audit.stats.estimates import estimate

_OPPOSITES: Mapping[str, str] = MappingProxyType({"preamble": "direct_answer"})
"""Attributes that take away the feature that their edit puts off."""


class Paid(NamedTuple):
    """A text and what the reward model pays for it."""

    text: str
    reward: float | None


class Observation(NamedTuple):
    """One edit: what having the feature was paid beyond its words, in spreads.

    `sign` is -1 where the edit's attribute stands for the lack of the feature.
    """

    feature: str
    worth: float
    response: Probed
    paid: ProbedEdit
    sign: int

    @property
    def sides(self) -> tuple[Paid, Paid]:
        """The text without the feature and the one with it."""
        back = Paid(self.paid.edit.back or "", self.paid.reward_back)
        edited = Paid(self.paid.edit.edited or "", self.paid.reward)
        has = (self.paid.edit.direction == "add") == (self.sign > 0)
        return (back, edited) if has else (edited, back)


def probes(probed: Sequence[Probed], seed: int = 0) -> dict[str, Evidence]:
    """The effect of each feature that at least one edit changed, over all editors.

    Nothing, when no two responses of a pair are paid differently: there is no scale then.
    """
    values: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for one in observations(probed):
        values[one.feature].append((one.response.prompt_key, one.worth))
    found = {feature: _evidence(own, seed) for feature, own in sorted(values.items())}
    return {feature: evidence for feature, evidence in found.items() if evidence is not None}


def observations(probed: Sequence[Probed]) -> Iterator[Observation]:
    """Every edit that was paid both ways, in order; none where there is no scale."""
    scale, word = spread(probed), pay_per_word(probed)
    for response in probed if scale else ():
        for paid in response.edits:
            if (worth := _worth(paid, word)) is not None and scale:
                feature, sign = _feature(paid.edit.attribute)
                yield Observation(feature, sign * worth / scale, response, paid, sign)


def pay_per_word(probed: Sequence[Probed]) -> float:
    """The pay of neutral words by their number, in rewards; 0 where nothing was padded."""
    paid, more = np.sum([(0.0, 0.0), *_padded(probed)], axis=0)
    return float(paid / more) if more else 0.0


def _padded(probed: Sequence[Probed]) -> Iterator[tuple[float, int]]:
    """What each padded response was paid more, and how many words more it has."""
    for response in probed:
        for paid in response.edits:
            if paid.reward_padded is not None and paid.edit.padded is not None:
                more = words(paid.edit.padded) - response.words
                yield paid.reward_padded - response.reward, more


def _worth(paid: ProbedEdit, word: float) -> float | None:
    """What having the attribute is paid beyond its words, in rewards."""
    edit = paid.edit
    if paid.change is None or edit.edited is None or edit.back is None:
        return None
    more = words(edit.edited) - words(edit.back)
    charge = 0.0 if ATTRIBUTES[edit.attribute].is_length else word * more
    return (paid.change - charge) * (1 if edit.direction == "add" else -1)


def _feature(attribute: str) -> tuple[str, int]:
    """The feature that an attribute stands for, and the sign of its effect on it."""
    if attribute in _OPPOSITES:
        return _OPPOSITES[attribute], -1
    return descriptions()[attribute].feature, 1


def _evidence(values: Sequence[tuple[str, float]], seed: int) -> Evidence | None:
    keys = [key for key, _ in values]
    found = estimate([value for _, value in values], keys, test=True, seed=seed)
    if found.mean is None or found.interval is None or found.clusters < 2:
        return None
    return Evidence(
        method="probe",
        effect=found.mean,
        interval=found.interval,
        p_value=1.0 if found.p_value is None else found.p_value,
        n=found.n,
        prompts=found.clusters,
    )
