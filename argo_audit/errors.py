"""What can go wrong, on one page: each error names the boundary it guards.

    ArgoError
    ├── InputError        a file the user handed us (pairs, labels, scores, rubric), or an argument
    ├── RunFolderError    an output folder that belongs to another run
    ├── StoreError        a rubric store that is not what it claims to be
    ├── RewardModelError  a reward model that cannot be loaded or trusted
    ├── JudgeError        a judge that cannot be asked
    ├── BudgetSpentError  a budget of which nothing is left
    ├── DiskFullError     a disk without room for what was to be written
    ├── GateError         a gate that cannot be held: no baseline, or one of something else
    └── UnavailableError  a GPU, server, key or package that is not there, here and now

Every message says what was expected, what was seen, and how to mend it. The command line
prints the message and exits with 1; gates fail, or skip what is unavailable where they are told to.
Nothing else catches these. What pydantic and the operating system say is put into words of ours
here: `brief` and `problems`.
"""

import difflib
import errno
import importlib.util
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_type_hints
from unicodedata import category

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


_JOINERS = "\u200c\u200d"  # unseen by themselves, but letters and emoji are built with them


def visible(text: str) -> str:
    """`text` with line ends as newlines and every unseen character spelled out as ⟨U+XXXX⟩."""
    return "".join(map(_seen, text.replace("\r\n", "\n").replace("\r", "\n")))


def _seen(character: str) -> str:
    hidden = category(character) in ("Cc", "Cf", "Cs") and character not in f"\n\t{_JOINERS}"
    return f"⟨U+{ord(character):04X}⟩" if hidden else character


class ArgoError(Exception):
    """Base of every error a user can mend; the message says what was seen, and the remedy.

    Names in it come from files, servers and objects: what cannot be seen of them is spelled out.
    """

    def __str__(self) -> str:
        """The message as a terminal, a log or a notebook may show it."""
        return visible(super().__str__())


class InputError(ArgoError):
    """A file from outside is not usable; the message carries file, line and remedy.

    Files without lines (Parquet, the hub) count in `unit` "row".
    """

    def __init__(
        self,
        file: str | Path,
        problem: str,
        remedy: str,
        line: int | None = None,
        unit: str = "line",
    ):
        self.file, self.line, self.problem, self.remedy = str(file), line, problem, remedy
        self.unit = unit
        where = str(file) if line is None else f"{file}, {unit} {line}"
        super().__init__(f"{where}: {problem}\n  Remedy: {remedy}")

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str, str, int | None, str]]:
        """Survives the way back from another process."""
        return type(self), (self.file, self.problem, self.remedy, self.line, self.unit)


class RecordError(InputError, ValueError):
    """A record was given what it cannot hold; a ValueError, as whoever validates expects."""


class RunFolderError(ArgoError):
    """An output folder already holds something this run must not touch."""


class StoreError(ArgoError):
    """A rubric store is unsound, or a rubric that was asked for is not in it."""


class RewardModelError(ArgoError):
    """A reward model cannot be loaded, or its rewards cannot be used."""


class JudgeError(ArgoError):
    """A judge cannot be opened, reached, or shown what it is asked about."""


class DiskFullError(ArgoError):
    """There was no room for a file; the message says how to go on once there is."""


class BudgetSpentError(ArgoError):
    """A further request would go beyond the budget; it was not sent."""


class GateError(ArgoError):
    """A gate cannot be held: its baseline is missing, or is of other pairs or another judge."""


class UnavailableError(ArgoError):
    """A GPU, server, key or package that something needs is not there, here and now."""


class UnavailableModelError(RewardModelError, UnavailableError):
    """A reward model's server does not answer, or wants a key."""


class UnavailableJudgeError(JudgeError, UnavailableError):
    """A judge does not answer, or lacks its package."""


class UnavailableInputError(InputError, UnavailableError):
    """A model that was named needs a key or package that is not there."""


class Problem(NamedTuple):
    """One value that is not as it should be: where it stands, and a sentence on what is wrong."""

    where: str
    what: str

    def __str__(self) -> str:
        """As messages tell it."""
        return f"{self.where}: {self.what}" if self.where else self.what

    def remedy(self, known: str) -> str:
        """To correct it where it says what was meant; else `known`, all that can be said."""
        return "write it so" if _NEAR in self.what else known


_NEAR = "; did you mean "
_LOOP = "Symlink loop from"  # of pathlib, before Python 3.13
_NUL = "it holds a NUL character, which no name of a file can"


def brief(error: Exception, of: type | None = None) -> str:
    """An error on one line, in plain words: of several values that are wrong, the first.

    `of` is the record that was read, whose fields a misspelt one is compared with.
    """
    said = " ".join(str(error).split())
    if isinstance(error, ValidationError):
        return str(problems(error, of)[0])
    if isinstance(error, UnicodeDecodeError):
        said = "not UTF-8 text"
    elif isinstance(error, InputError):
        said = error.problem
    elif isinstance(error, OSError):
        said = _of_the_system(error, said)
    elif "null byte" in said or "null character" in said:
        said = _NUL
    return said or type(error).__name__


def problems(
    error: ValidationError, of: type | None = None, *, quote: bool = True
) -> list[Problem]:
    """What is wrong with each value; without `quote` the value itself is not repeated.

    Keys that nobody knows come last, whatever the release of pydantic.
    """
    found = sorted(error.errors(include_url=False), key=lambda detail: detail["type"] in _UNKNOWN)
    return [_problem(detail, of, quote) for detail in found]


def of_record(error: ValidationError, record: type) -> RecordError:
    """What is wrong with the values that a record was to be made of in Python."""
    problem, *more = problems(error, record)
    also = f" (and {len(more)} more)" if more else ""
    unknown = problem.what == _SENTENCES["extra_forbidden"]
    known = f"its fields are {', '.join(_fields(record))}" if unknown else "correct it"
    return RecordError(record.__name__, f"{problem}{also}", problem.remedy(known))


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """`; did you mean 'steps'?` where one of the known names is close, else ""."""
    names = list(known)
    by_lower = {name.lower(): name for name in reversed(names)}
    close = difflib.get_close_matches(given.lower(), by_lower, n=1)
    return f"{_NEAR}{by_lower[close[0]]!r}?" if close else ""


_SYSTEM: tuple[tuple[type[OSError], str], ...] = (
    (FileNotFoundError, "there is no such file or folder"),
    (IsADirectoryError, "it is a folder, and a file is needed"),
    (NotADirectoryError, "a part of its path is a file, not a folder"),
    (PermissionError, "this user may not open it"),
    (FileExistsError, "there is one already"),
    (TimeoutError, "it did not answer in time"),
)


def _of_the_system(error: OSError, said: str) -> str:
    """Without number and path; what has no path is of a driver, and has a sentence of its own."""
    sentence = error.strerror or said
    if error.filename is None and len(sentence.split()) > 1:
        return sentence
    known = next((words for kind, words in _SYSTEM if isinstance(error, kind)), "")
    return known or (error.strerror or type(error).__name__).lower()


_FIELDS = "an object with named fields"
_EXPECTED: Mapping[str, str] = {
    "int": "a whole number", "float": "a number", "finite": "a finite number",
    "decimal": "a number", "bool": "true or false", "string": "text", "path": "a path",
    "tuple": "a list", "list": "a list", "set": "a list", "iterable": "a list",
    "dict": _FIELDS, "mapping": _FIELDS, "model": _FIELDS, "dataclass": _FIELDS,
    "datetime": "a date and time", "none": "nothing",
}  # fmt: skip
"""What pydantic expected, by the first word of the type of its error."""

_SENTENCES: Mapping[str, str] = {
    "missing": "is missing",
    "missing_argument": "is missing",
    "unexpected_keyword_argument": "there is no such key",
    "extra_forbidden": "there is no such key",
    "value_error": "{error}",  # a validator of ours, and its sentence
    "json_invalid": "not valid JSON ({error})",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "too_short": "needs at least {min_length}",
    "too_long": "takes at most {max_length}",
    "string_too_short": "needs at least {min_length} characters",
    "string_too_long": "takes at most {max_length} characters",
    "literal_error": "must be one of {expected}",
    "string_pattern_mismatch": "must match {pattern}",
}
_MEMBER = re.compile(r"(?:constrained-|literal\[|function-|tagged-union\[|lax-or-strict\[)")
"""Where pydantic names the member of a union that it tried: no key of anybody's."""

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
_WHOLE = {"missing", "missing_argument", "value_error", "json_invalid", *_UNKNOWN}
"""Kinds of error whose sentence says all: what was seen need not stand beside it."""


def _problem(detail: "ErrorDetails", of: type | None, quote: bool) -> Problem:
    """Pydantic's word for what is wrong, as a sentence of ours."""
    kind, place, given = detail["type"], detail["loc"], detail["input"]
    seen = f", not {given!r:.60}" if quote and kind not in _WHOLE else ""
    near = ""
    if kind in _UNKNOWN:
        near = did_you_mean(str(place[-1]), _beside(place, of))
    elif kind == "literal_error" and isinstance(given, str):
        near = did_you_mean(given, re.findall("'([^']*)'", detail["ctx"]["expected"]))
    named = [str(part) for part in place if not _MEMBER.match(str(part))]
    return Problem(".".join(named), f"{_sentence(detail)}{seen}{near}")


def _sentence(detail: "ErrorDetails") -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _SENTENCES:
        return _SENTENCES[kind].format_map(context).replace(" at line 1 column", " at column")
    expected = _EXPECTED.get(kind.partition("_")[0])
    return f"must be {expected}" if expected else f"cannot be used ({kind.replace('_', ' ')})"


def _beside(place: tuple[int | str, ...], of: type | None) -> list[str]:
    """The fields of the record in which `place` lies, starting from the record `of`."""
    for name in place[:-1]:
        inner = _fields(of).get(str(name))
        of = inner if isinstance(inner, type) else None
    return list(_fields(of))


def _fields(record: type | None) -> Mapping[str, object]:
    """The fields of a record with their types."""
    if record is None:
        return {}
    if issubclass(record, BaseModel):
        return {name: field.annotation for name, field in record.model_fields.items()}
    return get_type_hints(record)


@contextmanager
def in_plain_words() -> Iterator[None]:
    """Around a command: a file that cannot be used is an InputError, wherever that showed.

    An error of the system without a file's name is no user's to mend, and stays as it is.
    """
    try:
        with room_to_write("give the same command again"):
            yield
    except OSError as error:
        if error.filename is None:
            raise
        remedy = "name another place, or make this one usable"
        raise InputError(str(error.filename), brief(error), remedy) from error
    except RuntimeError as error:
        if not str(error).startswith(_LOOP):
            raise
        place = str(error).removeprefix(_LOOP).strip(" '")
        raise InputError(place, "a link that leads back to itself", "remove it") from error
    except ValueError as error:
        if brief(error) != _NUL:
            raise
        raise InputError("a name that was given", brief(error), "write it without") from error


@contextmanager
def room_to_write(go_on: str) -> Iterator[None]:
    """Around work: a disk that is full, wherever that shows, says how to `go_on` with it."""
    try:
        yield
    except Exception as error:
        full = next((one for one in _behind(error) if is_full(one)), None)
        if full is None or isinstance(error, DiskFullError):
            raise
        what = f"{full.filename}: " if isinstance(full, OSError) and full.filename else ""
        raise DiskFullError(
            f"{what}the disk is full; what was written before is whole.\n"
            f"  Remedy: free space there (`df -h` tells disks apart), then {go_on}"
        ) from error


def is_full(error: BaseException) -> bool:
    """Whether there was no room to write; some libraries say so in words of their own."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return not isinstance(error, ArgoError) and os.strerror(errno.ENOSPC) in str(error)


def _behind(error: BaseException) -> Iterator[BaseException]:
    """An error, those it was raised from or during, and those of a group."""
    waiting: list[BaseException | None] = [error]
    met: set[int] = set()
    while waiting:
        one = waiting.pop(0)
        if one is not None and id(one) not in met:
            met.add(id(one))
            yield one
            inside = one.exceptions if isinstance(one, BaseExceptionGroup) else ()
            waiting += [one.__cause__, one.__context__, *inside]


@contextmanager
def needs_train(what: str, instead: str = "") -> Iterator[None]:
    """Turn a missing training package into the command that installs it, or what does without."""
    missing = [name for name in ("torch", "trl") if importlib.util.find_spec(name) is None]
    if missing:
        raise UnavailableError(
            f"{what} needs {', '.join(missing)}, which the base install leaves out.\n"
            f"  Remedy: pip install 'argo-audit[train]'{instead and ', ' + instead}"
        )
    yield
