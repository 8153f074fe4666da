"""What a search asks for, by the arithmetic of its method, and how it is made smaller.

    arithmetic = arithmetic_of("argo")
    arithmetic.work(sized, given).judged              # judgments of one step
    next(arithmetic.smaller(sized, given))            # the same search, on a smaller scale

A judgment is one pair asked about in both orders, whatever is asked: a rubric, or some lines of
one. A search of a package says what it takes by an object of its module that is an Arithmetic,
registered in `ARITHMETICS`; one that says nothing is taken to be as long as `argo`.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple, Protocol

from argo_audit.search.search_settings import ARGO, SearchConfig


class Sized(NamedTuple):
    """The size of a search: its settings, and how many rubrics answer one policy prompt."""

    search: SearchConfig
    rubrics_per_prompt: int


class Given(NamedTuple):
    """How many pairs a search is given; what a user has set is in `fixed`, and is not made smaller.

    `fixed` names fields of `SearchConfig`, and `rubrics_per_prompt`.
    """

    train: int
    dev: int
    held_out: int
    fixed: frozenset[str] = frozenset()


class Work(NamedTuple):
    """Of one search, at most: `steps`, what each of them asks for, and the judgments of selection.

    Of a step: `judged` pairs, texts `written` by the policy, prompts that a rewriter `rewrites`.
    """

    steps: int
    judged: int
    written: int
    rewrites: int
    selection: int


class Arithmetic(Protocol):
    """What one kind of search takes."""

    def work(self, sized: Sized, given: Given, steps: int | None = None) -> Work:
        """What a search of that size asks for, or one that its budget ends after so many steps."""

    def smaller(self, sized: Sized, given: Given) -> Iterator[Sized]:
        """Smaller sizes than this, the largest first; the last is the least that is of any use."""


class ArgoArithmetic:
    """Of `argo`: all rubrics of a step on one minibatch; then the best of windows."""

    def work(self, sized: Sized, given: Given, steps: int | None = None) -> Work:
        """A top that is not full is counted as it can be at most."""
        search, variants = sized.search, len(sized.search.feedback.variants)
        steps = search.steps if steps is None else steps
        rubrics = sized.rubrics_per_prompt * variants
        selected = min(
            search.windows * search.top,
            steps * rubrics,
            min(search.windows, steps) * search.top,
        )
        return Work(
            steps=steps,
            judged=rubrics * min(search.minibatch, given.train),
            written=rubrics,
            rewrites=variants,
            selection=selected * (given.dev + given.held_out),
        )

    def smaller(self, sized: Sized, given: Given) -> Iterator[Sized]:
        """By all they take; selection has a quarter of training, and one rubric a window."""
        tried = product(_RUBRICS, _MINIBATCHES, _STEPS)
        sizes = dict.fromkeys(self._of(sized, given, *one) for one in tried)
        order = sorted(sizes, key=lambda one: self._total(one, given), reverse=True)
        whole = self._total(sized, given)
        yield from (one for one in order if self._total(one, given) < whole)

    def _of(self, sized: Sized, given: Given, rubrics: int, minibatch: int, steps: int) -> Sized:
        search = sized.search
        wanted = {"minibatch": minibatch, "steps": steps, "windows": _WINDOWS}
        update = {
            name: min(value, getattr(search, name))
            for name, value in wanted.items()
            if name not in given.fixed
        }
        if "rubrics_per_prompt" not in given.fixed:
            rubrics = min(rubrics, sized.rubrics_per_prompt)
        else:
            rubrics = sized.rubrics_per_prompt
        made = Sized(search.model_copy(update=update), rubrics)
        return made if "top" in given.fixed else self._topped(made, given)

    def _topped(self, sized: Sized, given: Given) -> Sized:
        """With as many rubrics a window as a quarter of the training pays for, and one at least."""
        one = sized._replace(search=sized.search.model_copy(update={"top": 1}))
        work = self.work(one, given)
        affords = work.steps * work.judged // (4 * work.selection or 1)
        top = max(1, min(affords, sized.search.top))
        return sized._replace(search=sized.search.model_copy(update={"top": top}))

    def _total(self, sized: Sized, given: Given) -> int:
        work = self.work(sized, given)
        return work.steps * work.judged + work.selection


_RUBRICS = (8, 4, 2)
_MINIBATCHES = (256, 128, 64, 48, 32)
_STEPS = (40, 30, 20, 15, 12, 9, 6, 4, 3, 2, 1)
_WINDOWS = 3

ARITHMETICS: Mapping[str, Arithmetic] = {ARGO: ArgoArithmetic()}
"""By the name of the search."""


def arithmetic_of(search: str) -> Arithmetic:
    """What a search of that name takes."""
    return ARITHMETICS.get(search, ARITHMETICS[ARGO])
