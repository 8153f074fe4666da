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
from typing import Protocol

from argo_audit.search.line_arithmetic import (
    LeadArithmetic,
    LogisticArithmetic,
    asked_of,
    raced_of,
)
from argo_audit.search.search_settings import ARGO, GEPA, LEAD, LOGISTIC, SearchConfig
from argo_audit.search.sizes import Given, Sized, Work


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
        warm = search.lead.rounds if search.warm_start else 0
        steps = search.steps + warm if steps is None else steps
        rubrics = sized.rubrics_per_prompt * variants
        selected = min(
            search.windows * search.top,
            steps * rubrics,
            min(search.windows, steps) * search.top,
        )
        return Work(
            steps=steps,
            judged=max(rubrics * min(search.minibatch, given.train), _warming(search, given)),
            written=rubrics,
            rewrites=variants,
            selection=(selected + warm) * (given.dev + given.held_out),
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


class GepaArithmetic:
    """Of `gepa`: a parent and its child on a minibatch, and the child on the validation pairs."""

    def work(self, sized: Sized, given: Given, steps: int | None = None) -> Work:
        """As if every child were better than its parent; the best of each third is measured."""
        gepa, steps = sized.search.gepa, sized.search.steps if steps is None else steps
        return Work(
            steps=steps,
            judged=2 * gepa.minibatch + min(gepa.validation, given.train // 2),
            written=sized.rubrics_per_prompt * len(sized.search.feedback.variants),
            rewrites=0,
            selection=min(_WINDOWS, steps) * (given.dev + given.held_out),
        )

    def smaller(self, sized: Sized, given: Given) -> Iterator[Sized]:
        """Fewer validation pairs, then fewer steps."""
        search = sized.search
        for steps, validation in product(_STEPS, _VALIDATIONS):
            wanted = {
                "steps": min(steps, search.steps),
                "gepa": search.gepa.model_copy(
                    update={"validation": min(validation, search.gepa.validation)}
                ),
            }
            update = {name: value for name, value in wanted.items() if name not in given.fixed}
            yield sized._replace(search=search.model_copy(update=update))


def _warming(search: SearchConfig, given: Given) -> int:
    """Judgments of a round of the warm start; 0 without one."""
    lead = search.lead
    asked = asked_of(lead, given.lines_per_call, given.train) + raced_of(lead, given.train)
    return asked if search.warm_start else 0


_RUBRICS = (8, 4, 2)
_MINIBATCHES = (256, 128, 64, 48, 32)
_STEPS = (40, 30, 20, 15, 12, 9, 6, 4, 3, 2, 1)
_WINDOWS = 3
_VALIDATIONS = (64, 48, 32)

ARITHMETICS: Mapping[str, Arithmetic] = {
    ARGO: ArgoArithmetic(),
    GEPA: GepaArithmetic(),
    LEAD: LeadArithmetic(),
    LOGISTIC: LogisticArithmetic(),
}
"""By the name of the search."""


def arithmetic_of(search: str) -> Arithmetic:
    """What a search of that name takes."""
    return ARITHMETICS.get(search, ARITHMETICS[ARGO])
