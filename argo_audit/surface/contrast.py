"""Pairs as measured on the surface: the features of either response, and which has more of each.

on = measured(pairs)
on.first[:, FEATURES.index("hedging")]         # [pairs], of responses A
on.more[:, FEATURES.index("hedging")]          # 1 where A hedges more, -1 where B does, else 0
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from argo_audit.prompts.fences import last_request, render_messages
from argo_audit.records import Pair
from argo_audit.surface.features import FEATURES, Features, measure

_RESPONSES_REMEMBERED = 200_000
_EQUAL = 1e-9


class MeasuredPairs(NamedTuple):
    """N pairs with the features of either response, each of shape (N, len(FEATURES))."""

    pairs: tuple[Pair, ...]
    first: Features
    second: Features

    @property
    def more(self) -> Features:
        """(N, len(FEATURES)) 1 where response A has more of a feature, -1 where B has, else 0."""
        return more(self.first, self.second)

    def of(self, ids: Sequence[str]) -> "MeasuredPairs":
        """Some of the pairs, by their ids."""
        wanted = set(ids)
        rows = [row for row, pair in enumerate(self.pairs) if pair.id in wanted]
        kept = tuple(self.pairs[row] for row in rows)
        return MeasuredPairs(kept, self.first[rows], self.second[rows])


def measured(pairs: Sequence[Pair]) -> MeasuredPairs:
    """The features of both responses of each pair, in order."""
    both = [_of_pair(pair) for pair in pairs]
    shape = (len(pairs), len(FEATURES))
    first, second = (np.array([row[i] for row in both]).reshape(shape) for i in (0, 1))
    return MeasuredPairs(tuple(pairs), first, second)


def more(first: ArrayLike, second: ArrayLike) -> Features:
    """1 where the first has more, -1 where the second has, 0 where they have as much."""
    delta = np.subtract(first, second, dtype=np.float64)
    return np.where(np.abs(delta) > _EQUAL, np.sign(delta), 0.0)


def prefers_more(first: ArrayLike, second: ArrayLike) -> Features:
    """P(A) of who prefers the response with more: 1, 0, or 0.5 where they have as much."""
    return np.asarray(0.5 + more(first, second) / 2)


@lru_cache(maxsize=_RESPONSES_REMEMBERED)
def features_of(request: str, response: str) -> Features:
    """The features of a response, measured once; every search and evaluation asks for them anew."""
    return measure(request, response)


def _of_pair(pair: Pair) -> tuple[Features, Features]:
    request = last_request(render_messages(pair.prompt))
    return features_of(request, pair.response_a), features_of(request, pair.response_b)
