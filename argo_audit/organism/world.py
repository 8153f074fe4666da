"""Builds an embedded world with known answers: pairs, planted labels, raw labels, answer key.

    >>> world = build("A", pairs=200, seed=1)
    >>> world.name, len(world.pairs), world.planted[0].source, world.raw[0].source
    ('organism-a', 200, 'planted', 'human')

A planted label is the sign of the difference in utility. A raw label is one draw of
Bernoulli(sigmoid(difference / temperature)), the noise of one person, with the temperature chosen
so that a raw label agrees with the planted one as often as asked: close calls are noisier.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from argo_audit.files import write_whole
from argo_audit.organism.manifest import Manifest, planted_rubric
from argo_audit.organism.plans import draw_two, utility
from argo_audit.organism.populations import (
    PlantedPreference,
    PopulationName,
    PopulationSpec,
    population_spec,
)
from argo_audit.organism.writing import Prompt, Writer
from argo_audit.pairs.pair_file import write
from argo_audit.records import PLANTED, Label, Message, Pair

_PAIRS_PER_PROMPT = 3
_TEMPERATURES = (1e-3, 1e3)


@dataclass(frozen=True)
class Population:
    """One population's world. `planted` and `raw` label `pairs`, in order."""

    name: str
    pairs: tuple[Pair, ...]
    planted: tuple[Label, ...]
    raw: tuple[Label, ...]
    manifest: Manifest
    planted_rubric: str


class _Drawn(NamedTuple):
    """A pair and how much more response A is worth than response B."""

    pair: Pair
    gap: float


def build(
    population: PopulationName | PopulationSpec,
    pairs: int = 3000,
    seed: int = 0,
    label_agreement: float = 0.675,
) -> Population:
    """A population's world; the same arguments give the same world.

    `label_agreement` in (0.5, 1] is the expected agreement of one raw label with the planted
    preference; at 1 the raw labels are the planted ones.

    Raises:
        ValueError: `label_agreement` is outside, `pairs` is not positive, or the population is
            never shown responses that it tells apart.
    """
    if pairs < 1 or not 0.5 < label_agreement <= 1.0:
        raise ValueError("pairs must be positive and label_agreement in (0.5, 1]")
    spec = population if isinstance(population, PopulationSpec) else population_spec(population)
    writer = Writer()
    prompts = _prompts(spec, writer, -(-pairs // _PAIRS_PER_PROMPT), seed)
    drawn = [_pair(spec, writer, prompts[n % len(prompts)], (seed, n)) for n in range(pairs)]
    temperature = _temperature(np.array([row.gap for row in drawn]), label_agreement)
    return Population(
        name=spec.name,
        pairs=tuple(row.pair for row in drawn),
        planted=tuple(_label(row, float(row.gap > 0), PLANTED) for row in drawn),
        raw=_raw(drawn, temperature, f"{spec.name}/{seed}/labels"),
        manifest=Manifest(
            spec=spec,
            seed=seed,
            pairs=pairs,
            prompts=len(prompts),
            label_agreement=label_agreement,
            temperature=temperature,
        ),
        planted_rubric=planted_rubric(spec.preferences),
    )


def planted_labels(
    manifest: Manifest, pairs: Sequence[Pair], preferences: Sequence[PlantedPreference]
) -> tuple[Label, ...]:
    """What a population of these preferences prefers of the pairs of another one's world.

    `manifest` is that of the pairs, which may be some of its pairs. A tie is 0.5. Raises ValueError
    for a pair of another world.
    """
    mine = re.compile(re.escape(f"{manifest.spec.name}-{manifest.seed}-") + r"(\d{5,})")
    labels = []
    for pair in pairs:
        number = mine.fullmatch(pair.id)
        if number is None:
            raise ValueError(f"{pair.id} is no pair of {manifest.spec.name}, seed {manifest.seed}")
        rng = _rng(manifest.spec, manifest.seed, int(number[1]))
        plans = draw_two(manifest.spec, pair.slices["task"], rng)
        worth_a, worth_b = (utility(preferences, plan) for plan in plans)
        p_a = float(np.sign(worth_a - worth_b) + 1) / 2
        labels.append(Label(pair_id=pair.id, p_a=p_a, source="planted"))
    return tuple(labels)


def write_population(population: Population, folder: Path) -> None:
    """Write pairs.jsonl.gz (sources "human" and "planted"), manifest.json, planted-rubric.md."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = {"human": population.raw, "planted": population.planted}
    write(folder / "pairs.jsonl.gz", population.pairs, labels)
    manifest = population.manifest.model_dump_json(indent=2)
    write_whole(folder / "manifest.json", manifest + "\n")
    write_whole(folder / "planted-rubric.md", population.planted_rubric)


def _prompts(spec: PopulationSpec, writer: Writer, count: int, seed: int) -> tuple[Prompt, ...]:
    """Distinct prompts in the population's mix of tasks."""
    rng = random.Random(f"{spec.name}/{seed}/prompts")
    tasks, weights = list(spec.tasks), list(spec.tasks.values())
    distinct: dict[str, Prompt] = {}
    while len(distinct) < count:
        prompt = writer.prompt(rng.choices(tasks, weights)[0], rng)
        distinct.setdefault(prompt.text, prompt)
    return tuple(distinct.values())


def _pair(spec: PopulationSpec, writer: Writer, prompt: Prompt, key: tuple[int, int]) -> _Drawn:
    """The pair `key` = (seed, number): its own generator, so that it depends on nothing else."""
    seed, number = key
    rng = _rng(spec, seed, number)
    plans = draw_two(spec, prompt.task, rng)
    response_a, response_b = (writer.response(prompt, plan, rng) for plan in plans)
    worth_a, worth_b = (utility(spec.preferences, plan) for plan in plans)
    pair = Pair(
        id=f"{spec.name}-{seed}-{number:05d}",
        prompt=(Message(role="user", content=prompt.text),),
        response_a=response_a,
        response_b=response_b,
        population=spec.name,
        slices={"task": prompt.task},
    )
    return _Drawn(pair, worth_a - worth_b)


def _rng(spec: PopulationSpec, seed: int, number: int) -> random.Random:
    """Of a pair: first the two plans are drawn, then the words."""
    return random.Random(f"{spec.name}/{seed}/{number}")


def _temperature(gaps: NDArray[np.float64], agreement: float) -> float:
    """The noise at which one label agrees with the sign of its gap that often, on average."""
    if agreement == 1.0:
        return 0.0
    low, high = _TEMPERATURES

    def excess(temperature: float) -> float:
        return float(expit(np.abs(gaps) / temperature).mean()) - agreement

    return float(brentq(excess, low, high))


def _raw(drawn: list[_Drawn], temperature: float, seed: str) -> tuple[Label, ...]:
    """One noisy label per pair; at temperature 0 the planted one."""
    rng = random.Random(seed)
    return tuple(
        _label(row, float(rng.random() < _chance(row.gap, temperature)), "human") for row in drawn
    )


def _chance(gap: float, temperature: float) -> float:
    return float(expit(gap / temperature)) if temperature else float(gap > 0)


def _label(row: _Drawn, p_a: float, source: str) -> Label:
    return Label(pair_id=row.pair.id, p_a=p_a, source=source)
