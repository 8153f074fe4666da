"""Texts that are nearly the same, found exactly and fast.

    >>> question = "Which of the two old bridges over the river was built first, and by whom?"
    >>> typo = "which of the two old bridges over the river was buillt first and by whom"
    >>> components([question, "What is a bridge?", typo])
    [0, 1, 0]

Case, white space, punctuation and symbols do not count: texts that differ in nothing else are the
same. Two others are near-duplicates when both hold for their runs of five characters:

1. they share at least 0.8 of all runs that either has (Jaccard): one letter changed in 50, or one
   word in 20;
2. they share at least 0.5 of the runs that no more than 20 texts have.

The second keeps the instances of a template apart. "Numbers are in base 9 [...]: what is 37+58?"
and its hundred siblings are alike in the first sense and would be one component, a sixth of a real
file; what tells them apart is what few texts have. The price is that more than 20 rewordings of one
text count as a template. The limit is a count, not a share, so that a larger file judges two texts
much as a smaller one does.

Exact, without a sketch, a seed or another dependency: the second condition is cheap, since what at
most 20 texts have makes few products, and leaves few pairs for the first. MinHash with
locality-sensitive hashing (datasketch) hashes every run 128 times and misses some pairs. 24,000
prompts of 760 characters take about 8 s and 1.2 GB on one core.
"""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

RUN = 5
SHARED = 0.8
SHARED_RARE = 0.5
RARE = 20
_ODD = np.uint64(0x9E3779B97F4A7C15)
_ROWS_AT_ONCE = 1000
_TEXTS_AT_ONCE = 20_000
_RUNS_AT_ONCE = 10_000_000
_LARGEST = np.iinfo(np.int32).max


def components(texts: Sequence[str]) -> list[int]:
    """For each text the index of the first text of its component.

    A component holds what near-duplicates connect, so its ends may differ by more.
    """
    if not texts:
        return []
    numbers, distinct = pd.factorize(np.array([normalised(text) for text in texts], dtype=object))
    left = list(distinct)
    del distinct
    labels = _connected(_runs(left))[numbers]
    _, first = np.unique(labels, return_index=True)
    return [int(index) for index in first[labels]]


class _Letters(dict[int, str]):
    """Letters, marks and numbers as they are, every other character a space."""

    def __missing__(self, code: int) -> str:
        kept = unicodedata.category(chr(code))[0] in "LMN"
        return self.setdefault(code, chr(code) if kept else " ")


_LETTERS = _Letters()


def normalised(text: str) -> str:
    """The words in one case with single spaces between; a text without any is only stripped."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.translate(_LETTERS).split()) or folded.strip()


def _runs(texts: list[str]) -> csr_array:
    """Which text (row) has which run (column); the edges of a text count as spaces.

    Texts are taken away from the list, some at a time, and each keeps a run once. Runs are numbered
    among the texts they are taken with, and once all are known anew, in their place: at the peak
    four bytes are in memory for each run of each text, and twenty for each that differs among
    those texts.
    """
    count = len(texts)
    columns = np.empty(sum(map(len, texts)) + RUN * count, dtype=np.int32)
    ends, counts, distinct = [0], [np.zeros(1, dtype=np.int64)], list[NDArray[np.uint64]]()
    texts.reverse()
    while texts:
        hashes, own = _hashed(texts[: -_TEXTS_AT_ONCE - 1 : -1])
        del texts[-_TEXTS_AT_ONCE:]
        numbers, known = pd.factorize(hashes)
        columns[ends[-1] : ends[-1] + len(hashes)] = numbers
        ends.append(ends[-1] + len(hashes))
        counts.append(own)
        distinct.append(known)
    sizes = np.cumsum([len(known) for known in distinct])[:-1]
    numbers, all_known = pd.factorize(np.concatenate(distinct))
    del distinct
    for (first, last), anew in zip(pairwise(ends), np.split(numbers, sizes), strict=True):
        columns[first:last] = anew[columns[first:last]]
    del numbers, anew
    present = np.ones(ends[-1], dtype=np.int8)
    rows = np.cumsum(np.concatenate(counts))
    if ends[-1] <= _LARGEST:  # or scipy would copy the columns into as wide a type
        rows = rows.astype(np.int32)
    return csr_array((present, columns[: ends[-1]], rows), shape=(count, len(all_known)))


def _texts_with(runs: csr_array) -> NDArray[np.int64]:
    """How many texts have each run, counted some at a time: numpy would copy all of them."""
    found = np.zeros(runs.shape[1], dtype=np.int64)
    for start in range(0, len(runs.indices), _RUNS_AT_ONCE):
        part = runs.indices[start : start + _RUNS_AT_ONCE]
        found += np.bincount(part, minlength=runs.shape[1])
    return found


def _hashed(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The runs of some texts as numbers, text by text and each once; and how many each text has."""
    padded = [f" {text} ".ljust(RUN) for text in texts]
    lengths = np.array([len(text) for text in padded])
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    hashes = np.zeros(len(codes), dtype=np.uint64)
    for start in range(RUN):
        hashes *= _ODD  # modulo 2**64
        hashes[: len(codes) - start] += codes[start:]
    within = np.ones(len(codes), dtype=bool)
    within[np.subtract.outer(np.cumsum(lengths), np.arange(1, RUN))] = False
    row, hashes = np.repeat(np.arange(len(texts)), lengths)[within], hashes[within]
    order = np.lexsort((hashes, row))
    row, hashes = row[order], hashes[order]
    new = np.ones(len(row), dtype=bool)
    new[1:] = (row[1:] != row[:-1]) | (hashes[1:] != hashes[:-1])
    return hashes[new], np.bincount(row[new], minlength=len(texts))


def _connected(runs: csr_array) -> NDArray[np.int32]:
    """A label for each row, the same within a component."""
    texts = runs.shape[0]
    rare = runs[:, _texts_with(runs) <= RARE].astype(np.int32)
    by_run = rare.T.tocsr()
    near = []
    for start in range(0, texts, _ROWS_AT_ONCE):
        shared = (rare[start : start + _ROWS_AT_ONCE] @ by_run).tocoo()
        later = shared.row + start < shared.col
        pairs = _Pairs(shared.row[later] + start, shared.col[later])
        pairs = pairs.where(_jaccard(rare, pairs, shared.data[later]) >= SHARED_RARE)
        both = _shared(runs, pairs)
        near.append(pairs.where(_jaccard(runs, pairs, both) >= SHARED))
    first, second = np.concatenate(near, axis=1)
    graph = csr_array((np.ones(len(first)), (first, second)), shape=(texts, texts))
    _, labels = connected_components(graph, directed=False)
    return labels


def _shared(runs: csr_array, pairs: "_Pairs") -> NDArray[np.int32]:
    """How many runs the rows of each pair share."""
    counts = [
        runs[pairs.first[at : at + _ROWS_AT_ONCE]]
        .multiply(runs[pairs.second[at : at + _ROWS_AT_ONCE]])
        .sum(axis=1, dtype=np.int32)
        for at in range(0, len(pairs.first), _ROWS_AT_ONCE)
    ]
    return np.concatenate([np.zeros(0, dtype=np.int32), *counts])


class _Pairs(NamedTuple):
    """Pairs of rows."""

    first: NDArray[np.int32]
    second: NDArray[np.int32]

    def where(self, kept: NDArray[np.bool_]) -> "_Pairs":
        return _Pairs(self.first[kept], self.second[kept])


def _jaccard(runs: csr_array, pairs: _Pairs, shared: NDArray[np.int32]) -> NDArray[np.float64]:
    """What two rows share over what either has."""
    sizes = np.diff(runs.indptr)
    return np.asarray(shared / (sizes[pairs.first] + sizes[pairs.second] - shared))
