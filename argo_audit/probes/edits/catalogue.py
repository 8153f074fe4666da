"""What is edited: attributes as attributes.toml describes them.

    >>> description("flattery").means
    'praise of the user or of their question'

The words are data; what edits do with them is in `phrased`, `layout` and `length`.
"""

import tomllib
from functools import cache
from importlib.resources import files

from pydantic import Field, TypeAdapter

from argo_audit.probes.edits.passages import Place
from argo_audit.records import Record


class Description(Record):
    """An attribute: what it means, the feature that measures it, and its sentences or marks.

    `amount` is how many sentences are put in (words, for padding); `leading` ones are looked for
    at the start of a response alone.
    """

    means: str
    feature: str
    places: tuple[Place, ...] = ()
    lines: tuple[str, ...] = ()
    amount: int = Field(default=1, ge=1)
    leading: bool = False


@cache
def descriptions() -> dict[str, Description]:
    """All attributes by name, in the order of the file."""
    text = files("argo_audit.probes.edits").joinpath("attributes.toml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, Description]).validate_python(tomllib.loads(text))


def description(name: str) -> Description:
    """One attribute; KeyError for a name that attributes.toml does not have."""
    return descriptions()[name]
