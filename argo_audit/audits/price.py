"""What an audit takes, before it is run and while it runs: calls, tokens and, with prices, money.

    prices = read_prices(Path("prices.yaml"))          # as for Inspect's --model-cost-config
    budget = Budget.parse("12.50")                     # dollars; or "3e6 tokens", "20000 calls"
    budget.spent([Spent("openai/gpt-5-mini", usage)], prices)

Prices are never guessed: a model without one has no cost, and a budget in dollars is refused for
it. Plans are made before anything runs, from the arithmetic of the method and the length of the
texts; what they assume stands beside them (`audits.plan`).
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import (
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    TypeAdapter,
    model_validator,
)

from argo_audit.errors import InputError, brief
from argo_audit.outside.caps import read_text
from argo_audit.outside.plain_documents import plain_yaml
from argo_audit.records import Record, Usage

Unit = Literal["dollars", "tokens", "calls"]
_MILLION = 1_000_000
_AMOUNT = re.compile(
    r"\$?\s*(?P<amount>[0-9][0-9_,]*\.?[0-9]*(?:e[0-9]+)?)\s*(?P<unit>[a-z]*)", re.IGNORECASE
)
_UNITS: Mapping[str, Unit] = {
    "": "dollars", "usd": "dollars", "dollars": "dollars", "tokens": "tokens", "calls": "calls",
}  # fmt: skip


class Price(Record):
    """Dollars per million tokens; `input_cache_read` is `input` where it is not given."""

    model_config = ConfigDict(extra="ignore")

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    input_cache_read: float | None = Field(default=None, ge=0)


Prices = Mapping[str, Price]
"""By model, as it is named on the command line."""

_IN_PROCESS = ("argo/", "argo-hf/")
"""Providers of models that run in this process: their calls cost nothing."""


class Spent(NamedTuple):
    """What calls of a model took, or are expected to take."""

    model: str
    usage: Usage


def read_prices(path: Path) -> Prices:
    """Read a YAML or JSON file {model: {input, output, input_cache_read}}.

    It is the file that Inspect takes as `--model-cost-config`. Raises InputError.
    """
    try:
        read = plain_yaml(read_text(path))
        return TypeAdapter(dict[str, Price]).validate_python(read)
    except (OSError, ValueError) as error:
        remedy = "write {model: {input: 0.25, output: 2.0}}, in dollars per million tokens"
        raise InputError(path, f"not a file of prices ({brief(error):.200})", remedy) from error


def cost(spent: Spent, prices: Prices) -> float | None:
    """Dollars; None where the model has no price and was called."""
    price, usage = prices.get(spent.model), spent.usage
    if spent.model.startswith(_IN_PROCESS):
        return 0.0
    if price is None:
        return None if usage.tokens else 0.0
    cached = price.input if price.input_cache_read is None else price.input_cache_read
    read = (usage.input_tokens - usage.cached_tokens) * price.input + usage.cached_tokens * cached
    return (read + usage.output_tokens * price.output) / _MILLION


class Budget(Record):
    """The most that an audit may take."""

    amount: float = Field(gt=0)
    unit: Unit

    @model_validator(mode="wrap")
    @classmethod
    def _from_text(cls, given: object, made: ModelWrapValidatorHandler["Budget"]) -> "Budget":
        """A budget may be given as it is written."""
        return cls.parse(given) if isinstance(given, str) else made(given)

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """Read "12.50", "$12.50", "12.50 USD", "3e6 tokens" or "20000 calls"; else InputError."""
        found = _AMOUNT.fullmatch(text.strip())
        unit = _UNITS.get(found["unit"].lower()) if found else None
        if not found or unit is None or not float(amount := re.sub("[_,]", "", found["amount"])):
            remedy = 'write "12.50" for dollars, "3000000 tokens" or "20000 calls"'
            raise InputError("budget", f"{text!r} is no amount", remedy)
        return cls(amount=float(amount), unit=unit)

    def spent(self, all_spent: Iterable[Spent], prices: Prices) -> float:
        """How much of the budget was taken, in its unit.

        Raises InputError for a budget in dollars when a model that was called has no price.
        """
        total = 0.0
        for spent in all_spent:
            taken = self._of(spent, prices)
            if taken is None:
                remedy = f"give its price in a file of prices, or a budget in {_OTHER_UNITS}"
                raise InputError("budget", f"{spent.model} has no price", remedy)
            total += taken
        return total

    def __str__(self) -> str:
        """As it is shown."""
        if self.unit == "dollars":
            return f"${self.amount:,.2f}"
        return f"{self.amount:,.0f} {self.unit}"

    def _of(self, spent: Spent, prices: Prices) -> float | None:
        if self.unit == "dollars":
            return cost(spent, prices)
        return float(spent.usage.tokens if self.unit == "tokens" else spent.usage.calls)


_OTHER_UNITS = "tokens or calls"
