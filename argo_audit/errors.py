"""What can go wrong, on one page: each error names the boundary it guards.

    ArgoError
    ├── InputError        a file the user handed us (pairs, labels, scores, rubric)
    ├── RunFolderError    an output folder that belongs to another run
    ├── StoreError        a rubric store that is not what it claims to be
    ├── RewardModelError  a reward model that cannot be loaded or trusted
    ├── JudgeError        a judge that cannot be asked
    ├── GateError         a gate that cannot be held: no baseline, or one of something else
    └── UnavailableError  a GPU, server, key or package that is not there, here and now

Every message says what was expected, what was seen, and how to mend it. The command line
prints the message and exits with 1; gates skip what is unavailable. Nothing else catches these.
"""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError


class ArgoError(Exception):
    """Base of every error a user can mend; the message says what was seen, and the remedy."""


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


class RunFolderError(ArgoError):
    """An output folder already holds something this run must not touch."""


class StoreError(ArgoError):
    """A rubric store is unsound, or a rubric that was asked for is not in it."""


class RewardModelError(ArgoError):
    """A reward model cannot be loaded, or its rewards cannot be used."""


class JudgeError(ArgoError):
    """A judge cannot be opened, reached, or shown what it is asked about."""


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


def brief(error: Exception) -> str:
    """An error on one line: of pydantic's list, the first field and what is wrong with it."""
    if not isinstance(error, ValidationError):
        return " ".join(str(error).split())
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}"


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
