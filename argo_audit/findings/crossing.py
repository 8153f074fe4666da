"""Two populations crossed: each rubric on the other's pairs, each reward model's labels of both.

    found = read_crossing("out/evals", Side("A", "rm-a@2", "rm-a"), Side("B", "rm-b@1", "rm-b"))
    found.features[0].split.preferred.interval

The numbers come from a log of the task `cross_population`, so every one of them can be looked up
there. Two kinds of them are split by `decomposition`: a rubric's agreement, and, feature by
feature, what the reward models prefer. That is the *lean*: the share of pairs on which the label
takes the side of the response with more of a feature, minus the share on which it takes the other;
pairs whose responses have as much of it count as neither. A population that is shown a feature
seldom leans little on it, however much it likes it, which is why the split is needed. Features are
the surface judge's, so leanings on content are not seen.

In an organism what was planted is known, and its split is computed from the planted labels of the
very same pairs: what the reward models add to it by their mistakes is the difference.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from argo_audit.errors import InputError
from argo_audit.evals.reading import FoundLog, LoggedPair, TaskLog, find_logs, read_log
from argo_audit.evals.results import Compared
from argo_audit.evals.tasks import cross_population
from argo_audit.organism.manifest import Manifest
from argo_audit.organism.world import planted_labels
from argo_audit.pairs.pair_file import read
from argo_audit.records import Pair, Probability, Record, Rubric
from argo_audit.stats.decomposition import Crossed, Split, SplitPart, split
from argo_audit.stats.discoveries import is_found, q_values
from argo_audit.stats.estimates import Estimate, estimate
from argo_audit.surface.contrast import measured
from argo_audit.surface.features import FEATURES

Array = npt.NDArray[np.float64]
Planted = Mapping[str, Manifest]
"""How the worlds of populations were made, by their names."""


class Side(Record):
    """A population with its rubric and label source, as the log names them.

    Stores of two audits may give one name to two rubrics: with a `rubric_id`, the rubric is found
    by its text, whatever the log calls it.
    """

    population: str
    rubric: str
    label_source: str
    rubric_id: str = ""


class Cell(Record):
    """Agreement of a rubric with a label source on the pairs of a population."""

    rubric: str
    population: str
    label_source: str
    agreement: Estimate


class RubricSplit(Record):
    """A rubric's agreement with the first's reward model on its pairs minus that on the second."""

    rubric: str
    split: Split


Named = TypeVar("Named", Side, Cell, RubricSplit)


class FeatureSplit(Record):
    """The lean of the first's reward model on its pairs minus that of the second on its own.

    `first` and `second` are these leans, `q_value` is of no difference in what is preferred, after
    Benjamini and Hochberg over all features; `planted` is the split of the planted labels.
    """

    feature: str
    first: float
    second: float
    split: Split
    q_value: Probability
    planted: Split | None = None

    @property
    def clear(self) -> bool:
        """Whether what is preferred differs, at the rate of false discoveries that is allowed."""
        return is_found(self.q_value)


class Crossing(Record):
    """All that one log says of two populations; `features` by how much what is preferred differs.

    `pairs` are the counts of both populations.
    """

    sides: tuple[Side, Side]
    judge: str
    log: str
    pairs: tuple[int, int]
    cells: tuple[Cell, ...]
    rubrics: tuple[RubricSplit, ...]
    features: tuple[FeatureSplit, ...]


def held_planted(crossing: Crossing) -> tuple[int, int]:
    """For how many features the interval holds what was planted: shown, and preferred."""
    known = [(row.split, row.planted) for row in crossing.features if row.planted]
    shown = sum(_holds(found.shown, true.shown) for found, true in known)
    return shown, sum(_holds(found.preferred, true.preferred) for found, true in known)


def _holds(found: SplitPart, true: SplitPart) -> bool:
    return found.interval.low <= true.estimate <= found.interval.high


def read_crossing(
    log_dir: str | Path,
    first: Side,
    second: Side,
    planted: Planted | None = None,
    among: Callable[[FoundLog], bool] = lambda _: True,
    pairs: Mapping[str, Path] | None = None,
) -> Crossing | None:
    """The newest finished log under a folder in which both sides were crossed, or None.

    Only logs `among` those that are wanted are read. `pairs` are the files of the populations;
    without them those that the log names. Raises InputError when a file there is no readable log.
    """
    found = filter(among, find_logs(log_dir, cross_population.TASK))
    for log in reversed(list(found)):
        facts = log.header.told("subject", cross_population.CrossedFacts)
        sides = [_as_logged(side, facts) for side in (first, second)]
        known = {side.population for side in sides} <= {*facts.populations}
        sources = {side.label_source for side in sides} <= {*facts.label_sources}
        rubrics = {side.rubric for side in sides} <= facts.rubrics.keys()
        if log.header.status == "success" and known and sources and rubrics:
            files = {name: str(file) for name, file in (pairs or {}).items()}
            facts = facts.model_copy(update={"pairs_files": {**facts.pairs_files, **files}})
            return _named(_crossing(read_log(log), facts, sides, planted or {}), (first, second))
    return None


def _as_logged(side: Side, facts: cross_population.CrossedFacts) -> Side:
    """The side with its rubric as the log calls it."""
    if not side.rubric_id:
        return side
    texts = ((name, Rubric(text=one.text)) for name, one in facts.rubrics.items())
    same = [name for name, rubric in texts if rubric.id == side.rubric_id]
    if not same or side.rubric in same:
        return side
    return side.model_copy(update={"rubric": same[0]})


def _named(found: Crossing, sides: tuple[Side, Side]) -> Crossing:
    """The same with rubrics as their stores call them; those of one name by their populations."""
    clash = sides[0].rubric == sides[1].rubric and sides[0].rubric_id != sides[1].rubric_id
    names = [f"{one.rubric} of {one.population}" if clash else one.rubric for one in sides]
    if [side.rubric for side in found.sides] == names:
        return found
    called = dict(zip((side.rubric for side in found.sides), names, strict=True))
    return found.model_copy(
        update={
            "sides": tuple(_called(side, called) for side in found.sides),
            "cells": tuple(_called(cell, called) for cell in found.cells),
            "rubrics": tuple(_called(row, called) for row in found.rubrics),
        }
    )


def _called(row: Named, called: Mapping[str, str]) -> Named:
    return row.model_copy(update={"rubric": called[row.rubric]})


class _World(NamedTuple):
    """The pairs of one population: as logged, and, where their file is there, as they are."""

    logged: Sequence[LoggedPair]
    pairs: Mapping[str, Pair]
    keys: Sequence[str]


def _crossing(
    log: TaskLog, facts: cross_population.CrossedFacts, sides: Sequence[Side], planted: Planted
) -> Crossing:
    worlds = [_world(log, facts, side.population) for side in sides]
    first, second = worlds
    return Crossing(
        sides=(sides[0], sides[1]),
        judge=log.judge,
        log=log.name,
        pairs=(len(first.logged), len(second.logged)),
        cells=tuple(
            _cell(rubric.rubric, side, source, world)
            for rubric in sides
            for side, world in zip(sides, worlds, strict=True)
            for source in dict.fromkeys(side.label_source for side in sides)
        ),
        rubrics=tuple(
            RubricSplit(rubric=side.rubric, split=found)
            for side in sides
            if (found := _split([_agreements(world, side.rubric, sides) for world in worlds]))
        ),
        features=_features(worlds, sides, planted),
    )


def _world(log: TaskLog, facts: cross_population.CrossedFacts, population: str) -> _World:
    logged = [pair for pair in log.pairs if pair.slices["population"] == population]
    try:
        pairs = {pair.id: pair for pair in read(facts.pairs_files[population]).pairs}
    except InputError:
        pairs = {}  # moved since: what needs the texts is not measured
    known = [pair for pair in logged if not pairs or pair.pair_id in pairs]
    return _World(known, pairs, [pair.prompt_key for pair in known])


def _cell(rubric: str, side: Side, source: str, world: _World) -> Cell:
    values = Compared(world.logged, rubric, source).values("agreement")
    keys = {pair.key: pair.prompt_key for pair in world.logged}
    return Cell(
        rubric=rubric,
        population=side.population,
        label_source=source,
        agreement=estimate(list(values.values()), [keys[i] for i in values]),
    )


def _agreements(world: _World, rubric: str, sides: Sequence[Side]) -> Crossed:
    found = [
        Compared(world.logged, rubric, side.label_source).values("agreement") for side in sides
    ]
    rows = [[values.get(pair.key, np.nan) for values in found] for pair in world.logged]
    return Crossed(np.array(rows, dtype=np.float64).reshape(-1, 2), world.keys)


def _features(
    worlds: Sequence[_World], sides: Sequence[Side], planted: Planted
) -> tuple[FeatureSplit, ...]:
    if not all(world.pairs for world in worlds):
        return ()
    more = [_more(world) for world in worlds]
    wanted = [_sides(world, [side.label_source for side in sides]) for world in worlds]
    truth = _truth(worlds, sides, planted)
    rows = []
    for column, feature in enumerate(FEATURES):
        leans = _leans(worlds, more, wanted, column)
        if found := _split(leans):
            first, second = (float(np.nanmean(own.values[:, i])) for i, own in enumerate(leans))
            true = _split(_leans(worlds, more, truth, column)) if truth else None
            row = FeatureSplit(
                feature=feature, first=first, second=second, split=found, q_value=1, planted=true
            )
            rows.append(row)
    return _ranked(rows)


def _leans(
    worlds: Sequence[_World], more: Sequence[Array], wanted: Sequence[Array], feature: int
) -> list[Crossed]:
    return [
        Crossed(own[:, [feature]] * sides, world.keys)
        for world, own, sides in zip(worlds, more, wanted, strict=True)
    ]


def _split(crossed: Sequence[Crossed]) -> Split | None:
    first, second = crossed
    return split(first, second)


def _ranked(rows: Sequence[FeatureSplit]) -> tuple[FeatureSplit, ...]:
    if not rows:
        return ()
    corrected = q_values([row.split.preferred.p_value for row in rows])
    told = [row.model_copy(update={"q_value": q}) for row, q in zip(rows, corrected, strict=True)]
    return tuple(sorted(told, key=lambda row: (-abs(row.split.preferred.estimate), row.feature)))


def _more(world: _World) -> Array:
    """[pairs, features] 1 where response A has more of a feature, -1 where B has, else 0."""
    return measured([world.pairs[pair.pair_id] for pair in world.logged]).more


def _sides(world: _World, sources: Sequence[str]) -> Array:
    """[pairs, sources] 1 where a label prefers A, -1 where it prefers B, NaN without a side."""
    rows = [[pair.labels.get(source, np.nan) for source in sources] for pair in world.logged]
    return _signs(np.array(rows, dtype=np.float64).reshape(-1, len(sources)))


def _truth(worlds: Sequence[_World], sides: Sequence[Side], planted: Planted) -> list[Array] | None:
    """Of each world [pairs, 2] as `_sides`, by what was planted; None where that is not known."""
    if not {side.population for side in sides} <= planted.keys():
        return None
    wishes = [planted[side.population].spec.preferences for side in sides]
    found = []
    for world, side in zip(worlds, sides, strict=True):
        pairs = [world.pairs[pair.pair_id] for pair in world.logged]
        try:
            labels = [planted_labels(planted[side.population], pairs, wish) for wish in wishes]
        except (ValueError, KeyError):  # pairs of another world than the manifest's
            return None
        found.append(_signs(np.array([[label.p_a for label in own] for own in labels]).T))
    return found


def _signs(p_a: Array) -> Array:
    return np.where(p_a == 0.5, np.nan, np.sign(p_a - 0.5))
