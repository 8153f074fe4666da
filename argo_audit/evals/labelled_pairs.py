"""Pairs with the labels they are held to: those in their file, and those of reward models.

    world = load_pairs("pairs.jsonl", labels="human", rms=["scores:rewards.jsonl"])
    world.population, world.labels.keys()

A reward model is named as on the command line and asked here and now, after its checks; torch is
loaded when one that needs it is named.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from argo_audit.errors import InputError, brief
from argo_audit.files import is_url
from argo_audit.pairs.pair_file import labels_of, read
from argo_audit.records import Label, Pair
from argo_audit.reward_models.by_name import (
    RewardModelUse,
    checked,
    labelled,
    open_reward_model,
    path_in,
)
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.reward_models.score_lines import Letter
from argo_audit.roles import RewardModel

Names = str | Sequence[str] | None
"""Names as a command line gives them: one text with commas between, or a list."""


@dataclass(frozen=True)
class LabelledPairs:
    """The pairs of one file that have a label of a chosen source, and those labels by source.

    `population` is the pairs' own, or the file's name where they have none.
    """

    path: str
    fingerprint: str
    population: str
    pairs: tuple[Pair, ...]
    labels: Mapping[str, tuple[Label, ...]]


def load_pairs(
    path: str, labels: Names = None, rms: Names = None, rm_settings: Mapping[str, Any] | None = None
) -> LabelledPairs:
    """The pairs of a file with the labels asked for: of the file's sources, and of reward models.

    No source and no reward model is every source of the file. `rm_settings` are those of
    RewardModelUse.

    Raises:
        InputError: When the file cannot be used or has no labels of a source.
        RewardModelError: When a reward model cannot be opened, asked or trusted.

    """
    place = found_from_here(path)
    file = read(place)
    sources = names(labels) or (() if rms else tuple(sorted(file.labels)))
    given = [labels_of(file, source, place) for source in sources]
    by_source = {labels[0].source: labels for labels in given}
    for spec in specs(rms):
        by_source |= label_by_name(spec, file.pairs, rm_use(rm_settings), file.chosen)
    ids = {label.pair_id for of_source in by_source.values() for label in of_source}
    pairs = tuple(pair for pair in file.pairs if pair.id in ids)
    named = ", ".join(sorted({pair.population for pair in pairs} - {""}))
    stem = Path(str(path)).name.partition(".")[0]
    return LabelledPairs(str(place), file.fingerprint, named or stem, pairs, by_source)


def label_by_name(
    spec: str,
    pairs: Sequence[Pair],
    use: RewardModelUse,
    chosen: Mapping[str, Letter] | None = None,
) -> dict[str, tuple[Label, ...]]:
    """The labels that a reward model gives the pairs, by its name, once it has passed its checks.

    Paths count from the folder that the command was given in.
    """
    model = _open(spec, pairs, use.settings, chosen)
    return {model.name: labelled(model, pairs, use).labels}


def open_checked(spec: str, pairs: Sequence[Pair], use: RewardModelUse) -> RewardModel:
    """The reward model of that name, once it has passed its checks on some of the pairs."""
    model = _open(spec, pairs, use.settings)
    checked(model, pairs, use)
    return model


def _open(
    spec: str,
    pairs: Sequence[Pair],
    settings: RewardModelSettings,
    chosen: Mapping[str, Letter] | None = None,
) -> RewardModel:
    before, path = path_in(spec) or (spec, "")
    whole = f"{before}{found_from_here(path) if path else ''}"
    return open_reward_model(whole, settings, pairs, chosen)


def rm_use(given: Mapping[str, Any] | None) -> RewardModelUse:
    """How reward models are asked, from what a command line says. Raises InputError."""
    try:
        return _USE.validate_python(given or {})
    except ValidationError as error:
        known = ", ".join(RewardModelUse._fields)
        problem = brief(error, RewardModelUse)
        raise InputError("-T rm_settings", problem, f"known are {known}") from error


_USE = TypeAdapter(RewardModelUse)


def names(given: Names) -> tuple[str, ...]:
    """Names given as a list, or with commas between; each once."""
    several = given.split(",") if isinstance(given, str) else given or ()
    return tuple(dict.fromkeys(name.strip() for name in several if name.strip()))


def specs(given: Names) -> tuple[str, ...]:
    """Reward models given as names are; further URLs of one server belong to the one before."""
    found: list[str] = []
    for name in names(given):
        if found and name.startswith(("http://", "https://")):
            found[-1] += f",{name}"
        else:
            found.append(name)
    return tuple(found)


def found_from_here(path: str) -> str | Path:
    """A URL, or `path` from the working folder, else from the folder the command was given in.

    They differ because Inspect enters a task file's folder to load the task.
    """
    if is_url(path):
        return path
    given, typed = Path(path), Path(os.environ.get("PWD", "."), path)
    return typed if typed.exists() and not given.exists() else given
