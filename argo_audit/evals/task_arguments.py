"""Arguments of tasks as they were meant: `-T` reads them as YAML, where names look like numbers.

    @task
    @typed
    def rubric_agreement(rubric: str | None = "organism-a", baseline: bool = True, ...) -> Task: ...

`-T rubric=20241105` hands a task a number and `-T rubric=off` a truth value. A whole number and a
list with commas are the text that was typed, and become it; of anything else the text is lost
(`7e3` and `7000.0` are one number), and it is refused with how to write it. What is to be a number,
a truth value or a table is one, also where it was quoted, or is refused.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar, get_args, get_type_hints

from argo_audit.errors import InputError
from argo_audit.outside.credentials import ENV, put_aside

P = ParamSpec("P")
T = TypeVar("T")

_KINDS: dict[type, str] = {bool: "a truth value", int: "a number", float: "a number"}


def typed(task: Callable[P, T]) -> Callable[P, T]:
    """The task with each argument read by its annotation; raises InputError for what is lost."""
    hints, signature = get_type_hints(task), inspect.signature(task)

    @functools.wraps(task)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        bound = signature.bind(*args, **kwargs)
        for name, given in bound.arguments.items():
            if given is not None:
                bound.arguments[name] = _read(name, hints[name], given)
        return task(*bound.args, **bound.kwargs)

    return call


def _read(name: str, hint: object, given: object) -> object:
    _check_on_record(name, given)
    kinds = [kind for kind in get_args(hint) or (hint,) if kind is not type(None)]
    reader = next((read for kind, read in _READERS.items() if kind in kinds), _table)
    found = reader(name, given)
    return ",".join(found) if kinds == [str] and isinstance(found, list) else found


def _table(name: str, given: object) -> object:
    if not isinstance(given, Mapping):
        raise _refused(name, given, "a table", "'{key: value}'")
    return given


def _truth(name: str, given: object) -> bool:
    if not isinstance(given, bool):
        raise _refused(name, given, "a truth value", "true")
    return given


def _whole(name: str, given: object) -> float:
    return _number(name, given, int)


def _number(name: str, given: object, number: type[int] | type[float] = float) -> float:
    try:
        if isinstance(given, (int, float, str)) and not isinstance(given, bool):
            read = number(given)
            if isinstance(given, str) or read == given:
                return read
    except ValueError:
        pass
    raise _refused(name, given, "a whole number" if number is int else "a number", "7")


def _texts(name: str, given: object) -> str | list[str]:
    if isinstance(given, (list, tuple)):
        return [_text(name, one) for one in given]
    return _text(name, given)


def _text(name: str, given: object) -> str:
    if isinstance(given, str):
        return given
    if isinstance(given, int) and not isinstance(given, bool):
        return str(given)
    raise _refused(name, given, "a text", "\"'TEXT'\"")


def _check_on_record(name: str, given: object) -> None:
    """Raises InputError for an address with a credential, which Inspect would log as it is."""
    said = str(given)
    if (safe := put_aside(said)) != said:
        problem = "an address with a credential would be on record in the log"
        remedy = f"Write -T {name}={safe!r}, and give the whole address in the environment: {ENV}"
        raise InputError(f"-T {name}", problem, remedy)


def _refused(name: str, given: object, wanted: str, example: str) -> InputError:
    kind = _KINDS.get(type(given), f"a {type(given).__name__}")
    problem = f"it arrived as {given!r:.60}, {kind}, and should be {wanted}"
    return InputError(f"-T {name}", problem, f"Write it so: -T {name}={example}")


_READERS: dict[type, Callable[[str, object], object]] = {
    bool: _truth,
    int: _whole,
    float: _number,
    str: _texts,
}
