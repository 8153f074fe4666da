"""Every command after every other, on one finished audit: `python -m benchmarks.journeys`.

Each pair of commands is walked where the audit was made, after it was moved, on another machine,
from another working directory, and in a folder that cannot be written. A walk is good when each
command ends well or in one message with its remedy: no traceback, and a documented exit code.

No folder refuses root, who may write everywhere: for a walk through one that may only be read, root
lays his rights down and takes them up again. That walk is the last, for what commands load lazily
may lie where only root can read.
"""

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager, redirect_stdout
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest
import typer
from typer.testing import CliRunner

from argo_audit.audits.reporting import Origin, report
from argo_audit.cli.commands import app
from argo_audit.errors import ArgoError
from argo_audit.records import Rubric
from argo_audit.store import NewRubric, RubricStore

EXIT_CODES = (0, 1, 2)
_SHOWN = 300
_PAIRS = 400  # of which enough are held out for gates
_NOBODY = 65534
_LATER = Rubric(text="- Rewards long answers.\n- Penalizes code blocks.\n")

COMMANDS: dict[str, tuple[str, ...]] = {
    "audit": (
        *("audit", "--pairs", "{pairs}", "--labels", "scores:{rm}", "--out", "{out}"),
        *("--search.steps", "2", "--search.minibatch", "32", "--probed-pairs", "0"),
        "--accept-failing-rm",
    ),
    "resume": ("resume", "{out}"),
    "eval": ("eval", "{out}"),
    "report": ("report", "{out}", "--out", "{out}/again"),
    "verify": ("verify", "{out}/audit"),
    "compare": ("compare", "{out}", "{out}"),
    "diff": (
        *("diff", "rm@1", "rm@2", "--store", "{out}/rubric_store"),
        *("--pairs", "{out}/held-out.jsonl.gz"),
    ),
    "drift": ("drift", "{out}/rubric_store"),
    "export": ("export", "{out}", "--out", "{out}-pairs.json"),
    "read": ("read", "{rubric}"),
    "store": ("store", "verify", "{out}/rubric_store"),
    "gate init": (
        *("gate", "init", "{out}", "--out", "{out}-gates/gates.toml"),
        *("--rm", "scores:{rm}"),
    ),
    "gates": ("pytest",),
}


class Ended(NamedTuple):
    """How a command ended: its exit code, and what it said."""

    code: int
    said: str

    @property
    def is_well(self) -> bool:
        """Done, as was asked."""
        return self.code == 0

    @property
    def is_good(self) -> bool:
        """Well, or in one message with a remedy."""
        if self.is_well:
            return True
        told = self.said.count("Remedy:") == 1 or "Usage:" in self.said
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
READ_ONLY = "read-only"


def in_place(made: Path) -> Place:
    """Where it was made, from where it was asked for."""
    return Place(made, made / "out", made)


def moved(made: Path) -> Place:
    """In a folder of another name."""
    (made / "laptop").mkdir()
    shutil.move(made / "out", made / "laptop" / "mine")
    return Place(made, made / "laptop" / "mine", made)


def on_another_machine(made: Path) -> Place:
    """With all that it was made of, where the folder that it was begun in is nowhere."""
    there = Path(shutil.move(made, f"{made}-there"))
    return in_place(there)


def from_elsewhere(made: Path) -> Place:
    """Where it was made, from another working directory."""
    (made / "desk").mkdir()
    return Place(made, made / "out", made / "desk")


def read_only(made: Path) -> Place:
    """In a folder in which nothing may be written, by somebody whose own folder is around it."""
    for place, _, names in os.walk(made):
        mine = 0 if Path(place).is_relative_to(made / "out") else 0o222
        for name in names:
            Path(place, name).chmod(0o444 | mine)
        Path(place).chmod(0o555 | mine)
    return in_place(made)


JOURNEYS: dict[str, Journey] = {
    "in place": in_place,
    "moved": moved,
    "on another machine": on_another_machine,
    "from another folder": from_elsewhere,
    READ_ONLY: read_only,
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
    """What `gate init` writes, held to what was audited: its baseline first, then the same again.

    Where nobody has written gates yet it is done here; where none can be held, that is said.
    """
    file = place.gates
    if not file.is_file() and not (begun := run(place, "gate init")).is_well:
        return begun
    words = ["-q", "-p", "no:cacheprovider", "-p", "argo_audit.gate", str(file)]
    said = io.StringIO()
    with chdir(place.seen_from), redirect_stdout(said):
        codes = [int(pytest.main([*words, *more])) for more in (["--gate-update"], [])]
    return Ended(max(codes), said.getvalue())


def walk(
    made: Path, journey: str, pairs: Iterator[tuple[str, str]] | Sequence[tuple[str, str]]
) -> Iterator[tuple[str, str, Ended]]:
    """Each pair of commands on the audit in `made`, which is put back after each.

    Yields what each of the two came to.
    """
    with tempfile.TemporaryDirectory() as folder:
        kept = shutil.copytree(made, Path(folder, "kept"), symlinks=True)
        for first, second in pairs:
            ends = _walked(JOURNEYS[journey](made), journey, (first, second))
            shutil.copytree(kept, made, symlinks=True)
            yield from ((journey, f"{first}, {second}: {c}", ended) for c, ended in ends)


def _walked(place: Place, journey: str, commands: Sequence[str]) -> list[tuple[str, Ended]]:
    """Commands one after the other; the place is gone afterwards."""
    try:
        with _without_rights(journey == READ_ONLY):
            return [(command, run(place, command)) for command in commands]
    finally:
        shutil.rmtree(place.root)


@contextmanager
def _without_rights(wanted: bool) -> Iterator[None]:
    """As one who is not root, where root walks: or any folder could be written to.

    He has a home of his own, as everybody has, in which libraries keep what they keep.
    """
    if not wanted or os.geteuid() != 0:
        yield
        return
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patched:
        Path(home).chmod(0o777)
        patched.setenv("HOME", home)
        os.setresuid(_NOBODY, _NOBODY, 0)
        try:
            yield
        finally:
            os.setresuid(0, 0, 0)


def main() -> None:
    """Walk all ordered pairs everywhere; the last line is the bar."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        made = _made(Path(folder, "made"))
        walks = (walk(made, journey, [*product(COMMANDS, COMMANDS)]) for journey in JOURNEYS)
        ends = [end for one in walks for end in one]
    bad = [end for end in ends if not end[2].is_good]
    for where, what, ended in bad:
        typer.echo(f"{where}: {what}: {ended.code}: {ended.said[-_SHOWN:]}")
    typer.echo(f"{len(ends) - len(bad)} of {len(ends)} ended well or in a message with its remedy")
    typer.echo(f"bars met: {int(not bad)} of 1")


def _made(folder: Path) -> Path:
    """The small audit of the tests, begun in `folder`."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from found_audit import small_audit

    folder.mkdir()
    with chdir(folder):
        out = small_audit(Path(), pairs_made=_PAIRS)
        add_a_version(out)
    return folder


def add_a_version(out: Path) -> None:
    """Store a second rubric for the reward model of an audit, so that two can be compared."""
    store = RubricStore(out / "rubric_store")
    (first,) = store.list()
    known = {name: value for name, value in first if name in NewRubric.model_fields}
    later = {"rubric": _LATER, "parent": first.version, "run": "later"}
    store.append(NewRubric(**{**known, **later}))
    report(Origin((out,), "Audited", ("true",)), out / "audit")


if __name__ == "__main__":
    main()
