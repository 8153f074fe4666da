"""`argo-audit verify`: a report is made again from what it names as its sources, and compared.

    problems = verify(Path("runs/audit/audit.md"))

A source that is gone or cannot be read is such
a problem too: what cannot be repeated is not verified.
"""

import os
import shlex
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import Field

from argo_audit.audits.found_folder import Allowed, check_named, enter
from argo_audit.errors import ArgoError, InputError, brief
from argo_audit.files import is_url, on_disk
from argo_audit.outside.caps import read_text
from argo_audit.records import VERSION, Record

_REMEDY = "name the audit.md of a report that `argo-audit report` (or audit, or demo) wrote"


REPORT_FILE = "audit.md"


class _MadeFrom(Record):
    """The front matter's `made_from`."""

    audits: tuple[str, ...] = Field(min_length=1)
    evals: tuple[str, ...] = ()
    intent: str | None = None
    commands: tuple[str, ...] = ()
    manifest: str | None = None


def verify(path: str | PathLike[str], allow: Allowed = ()) -> list[str]:
    """Whether a report says what its sources say: it is made again from them, and compared.

    Args:
        path: The audit.md of a report, its folder, or the folder of an audit. What it names as its
            sources has to be there.
        allow: What the report may name outside its folder, as the error says that asks for it.

    Returns:
        One sentence per problem; empty when the report holds.

    Raises:
        InputError: When this is no report.
    """
    return _problems(report_at(on_disk(path)), tuple(allow))


def report_at(place: Path) -> Path:
    """The report that is meant: a file, or the one in a folder of a report or an audit."""
    inside = (place / REPORT_FILE, place / "audit" / REPORT_FILE)
    none = inside[0] if place.is_dir() else place
    return next((file for file in inside if file.is_file()), none)


def without_manifest(path: Path) -> str:
    """What was not looked at in a report made before there were manifests; "" for any other."""
    if _read(path)[2].manifest:
        return ""
    return f"{path}: made without a manifest; files that no line comes from were not looked at"


def with_later_logs(path: Path) -> str:
    """What was evaluated since a report was made, and is not of it; "" where nothing was."""
    from argo_audit.audits.reporting import later_logs

    origin = _read(path)[2]
    logs = later_logs(origin)
    if not logs:
        return ""
    audits = shlex.join(os.path.relpath(audit) for audit in origin.audits)
    return (
        f"not of this report: {len(logs)} evaluations that were made later, such as "
        f"{os.path.relpath(logs[0])}; one with them: argo-audit report {audits} --out NEW"
    )


def _problems(path: Path, allow: tuple[str, ...]) -> list[str]:
    from argo_audit.audits.reporting import found_with, read_origin
    from argo_audit.report.check import check_audit
    from argo_audit.report.spec import documents
    from argo_audit.report.verify import altered, unbacked

    enter(found_with(path.parent), allow)
    written, fields, read = _read(path)
    origin = read._replace(allow=allow)
    check_named(path.parent, path.name, origin.named_from(path.parent), allow)
    try:
        inputs, stores, sources = read_origin(origin, path.parent)
    except ArgoError as error:
        return [*_changed(path, origin, None), str(error)]
    found = _changed(path, origin, sources)
    try:
        made = documents(inputs, path.parent, *stores)
        lines = [*unbacked(written, made.pop("audit.md")), *altered(path.parent, made)]
        version = [*_other_version(fields, lines), *said_less(written, lines)]
        own = (path.parent, *origin.audits, *stores, *{file.parent for file in inputs.files})
        return [*found, *version, *lines, *check_audit(path, *stores, within=own)]
    except ArgoError as error:
        return [*found, str(error)]


def _read(path: Path) -> tuple[str, dict[str, Any], Any]:
    """A report's text, its front matter, and what it names as its sources."""
    from argo_audit.report.markdown import front_matter

    try:
        written = read_text(path)
        fields, _ = front_matter(written)
        return written, fields, _origin(fields, path.parent)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(path, f"no report to verify ({brief(error)})", _REMEDY) from error


def _changed(path: Path, origin: Any, sources: Any) -> list[str]:
    """What the manifest says of the files; a report without one is not held to it."""
    from argo_audit.audits.reporting import changed_files

    if not origin.manifest:
        return []
    try:
        return changed_files(origin, path.parent, sources)
    except (ArgoError, OSError) as error:
        return [str(error)]


def _origin(fields: dict[str, Any], folder: Path) -> Any:
    from argo_audit.audits.reporting import Origin

    made = _MadeFrom.model_validate(fields["made_from"])
    return Origin(
        audits=tuple(folder / place for place in made.audits),
        title=str(fields["title"]),
        commands=made.commands,
        intent=folder / made.intent if made.intent else None,
        evals=tuple(place if is_url(place) else folder / place for place in made.evals),
        manifest=made.manifest is not None,
        logs=_logs(folder) if made.manifest else None,
    )


def _logs(folder: Path) -> frozenset[str] | None:
    """The names of the logs that a report in `folder` was made from, by its manifest."""
    from argo_audit.report.inventory import read_manifest

    try:
        return frozenset(Path(name).name for name in read_manifest(folder).files)
    except ArgoError:  # which verify says
        return None


def _other_version(fields: dict[str, Any], found: list[str]) -> list[str]:
    """Another version may have said the same in other words."""
    version = fields.get("argo_audit")
    if not found or version == VERSION:
        return []
    return [f"made by argo-audit {version}, and this is {VERSION}: words may differ"]


def said_less(written: str, found: list[str]) -> list[str]:
    """Reports from before findings had a criterion and a direction of their own said less."""
    head = written.partition("\n---\n")[0]
    if not found or "claim: " not in head or "criterion: " in head:
        return []
    return [
        "made by an earlier argo-audit, whose reports said less of each finding: make it again "
        "with argo-audit report, and set the two side by side"
    ]
