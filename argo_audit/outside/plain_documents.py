r"""YAML and TOML of strangers: values only, and no deeper than anybody writes.

    plain_yaml("title: Audit\nruns: [a, b]")        # {"title": "Audit", "runs": ["a", "b"]}
    plain_toml("[search]\nsteps = 3")

An alias of YAML is a line that stands for a million; nothing that this package writes has one, so
none is read. What cannot be read is a ValueError, whatever the parser raises.
"""

import tomllib
from typing import Any

import yaml

DEEPEST = 40
"""Lists and mappings within each other."""
LARGEST = 1 << 20
"""Characters of YAML: a parser in Python takes minutes for more."""


_Loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""The same in C, ten times as fast, where PyYAML was built with it."""


def _check_plain(text: str) -> None:
    """Stops at an alias, and where nesting is too deep: before the parser has read on."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("it holds an alias (*name), which is not read: write its value out")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} deep")


def plain_yaml(text: str) -> Any:
    """The value of a YAML document. Raises ValueError."""
    if len(text) > LARGEST:
        raise ValueError(f"it has more than {LARGEST:,} characters")
    try:
        _check_plain(text)
        return yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, OverflowError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())) from error


def plain_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML document. Raises ValueError."""
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
