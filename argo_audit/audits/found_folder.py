"""A folder that was found, whoever made it: nothing that it names acts on this machine unasked.

    enter(Path("out"))                                          # no link leads out of it
    check_named(Path("out"), "facts.json", named, allow=())     # InputError says what to allow
    remember(Path("out"), named)                                # it was asked for, here and by us

A run folder, a report and a store may be a stranger's. What lies inside is read; what its records
name outside, what can run code and what reaches a host has to be asked for again: on the command
line with --allow, or it was asked for on this machine when the very folder was made.

Decision: as direnv does, what was asked for is remembered in the user's own state folder
(XDG_STATE_HOME), by the real path of the folder and what was asked. So one's own audits go on as
they were begun, without an option, and one that was moved, sent or altered asks. A mark in the
folder itself would be worth nothing. Without a state folder that can be written, all are asked.
"""

import os
import shlex
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from argo_audit.errors import InputError
from argo_audit.files import is_url
from argo_audit.records import fingerprint

Allowed = Sequence[str]
"""What the user allows: paths and what lies below them, URLs likewise, and names as they stand."""

_DEEPEST = 32  # folders one in another, of which an audit has four
_BEHIND = ("/proc", "/dev")  # what a path there leads to depends on who looks


class Named(NamedTuple):
    """What a record names: as `--allow` takes it, and what it is."""

    it: str
    is_what: str


def enter(folder: Path, allow: Allowed = ()) -> None:
    """Raise InputError for a folder with a link that leads out of it, or what is no file.

    No folder is none that could have one.
    """
    real = folder.resolve()
    for entry, depth in _entries(real):
        if depth > _DEEPEST:
            problem = f"a folder more than {_DEEPEST} deep in {folder}"
            raise InputError(entry.path, problem, "no audit has one: remove it")
        if entry.is_symlink():
            leads_to = os.path.realpath(entry.path)
            if not (_within(Path(leads_to), real) or _is_allowed(leads_to, allow)):
                raise InputError(
                    entry.path,
                    f"a link out of {folder}, to {leads_to}",
                    f"put in its place what it leads to; if you know it: --allow {leads_to}",
                )
        elif not (entry.is_dir() or stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode)):
            raise InputError(entry.path, "neither a file nor a folder", "remove it")


def place_of(folder: Path, named: str | Path) -> str:
    """What a record in `folder` names: a URL, or its real path."""
    return str(named) if is_url(named) else os.path.realpath(folder / named)


def outside(folder: Path, places: Iterable[tuple[str | Path | None, str]]) -> Iterator[Named]:
    """Those of the named places that do not lie in `folder`; their paths count from there."""
    for named, is_what in places:
        if named is not None:
            place = place_of(folder, named)
            if is_url(place) or not _within(Path(place), folder.resolve()):
                yield Named(place, is_what)


def unasked(folder: Path, named: Iterable[Named], allow: Allowed) -> list[Named]:
    """What of it this user neither allows nor asked for when the folder was made."""
    return [n for n in named if not (_is_allowed(n.it, allow) or _known(folder, n).exists())]


def check_named(
    folder: Path, record: str, named: Iterable[Named], allow: Allowed, otherwise: str = ""
) -> None:
    """Raise InputError for what a record of `folder` names, unless it was asked for.

    `otherwise` is what else there is to do about it.
    """
    left = unasked(folder, named, allow)
    if not left:
        return
    each = "".join(f"\n  {one.it}: {one.is_what}" for one in left)
    options = " ".join(f"--allow {shlex.quote(one.it)}" for one in left)
    raise InputError(
        folder / record,
        f"it names what lies outside, reaches a host or can run code:{each}",
        f"look at it, for the folder may be a stranger's; if you mean it: {options}{otherwise}",
    )


def remember(folder: Path, named: Iterable[Named]) -> None:
    """What is named in `folder` was asked for by this user; kept where that can be written."""
    for one in named:
        try:
            mark = _known(folder, one)
            mark.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            mark.touch()
        except (OSError, RuntimeError):  # RuntimeError: nobody's home
            return


def is_here(folder: Path) -> bool:
    """Whether a recorded folder is the working folder, by real path and not by what looks at it."""
    if not folder.is_absolute() or any(_within(folder, Path(one)) for one in _BEHIND):
        return False
    return folder.resolve() == Path.cwd().resolve()


def _entries(folder: Path) -> Iterator[tuple["os.DirEntry[str]", int]]:
    """All that lies below a folder, and how many folders below it."""
    left = [(str(folder), 0)] if folder.is_dir() else []
    while left:
        place, depth = left.pop()
        with os.scandir(place) as found:
            entries = list(found)
        for entry in entries:
            yield entry, depth
            if entry.is_dir(follow_symlinks=False):
                left.append((entry.path, depth + 1))


def _is_allowed(it: str, allow: Allowed) -> bool:
    return any(_covers(one, it) for one in allow)


def _covers(allowed: str, it: str) -> bool:
    if allowed == it:
        return True
    if is_url(allowed):
        leads_on = "::" in it or ".." in it.split("/")  # to another place than it begins with
        return it.startswith(f"{allowed.rstrip('/')}/") and not leads_on
    return it.startswith("/") and _within(Path(it), Path(allowed).resolve())


def _within(place: Path, folder: Path) -> bool:
    return place.is_relative_to(folder)


def _known(folder: Path, named: Named) -> Path:
    """The mark of what was asked for in a folder."""
    given = os.environ.get("XDG_STATE_HOME", "")
    root = Path(given) if given.startswith("/") else Path.home() / ".local" / "state"
    return root / "argo-audit" / "asked" / fingerprint(f"{folder.resolve()}\x1f{named.it}", 40)
