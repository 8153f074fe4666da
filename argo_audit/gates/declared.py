"""gates.toml: the same gates for people who write no Python.

    rm = "reward_model"
    pairs = "pairs.jsonl.gz"

    [[no_worse_than]]
    baseline = "main"

    [[bias]]
    attribute = "flattery"
    at_most = 0.25

A table is named after the gate and holds the arguments that its method in `gate` takes, so there is
one list of gates and of what they take. The rest of the file is `settings`.
"""

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError, validate_call

from argo_audit.errors import InputError, RecordError, brief, did_you_mean, problems
from argo_audit.gates.defaults import GateSettings
from argo_audit.gates.fixture import Gate
from argo_audit.outside.caps import read_text
from argo_audit.outside.plain_documents import plain_toml

KINDS = ("agreement", "no_worse_than", "bias", "no_new_findings", "drift", "conforms")


class Declared(NamedTuple):
    """One table: which gate with which arguments, of which file."""

    kind: str
    words: Mapping[str, Any]
    path: Path

    @property
    def name(self) -> str:
        """As pytest names it: the gate, and what tells it from others of its kind."""
        texts = [str(self.words[key]) for key in _NAMING if key in self.words]
        return f"{self.kind}[{'-'.join(texts)}]"

    def hold(self, gate: Gate) -> None:
        """Ask the gate. Raises InputError for an argument of a wrong type."""
        try:
            validate_call(getattr(gate, self.kind))(**self.words)
        except (ValidationError, RecordError) as error:
            problem = f"[[{self.kind}]] {brief(error)}"
            raise InputError(self.path, problem, _takes(self.kind)) from error


_NAMING = (
    "attribute",
    "baseline",
    "rubric",
    "labels",
    "audit",
    "previous_rm",
    "intent",
    "direction",
)


def read_settings(path: Path) -> GateSettings:
    """What a file says besides gates. Raises InputError."""
    return _settings(path, _tables(path))


def read_gates(path: Path) -> tuple[GateSettings, list[Declared]]:
    """The settings and the gates of a file, kind by kind. Raises InputError."""
    tables = _tables(path)
    return _settings(path, tables), list(_declared(path, tables))


def _tables(path: Path) -> dict[str, Any]:
    try:
        return plain_toml(read_text(path))
    except (OSError, ValueError) as error:
        raise InputError(path, f"cannot be read: {brief(error)}", "mend the TOML") from error


def _settings(path: Path, tables: Mapping[str, Any]) -> GateSettings:
    head = {name: value for name, value in tables.items() if name not in KINDS}
    try:
        return GateSettings.model_validate(head)
    except ValidationError as error:
        kinds = [f"[[{kind}]]" for kind in KINDS]
        known = ", ".join((*GateSettings.model_fields, *kinds))
        found = problems(error, GateSettings)[0]
        near = "" if "did you mean" in found.what else did_you_mean(found.where, KINDS)
        raise InputError(path, f"{found}{near}", f"known are {known}") from error


def _declared(path: Path, tables: Mapping[str, Any]) -> Iterator[Declared]:
    for kind in KINDS:
        several = tables.get(kind, [])
        if not isinstance(several, list):
            raise InputError(path, f"[{kind}] is one table", f"write [[{kind}]] for each gate")
        for words in several:
            try:
                inspect.signature(getattr(Gate, kind)).bind(None, **words)
            except TypeError as error:
                problem = f"[[{kind}]]: {error}{_misspelt(kind, words)}"
                raise InputError(path, problem, _takes(kind)) from error
            yield Declared(kind, words, path)


def _misspelt(kind: str, words: Mapping[str, Any]) -> str:
    """The argument that was meant by one that the gate does not take."""
    taken = list(inspect.signature(getattr(Gate, kind)).parameters)[1:]
    return next((did_you_mean(word, taken) for word in words if word not in taken), "")


def _takes(kind: str) -> str:
    """What a gate takes, as a remedy."""
    parameters = list(inspect.signature(getattr(Gate, kind)).parameters.values())[1:]
    needed = [one.name for one in parameters if one.default is one.empty]
    other = [one.name for one in parameters if one.default is not one.empty]
    return f"[[{kind}]] needs {', '.join(needed) or 'nothing'}; it takes {', '.join(other)}"
