"""What an audit takes, before it is run and while it runs: calls, tokens and, with prices, money.

    prices = known_prices(Path("prices.yaml"))         # the file's before those of prices.toml
    budget = Budget.parse("12.50")                     # dollars; or "3e6 tokens", "20000 calls"
    budget.spent([Spent("openai/gpt-5-mini", usage)], prices)

Prices of common models stand in `prices.toml` with their date; a file of one's own goes before it.
None is guessed: a model without one has no cost, and a budget in dollars is refused for it. Plans
are made before anything runs, from the arithmetic of the method and the length of the texts; what
they assume stands beside them (`audits.plan`).
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
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
from argo_audit.outside.plain_documents import plain_toml, plain_yaml
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

_HERE = (*_IN_PROCESS, "mockllm/", "given:")
"""What is asked in this process: no limit is set to it unasked."""

_SHIPPED = Path(__file__).with_name("prices.toml")
_AS_OF = "as_of"
_DATE = re.compile(r"[-@](?:\d{8}|\d{4}-\d{2}-\d{2})$")


class Spent(NamedTuple):
    """What calls of a model took, or are expected to take."""

    model: str
    usage: Usage


def read_prices(path: Path) -> Prices:
    """Read a TOML, YAML or JSON file {model: {input, output, input_cache_read}}.

    YAML and JSON are as Inspect takes them for `--model-cost-config`. Raises InputError.
    """
    parse = plain_toml if path.suffix == ".toml" else plain_yaml
    try:
        read = parse(read_text(path))
        if isinstance(read, dict):
            read.pop(_AS_OF, None)
        return TypeAdapter(dict[str, Price]).validate_python(read)
    except (OSError, ValueError) as error:
        remedy = "write {model: {input: 0.25, output: 2.0}}, in dollars per million tokens"
        raise InputError(path, f"not a file of prices ({brief(error):.200})", remedy) from error


def known_prices(path: Path | None = None) -> Prices:
    """The prices that come with the package, and before them those of a file."""
    return {**_shipped(), **(read_prices(path) if path else {})}


@lru_cache(1)
def prices_date() -> str:
    """Of which day the prices are that come with the package."""
    return str(plain_toml(read_text(_SHIPPED))[_AS_OF])


@lru_cache(1)
def _shipped() -> Prices:
    return read_prices(_SHIPPED)


def is_here(model: str) -> bool:
    """Whether a model or object of that name is asked in this process, free of charge."""
    return model.startswith(_HERE)


def is_in_process(model: str) -> bool:
    """Whether a model's weights, or what it has instead, are in this process."""
    return model.startswith(_IN_PROCESS)


def price_of(model: str, prices: Prices) -> Price | None:
    """The price of a model, or of the model that its name is a dated release of."""
    return prices.get(model) or prices.get(_DATE.sub("", model))


def cost(spent: Spent, prices: Prices) -> float | None:
    """Dollars; None where the model has no price and was called."""
    price, usage = price_of(spent.model, prices), spent.usage
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
    dollars: float | None = Field(default=None, gt=0, exclude_if=lambda most: most is None)
    """And no more dollars than these, where the amount is of something else."""

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

    def caps(self) -> tuple["Budget", ...]:
        """Budgets of one unit each, none of which may be overspent."""
        if self.dollars is None:
            return (self,)
        one = self.model_copy(update={"dollars": None})
        return (one, Budget(amount=self.dollars, unit="dollars"))

    def spent(self, all_spent: Iterable[Spent], prices: Prices) -> float:
        """How much of the amount was taken, in its unit.

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
        more = "" if self.dollars is None else f" and ${self.dollars:,.2f}"
        return f"{self.amount:,.0f} {self.unit}{more}"

    def _of(self, spent: Spent, prices: Prices) -> float | None:
        if self.unit == "dollars":
            return cost(spent, prices)
        usage = spent.usage
        return float(usage.tokens if self.unit == "tokens" else usage.calls + usage.repeated)


_OTHER_UNITS = "tokens or calls"
