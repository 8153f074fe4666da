"""Preference pairs divided by prompt: train to score on, dev to select on, held-out to report on.

    parts = split(file.pairs, seed=0)          # {"train": ..., "dev": ..., "held-out": ...}
    clusters(parts["held-out"])                # pair id -> prompt key, for intervals

A prompt's split depends on the seed and the prompt's text and on nothing else, so it is the same in
every file and population, and no prompt leaks between splits; the price is that the shares are
approximate.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from argo_audit.errors import InputError
from argo_audit.records import Pair, Split


def clusters(pairs: Iterable[Pair]) -> dict[str, str]:
    """Pair id -> prompt key: pairs on one prompt are not independent of each other."""
    return {pair.id: pair.prompt_key for pair in pairs}


def split(
    pairs: Iterable[Pair],
    seed: int,
    dev: float = 0.2,
    held_out: float = 0.2,
    path: str | Path = "the pairs",
) -> dict[Split, tuple[Pair, ...]]:
    """Divide pairs by prompt into train, dev and held-out, each sorted by pair id.

    `dev` and `held_out` are shares of the prompts, in (0, 1), with a sum below 1; they are met
    approximately. `path` names the pairs in errors.

    Raises:
        InputError: When the shares are impossible, or a part would be empty.
    """
    shares: dict[Split, float] = {"held-out": held_out, "dev": dev, "train": 1 - dev - held_out}
    if min(shares.values()) <= 0:
        problem = f"the shares dev {dev} and held-out {held_out} leave a part empty"
        raise InputError(path, problem, "Choose shares above 0 with a sum below 1.")
    parts: dict[Split, list[Pair]] = {"train": [], "dev": [], "held-out": []}
    for pair in sorted(pairs, key=lambda pair: pair.id):
        parts[_part(pair.prompt_key, seed, shares)].append(pair)
    if not all(parts.values()):
        raise _too_few_prompts(parts, min(shares.values()), path)
    return {name: tuple(part) for name, part in parts.items()}


def _part(prompt_key: str, seed: int, shares: Mapping[Split, float]) -> Split:
    digest = sha256(f"{seed}:{prompt_key}".encode()).digest()
    position = int.from_bytes(digest[:6]) / 2**48
    if position < shares["held-out"]:
        return "held-out"
    return "dev" if position < shares["held-out"] + shares["dev"] else "train"


def _too_few_prompts(
    parts: Mapping[Split, Sequence[Pair]], smallest: float, path: str | Path
) -> InputError:
    """The number asked for leaves one of three parts empty in fewer than 1 in 100 seeds."""
    prompts = {name: len(set(clusters(part).values())) for name, part in parts.items()}
    enough = math.ceil(math.log(0.01 / 3) / math.log(1 - smallest))
    counts = ", ".join(f"{name} {count}" for name, count in prompts.items())
    problem = f"a split would be empty; its distinct prompts are: {counts}"
    remedy = f"Give pairs on at least {enough} distinct prompts, or choose larger shares."
    return InputError(path, problem, remedy)
