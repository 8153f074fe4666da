"""Preference pairs divided by prompt: train to score on, dev to select on, held-out to report on.

    parts = split(file.pairs, seed=0)          # {"train": ..., "dev": ..., "held-out": ...}
    clusters(parts["held-out"])                # pair id -> prompt key, for intervals

A prompt's split depends on the seed and the prompt's text, so it is the same in every file and
population; the price is that the shares are approximate. Prompts that nearly say the same are not
divided: case, spaces, punctuation and small edits make no other prompt (`near_duplicates` says
which). All of a component of near-duplicates go where the one with the smallest key goes, so a
prompt without any keeps its split whatever else is in the file. Conversations are compared whole,
system message included: two that part ways late are one prompt, two short ones are not. An image
counts as 64 characters of its hash.

Intervals still resample single prompts (`clusters`), everywhere the same: an evaluation log knows
a pair's prompt but not the rest of the file, on which components depend.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from argo_audit.errors import InputError
from argo_audit.pairs.near_duplicates import components
from argo_audit.records import Message, Pair, Split, fingerprint


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

    No prompt is in two parts, and no two near-duplicate prompts are in different ones.

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
    ordered = sorted(pairs, key=lambda pair: pair.id)
    deciding = _deciding_keys(ordered)
    for pair in ordered:
        parts[_part(deciding[pair.prompt_key], seed, shares)].append(pair)
    if not all(parts.values()):
        raise _too_few_prompts(parts, min(shares.values()), path)
    return {name: tuple(part) for name, part in parts.items()}


def at_most(pairs: Sequence[Pair], most: int | None, seed: int) -> tuple[Pair, ...]:
    """So many of the pairs, drawn by their prompts and in their order; None for all of them."""
    if most is None or len(pairs) <= most:
        return tuple(pairs)
    drawn = sorted(pairs, key=lambda pair: (fingerprint(f"{seed}/{pair.prompt_key}"), pair.id))
    kept = {pair.id for pair in drawn[:most]}
    return tuple(pair for pair in pairs if pair.id in kept)


def _deciding_keys(pairs: Sequence[Pair]) -> dict[str, str]:
    """For each prompt key the smallest of the prompt's near-duplicates, itself included."""
    texts = {pair.prompt_key: "\n".join(map(_shown, pair.prompt)) for pair in pairs}
    keys = sorted(texts)
    first = components([texts[key] for key in keys])
    return {key: keys[index] for key, index in zip(keys, first, strict=True)}


def _shown(message: Message) -> str:
    tools = [message.tools] if message.tools else []
    images = (fingerprint(image, 64) for image in message.images)
    return "\n".join((*tools, message.text, *images))


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
