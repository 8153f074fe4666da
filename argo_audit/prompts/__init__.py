"""Prompts are files: `NAME.md` in this folder, with `$name` where something is put in.

>>> template("policy").get_identifiers()
['feedback']
"""

from functools import cache
from importlib.resources import files
from string import Template


@cache
def template(name: str) -> Template:
    """The prompt file of that name."""
    return Template(files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8"))
