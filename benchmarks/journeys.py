"""Every command after every other, on one finished audit: `python -m benchmarks.journeys`.

Each pair of commands is walked where the audit was made, after it was moved, from another working
directory, and in a folder that cannot be written. A walk is good when each command ends well or in
one message with its remedy: no traceback, and a documented exit code. What a folder that refuses
does cannot be shown to root, who may write everywhere: those walks are then left out, and said.
"""

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, redirect_stdout
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest
import typer
from typer.testing import CliRunner

from argo_audit.cli.commands import app
from argo_audit.errors import ArgoError

EXIT_CODES = (0, 1, 2)
_SHOWN = 300
_PAIRS = 400  # of which enough are held out for gates

COMMANDS: dict[str, tuple[str, ...]] = {
    "audit": ("audit", "--pairs", "{pairs}", "--labels", "scores:{rm}", "--out", "{out}"),
    "resume": ("resume", "{out}"),
    "eval": ("eval", "{out}"),
    "report": ("report", "{out}", "--out", "{out}/again"),
    "verify": ("verify", "{out}/audit"),
    "compare": ("compare", "{out}", "{out}"),
    "diff": ("diff", "rm@1", "rm@2", "--store", "{out}/rubric_store"),
    "drift": ("drift", "{out}/rubric_store"),
    "export": ("export", "{out}", "--out", "{out}-pairs.json"),
    "read": ("read", "{rubric}"),
    "store": ("store", "verify", "{out}/rubric_store"),
    "gate init": (
        "gate",
        "init",
        "{out}",
        "--out",
        "{out}-gates/gates.toml",
        "--rm",
        "scores:{rm}",
    ),
    "gates": ("pytest",),
}


class Ended(NamedTuple):
    """How a command ended: its exit code, and what it said."""

    code: int
    said: str

    @property
    def is_good(self) -> bool:
        """Well, or in one message with a remedy."""
        if self.code == 0:
            return True
        told = "Remedy:" in self.said or "Usage:" in self.said or self.code == 2
        return self.code in EXIT_CODES and told and "Traceback" not in self.said


class Place(NamedTuple):
    """An audit in a folder, and where it is seen from."""

    root: Path
    out: Path
    seen_from: Path

    @property
    def gates(self) -> Path:
        """Where its first gates are written."""
        return Path(f"{self.out}-gates", "gates.toml")

    def words(self, command: str) -> list[str]:
        """A command line on the audit, with paths as seen from there."""
        rubric = next(iter(sorted(self.out.glob("rubric_store/*/*.md"))), self.out)
        named = {
            "out": self._seen(self.out),
            "pairs": self._seen(self.root / "pairs.jsonl"),
            "rm": self._seen(self.root / "rm.jsonl"),
            "rubric": self._seen(rubric),
            "gates": self._seen(self.gates),
        }
        return [word.format(**named) for word in COMMANDS[command]]

    def _seen(self, path: Path) -> str:
        return os.path.relpath(path, self.seen_from)


Journey = Callable[[Path], Place]


def in_place(made: Path) -> Place:
    """Where it was made, from where it was asked for."""
    return Place(made, made / "out", made)


def moved(made: Path) -> Place:
    """In a folder of another name."""
    (made / "laptop").mkdir()
    shutil.move(made / "out", made / "laptop" / "mine")
    return Place(made, made / "laptop" / "mine", made)


def from_elsewhere(made: Path) -> Place:
    """Where it was made, from another working directory."""
    (made / "desk").mkdir()
    return Place(made, made / "out", made / "desk")


def read_only(made: Path) -> Place:
    """In a folder in which nothing may be written."""
    for place, _, names in os.walk(made / "out"):
        for name in names:
            Path(place, name).chmod(0o444)
        Path(place).chmod(0o555)
    return in_place(made)


JOURNEYS: dict[str, Journey] = {
    "in place": in_place,
    "moved": moved,
    "from another folder": from_elsewhere,
    "read-only": read_only,
}


def run(place: Place, command: str) -> Ended:
    """One command in this process, as the command line runs it."""
    if command == "gates":
        return _gates(place)
    with chdir(place.seen_from):
        ended = CliRunner().invoke(app, place.words(command))
    error = ended.exception
    if error is None or isinstance(error, SystemExit):
        return Ended(ended.exit_code, ended.output)
    if isinstance(error, ArgoError):
        return Ended(1, str(error))
    return Ended(1, f"Traceback: {type(error).__name__}: {error}")


def _gates(place: Place) -> Ended:
    """What `gate init` wrote, held to what was audited: its baseline first, then the same again."""
    file = place.gates
    if not file.is_file():
        return Ended(0, "no gates")
    words = ["-q", "-p", "no:cacheprovider", "-p", "argo_audit.gate", str(file)]
    said = io.StringIO()
    with chdir(place.seen_from), redirect_stdout(said):
        codes = [int(pytest.main([*words, *more])) for more in (["--gate-update"], [])]
    return Ended(max(codes), said.getvalue())


def walk(
    made: Path, journey: str, pairs: Iterator[tuple[str, str]] | Sequence[tuple[str, str]]
) -> Iterator[tuple[str, str, Ended]]:
    """Each pair of commands on a copy of the audit in `made`; what each of its two came to."""
    for first, second in pairs:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copytree(made, Path(folder, "w"), symlinks=True))
            place = JOURNEYS[journey](copy)
            for command in (first, second):
                yield journey, f"{first}, {second}: {command}", run(place, command)


def can_be_refused() -> bool:
    """Whether this user can be kept from writing at all."""
    return os.geteuid() != 0


def main() -> None:
    """Walk all ordered pairs everywhere; the last line is the bar."""
    journeys = [name for name in JOURNEYS if name != "read-only" or can_be_refused()]
    with tempfile.TemporaryDirectory() as folder:
        made = _made(Path(folder, "made"))
        walks = (walk(made, journey, [*product(COMMANDS, COMMANDS)]) for journey in journeys)
        ends = [end for one in walks for end in one]
    bad = [end for end in ends if not end[2].is_good]
    for where, what, ended in bad:
        typer.echo(f"{where}: {what}: {ended.code}: {ended.said[-_SHOWN:]}")
    if "read-only" not in journeys:
        typer.echo("read-only: not walked, for root may write everywhere")
    typer.echo(f"{len(ends) - len(bad)} of {len(ends)} ended well or in a message with its remedy")
    typer.echo(f"bars met: {int(not bad)} of 1")


def _made(folder: Path) -> Path:
    """The small audit of the tests, begun in `folder`."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from found_audit import small_audit

    folder.mkdir()
    with chdir(folder):
        small_audit(folder, pairs_made=_PAIRS)
    return folder


if __name__ == "__main__":
    main()
