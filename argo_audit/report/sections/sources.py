"""The last section: every file that the numbers come from, with its digest.

    section(facts).blocks

A number links to its file, and a file is what it was when its digest is: `argo-audit verify` makes
the report again, so a file that changed shows here before its numbers do.
"""

from collections.abc import Iterator
from pathlib import Path

from argo_audit.report.inventory import digest
from argo_audit.report.markdown import Section, link, table
from argo_audit.report.material import Material

TITLE = "Sources"

_NOTE = (
    "Every number above is computed from these files. `argo-audit verify` on this report computes "
    "it again, and names each number and each file that is not what it was."
)
_ELSEWHERE = "Logs and rubrics that lie on another machine are not listed; they are computed again."
_HEADER = ("File", "SHA-256")


def section(facts: Material) -> Section:
    """One row per file on this machine."""
    files = list(_files(facts))
    if not files:
        return Section(TITLE, ["No file was given."])
    rows = [[link(facts.relative(file), facts.href(file)), f"`{digest(file)}`"] for file in files]
    return Section(TITLE, [_NOTE, table(_HEADER, rows), _ELSEWHERE])


def _files(facts: Material) -> Iterator[Path]:
    """Those given, and the stored rubrics that were selected; each once, where it really lies."""
    stored = [trained.path for trained in facts.all_trained if trained.path]
    yield from dict.fromkeys(path.resolve() for path in (*facts.inputs.files, *stored))
