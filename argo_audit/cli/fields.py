"""A field of a record as an option: its type, range, default, and help.

    option(AuditRequest, "seed")                         # typer.Option("--seed", help="Seed of …")
    as_option(field, 40, ("--search.steps",), hidden=True)

The help is the docstring under the field and its default, which stays out of the command line's
own: what is not given must not count as set. Bounds that are part of the range are left to the
command line, which shows and checks them; open ones are told in the help and checked by the record.
"""

from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
import typer
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from argo_audit.records import Settings

_PLAIN = (str, int, float, bool, Path)
_RULES = {
    "ge": annotated_types.Ge, "gt": annotated_types.Gt,
    "le": annotated_types.Le, "lt": annotated_types.Lt,
}  # fmt: skip


def option(record: type[Settings], name: str) -> Any:
    """One field of a record, as an option of a command that does not take the whole record."""
    field = record.model_fields[name]
    return as_option(field, field.default, (f"--{name.replace('_', '-')}",))


def as_option(
    field: FieldInfo, default: object, names: tuple[str, ...], *, hidden: bool = False
) -> Any:
    """The option of these names; typer's own class for it is not public, so it is Any."""
    bounds = _bounds(field)
    parts = [" ".join((field.description or "").split())]
    parts += [f"[{_range(bounds)}]"] if {"gt", "lt"} & bounds.keys() else []
    parts += [f"[default: {shown}]"] if (shown := _shown(default)) else []
    is_place = read_as(field.annotation) is Path
    return typer.Option(
        *names,
        parser=_place if is_place else None,  # an empty name is none, and ~ a folder after = too
        metavar="PATH" if is_place else None,
        help=" ".join(parts).replace("[", r"\["),  # rich would take it for markup
        min=bounds.get("ge"),
        max=bounds.get("le"),
        hidden=hidden,
        show_default=False,
    )


def _place(given: str) -> Path:
    from argo_audit.files import on_disk

    return on_disk(given)


def read_as(annotation: Any) -> Any:
    """The type that the command line reads for a field; text, for a record that is read from it."""
    if get_origin(annotation) in (Union, UnionType):
        kinds = [one for one in get_args(annotation) if one is not NoneType]
        return str if str in kinds else read_as(kinds[0])
    if get_origin(annotation) is tuple:
        return list[str]  # typer reads no list of anything that is not plain
    if get_origin(annotation) is Literal or annotation in _PLAIN:
        return annotation
    return str


def _shown(default: object) -> str:
    """A default as help shows it; "" for none, as of a flag that is off."""
    if default is PydanticUndefined or default is None or default is False:
        return ""
    if isinstance(default, tuple):
        return ", ".join(map(str, default))
    return "true" if default is True else str(default)


def _bounds(field: FieldInfo) -> dict[str, float]:
    """The bounds of a number, by pydantic's names for them."""
    return {
        name: getattr(found, name)
        for found in field.metadata
        for name, rule in _RULES.items()
        if isinstance(found, rule)
    }


def _range(bounds: Mapping[str, float]) -> str:
    """A range as the command line writes it: `x>0`, `0<x<=1`."""
    low = next((f"{bounds[name]:g}{sign}" for name, sign in _LOW if name in bounds), "")
    high = next((f"{sign}{bounds[name]:g}" for name, sign in _HIGH if name in bounds), "")
    return (
        f"{low}x{high}" if high else f"x{'>' if 'gt' in bounds else '>='}{min(bounds.values()):g}"
    )


_LOW = (("ge", "<="), ("gt", "<"))
_HIGH = (("le", "<="), ("lt", "<"))
