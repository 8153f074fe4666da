"""Twenty counts of a response, and a regression on them: what a learned rubric has to be worth.

predict = fitted_on(counted(pairs), target)
predict(counted(others))            # log-odds that A is preferred
"""

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from argo_audit.records import Pair
from argo_audit.search.line_fit import cross_entropy, fitted

Array = NDArray[np.float64]
_PENALTIES = (0.03, 0.01, 0.003, 0.001, 0.0)
_PATTERNS = (
    r"^\s*[-*+] ", r"^\s*\d+[.)] ", r"^#{1,6} ", r"\*\*", r"```", r"\?", r"!", r",", r"[\"\u201c]",
    r"\(", r"\d", r"https?://", r"\b[A-Z]{2,}\b", r"\bI\b", r"\byou\b", r"\n\n",
)  # fmt: skip


def counted(pairs: Sequence[Pair]) -> Array:
    """Differences of twenty counts, A minus B, [pairs, 20]; counts as log(1 + n)."""
    rows = [_counts(pair.response_a) - _counts(pair.response_b) for pair in pairs]
    return np.array(rows, dtype=np.float64)


def _counts(text: str) -> Array:
    words = text.split()
    sentences = len(re.findall(r"[.!?](?:\s|$)", text)) or 1
    found = [len(re.findall(p, text, re.MULTILINE)) for p in _PATTERNS]
    longest = sum(map(len, words)) / (len(words) or 1)
    distinct = len(set(words)) / (len(words) or 1)
    sizes = [len(words), sentences]
    return np.array([*np.log1p([*sizes, *found]), longest, distinct], dtype=np.float64)


def fitted_on(x: Array, target: Array, seed: int = 0) -> Callable[[Array], Array]:
    """A logistic regression whose penalty is chosen by cross-validation."""
    spread = np.sqrt((x**2).mean(axis=0)) + 1e-9
    scaled, fold = x / spread, np.random.default_rng(seed).permutation(len(x)) % 5
    losses = []
    for penalty in _PENALTIES:
        lost = 0.0
        for one in range(5):
            weights = fitted(scaled[fold != one], target[fold != one], penalty)
            lost += float(cross_entropy(scaled[fold == one] @ weights, target[fold == one]).sum())
        losses.append(lost)
    weights = fitted(scaled, target, _PENALTIES[int(np.argmin(losses))])
    return lambda other: np.asarray((other / spread) @ weights, dtype=np.float64)
