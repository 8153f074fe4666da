"""What an audit will take, as a table for a terminal, and what there is to say of it."""

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from argo_audit.audits.afford import allowed, known_cost, models_of
from argo_audit.audits.plan import AuditPlan, Phase, times
from argo_audit.audits.price import (
    Budget,
    Prices,
    Spent,
    cost,
    is_here,
    is_in_process,
    price_of,
    prices_date,
)
from argo_audit.audits.request import AuditRequest
from argo_audit.cli.terminal import row
from argo_audit.records import Usage


def plan_table(
    plan: AuditPlan, prices: Prices, budget: Budget | None = None, retries: int = 0
) -> Table:
    """One row per phase as expected, the sum that counts towards a budget, and the most of it."""
    table = phases_table("What this audit is expected to take, and at most", plan.phases, prices)
    add_most(table, plan.at_most(), retries, budget, prices)
    return table


def add_most(
    table: Table, most: Sequence[Spent], retries: int, budget: Budget | None, prices: Prices
) -> None:
    """Rows of what it can be at most, where no call fails and where each is repeated.

    Neither is more than the budget allows.
    """
    _most_row(table, "at most, if no call fails", most, budget, prices)
    again = [
        one if is_in_process(one.model) else one._replace(usage=times(one.usage, 1 + retries))
        for one in most
    ]
    if again != list(most):
        name = f"at most, if each is repeated {retries} times"
        _most_row(table, name, again, budget, prices)


def _most_row(
    table: Table, name: str, most: Sequence[Spent], budget: Budget | None, prices: Prices
) -> None:
    usage = Usage.total(spent.usage for spent in most)
    caps = {cap.unit: cap.amount for cap in (budget.caps() if budget else ())}
    calls = int(min(usage.calls, caps.get("calls", usage.calls)))
    numbers = _numbers(usage.model_copy(update={"calls": calls}))
    row(table, name, "", *numbers, _dollars(allowed(most, budget, prices), counted=True))


def phases_table(title: str, phases: Sequence[Phase], prices: Prices) -> Table:
    """One row per phase, and the sum of what is asked."""
    table = Table(title=title, box=SIMPLE_HEAD, show_edge=False)
    for column in ("phase", "model"):
        table.add_column(column, overflow="fold")
    for column in ("calls", "tokens read", "tokens written", "dollars"):
        table.add_column(column, justify="right", no_wrap=True)
    for phase in phases:
        money = cost(Spent(phase.model, phase.usage), prices) if phase.counted else None
        row(table, phase.name, phase.model, *_numbers(phase.usage), _dollars(money, phase.counted))
    counted = [Spent(phase.model, phase.usage) for phase in phases if phase.counted]
    usage = Usage.total(spent.usage for spent in counted)
    total = _dollars(known_cost(counted, prices), counted=True)
    row(table, "sum of what is asked", "", *_numbers(usage), total)
    return table


def _numbers(usage: Usage) -> tuple[str, str, str]:
    return f"{usage.calls:,}", f"{usage.input_tokens:,}", f"{usage.output_tokens:,}"


def _dollars(money: float | None, counted: bool) -> str:
    if not counted:
        return "own machine"
    return "no price" if money is None else f"{money:,.2f}"


def plan_sentences(
    request: AuditRequest, sized: AuditRequest, plan: AuditPlan, prices: Prices
) -> Iterator[str]:
    """What holds the audit to its budget, what was made smaller for it, and whose prices these are.

    `request` is what was asked for, `sized` what will be done.
    """
    if sized.budget is None:
        return
    unasked = "" if request.budget else " (the default; --budget sets another)"
    yield f"Never more than {sized.budget}{unasked}, repeated calls and votes included."
    if changes := ", ".join(_changes(request, sized)):
        yield f"To fit: {changes}. What you set is kept as it is."
    if plan.dearer > 1:
        yield (
            f"A judge without log-probabilities takes up to {plan.dearer} times the calls a "
            "verdict: then there are fewer steps."
        )
    yield from price_sentences(models_of(sized), prices)


def price_sentences(models: Sequence[str], prices: Prices) -> Iterator[str]:
    """Whose prices are not known, and of when those are that come with the package."""
    elsewhere = [model for model in dict.fromkeys(models) if not is_here(model)]
    unknown = [model for model in elsewhere if price_of(model, prices) is None]
    if unknown:
        yield f"The price of {', '.join(unknown)} is not known: give it by --prices FILE."
    if len(unknown) < len(elsewhere):
        yield f"Prices are those of {prices_date()}, but for models that --prices names."


def _changes(request: AuditRequest, sized: AuditRequest) -> Iterator[str]:
    for name in ("steps", "minibatch", "windows", "top"):
        before, now = (getattr(one.search, name) for one in (request, sized))
        if before != now:
            yield f"{name} {now} (not {before})"
    for name in ("rounds", "lines", "pairs", "race", "heats"):
        before, now = (getattr(one.search.lead, name) for one in (request, sized))
        if before != now:
            yield f"lead.{name} {now} (not {before})"
    before, now = (one.search.gepa.validation for one in (request, sized))
    if before != now:
        yield f"gepa.validation {now} (not {before})"
    before, now = (one.policy_settings.rubrics_per_prompt for one in (request, sized))
    if before != now:
        yield f"rubrics_per_prompt {now} (not {before})"
    if request.judged_pairs != sized.judged_pairs:
        yield f"at most {sized.judged_pairs} dev and as many held-out pairs"
