"""Checks of what rewards make of pairs: the side that people take, and labels with a strength.

    sides("sides with people", subject), saturated("labels beyond 0.99", subject)

Both are told, and stop nobody: a reward model that people disagree with is one to audit, and one
whose labels are all but certain has taken sides and no strengths.
"""

import math
from typing import NamedTuple

import numpy as np

from argo_audit.records import Check, Label
from argo_audit.reward_models.checks.tolerance import CheckedModel, unchecked
from argo_audit.reward_models.fitting import fitted_temperature
from argo_audit.stats.agreement import preference
from argo_audit.stats.intervals import interval

SURE = 0.99
MOST_SURE = 0.9
"""Of pairs whose label is beyond SURE, the share above which strengths are lost."""

_SURELY = 0.999  # a reward model that knows nothing is on the other side now and then
_LEAST = 10  # pairs, to say anything of a share
_LOWER = "perhaps lower is better where its rewards come from"


class Sided(NamedTuple):
    """A pair's prompt, and whether reward model and people agree: 1, 0, or a tie's half."""

    prompt: str
    agrees: float


def sides(name: str, subject: CheckedModel) -> Check:
    people = {label.pair_id: label.p_a for label in subject.people if label.p_a != 0.5}
    found = [
        Sided(pair.prompt_key, _agrees(a - b, people[pair.id]))
        for pair, (a, b) in subject.paid
        if pair.id in people
    ]
    if len({one.prompt for one in found}) < _LEAST:
        few = f"fewer than {_LEAST} prompts with labels of people were given"
        why = f"{few}: lower may be better where its rewards come from"
        return unchecked(name, why, f"--pairs with labels of people, of {_LEAST} prompts or more")
    values = np.array([one.agrees for one in found])
    bounds = interval(values, [one.prompt for one in found], verdicts=True, level=_SURELY)
    against = f"{1 - values.mean():.0%} of {len(found)} pairs"
    detail = f"share of pairs, at most, on the side of people: it is on the other side of {against}"
    return Check(
        name=name,
        outcome="fail" if bounds.high < 0.5 else "pass",
        measured=bounds.high,
        tolerance=0.5,
        detail=f"must be above: the {detail}, so it looks sign-flipped; {_LOWER}",
    )


def saturated(name: str, subject: CheckedModel) -> Check:
    gaps = [abs(a - b) for _, (a, b) in subject.paid]
    if len(gaps) < _LEAST:
        few = f"fewer than {_LEAST} pairs were given"
        return unchecked(name, few, f"--pairs with {_LEAST} pairs or more")
    share = sum(preference(gap, 0.0) > SURE for gap in gaps) / len(gaps)
    tied = sum(gap == 0 for gap in gaps) / len(gaps)
    detail = (
        f"share of {len(gaps)} pairs whose label is beyond {SURE} as its rewards stand ({tied:.0%} "
        "are ties): such labels have no strength, and KL measures little; --rm-temperature fit "
        f"(in Python rm_temperature=) finds a temperature, on these pairs {_fitted(subject):.3g}"
    )
    return Check(
        name=name,
        outcome="fail" if share > MOST_SURE else "pass",
        measured=share,
        tolerance=MOST_SURE,
        detail=detail,
    )


def _fitted(subject: CheckedModel) -> float:
    """The temperature that the labels of these pairs would have, fitted to people's if given."""
    labels = [
        Label(pair_id=pair.id, p_a=preference(*paid), source=subject.model.name, rewards=paid)
        for pair, paid in subject.paid
    ]
    return fitted_temperature(labels, subject.people)


def differing(name: str, subject: CheckedModel) -> Check:
    """Of recorded scores: all the same is no reward model, however many ties are."""
    gaps = [abs(a - b) for _, (a, b) in subject.paid]
    if not gaps:
        return unchecked(name, "no pairs were given", "--pairs")
    why = "must be above 0: the largest difference between the rewards of a pair"
    outcome = "pass" if max(gaps) > 0 and all(map(math.isfinite, gaps)) else "fail"
    return Check(name=name, outcome=outcome, measured=max(gaps), tolerance=0, detail=why)


def _agrees(gap: float, p_a: float) -> float:
    return 0.5 if gap == 0 else float((gap > 0) == (p_a > 0.5))
