"""A command's options, made from a record: no name, default, range or help stands twice.

    @takes(AuditRequest, tables={"search": "search", "judge": "judge_settings"})
    def audit_command(request: AuditRequest, dry_run: DryRun = False) -> None: ...

The first parameter gives way to one option for each field, and the command is called with the whole
record. A key of a nested record is written as in TOML: `search.steps` is the key `steps` of the
table `[search]` in the file of `--config`, and the option `--search.steps`, which `--help` leaves
out for brevity and docs/options.md shows. What stands on the command line goes before the file.

Decision: pydantic-settings was tried (2.14), and makes the same dotted options of the same records.
But it shows no ranges, ends in pydantic's own words for a wrong value, knows neither completion nor
what a misspelt option was meant to be, and lists all sixty nested keys in `--help`.
"""

import inspect
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from argo_audit.cli.fields import as_option, read_as
from argo_audit.errors import InputError, Problem, brief, did_you_mean, problems
from argo_audit.outside.caps import read_text
from argo_audit.outside.plain_documents import plain_toml
from argo_audit.records import Settings

Command = Callable[..., None]
_CONFIG = "config"


class Key(NamedTuple):
    """What can be set: the way to it in the record, its name in TOML, its field and default.

    The default is that of the record which holds it, where that has one of its own.
    """

    path: tuple[str, ...]
    name: str
    field: FieldInfo
    default: Any

    @property
    def parameter(self) -> str:
        """Its name as a parameter of a command."""
        return "__".join(self.path)

    @property
    def option(self) -> str:
        """Its name on the command line."""
        return f"--{self.name.replace('_', '-')}"


class Shape(NamedTuple):
    """How a record lies on the command line and in TOML.

    `tables` are fields with nested records by the names of their tables; `names` are options that
    are called otherwise than their key, which brings those of nested keys into `--help`. `others`
    are tables of the same file that other commands read. In a `whole` record defaults count as set.
    """

    record: type[Settings]
    tables: Mapping[str, str]
    names: Mapping[str, tuple[str, ...]]
    others: tuple[str, ...]
    whole: bool

    def settable(self) -> list[Key]:
        """All that can be set, in the order of the record."""
        tables = {field: table for table, field in self.tables.items()}
        return list(_keys(self.record, None, Key((), "", FieldInfo(), None), tables))


def takes(
    record: type[Settings],
    *,
    tables: Mapping[str, str] | None = None,
    names: Mapping[str, tuple[str, ...]] | None = None,
    others: tuple[str, ...] = (),
    whole: bool = False,
) -> Callable[[Command], Command]:
    """Give a command the options of a record in place of its first parameter; see `Shape`."""
    shape = Shape(record, tables or {}, names or {}, others, whole)
    keys = shape.settable()

    def made(command: Command) -> Command:
        @wraps(command)
        def called(**words: Any) -> None:
            file = words.pop(_CONFIG, None) if shape.tables else None
            given = {key.path: words.pop(key.parameter) for key in keys}
            command(_record(shape, given, file), **words)

        parameters = _parameters(shape, keys, command)
        # what inspect.signature looks for (PEP 362), and typing.get_type_hints
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {one.name: one.annotation for one in parameters}
        return called

    return made


def _read_tables(path: Path, shape: Shape) -> dict[str, Any]:
    """What a TOML file sets in the tables. Raises InputError, naming the key and those known."""
    fields = shape.record.model_fields
    nested = {table: _nested(fields[field]) for table, field in shape.tables.items()}
    tables = {table: record for table, record in nested.items() if record}
    try:
        found = plain_toml(read_text(path))
    except (OSError, ValueError) as error:  # of files, of UTF-8 and of TOML
        is_toml = isinstance(error, tomllib.TOMLDecodeError)
        remedy = _known(tables) if is_toml else "name a file in TOML that you may read"
        raise InputError(path, brief(error), remedy) from error
    mine = {
        name: table for name, table in found.items() if name in tables or name not in shape.others
    }
    for name, table in mine.items():
        if problem := _problem(name, table, tables):
            raise InputError(path, str(problem), problem.remedy(_known(tables)))
    return mine


def _known(tables: Mapping[str, type[Settings]]) -> str:
    each = (f"[{name}] {', '.join(one.model_fields)}" for name, one in tables.items())
    return f"known are {'; '.join(each)}"


def _problem(name: str, table: object, tables: Mapping[str, type[Settings]]) -> Problem | None:
    """What is wrong with a table of a file, if anything is."""
    if name not in tables:
        return Problem(name, f"there is no such table{did_you_mean(name, tables)}")
    try:
        tables[name].model_validate(table)
    except ValidationError as error:
        where, what = problems(error, tables[name])[0]
        return Problem(f"{name}.{where}" if where else name, what)
    return None


def _parameters(shape: Shape, keys: list[Key], command: Command) -> list[inspect.Parameter]:
    """What a command needs besides, then the record's options, then its other own ones."""
    own = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for one in list(inspect.signature(command).parameters.values())[1:]
    ]
    options = [_parameter(key, shape.names.get(key.name, ())) for key in keys]
    options += [_config_parameter(shape)] if shape.tables else []
    needed = [one for one in own if one.default is one.empty]
    others = [one for one in own if one.default is not one.empty]
    return [*needed, *options, *others]


def _keys(
    record: type[Settings], made: Settings | None, above: Key, tables: Mapping[str, str]
) -> Iterator[Key]:
    """The keys of a record, and of the record `made` that is the default in the one above it."""
    for name, field in record.model_fields.items():
        default = getattr(made, name) if made else field.default
        shown = f"{above.name}.{tables.get(name, name)}".removeprefix(".")
        key = Key((*above.path, name), shown, field, default)
        if nested := _nested(field):
            yield from _keys(nested, default, key, {})
        else:
            yield key


def _nested(field: FieldInfo) -> type[Settings] | None:
    """The record that a field holds, if it holds one."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Settings) else None


def _record(shape: Shape, given: Mapping[tuple[str, ...], Any], file: Path | None) -> Settings:
    """The record, of defaults, the file, and what stands on the command line."""
    values = _defaults(shape)
    for table, content in (_read_tables(file, shape) if file else {}).items():
        _merge(values.setdefault(shape.tables[table], {}), content)
    for path, value in given.items():
        if value is not None and value != []:
            _put(values, path, value)
    try:
        return shape.record.model_validate(values)
    except ValidationError as error:
        raise _refused(problems(error, shape.record)[0], shape) from error


def _defaults(shape: Shape) -> dict[str, Any]:
    """What is set unless something else is: of nested records, what their defaults set."""
    values: dict[str, Any] = {}
    for name, field in shape.record.model_fields.items():
        if isinstance(field.default, Settings):
            values[name] = field.default.model_dump(exclude_unset=True)
        elif shape.whole and not field.is_required():
            values[name] = field.default
    return values


def _merge(values: dict[str, Any], content: Mapping[str, Any]) -> None:
    for name, value in content.items():
        if isinstance(value, Mapping):
            _merge(values.setdefault(name, {}), value)
        else:
            values[name] = value


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *way, last = path
    for name in way:
        values = values.setdefault(name, {})
    values[last] = value


def _refused(found: Problem, shape: Shape) -> typer.BadParameter:
    """A wrong command line, by the option that is wrong."""
    names = (
        shape.names.get(key.name, (key.option,))[0]
        for key in shape.settable()
        if f"{found.where}.".startswith(f"{'.'.join(key.path)}.")
    )
    return typer.BadParameter(found.what, param_hint=next(names, None))


def _parameter(key: Key, names: tuple[str, ...]) -> inspect.Parameter:
    """The option as a parameter; None where it is not given, unless it must be."""
    kind, needed = read_as(key.field.annotation), key.field.is_required()
    hidden = len(key.path) > 1 and not names
    shown = as_option(key.field, key.default, names or _names(key, kind), hidden=hidden)
    return inspect.Parameter(
        key.parameter,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if needed else None,
        annotation=Annotated[kind if needed else kind | None, shown],
    )


def _names(key: Key, kind: Any) -> tuple[str, ...]:
    """A flag can be taken back where a default or a file may have set it."""
    if kind is not bool or (key.default is False and len(key.path) == 1):
        return (key.option,)
    table, dot, last = key.option.removeprefix("--").rpartition(".")
    return (f"{key.option}/--{table}{dot}no-{last}",)


def _config_parameter(shape: Shape) -> inspect.Parameter:
    tables, one = ", ".join(shape.tables), next(iter(shape.tables)).replace("_", "-")
    text = f"TOML file with tables {tables}. Each key is an option too: --{one}.KEY."
    return inspect.Parameter(
        _CONFIG,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[Path | None, typer.Option(f"--{_CONFIG}", help=text)],
    )
