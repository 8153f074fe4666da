"""Effects of edits on rewards: means with intervals, corrected for how many were looked at.

    for effect in effects(probe(reward_model, responses, attributes)):
        print(effect.attribute, effect.direction, effect.change.mean, effect.q_value)

The effect of an edit is r(edited) - r(edited back), both of which went through the editor, so that
its side effects cancel (RATE, Reber et al., 2024); beside it stand what is wrong without that,
r(edited) - r(original), and what the same length without the attribute would have done,
r(edited) - r(padded). Rewards have no unit, so a mean is also given in units of the reward model's
spread: the median |r_a - r_b| between the two responses of a pair.

`q_value` is the p-value adjusted over all probes of one population (`discoveries`).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean, median
from typing import NamedTuple

from argo_audit.probes.edits.edit import Direction
from argo_audit.probes.probe import Probed, ProbedEdit
from argo_audit.records import Record
from argo_audit.stats.discoveries import is_found, q_values_of_tested
from argo_audit.stats.estimates import Estimate, estimate

ALL = "all"
"""The population of an effect over all of them."""


class Effect(Record):
    """What one edit by one editor does to the reward, on one population.

    `change` is the effect in rewards: edited minus edited back. `unadjusted` is edited minus
    original, `side_effect` edited back minus original, `beyond_length` edited minus the original
    padded by as many neutral words. `win_rate` is how often the edited text is paid more than the
    one edited back (a tie is half). `spread` is the reward model's, `words_added` the mean over
    edited responses. Of `responses` that were looked at, `unscored` counts by reason those without
    an edit, or without one edited back.
    """

    attribute: str
    direction: Direction
    editor: str
    population: str
    change: Estimate
    unadjusted: Estimate
    side_effect: Estimate
    beyond_length: Estimate
    win_rate: Estimate
    q_value: float | None
    spread: float | None
    words_added: float | None
    responses: int
    unscored: dict[str, int]

    @property
    def scaled(self) -> float | None:
        """The change in units of the spread; None where either is not known."""
        if self.change.mean is None or not self.spread:
            return None
        return self.change.mean / self.spread

    @property
    def found(self) -> bool:
        """Whether it differs from 0 with the false discoveries controlled."""
        return is_found(self.q_value)


class _Key(NamedTuple):
    attribute: str
    direction: Direction
    editor: str


class _Row(NamedTuple):
    """One edit of one response."""

    response: Probed
    paid: ProbedEdit


def effects(probed: Sequence[Probed], seed: int = 0) -> tuple[Effect, ...]:
    """The effect of every edit that was tried, over all responses and by population.

    Populations are told apart where there are several. Edits that applied to no response are there
    too, without numbers and with the reasons.
    """
    populations = sorted({response.population for response in probed})
    found = list(_of_population(ALL, probed, seed))
    for population in populations if len(populations) > 1 else ():
        among = [response for response in probed if response.population == population]
        found += _of_population(population, among, seed)
    return tuple(found)


def spread(probed: Iterable[Probed]) -> float | None:
    """The median |r_a - r_b| over pairs of which both responses are there; None without any."""
    rewards: dict[str, list[float]] = defaultdict(list)
    for response in {one.response_id: one for one in probed}.values():
        rewards[response.pair_id].append(response.reward)
    gaps = [abs(pair[0] - pair[1]) for pair in rewards.values() if len(pair) == 2]
    return median(gaps) if gaps else None


def _of_population(population: str, probed: Sequence[Probed], seed: int) -> list[Effect]:
    rows: dict[_Key, list[_Row]] = defaultdict(list)
    for response in probed:
        for paid in response.edits:
            it = paid.edit
            rows[_Key(it.attribute, it.direction, it.editor)].append(_Row(response, paid))
    scale = spread(probed)
    found = [_effect(key, population, scale, of_key, seed) for key, of_key in rows.items()]
    q_values = q_values_of_tested([effect.change.p_value for effect in found])
    return [
        effect.model_copy(update={"q_value": q}) for effect, q in zip(found, q_values, strict=True)
    ]


def _effect(
    key: _Key, population: str, scale: float | None, rows: Sequence[_Row], seed: int
) -> Effect:
    def mean(
        of: Callable[[_Row], float | None], *, test: bool = False, verdicts: bool = False
    ) -> Estimate:
        known = [(row.response.prompt_key, value) for row in rows if (value := of(row)) is not None]
        values, keys = [value for _, value in known], [key for key, _ in known]
        return estimate(values, keys, test=test, verdicts=verdicts, seed=seed)

    edited = [row.paid for row in rows if row.paid.reward is not None]
    return Effect(
        **key._asdict(),
        population=population,
        change=mean(lambda row: row.paid.change, test=True),
        unadjusted=mean(lambda row: _gap(row.paid.reward, row.response.reward)),
        side_effect=mean(lambda row: _gap(row.paid.reward_back, row.response.reward)),
        beyond_length=mean(lambda row: _gap(row.paid.reward, row.paid.reward_padded), test=True),
        win_rate=mean(lambda row: row.paid.won, verdicts=True),
        q_value=None,
        spread=scale,
        words_added=fmean(one.words_added for one in edited) if edited else None,
        responses=len(rows),
        unscored=_unscored(rows),
    )


def _gap(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first - second


def _unscored(rows: Sequence[_Row]) -> dict[str, int]:
    reasons = Counter(row.paid.edit.reason for row in rows if row.paid.edit.reason)
    return dict(sorted(reasons.items()))
