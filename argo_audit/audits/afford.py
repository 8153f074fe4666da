"""An audit that a person can pay: its budget, and its size made to fit.

    request = affordable(request)              # its budget, and a search that the budget affords
    agreed(request, told, sure)                # raises InputError where nobody has agreed to pay

Unless told otherwise, an audit whose models do not all run in this process takes DEFAULT calls at
most and, where the prices of all of them are known, DOLLARS: search, selection and evaluation
together, however many pairs there are and however long they are. What the user has set of the
search stays as it is; what he has not is made smaller until the whole fits: fewer steps or rounds,
smaller minibatches, fewer rubrics a prompt, fewer rubrics that are selected among, fewer pairs of
dev and held-out. The request that goes on record has these sizes, so that a resumed audit is the
one that was begun.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf

from argo_audit.audits.plan import AuditPlan, Planner
from argo_audit.audits.preparing import policy_settings
from argo_audit.audits.price import (
    Budget,
    Prices,
    Spent,
    cost,
    is_here,
    is_in_process,
    known_prices,
    price_of,
)
from argo_audit.audits.request import AuditRequest
from argo_audit.errors import InputError
from argo_audit.search.arithmetic import arithmetic_of
from argo_audit.search.sizes import Sized

DEFAULT = Budget(amount=20_000, unit="calls")
"""The most that an audit takes of models elsewhere, unless it is told otherwise."""

DOLLARS = 20.0
"""And the most that it costs, where that can be known."""

ASKED_ABOVE = 5.0
"""Dollars, known to be spent, above which somebody is asked first."""

FEWEST_PAIRS = 40
"""Of dev, and of held-out: with fewer an interval says nothing."""
_MEASURING = 0.2
"""Share of a budget that selection and evaluation may take: without log-probabilities thrice it."""
_MOST_SELECTED = 3

Sure = Callable[[str], bool]
"""Asks whether to go on, in a sentence that says what it costs."""


def models_of(request: AuditRequest) -> list[str]:
    """The models that are asked, and may have a price."""
    named = (request.judge, request.sampled_policy, request.rewriter)
    return list(dict.fromkeys(model for model in named if model and not is_here(model)))


def is_limited(request: AuditRequest) -> bool:
    """Whether there is a limit to what it may take: one that was asked for, or the default."""
    return request.budget is not None or bool(models_of(request))


def affordable(request: AuditRequest) -> AuditRequest:
    """The request with its budget, at a size that the budget affords.

    Raises InputError for a budget that does not afford the least valid result, which it names.
    """
    if not is_limited(request):
        return request
    usual = default_budget(models_of(request), known_prices(request.prices))
    budgeted = request.model_copy(update={"budget": request.budget or usual})
    return _Fitting(budgeted).fitted()


def default_budget(models: Iterable[str], prices: Prices) -> Budget:
    """The most that is taken of these models unless told otherwise, in dollars too if it can be."""
    priced = all(is_in_process(model) or price_of(model, prices) for model in models)
    return DEFAULT.model_copy(update={"dollars": DOLLARS}) if priced else DEFAULT


def known_cost(all_spent: Iterable[Spent], prices: Prices) -> float | None:
    """Dollars of what is planned; None where a model has no price."""
    costs = [cost(spent, prices) for spent in all_spent]
    return None if None in costs else sum(money for money in costs if money is not None)


def agreed(request: AuditRequest, told: Budget | None, sure: Sure | None) -> None:
    """Raise InputError where an audit costs more than ASKED_ABOVE and nobody has agreed to that.

    `told` is the budget that was asked for; `sure` asks, None where nobody can be asked.
    """
    if told is not None or request.budget is None:
        return
    plan = Planner(request).plan(request, policy_settings(request))
    prices = known_prices(request.prices)
    money, most = known_cost(plan.spent(), prices), most_dollars(plan, request.budget, prices)
    if money is not None:
        said = (
            f"this audit costs about ${money:,.2f}, and takes {request.budget} at most: up to {{}}"
        )
        check_agreed(said, most, sure)


def most_dollars(plan: AuditPlan, budget: Budget | None, prices: Prices) -> float | None:
    """The most that it can cost: all as dear as it can be, or what the budget allows."""
    return allowed(plan.at_most(), budget, prices)


def allowed(spent: Sequence[Spent], budget: Budget | None, prices: Prices) -> float | None:
    """What that costs, and no more than the budget allows."""
    money = known_cost(spent, prices)
    caps = [cap.amount for cap in (budget.caps() if budget else ()) if cap.unit == "dollars"]
    return None if money is None else min([money, *caps])


def check_agreed(said: str, money: float | None, sure: Sure | None) -> None:
    """Raise InputError where that much, put into the sentence, is not agreed to by anybody."""
    if money is None or money <= ASKED_ABOVE:
        return
    said = said.format(f"${money:,.2f}")
    if sure is None or not sure(said):
        remedy = (
            'say --yes, or what may be spent: --budget 12.50 (dollars), "20000 calls" '
            '(in Python budget="12.50")'
        )
        raise InputError("budget", f"{said}; nothing was asked yet", remedy)


class BudgetTooSmallError(InputError):
    """A budget that does not afford a valid result; `smallest` is the audit that it was held to."""

    smallest: AuditRequest | None = None


def too_small(
    budget: Budget, least: float, smallest: AuditRequest | None = None
) -> BudgetTooSmallError:
    """The error of a budget that does not afford a valid result."""
    needed = budget.model_copy(update={"amount": least})
    error = BudgetTooSmallError(
        "budget",
        f"{budget} does not last for one step of each search, its selection and its evaluation, "
        f"which take about {needed} at most",
        "raise --budget (in Python budget=), or lower what is set of the search and judged_pairs; "
        "--dry-run shows the plan of the smallest",
    )
    error.smallest = smallest
    return error


class _Fitting:
    """The largest size of an audit that its budget affords."""

    def __init__(self, request: AuditRequest):
        self._request, self._planner = request, Planner(request)
        self._prices = known_prices(request.prices)
        self._settings = policy_settings(request)
        self._caps = (request.budget or DEFAULT).caps()

    def fitted(self) -> AuditRequest:
        """Of the sizes that fit the largest, else the least that begins."""
        least = self._request
        for least in self._sizes():
            if self._fits(least):
                return least
        plan = self._plan(least)
        for cap in self._caps:
            needed = cap.spent(plan.least(), self._prices)
            if needed > cap.amount:
                raise too_small(cap, needed, least)
        return least

    def _sizes(self) -> Iterator[AuditRequest]:
        """As it is asked for; smaller; smaller with the fewest pairs."""
        yield self._request
        most = self._most_judged()
        for judged in dict.fromkeys((most, FEWEST_PAIRS)):
            yield from self._smaller(self._with_pairs(judged))

    def _smaller(self, request: AuditRequest) -> Iterator[AuditRequest]:
        policy, search = request.policy_settings, request.search
        fixed = frozenset(search.model_fields_set | policy.model_fields_set)
        given = self._planner.given(request)._replace(fixed=fixed)
        sized = Sized(search, self._settings.rubrics_per_prompt)
        yield request
        for one in arithmetic_of(request.search_name).smaller(sized, given):
            update: dict[str, object] = {"search": one.search}
            if one.rubrics_per_prompt != sized.rubrics_per_prompt:
                less = {"rubrics_per_prompt": one.rubrics_per_prompt}
                update["policy_settings"] = policy.model_copy(update=less)
            yield request.model_copy(update=update)

    def _with_pairs(self, judged: int) -> AuditRequest:
        """No more pairs of dev and of held-out, unless the user has said how many."""
        given = self._planner.given(self._request)
        if self._request.judged_pairs is not None or judged >= max(given.dev, given.held_out):
            return self._request
        return self._request.model_copy(update={"judged_pairs": judged})

    def _most_judged(self) -> int:
        """So many that evaluation, and selection of one rubric a window, take their share."""
        searches, judgment = len(self._request.labels), self._planner.judgment(self._request)
        taken = [(cap.amount, cap.spent([judgment], self._prices)) for cap in self._caps]
        judgments = min(amount / one if one else inf for amount, one in taken)
        each = (searches + 1) + 2 * _MOST_SELECTED * searches
        return max(FEWEST_PAIRS, int(min(_MEASURING * judgments / each, 10**9)))

    def _fits(self, request: AuditRequest) -> bool:
        """All of it as planned, and its least at the most that it can take."""
        plan = self._plan(request)
        return all(
            cap.spent(spent, self._prices) <= cap.amount
            for cap in self._caps
            for spent in (plan.spent(), plan.least())
        )

    def _plan(self, request: AuditRequest) -> AuditPlan:
        asked = request.policy_settings
        own = asked.model_dump(include={"rubrics_per_prompt"} & asked.model_fields_set)
        return self._planner.plan(request, self._settings.model_copy(update=own))
