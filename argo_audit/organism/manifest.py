"""The organism's answer key: what was planted, as a record and as a rubric in plain English.

    planted_rubric(population_spec("B").preferences)

The rubric has the shape of the paper's learned ones (category tables with weights in percent), one
table for what earns points and one for what costs them. It says everything that was planted, each
thing once so that no weight counts twice, and nothing else: the best a rubric can do, the ceiling.
"""

from collections.abc import Sequence

from argo_audit.organism.grammar import bank
from argo_audit.organism.populations import PlantedPreference, PopulationSpec
from argo_audit.records import Probability, Record


class Manifest(Record):
    """How a world was made; with the same versions, `spec`, `seed` and `pairs` remake it.

    `label_agreement` is how often one raw label agrees with the planted preference (expected),
    `temperature` the label noise in units of utility that gives it (0: no noise).
    """

    spec: PopulationSpec
    seed: int
    pairs: int
    prompts: int
    label_agreement: Probability
    temperature: float


class _Statement(Record):
    """How a rubric speaks of one feature: a category, and a sentence for either direction."""

    category: str
    rewards: str
    penalises: str


def planted_rubric(preferences: Sequence[PlantedPreference]) -> str:
    """The preferences as a rubric: weights in percent, in proportion to their strengths."""
    total = sum(preference.strength for preference in preferences)
    tables = []
    for heading, direction in (("earns", "rewards"), ("costs", "penalises")):
        chosen = [preference for preference in preferences if preference.direction == direction]
        rows = [_row(preference, total) for preference in chosen]
        head = [f"## What {heading} points", "", "| Category | Weight | Description |"]
        tables += ["\n".join([*head, "| --- | --- | --- |", *rows, ""])] if rows else []
    return "\n".join(tables)


def _row(preference: PlantedPreference, total: float) -> str:
    said = bank("rubric", dict[str, _Statement])[preference.feature]
    text = said.rewards if preference.direction == "rewards" else said.penalises
    weight = round(100 * preference.strength / total)
    return f"| {said.category} | {weight}% | {text} |"
