"""The budget of an audit, while it is spent.

    purse = open_purse(request)              # InputError when it would not last for one step
    with purse.open():                       # no request goes beyond the budget (`judges.meter`)
        purse.allows(folder.journal)         # may this search take another step?

The budget is divided evenly among the searches. Each of them ends in time for its own selection and
evaluation, so that what it found is measured: a partial result is a valid one. What a step and they
will take is the plan's estimate, scaled by how it has turned out so far, repeated requests and
votes in place of log-probabilities included; before anything has turned out, by the most that it
can be. Should a judge become dearer still once the last step is taken, the meter ends the audit at
its budget: it goes on from there with another one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple

from argo_audit.audits.afford import too_small
from argo_audit.audits.plan import AuditPlan, plan_audit
from argo_audit.audits.preparing import policy_settings
from argo_audit.audits.price import Budget, Prices, Spent, cost, is_here, known_prices, prices_date
from argo_audit.audits.request import AuditRequest
from argo_audit.judges.meter import Meter, metered
from argo_audit.judges.replays import count_as_given
from argo_audit.records import Usage
from argo_audit.search.journal import Journal

_SPARE = 1.1
"""How much more is left for selection and evaluation than they will take as it has turned out."""


class Taken(NamedTuple):
    """What was asked, and its dollars."""

    calls: int
    dollars: float | None


@dataclass(frozen=True)
class Purse:
    """What may be spent, and what is expected to be; without a budget it allows everything.

    `meter` counts what is asked over all of its searches, `earlier` is what was before.
    """

    request: AuditRequest
    prices: Prices
    plan: AuditPlan | None
    budget: Budget | None
    meter: Meter | None = None
    earlier: list[Spent] = field(default_factory=list)

    @contextmanager
    def open(self, earlier: Sequence[Spent] = ()) -> Iterator[None]:
        """Count what is asked in the block; `earlier` was spent before the audit went on."""
        self.earlier[:] = earlier
        for cap, meter in self._caps():
            if meter is not None:
                meter.spent = cap.spent(self.earlier, self.prices)
        with metered(self.meter):
            yield

    def allows(self, journal: Journal) -> bool:
        """Whether a search with this record may take another step."""
        plan, spent = self.plan, spent_on(self.request, journal)
        done = len(journal.steps)
        return plan is None or all(
            self._affords(plan, spent, done, cap, meter) for cap, meter in self._caps()
        )

    def _affords(
        self, plan: AuditPlan, took: list[Spent], done: int, cap: Budget, meter: Meter | None
    ) -> bool:
        """Of one search, and over all of them."""
        spent, step = self._in(cap, took), self._in(cap, plan.step)
        after = self._in(cap, plan.after_steps(done + 1))
        planned = step * done if _has_turned_out(took) else 0.0
        scale = self._in(cap, _unkept(took)) / planned if planned else float(plan.dearer)
        spare = _SPARE if planned and scale > 1 else 1.0
        more = scale * (step + spare * after)
        share = (cap.amount - self._in(cap, plan.checked)) / plan.searches
        return spent + more <= share and (meter is None or meter.spent + more <= cap.amount)

    def _caps(self) -> Iterator[tuple[Budget, Meter | None]]:
        """What may not be overspent, and what counts it."""
        caps = self.budget.caps() if self.budget else ()
        return zip_longest(caps, self.meter.each() if self.meter else ())

    def taken(self, journal: Journal) -> Taken:
        """Calls and dollars of a search so far."""
        return self._taken(spent_on(self.request, journal))

    def counted(self) -> Taken:
        """Calls and dollars of what was asked since the purse was opened."""
        return self._taken(self._used())

    def sentence(self) -> str:
        """What the audit took of models elsewhere, with its dollars where they are known.

        "" where none was asked.
        """
        spent = [one for one in (*self.earlier, *self._used()) if one.usage != Usage()]
        taken = self._taken(spent)
        models = dict.fromkeys(one.model for one in spent if not is_here(one.model))
        if not models:
            return ""
        dollars = "" if taken.dollars is None else f", for ${taken.dollars:,.2f}"
        prices = (
            "no price is known"
            if taken.dollars is None
            else f"prices of {prices_date()} unless others were given"
        )
        return (
            f"Models were asked {taken.calls:,} times{dollars} "
            f"({', '.join(models)}; budget {self.budget}; {prices}){_kept(spent)}"
        )

    def _used(self) -> list[Spent]:
        used = self.meter.used if self.meter else {}
        return [Spent(model, usage) for model, usage in used.items()]

    def _taken(self, spent: Sequence[Spent]) -> Taken:
        """The dollars are None where a price lacks, or nothing costs any."""
        costs = [cost(one, self.prices) for one in spent]
        free = all(is_here(one.model) for one in spent)
        dollars = None if free or None in costs else sum(money for money in costs if money)
        return Taken(sum(one.usage.calls + one.usage.repeated for one in spent), dollars)

    def check(self) -> None:
        """Raise InputError when the budget would not last for one step of each search."""
        if self.budget is None or self.plan is None:
            return
        for cap in self.budget.caps():
            least = self._in(cap, self.plan.least())
            if least > cap.amount:
                raise too_small(cap, least)

    def on_record(self, journals: Sequence[Journal], evaluated: int) -> list[Spent]:
        """What these searches have taken, and so many evaluations as they were planned."""
        if self.plan is None:
            return []
        spent = [one for journal in journals for one in spent_on(self.request, journal)]
        return [*spent, *self.plan.after_steps(1)[-1:] * evaluated]

    def _in(self, cap: Budget, spent: Sequence[Spent]) -> float:
        return cap.spent(spent, self.prices)


def open_purse(request: AuditRequest) -> Purse:
    """The purse of an audit. Raises InputError for prices and budgets that cannot be used."""
    prices, budget = prices_of(request), request.budget
    if budget is None:
        return Purse(request, prices, None, None)
    plan = plan_audit(request, policy_settings(request))
    purse = Purse(request, prices, plan, budget, meter_of(budget, prices))
    purse.check()
    return purse


def meter_of(budget: Budget, prices: Prices) -> Meter:
    """Counts what is asked, in each unit of the budget."""
    first, *others = (_meter(cap, prices) for cap in budget.caps())
    first.also = others[0] if others else None
    return first


def _meter(cap: Budget, prices: Prices) -> Meter:
    return Meter(
        cap.amount, lambda model, usage: cap.spent([Spent(model, usage)], prices), str(cap)
    )


def prices_of(request: AuditRequest) -> Prices:
    """The prices that come with the package, and before them those that the request names."""
    return known_prices(request.prices)


def spent_on(request: AuditRequest, journal: Journal) -> list[Spent]:
    """What a search has taken of the models that count towards a budget."""
    used = journal.used()
    judged = Usage.total(used[phase] for phase in used if phase.startswith("judge"))
    written = [(request.sampled_policy, used["policy"]), (request.rewriter, used["rewriter"])]
    return [
        Spent(request.judge, judged),
        *(Spent(model, usage) for model, usage in written if model),
    ]


def _kept(spent: Sequence[Spent]) -> str:
    """What became of replies that Inspect's cache gave again."""
    if count_as_given():
        return "; the audit was interrupted, and replies kept by then count as asked"
    replayed = sum(one.usage.replayed for one in spent)
    return f"; {replayed:,} kept replies were not asked for again" if replayed else ""


def _has_turned_out(took: Sequence[Spent]) -> bool:
    """Whether it has shown what each model takes: from replies of the cache alone nobody knows."""
    return all(one.usage.calls or not one.usage.replayed for one in took)


def _unkept(took: Sequence[Spent]) -> list[Spent]:
    """What it would have taken without Inspect's cache: steps to come may find nothing there."""
    return [Spent(model, _without_cache(usage)) for model, usage in took]


def _without_cache(usage: Usage) -> Usage:
    if not usage.replayed or not usage.calls:
        return usage
    grown = 1 + usage.replayed / usage.calls
    counts = usage.model_dump(include={"calls", "input_tokens", "cached_tokens", "output_tokens"})
    return usage.model_copy(update={name: round(grown * n) for name, n in counts.items()})
