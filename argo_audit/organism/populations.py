"""What each population is shown and what it prefers: the organism's known answers.

    >>> spec = population_spec("A")
    >>> spec.name, spec.preferences[0]
    ('organism-a', PlantedPreference(feature='bullets', direction='rewards', strength=1.0))

Population A is a generic public, B are experts, after the findings of the ARGO paper. They differ
in what they are shown (tasks, how often a response has an attribute) and in what they prefer, both
kept as data in populations.toml; any other spec builds a world just as well.
"""

import random
from functools import cache
from math import hypot
from typing import Literal, Self

from pydantic import Field, model_validator

from argo_audit.errors import InputError
from argo_audit.organism.grammar import bank
from argo_audit.records import Probability, Record

PopulationName = Literal["A", "B"]

_NOT_AT_RANDOM = ("refusal", "refusal_length", "count_met", "sentence_length")
"""Shown on some tasks only, or told apart too faintly to be planted at random."""
_AS_USUAL = ("length", "refusal_length", "sentence_length", "direct_answer")
_PLANTED_RATE, _OTHER_RATE = 0.4, 0.1


class PlantedPreference(Record):
    """One thing a population rewards or penalises; `strength` is in units of utility."""

    feature: str
    direction: Literal["rewards", "penalises"]
    strength: float = Field(gt=0.0)

    @property
    def signed(self) -> float:
        """The strength, negative where the feature is penalised."""
        return self.strength if self.direction == "rewards" else -self.strength


class PopulationSpec(Record):
    """A population: `shown` is how often a response has an attribute (for lengths: the mean level).

    `tasks` weighs the kinds of prompts, `by_task` overrides `shown` on one kind. The two responses
    of a pair differ in utility by at least `margin` times the root of the summed squared strengths.
    """

    name: str
    title: str
    tasks: dict[str, float] = Field(min_length=1)
    shown: dict[str, Probability]
    by_task: dict[str, dict[str, Probability]] = Field(default_factory=dict)
    preferences: tuple[PlantedPreference, ...] = Field(min_length=1)
    margin: float = Field(default=0.5, gt=0.0)

    @property
    def least_gap(self) -> float:
        """The least difference in utility between the two responses of a pair."""
        return self.margin * hypot(*(preference.strength for preference in self.preferences))

    @model_validator(mode="after")
    def _shown_where_planted(self) -> Self:
        unknown = {preference.feature for preference in self.preferences} - set(self.shown)
        if unknown:
            raise ValueError(f"preferred but never shown: {', '.join(sorted(unknown))}")
        return self


class _PopulationBank(Record):
    """One population as populations.toml writes it: preferences are signed strengths."""

    title: str
    margin: float
    tasks: dict[str, float]
    shown: dict[str, Probability]
    by_task: dict[str, dict[str, Probability]]
    prefers: dict[str, float]


def planted(signed: dict[str, float]) -> tuple[PlantedPreference, ...]:
    """Preferences from signed strengths, strongest first."""
    ranked = sorted(signed.items(), key=lambda entry: -abs(entry[1]))
    return tuple(
        PlantedPreference(
            feature=feature,
            direction="rewards" if strength > 0 else "penalises",
            strength=abs(strength),
        )
        for feature, strength in ranked
    )


@cache
def population_spec(population: PopulationName) -> PopulationSpec:
    """The spec of population A or B."""
    known = bank("populations", dict[str, _PopulationBank])
    if population not in known:
        remedy = f"choose among {', '.join(known)}"
        raise InputError(str(population), "there is no population of this name", remedy)
    written = known[population]
    return PopulationSpec(
        name=f"organism-{population.lower()}",
        title=written.title,
        tasks=written.tasks,
        shown=written.shown,
        by_task=written.by_task,
        preferences=planted(written.prefers),
        margin=written.margin,
    )


def random_preferences(seed: int, count: int = 10) -> tuple[PlantedPreference, ...]:
    """Preferences planted at random: distinct features, either sign, strength in [0.4, 1.2]."""
    rng = random.Random(f"preferences/{seed}")
    features = sorted(set(population_spec("A").shown) - set(_NOT_AT_RANDOM))
    return planted(
        {
            feature: rng.choice((-1, 1)) * round(rng.uniform(0.4, 1.2), 2)
            for feature in rng.sample(features, count)
        }
    )


def random_spec(seed: int, count: int = 10) -> PopulationSpec:
    """A population with preferences planted at random, and shown often enough to be learnt."""
    preferences = random_preferences(seed, count)
    chosen = {preference.feature for preference in preferences}
    base = population_spec("A")
    rates = {f: _PLANTED_RATE if f in chosen else _OTHER_RATE for f in base.shown}
    return base.model_copy(
        update={
            "name": f"organism-random-{seed}",
            "title": f"random population {seed}",
            "shown": rates | {feature: base.shown[feature] for feature in _AS_USUAL},
            "preferences": preferences,
        }
    )
