"""Prices, budgets and what counts towards them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_audit.audits.price import Budget, Price, Spent, cost, read_prices
from argo_audit.errors import InputError
from argo_audit.records import Usage

MODEL = "openai/gpt-5-mini"
PRICES = {MODEL: Price(input=2.0, output=10.0, input_cache_read=0.5)}
counts = st.integers(min_value=0, max_value=10**9)


def test_money_is_tokens_times_their_price_with_cached_ones_cheaper() -> None:
    usage = Usage(calls=3, input_tokens=3_000_000, cached_tokens=1_000_000, output_tokens=500_000)
    assert cost(Spent(MODEL, usage), PRICES) == pytest.approx(2 * 2.0 + 0.5 + 5.0)


def test_cached_tokens_cost_as_others_where_no_price_is_given_for_them() -> None:
    usage = Usage(calls=1, input_tokens=1_000_000, cached_tokens=1_000_000)
    assert cost(Spent("m", usage), {"m": Price(input=3, output=9)}) == pytest.approx(3.0)


def test_a_model_without_a_price_has_no_cost_unless_it_was_not_called() -> None:
    assert cost(Spent("other", Usage(calls=1, output_tokens=1)), PRICES) is None
    assert cost(Spent("other", Usage()), PRICES) == 0.0


@pytest.mark.parametrize("model", ["argo/surface", "argo-hf/path/to/model"])
def test_a_model_in_this_process_costs_nothing(model: str) -> None:
    assert cost(Spent(model, Usage(calls=9, input_tokens=99)), {}) == 0.0


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("12.50", 12.5, "dollars"),
        ("$12.50", 12.5, "dollars"),
        ("3 USD", 3.0, "dollars"),
        ("3e6 tokens", 3e6, "tokens"),
        ("1,000,000 tokens", 1e6, "tokens"),
        ("20000calls", 20_000.0, "calls"),
    ],
)
def test_budgets_are_read(text: str, amount: float, unit: str) -> None:
    assert Budget.parse(text) == Budget.model_validate({"amount": amount, "unit": unit})


@pytest.mark.parametrize(
    "text", ["", "0", "-3", "ten", "5 euros", "5 tokens calls", "nan", "1e", "$"]
)
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no amount"):
        Budget.parse(text)


@given(counts, counts, counts)
def test_a_budget_in_tokens_counts_what_is_read_and_written(
    read: int, out: int, calls: int
) -> None:
    spent = [Spent("any", Usage(calls=calls, input_tokens=read, output_tokens=out))]
    assert Budget.parse("1 tokens").spent(spent, {}) == read + out
    assert Budget.parse("1 calls").spent(spent, {}) == calls


def test_a_budget_in_dollars_needs_prices() -> None:
    spent = [Spent("other", Usage(calls=1, output_tokens=1))]
    with pytest.raises(InputError, match="other has no price"):
        Budget.parse("1").spent(spent, PRICES)


def test_a_budget_may_be_given_as_it_is_written() -> None:
    kept = Budget(amount=20_000, unit="calls")
    assert Budget.model_validate("20000 calls") == kept
    assert Budget.model_validate_json(kept.model_dump_json()) == kept
    with pytest.raises(InputError, match="budget: 'much' is no amount"):
        Budget.model_validate("much")


def test_prices_are_read_as_inspect_reads_them(tmp_path: Path) -> None:
    price = {"input": 0.25, "output": 2, "input_cache_read": 0.025, "input_cache_write": 0}
    yaml, as_json = tmp_path / "prices.yaml", tmp_path / "prices.json"
    yaml.write_text(f"{MODEL}:\n" + "".join(f"  {key}: {value}\n" for key, value in price.items()))
    as_json.write_text(json.dumps({MODEL: price}))
    expected = {MODEL: Price(input=0.25, output=2, input_cache_read=0.025)}
    assert read_prices(yaml) == read_prices(as_json) == expected


@pytest.mark.parametrize(
    "content", ["- a", "{m: {input: -1, output: 2}}", "{m: {input: 1}}", "a: ["]
)
def test_a_file_that_holds_no_prices_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "p.yaml").write_text(content)
    with pytest.raises(InputError, match=r"p\.yaml: not a file of prices"):
        read_prices(tmp_path / "p.yaml")
    with pytest.raises(InputError, match="not a file of prices"):
        read_prices(tmp_path / "absent.yaml")


@given(st.lists(st.tuples(counts, counts, counts, counts)))
def test_usage_adds_up_and_takes_back(rows: list[tuple[int, int, int, int]]) -> None:
    names = ("calls", "input_tokens", "cached_tokens", "output_tokens")
    usages = [Usage(**dict(zip(names, row, strict=True))) for row in rows]
    total = Usage.total(usages)
    assert total.calls == sum(row[0] for row in rows)
    for usage in usages:
        total -= usage
    assert total == Usage()
