"""What a line is about and which way, by its meaning: a small taught head on a sentence encoder.

    meaning = Meaning(open_encoder())
    meaning.wishes("Statistics and digits make an answer worse.")      # {("numbers", -1)}

The heads answer three questions of each feature (benchmarks/teach_reader.py teaches them): is it
spoken of, do the words say more or less of it, is that wanted. A sign is read where the line itself
and its opposite, the line behind OPPOSITE, agree on it: the chances of both are averaged, those of
the opposite with turned signs. So a line and its opposite always get opposite signs, or neither. A
line is read when each feature that it seems to speak of is above the margin; else it is unread.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from argo_audit.surface.features import FEATURES
from argo_audit.surface.sentence_encoder import SentenceEncoder

OPPOSITE = "The opposite is wanted of this: "
MARGIN = 0.9
"""What the chance of each wish has to be. Fixed before the shipped heads were taught."""

SEEMS = 0.5
"""From this chance on a feature is one that the line seems to speak of."""

HEAD_FILE = Path(__file__).with_name("meaning_head.npz")
HEADS = 4
_REMEMBERED = 8_192
_FAR = 60.0  # beyond this a logit's exponential adds nothing

Array = NDArray[np.floating]
Wishes = frozenset[tuple[str, int]]


class Head:
    """One taught head; its parameters are named as teach_reader.Head's are."""

    def __init__(self, values: Mapping[str, Array]) -> None:
        self._values = values

    def logits(self, states: Array) -> Array:
        """(features, 3) of one line's scaled (pieces, wide): spoken of, says more, wanted."""
        hidden = self._layer(self._normed("norm", self._linear("project", states)))
        asked, too = self._values["asked"], self._values["asked_too"]
        found = self._looked_up(asked, hidden, "")
        mixed = self._linear("mixed", np.concatenate([found, found * asked], -1))
        spoken = self._linear("spoken", np.maximum(mixed, 0)) + self._values["bias"]
        about = self._linear("wanting", self._looked_up(asked + too, hidden, "_too"))
        return np.concatenate([spoken, self._linear("wanted", np.maximum(about, 0))], -1)

    def _layer(self, hidden: Array) -> Array:
        """A layer of attention and one of two linear maps, each added to what comes in."""
        normed = self._normed("layer.norm1", hidden)
        parts = normed @ self._values["layer.self_attn.in_proj_weight"].T
        parts = parts + self._values["layer.self_attn.in_proj_bias"]
        pieces, wide = hidden.shape
        split = parts.reshape(pieces, 3, HEADS, wide // HEADS).transpose(1, 2, 0, 3)
        query, key, value = split
        weights = _softmax(query @ key.transpose(0, 2, 1) / (wide // HEADS) ** 0.5)
        seen = (weights @ value).transpose(1, 0, 2).reshape(pieces, wide)
        hidden = hidden + self._linear("layer.self_attn.out_proj", seen)
        inner = self._linear("layer.linear1", self._normed("layer.norm2", hidden))
        return hidden + self._linear("layer.linear2", np.maximum(inner, 0))

    def _looked_up(self, asked: Array, hidden: Array, which: str) -> Array:
        scores = asked @ self._linear(f"key{which}", hidden).T / asked.shape[1] ** 0.5
        return np.asarray(_softmax(scores) @ self._linear(f"value{which}", hidden))

    def _linear(self, name: str, values: Array) -> Array:
        return np.asarray(values @ self._values[f"{name}.weight"].T + self._values[f"{name}.bias"])

    def _normed(self, name: str, values: Array) -> Array:
        centred = values - values.mean(-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        scaled = centred / spread * self._values[f"{name}.weight"]
        return np.asarray(scaled + self._values[f"{name}.bias"])


class Heads(NamedTuple):
    """The taught heads, and what the encoder's states are scaled by."""

    members: tuple[Head, ...]
    middle: Array
    spread: Array

    @classmethod
    def load(cls, path: Path = HEAD_FILE) -> "Heads":
        """Those of a file, by default those that the package ships."""
        with np.load(path) as file:
            values = {name: file[name].astype(np.float32) for name in file.files}
        numbers = sorted({name.partition(".")[0] for name in values if "." in name})
        members = tuple(
            Head({k.partition(".")[2]: v for k, v in values.items() if k.startswith(f"{number}.")})
            for number in numbers
        )
        return cls(members, values["middle"], values["spread"])

    def scaled(self, states: Array) -> Array:
        """The states as the heads know them."""
        return np.asarray((states - self.middle) / self.spread)

    def chances(self, states: Array) -> Array:
        """(features, 2) of one line's states: the chances that more, and less, is wanted."""
        scaled = self.scaled(states)
        each = [_chances(member.logits(scaled)) for member in self.members]
        return np.asarray(np.mean(each, axis=0))


class LineMeaning(Protocol):
    """What knows the meaning of a line; hashable, since readings are remembered by it."""

    def __hash__(self) -> int: ...

    @property
    def name(self) -> str:
        """Which it is."""
        ...

    def wishes(self, line: str) -> Wishes:
        """What a line wants: features with signs; empty where it is unread."""
        ...

    def chance(self, line: str, feature: str, sign: int) -> float:
        """The chance that a line wants more (1) or less (-1) of a feature."""
        ...


class Meaning:
    """Reads lines by their meaning, with an encoder and the heads that were taught on it."""

    def __init__(self, encoder: SentenceEncoder, heads: Heads | None = None) -> None:
        self._encoder, self._heads = encoder, heads or Heads.load()
        self.chances = lru_cache(maxsize=_REMEMBERED)(self._chances)

    @property
    def name(self) -> str:
        """Which encoder it reads with."""
        return self._encoder.name

    def wishes(self, line: str) -> Wishes:
        """See LineMeaning."""
        chances = self.chances(line)
        seems = chances.sum(-1) >= SEEMS
        if not seems.any() or chances[seems].max(-1).min() < MARGIN:
            return frozenset()
        signs = np.where(chances[:, 0] > chances[:, 1], 1, -1)
        return frozenset((FEATURES[place], int(signs[place])) for place in np.flatnonzero(seems))

    def chance(self, line: str, feature: str, sign: int) -> float:
        """See LineMeaning."""
        return float(self.chances(line)[FEATURES.index(feature), 0 if sign > 0 else 1])

    def _chances(self, line: str) -> Array:
        """The line's and its opposite's, averaged; the opposite of an opposite is the line."""
        turned = line.startswith(OPPOSITE)
        plain = line.removeprefix(OPPOSITE)
        own = self._heads.chances(self._encoder.states(plain))
        opposite = self._heads.chances(self._encoder.states(OPPOSITE + plain))
        both = (own + opposite[:, ::-1]) / 2
        return both[:, ::-1] if turned else both


def _chances(logits: Array) -> Array:
    """More is wanted where the words say more and that is wanted, or say less and that is not."""
    spoken, says, wanted = (1 / (1 + np.exp(-np.clip(logits, -_FAR, _FAR)))).T
    more = says * wanted + (1 - says) * (1 - wanted)
    return np.asarray(np.stack([spoken * more, spoken * (1 - more)], -1), dtype=np.float32)


def _softmax(values: Array) -> Array:
    raised = np.exp(values - values.max(-1, keepdims=True))
    return np.asarray(raised / raised.sum(-1, keepdims=True), dtype=np.float32)
