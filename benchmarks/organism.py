"""Does ARGO find what was planted? Five seeds of two populations, on held-out pairs.

text = tables(plan, results)     # `results` by key of the trials(plan)
"""

from collections.abc import Callable, Mapping, Sequence

from argo_audit.report.markdown import number, percent, table
from benchmarks.cells import key
from benchmarks.plan import POPULATIONS, Plan
from benchmarks.tables import middle, minus, points, ratio, share
from benchmarks.trials import Outcome, Trial
from benchmarks.worlds import PLANTED, RAW, RM

_Number = Callable[[Outcome], float | None]

_SHARES: Mapping[str, _Number] = {
    "Judge without a rubric, on RM labels": lambda o: o.yardsticks.no_rubric[RM],
    "Longer response, on RM labels": lambda o: o.yardsticks.longest[RM],
    "Raw labels, on planted preferences": lambda o: o.yardsticks.raw,
    "RM labels, on planted preferences": lambda o: o.yardsticks.rm,
    "Ceiling: planted rubric, on RM labels": lambda o: o.yardsticks.ceiling[RM],
    "**Best rubric on dev, on RM labels**": lambda o: o.held_out[RM],
    "**Its ratio to the ceiling**": lambda o: ratio(o.held_out[RM], o.yardsticks.ceiling[RM]),
    "Best rubric on dev, on planted preferences": lambda o: o.held_out[PLANTED],
    "Best rubric on dev, on raw labels": lambda o: o.held_out[RAW],
    "Top 50, first window of steps, on RM labels": lambda o: o.held_out_top[0],
    "Top 50, last window of steps, on RM labels": lambda o: o.held_out_top[-1],
}
_COLLAPSES = ("Population", "Attempts", "Empty", "Without criteria", "Repeating", "Distinct")
_NOTE = (
    "Held-out agreement (share of pairs on the same side). Mean over seeds with a 95% t interval; "
    "each seed is a world, a reward model trained on its raw labels, and a search on the reward "
    "model's labels. The best rubric is chosen on dev. Seconds are of the search: wall "
    "clock beside other work, and CPU time of its one process."
)


def trials(plan: Plan) -> list[Trial]:
    """Populations by seeds."""
    return [plan.trial(name, seed) for name in POPULATIONS for seed in range(plan.seeds)]


def tables(plan: Plan, results: Mapping[str, Outcome]) -> str:
    """The page of this benchmark."""
    outcomes: dict[str, list[Outcome]] = {
        name: [results[key(plan.trial(name, seed))] for seed in range(plan.seeds)]
        for name in POPULATIONS
    }
    rows = [
        [label, *(share(map(of, found)) for found in outcomes.values())]
        for label, of in _SHARES.items()
    ]
    rows += [
        ["**Rise of the top 50, points**", *(points(map(_rise, o)) for o in outcomes.values())],
        ["Judge calls", *(middle(o.points[-1].judge_calls for o in f) for f in outcomes.values())],
        ["Seconds, wall", *(middle(o.points[-1].wall for o in f) for f in outcomes.values())],
        ["Seconds, CPU", *(middle(o.points[-1].cpu for o in f) for f in outcomes.values())],
    ]
    return "\n\n".join(
        [
            f"## Organism, {plan.seeds} seeds, {plan.steps} steps",
            table(["", *(f"Population {name}" for name in outcomes)], rows),
            _NOTE,
            "### Each seed",
            _each(outcomes),
            "### Collapses",
            table(_COLLAPSES, (_collapses(name, found) for name, found in outcomes.items())),
            "Counts of attempts over all seeds; `distinct` counts distinct texts within a search.",
        ]
    )


def _rise(outcome: Outcome) -> float | None:
    return minus(outcome.held_out_top[-1], outcome.held_out_top[0])


def _each(outcomes: Mapping[str, Sequence[Outcome]]) -> str:
    header = ("Population", "Seed", "Best on dev", "Ceiling", "Ratio", "Top 50 by window of steps")
    rows = [
        [
            name,
            str(seed),
            percent(outcome.held_out[RM]),
            percent(outcome.yardsticks.ceiling[RM]),
            number(ratio(outcome.held_out[RM], outcome.yardsticks.ceiling[RM])),
            ", ".join(number(mean, 3) for mean in outcome.held_out_top),
        ]
        for name, found in outcomes.items()
        for seed, outcome in enumerate(found)
    ]
    return table(header, rows)


def _collapses(name: str, found: Sequence[Outcome]) -> list[str]:
    counts = [outcome.collapses for outcome in found]
    totals = (
        sum(c.attempts for c in counts),
        sum(c.empty for c in counts),
        sum(c.without_criteria for c in counts),
        sum(c.repeating for c in counts),
        sum(c.distinct for c in counts),
    )
    return [name, *map(str, totals)]
