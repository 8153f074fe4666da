"""The budget of an audit, while it is spent.

    purse = open_purse(request)              # InputError when it would not last for one step
    purse.allows(folder.journal)             # may this search take another step?

The budget is divided evenly among the searches. Each of them ends in time for its own selection and
evaluation, so that what it found is measured: a partial result is a valid one. What a step and they
will take is the plan's estimate, scaled by how it has turned out so far.
"""

from dataclasses import dataclass

from argo_audit.audits.plan import AuditPlan, plan_audit
from argo_audit.audits.preparing import policy_settings
from argo_audit.audits.price import Budget, Prices, Spent, cost, read_prices
from argo_audit.audits.request import AuditRequest
from argo_audit.errors import InputError
from argo_audit.records import Usage
from argo_audit.search.journal import Journal


@dataclass(frozen=True)
class Purse:
    """What may be spent, and what is expected to be; without a budget it allows everything."""

    request: AuditRequest
    prices: Prices
    plan: AuditPlan | None
    budget: Budget | None

    def allows(self, journal: Journal) -> bool:
        """Whether a search with this record may take another step."""
        if self.budget is None or self.plan is None:
            return True
        spent = self._spent(spent_on(self.request, journal))
        step, after = self._spent(self.plan.step), self._spent(self.plan.after)
        planned = step * len(journal.steps)
        scale = spent / planned if planned else 1.0
        return spent + scale * (step + after) <= self.budget.amount / self.plan.searches

    def taken(self, journal: Journal) -> tuple[int, float | None]:
        """Calls and dollars of a search so far; None where prices are not given, or one lacks."""
        spent = spent_on(self.request, journal)
        costs = [cost(one, self.prices) for one in spent] if self.prices else [None]
        dollars = None if None in costs else sum(money for money in costs if money is not None)
        return sum(one.usage.calls for one in spent), dollars

    def check(self) -> None:
        """Raise InputError when the budget would not last for one step of each search."""
        if self.budget is None or self.plan is None:
            return
        least = self._spent(self.plan.least())
        if least > self.budget.amount:
            needed = self.budget.model_copy(update={"amount": least})
            raise InputError(
                "budget",
                f"{self.budget} does not last for one step of each search, its selection and its "
                f"evaluation, which take about {needed}",
                "raise it, or lower minibatch, top or windows in [search]; --dry-run shows more",
            )

    def _spent(self, spent: "list[Spent] | tuple[Spent, ...]") -> float:
        return self.budget.spent(spent, self.prices) if self.budget else 0.0


def open_purse(request: AuditRequest) -> Purse:
    """The purse of an audit. Raises InputError for prices and budgets that cannot be used."""
    prices = prices_of(request)
    plan = plan_audit(request, policy_settings(request)) if request.budget else None
    purse = Purse(request, prices, plan, request.budget)
    purse.check()
    return purse


def prices_of(request: AuditRequest) -> Prices:
    """The prices that the request names, and those of what is built in."""
    return read_prices(request.prices) if request.prices else {}


def spent_on(request: AuditRequest, journal: Journal) -> list[Spent]:
    """What a search has taken of the models that count towards a budget."""
    used = journal.used()
    judged = Usage.total(used[phase] for phase in used if phase.startswith("judge"))
    written = [(request.sampled_policy, used["policy"]), (request.rewriter, used["rewriter"])]
    return [
        Spent(request.judge, judged),
        *(Spent(model, usage) for model, usage in written if model),
    ]
