"""The manifest of a report: every file that it rests on, and its own, each with its digest.

    write_manifest(out, Sources(audits=(Path("runs/a"),), files=rubrics_and_logs))
    changes(out, sources)                 # ["runs/human/steps.jsonl: changed", ...]

A number shows that the file behind it changed; the manifest shows it of files that no number comes
from, and of files that were added. Places are relative to the report, so that it can be moved with
its sources, and only what the report names as its sources is opened. What is written beside an
audit later is not of this report: the logs of `eval` and `compare`, and other reports.
"""

import os
from collections.abc import Collection, Iterator
from hashlib import file_digest
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from argo_audit.errors import InputError, brief
from argo_audit.files import is_part, write_whole
from argo_audit.outside.caps import RECORD, check_room, read_whole
from argo_audit.records import VERSION, Record

MANIFEST = "manifest.json"
SIGNATURE = f"{MANIFEST}.sig"
"""Of the manifest, where somebody signed it."""

_OWN = {"audit.md", "audit.html", "figures", "stores", MANIFEST, SIGNATURE}
_REPORT = ("audit.md", MANIFEST)


class Inventory(Record):
    """The manifest: SHA-256 by place, seen from the report; of a link, where it leads.

    `alone` says that the report's folder held nothing else, so that nothing may be added to it.
    """

    argo_audit: str
    alone: bool
    files: dict[str, str]


class Sources(NamedTuple):
    """What a report is made from.

    `audits` are folders of which every file counts, but for those folders in them that are written
    `later`; `files` are further ones.
    """

    audits: tuple[Path, ...]
    files: tuple[Path, ...] = ()
    later: tuple[str, ...] = ()


def write_manifest(out: Path, sources: Sources) -> Path:
    """Write down every file of the report in `out`, which has just been made."""
    (out / SIGNATURE).unlink(missing_ok=True)  # it was of another manifest
    alone = all(entry.name in _OWN or is_part(entry.name) for entry in out.iterdir())
    places = _watched(out, sources, alone=alone) | _read(out, sources)
    digests = {name: _digest(places[name]) for name in sorted(places)}
    found = Inventory(argo_audit=VERSION, alone=alone, files=digests)
    write_whole(out / MANIFEST, found.model_dump_json(indent=1) + "\n")
    return out / MANIFEST


def changes(out: Path, sources: Sources, *, all_known: bool = True) -> list[str]:
    """One sentence for each file that is missing, is changed or is new since the manifest.

    Unless `all_known`, what lies outside the audits is not looked at. Raises InputError for a
    manifest that cannot be read.
    """
    manifest = read_manifest(out)
    watched = _watched(out, sources, alone=manifest.alone)
    places = watched | _read(out, sources)
    then = manifest.files
    if not all_known:
        roots = tuple(f"{_relative(root, out)}/" for root in sources.audits)
        then = {n: d for n, d in then.items() if n.startswith(roots) or not n.startswith("../")}
    missing = (f"{out / name}: missing" for name in then.keys() - places.keys())
    new = (f"{out / name}: new since the report" for name in watched.keys() - then.keys())
    both = then.keys() & places.keys()
    changed = (f"{out / name}: changed" for name in both if _digest(places[name]) != then[name])
    return sorted((*missing, *new, *changed))


def read_manifest(out: Path) -> Inventory:
    """The manifest of a report. Raises InputError when there is none that can be read."""
    try:
        return Inventory.model_validate_json(read_whole(out / MANIFEST, RECORD))
    except (OSError, ValidationError) as error:
        remedy = "make the report again with argo-audit report, or restore the file"
        problem = f"no manifest that can be read ({brief(error, Inventory)})"
        raise InputError(out / MANIFEST, problem, remedy) from error


def digest(file: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal. Raises InputError for one of holes."""
    with file.open("rb") as stream:
        check_room(stream.fileno(), file)
        return file_digest(stream, "sha256").hexdigest()


def _watched(out: Path, sources: Sources, *, alone: bool) -> dict[str, Path]:
    """What is there of the report and of the audits, by place."""
    own = _below(out, ()) if alone else _own(out)
    audits = (file for folder in sources.audits for file in _below(folder, sources.later, out))
    places = {_relative(file, out): file for file in (*own, *audits)}
    return {name: file for name, file in places.items() if name not in (MANIFEST, SIGNATURE)}


def _own(out: Path) -> Iterator[Path]:
    """The report's files, in a folder that is not its alone."""
    for name in _OWN:
        place = out / name
        yield from _below(place, ()) if place.is_dir() else filter(Path.is_file, [place])


def _read(out: Path, sources: Sources) -> dict[str, Path]:
    return {_relative(file, out): file for file in sources.files if file.is_file()}


def _below(folder: Path, later: Collection[str], out: Path | None = None) -> Iterator[Path]:
    """Every file and link below a folder, but for reports and what is written `later`."""
    for place, folders, files in os.walk(folder):
        here = Path(place)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = [n for n in folders if not _is_left_out(here / n, folder, later, out)]
        yield from (here / name for name in (*files, *links) if not is_part(name))


def _is_left_out(place: Path, root: Path, later: Collection[str], out: Path | None) -> bool:
    if place.is_symlink() or is_part(place.name):
        return True
    if place.parent == root and place.name in later:
        return True
    is_report = all((place / name).is_file() for name in _REPORT)
    return out is not None and (is_report or place.resolve() == out.resolve())


def _digest(file: Path) -> str:
    return f"link to {file.readlink()}" if file.is_symlink() else digest(file)


def _relative(file: Path, out: Path) -> str:
    """Seen from the report; a link is named where it lies, not where it leads."""
    place = file.parent.resolve() / file.name
    return Path(os.path.relpath(place, out.resolve())).as_posix()
