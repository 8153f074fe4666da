"""The package `gepa` (extra `[gepa]`), as far as it is used: what it asks, and how it is called.

    loop = OtherLoop(lambda ask: evolve(ask, split, minibatch=8, seed=0))
    loop.question()                       # Propose(""): a rubric to begin with

It draws by its seed alone, so with the same answers it asks the same questions again.
"""

import importlib.util
from collections.abc import Sequence
from typing import Any, NamedTuple

from argo_audit.errors import UnavailableError
from argo_audit.search.other_loop import Ask

_RUBRIC = "rubric"


class Evaluate(NamedTuple):
    """How right a rubric is on each of the pairs at these places: a list of numbers."""

    text: str
    places: Sequence[int]


class Propose(NamedTuple):
    """Another rubric in place of this one, "" to begin with; the answer is None where none came."""

    parent: str


class Begin(NamedTuple):
    """Whether another step is to begin."""


class Split(NamedTuple):
    """Places of the pairs that candidates are compared on, and of those that they are mended by."""

    validation: Sequence[int]
    train: Sequence[int]


def check_installed() -> None:
    """Raise UnavailableError, with the remedy, without the package."""
    if importlib.util.find_spec("gepa") is None:
        raise UnavailableError(
            "the search gepa needs the package gepa, which the base install leaves out.\n"
            "  Remedy: pip install 'argo-audit[gepa]'"
        )


def evolve(ask: Ask, split: Split, minibatch: int, seed: int) -> None:
    """The package's own loop, until it is told that no further step begins."""
    import gepa

    def proposed(candidate: dict[str, str], *_: object) -> dict[str, str]:
        text = ask(Propose(candidate[_RUBRIC]))
        return {} if text is None else {_RUBRIC: text}

    gepa.optimize(
        seed_candidate={_RUBRIC: ask(Propose("")) or ""},
        trainset=list(split.train),
        valset=list(split.validation),
        adapter=_Adapter(ask),
        custom_candidate_proposer=proposed,
        reflection_minibatch_size=min(minibatch, len(split.train)),
        stop_callbacks=lambda _: not ask(Begin()),
        seed=seed,
        logger=_Quiet(),
        skip_perfect_score=False,
        raise_on_exception=True,
        track_best_outputs=False,
    )


class _Adapter:
    """What the package asks of a problem."""

    propose_new_texts = None

    def __init__(self, ask: Ask):
        self._ask = ask

    def evaluate(
        self, batch: list[int], candidate: dict[str, str], capture_traces: bool = False
    ) -> Any:
        from gepa.core.adapter import EvaluationBatch

        scores = self._ask(Evaluate(candidate[_RUBRIC], batch))
        traces = list(batch) if capture_traces else None
        return EvaluationBatch(outputs=scores, scores=scores, trajectories=traces)

    def make_reflective_dataset(self, candidate: Any, batch: Any, names: list[str]) -> Any:
        """Nobody reads it: the policy's own prompt says more."""
        return {name: [{"scores": batch.scores}] for name in names}


class _Quiet:
    def log(self, *_: object) -> None:
        """The journal tells what happened."""
