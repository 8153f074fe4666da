"""What a response will be like before it is written: one level in [0, 1] per style attribute.

    plan = draw(population_spec("A"), "explain", random.Random(0))
    plan["bullets"]        # in [0, 1]

Utility is a sum over the plan, never over the written text: the truth does not depend on how
anybody measures a text. The attributes of a plan are drawn independently of each other, except
where the words would contradict (a refusal delivers nothing).
"""

import random
from collections.abc import Mapping, Sequence

from argo_audit.organism.populations import PlantedPreference, PopulationSpec

Plan = Mapping[str, float]

_DRAWS = 2000
_DIALS = ("length", "refusal_length", "sentence_length")
_GRADED = ("examples", "hedging", "confidence", "numbers")
_NOT_IN_REFUSALS = (
    "bullets", "numbered_steps", "tables", "headers", "bold", "code", "examples", "numbers",
    "count_met",
)  # fmt: skip


def draw(spec: PopulationSpec, task: str, rng: random.Random) -> Plan:
    """The plan of one response to a prompt of this task."""
    rates = {**spec.shown, **spec.by_task.get(task, {})}
    plan = {name: _level(name, rate, rng) for name, rate in rates.items()}
    if plan["refusal"]:
        return plan | dict.fromkeys(_NOT_IN_REFUSALS, 0.0) | {"length": plan["refusal_length"]}
    listed = plan["bullets"] or plan["numbered_steps"]
    counted = task == "ideas" and listed
    return plan | {"refusal_length": 0.0} | ({} if counted else {"count_met": 0.0})


def draw_two(spec: PopulationSpec, task: str, rng: random.Random) -> tuple[Plan, Plan]:
    """Two independent plans that differ in utility by at least the spec's margin.

    Raises:
        ValueError: No such plans turn up, because the preferred attributes are hardly shown.
    """
    for _ in range(_DRAWS):
        first, second = draw(spec, task, rng), draw(spec, task, rng)
        gap = utility(spec.preferences, first) - utility(spec.preferences, second)
        if abs(gap) >= spec.least_gap:
            return first, second
    raise ValueError(f"{spec.name}: responses to {task!r} hardly differ in what is preferred")


def utility(preferences: Sequence[PlantedPreference], plan: Plan) -> float:
    """What a response is worth to the population: the sum of signed strength times level."""
    return sum(preference.signed * plan[preference.feature] for preference in preferences)


def _level(name: str, rate: float, rng: random.Random) -> float:
    """Dials spread over [0, 1] around their mean; graded attributes come half or full."""
    if name in _DIALS and 0.0 < rate < 1.0:
        return round(4 * rng.betavariate(2 * rate, 2 - 2 * rate)) / 4
    if rng.random() >= rate:
        return 0.0
    return rng.choice((0.5, 1.0)) if name in _GRADED else 1.0
