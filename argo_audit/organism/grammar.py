"""A small grammar that turns templates into varied English, always from a given generator.

    >>> grammar = Grammar({"state": ("ready", "ready")})
    >>> grammar.expand("the {dough|dough} is {state}", random.Random(0), {})
    'the dough is ready'

`{a|b}` picks one alternative, `{symbol}` becomes one of the symbol's templates; both nest. Local
symbols (the topic's own words) come before the banks. Own code because the two rules fit in one
regular expression, and because an unknown symbol has to be an error, not empty text.
"""

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")
Local = Mapping[str, str]
"""Symbols that hold for one sentence: name -> text."""

_INNERMOST = re.compile(r"\{([^{}]*)\}")


class Grammar:
    """Symbols and the templates each may become."""

    def __init__(self, rules: Mapping[str, Sequence[str]]):
        self._rules = rules

    def say(self, symbol: str, rng: random.Random, local: Local) -> str:
        """One expansion of a symbol; KeyError for a symbol that neither has."""
        return self.expand(rng.choice(self._rules[symbol]), rng, local)

    def expand(self, template: str, rng: random.Random, local: Local) -> str:
        """The template with every choice made and every symbol replaced."""

        def replace(match: re.Match[str]) -> str:
            body = match[1]
            if "|" in body:
                return str(rng.choice(body.split("|")))
            return local[body] if body in local else self.say(body, rng, local)

        while "{" in template:
            template = _INNERMOST.sub(replace, template)
        return template


def bank(name: str, shape: type[T]) -> T:
    """The phrase bank `name`.toml of this package, validated to be of that shape."""
    text = resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return TypeAdapter(shape).validate_python(tomllib.loads(text))
