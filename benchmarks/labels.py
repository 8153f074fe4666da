"""Do a reward model's labels help the search, and by how much, at equal budgets?

    text = tables(plan, results)     # `results` by key of the trials(plan)

n raw-labelled pairs are all there is. The raw-trained search sees them with their raw labels. The
RM-trained search sees the same pairs with the labels of a reward model trained on those same n
pairs. Both take as many steps and judge calls; each selects on dev by labels of its own kind, and
dev is no larger than n. What a seed shares, the difference is paired over.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import NamedTuple

from argo_audit.report.markdown import table
from argo_audit.reward_models.training_settings import TrainingConfig
from benchmarks.cells import key
from benchmarks.plan import Plan, new_trial
from benchmarks.tables import minus, points, share
from benchmarks.trials import Outcome, Trial
from benchmarks.worlds import PLANTED, RAW, RM, WorldSpec

_ON = (PLANTED, RAW, RM)
_DIFFERENCES = (
    "Label agreement",
    "Train pairs",
    "**On planted preferences**",
    "On raw labels",
    "On RM labels",
    "RM labels, on planted",
    "Raw labels, on planted",
)
_LEVELS = (
    "Label agreement",
    "Train pairs",
    "Trained on",
    "Evaluated on RM labels",
    "Evaluated on raw labels",
    "Evaluated on planted preferences",
)
_DIFFERENCE_NOTE = (
    "RM-trained minus raw-trained agreement of the best rubric on dev, in percentage points on the "
    "same held-out pairs: mean over seeds, 95% t interval of the paired differences. Planted "
    "preferences are the common yardstick: neither search has seen them. Agreement with RM labels "
    "favours the RM-trained search, agreement with raw labels the raw-trained one, though noise in "
    "single raw labels shrinks every difference there. Label agreement is how often one raw label "
    "agrees with the planted preference; the reward model learned from exactly the n raw labels "
    "that the raw-trained search has. The last two columns are the labels themselves, held-out. "
    '"All of these" averages a seed\'s differences over n first.'
)
_LEVEL_NOTE = (
    "The 2x2 of train label and evaluation label, and the planted preferences beside it: held-out "
    "agreement of the best rubric on dev, mean over seeds with a 95% t interval. The reward model "
    "that evaluates is the one trained on those n pairs, so its column is another yardstick in "
    "every row of n; the planted column is the same one throughout. A t interval over few seeds "
    "can reach beyond 100%."
)


class _Both(NamedTuple):
    """The two searches of one seed."""

    rm: Outcome
    raw: Outcome

    def difference(self, source: str) -> float | None:
        return minus(self.rm.held_out[source], self.raw.held_out[source])


def trials(plan: Plan) -> list[Trial]:
    """Train pairs by label agreements by seeds by train labels."""
    return [trial for agreement, n in _grid(plan) for trial in _trials(plan, agreement, n)]


def tables(plan: Plan, results: Mapping[str, Outcome]) -> str:
    """The page of this benchmark."""
    found: dict[tuple[float, int], list[_Both]] = {}
    for agreement, n in _grid(plan):
        outcomes = [results[key(trial)] for trial in _trials(plan, agreement, n)]
        found[agreement, n] = [
            _Both(*two) for two in zip(outcomes[::2], outcomes[1::2], strict=True)
        ]
    return "\n\n".join(
        [
            f"## Labels: RM-trained minus raw-trained, population A, {plan.label_seeds} seeds, "
            f"{plan.label_steps} steps",
            table(_DIFFERENCES, _differences(plan, found)),
            _DIFFERENCE_NOTE,
            "### Train label by evaluation label",
            table(_LEVELS, (row for cell, both in found.items() for row in _levels(cell, both))),
            _LEVEL_NOTE,
        ]
    )


def _grid(plan: Plan) -> list[tuple[float, int]]:
    return list(product(plan.label_agreements, plan.train_pairs))


def _trials(plan: Plan, agreement: float, n: int) -> list[Trial]:
    """RM-trained and raw-trained in turn, seed by seed."""
    worlds = [
        WorldSpec(
            population="A",
            seed=seed,
            pairs=plan.label_pairs,
            label_agreement=agreement,
            train_pairs=n,
            training=TrainingConfig(seed=seed),
        )
        for seed in range(plan.label_seeds)
    ]
    return [new_trial(world, source, plan.label_steps) for world in worlds for source in (RM, RAW)]


def _differences(plan: Plan, found: Mapping[tuple[float, int], list[_Both]]) -> list[list[str]]:
    """A row per cell and, for each label agreement, one over all sizes."""
    rows = []
    for agreement in plan.label_agreements:
        cells = {n: found[agreement, n] for n in plan.train_pairs}
        rows += [_difference((agreement, n), both) for n, both in cells.items()]
        seeds = list(zip(*cells.values(), strict=True))
        means = [points(_mean_difference(seed, source) for seed in seeds) for source in _ON]
        rows.append([f"{agreement:g}", "all of these", *means, "", ""])
    return rows


def _mean_difference(seed: Sequence[_Both], source: str) -> float | None:
    """Of one seed, over the numbers of train pairs."""
    measured = [d for both in seed if (d := both.difference(source)) is not None]
    return sum(measured) / len(measured) if measured else None


def _difference(cell: tuple[float, int], both: list[_Both]) -> list[str]:
    agreement, n = cell
    return [
        f"{agreement:g}",
        str(n),
        *(points(pair.difference(source) for pair in both) for source in _ON),
        share(pair.rm.yardsticks.rm for pair in both),
        share(pair.rm.yardsticks.raw for pair in both),
    ]


def _levels(cell: tuple[float, int], both: list[_Both]) -> list[list[str]]:
    agreement, n = cell
    trained = {
        "RM labels": [pair.rm for pair in both],
        "raw labels": [pair.raw for pair in both],
    }
    return [
        [
            f"{agreement:g}",
            str(n),
            name,
            *(share(o.held_out[source] for o in outcomes) for source in (RM, RAW, PLANTED)),
        ]
        for name, outcomes in trained.items()
    ]
