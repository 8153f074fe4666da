"""docs/options.md, drawn from the commands, which are made from records with a docstring per field.

    python -m benchmarks.option_page      # draws it anew; a test says when it is not true any more

A key that `--help` leaves out (of a nested record) stands in a table of its own.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import typer
from typer.models import ArgumentInfo

from argo_audit.cli.commands import app

PAGE = Path(__file__).parent.parent / "docs" / "options.md"

_HEAD = """\
# Options

What each command of `argo-audit` takes. This page is drawn from the commands
(`python -m benchmarks.option_page`), and a test keeps it true; their help is the docstring under a
field of a record, which is what Python takes too.

A key such as `search.steps` is the key `steps` of the table `[search]` in the file of `--config`,
and the option `--search.steps`; what stands on the command line goes before the file.
"""
_BRACKETS = re.compile(
    r"( \[(?P<range>[-+.\de<=>]*x[-+.\de<=>]*)\])?( \[default: (?P<default>.*)\])?$"
)


class Told(NamedTuple):
    """One argument or option as the page shows it."""

    name: str
    kind: str
    range: str
    default: str
    help: str
    hidden: bool

    @property
    def row(self) -> str:
        """A row of a table."""
        bounds = f"`{self.range}`" if self.range else ""
        words = [_escaped(cell) for cell in (self.kind, self.default, self.help)]
        return f"| `{self.name}` | {words[0]} | {bounds} | {words[1]} | {words[2]} |"


def commands(of: typer.Typer = app, before: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every command by the words that call it."""
    for registered in of.registered_commands:
        if registered.callback:
            yield f"{before}{registered.name}", registered.callback
    for group in of.registered_groups:
        if group.typer_instance:
            yield from commands(group.typer_instance, f"{before}{group.name} ")


def told(command: Callable[..., Any]) -> list[Told]:
    """What a command takes, in the order of its help."""
    return [_told(one) for one in inspect.signature(command).parameters.values()]


def drawn() -> str:
    """The page."""
    blocks = [_HEAD]
    for name, command in commands():
        blocks.append(f"## argo-audit {name}\n\n{_said(command)}\n")
        found = told(command)
        shown, keys = ([one for one in found if one.hidden is hidden] for hidden in (False, True))
        blocks += [_table("argument or option", shown)] if shown else []
        blocks += [_table("key", [_as_key(one) for one in keys])] if keys else []
    return "\n".join(blocks)


def _told(parameter: inspect.Parameter) -> Told:
    kind, info = get_args(parameter.annotation)
    is_argument = isinstance(info, ArgumentInfo)
    words = " ".join((info.help or "").replace(r"\[", "[").split())
    found = _BRACKETS.search(words)
    bounds, default = (found["range"], found["default"]) if found else (None, None)
    return Told(
        parameter.name if is_argument else _names(parameter, info),
        _kind(kind),
        bounds or _closed(info.min, info.max),
        _default(parameter, default, is_argument=is_argument),
        words[: found.start()] if found else words,
        bool(info.hidden),
    )


def _names(parameter: inspect.Parameter, info: Any) -> str:
    declared = (info.default, *(info.param_decls or ()))
    names = [name for name in declared if isinstance(name, str) and name.startswith("--")]
    return ", ".join(names) or f"--{parameter.name.replace('_', '-')}"


def _as_key(one: Told) -> Told:
    """A hidden option by its name in TOML."""
    return one._replace(name=one.name.partition("/")[0].removeprefix("--").replace("-", "_"))


def _kind(kind: Any) -> str:
    args = [one for one in get_args(kind) if one is not type(None)]
    if getattr(kind, "__origin__", None) is list:
        return f"{_kind(args[0])}, several"
    if args and all(isinstance(one, str) for one in args):
        return ", ".join(map(str, args))
    if args:
        return _kind(args[0])
    return _WORDS[kind]


_WORDS = {str: "text", int: "whole number", float: "number", bool: "flag", Path: "path"}


def _closed(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    if high is None:
        return f"x>={low:g}"
    return f"x<={high:g}" if low is None else f"{low:g}<=x<={high:g}"


def _default(parameter: inspect.Parameter, told: str | None, *, is_argument: bool) -> str:
    if parameter.default is parameter.empty:
        return "required"
    given = parameter.default
    return told or ("" if given in (None, False, "") else str(given))


def _escaped(cell: str) -> str:
    """A cell in which nothing is a tag or ends it."""
    return cell.replace("|", r"\|").replace("<", "&lt;")


def _said(command: Callable[..., Any]) -> str:
    return inspect.cleandoc(command.__doc__ or "")


def _table(what: str, rows: list[Told]) -> str:
    head = f"| {what} | type | range | default | what |\n|---|---|---|---|---|"
    return "\n".join([head, *(one.row for one in rows)]) + "\n"


def main() -> None:
    """Draw it anew."""
    PAGE.write_text(drawn(), encoding="utf-8")


if __name__ == "__main__":
    main()
