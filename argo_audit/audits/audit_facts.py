"""What an audit knows that is in no run, store or log, and where its folder keeps the rest.

    write_facts(Path("out"), facts)
    read_facts(Path("out")).ceiling

`facts.json` is written last: a folder that has one is a finished audit.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from argo_audit.audits.found_folder import Allowed, Named, check_named, enter, outside, remember
from argo_audit.audits.labels import LabelSource
from argo_audit.audits.request import LOGS
from argo_audit.errors import InputError, brief
from argo_audit.files import is_url, write_whole
from argo_audit.organism.manifest import Manifest
from argo_audit.outside.caps import RECORD, read_whole
from argo_audit.records import (
    Agreement,
    Conformance,
    Record,
    Split,
)
from argo_audit.stats.agreement import Difference
from argo_audit.store import RubricStore, slug

FACTS_FILE = "facts.json"
RUNS = "runs"
CONFORMANCE = "conformance"


class AuditFacts(Record):
    """What an audit knows that is in no run, store or log.

    `store_root` and `log_root` are relative to the audit's folder, or URLs; `skipped` says which
    lines of the pairs file were left out and why, `notes` what else there is to say of how it was
    read; `taken` says how often models were asked and for how many dollars, where that is known; of
    the `read` conversations that reward models were shown they did not read `truncated` in full.
    `rm_on_raw` is the reward model against the raw labels on held-out pairs, `difference` the held-
    out accuracy on the reward model's labels of the rubric trained on them minus that of the rubric
    trained on raw labels, `ceiling` the planted rubric under the same judge.
    """

    population: str
    store_root: str
    log_root: str = LOGS
    splits: dict[Split, int]
    skipped: tuple[str, ...]
    notes: tuple[str, ...] = ()
    truncated: int
    read: int = 0
    stored: tuple[str, ...]
    taken: str = Field(default="", exclude_if=lambda sentence: not sentence)
    rm_on_raw: Agreement | None = None
    difference: Difference | None = None
    ceiling: Agreement | None = None
    manifest: Manifest | None = None

    def store(self, folder: Path) -> RubricStore:
        """The store that holds the rubrics of the audit in `folder`."""
        return RubricStore(_from(folder, self.store_root))

    def logs(self, folder: Path) -> str | Path:
        """Where the eval logs of the audit in `folder` lie: a folder, or a URL."""
        return _from(folder, self.log_root)


def write_facts(folder: Path, facts: AuditFacts) -> None:
    """Mark the audit in `folder` as finished."""
    remember(folder, _named(folder, facts))
    write_whole(folder / FACTS_FILE, facts.model_dump_json(indent=1) + "\n")


def read_facts(folder: Path, allow: Allowed = ()) -> AuditFacts:
    """The facts of a finished audit, whoever carried it out.

    Raises InputError for any other folder, and for one that leads or points outside unasked.
    """
    path = folder / FACTS_FILE
    enter(folder, allow)
    facts = _read_facts(path)
    check_named(folder, FACTS_FILE, _named(folder, facts), allow)
    for place in (facts.store(folder).folder, facts.logs(folder)):
        if isinstance(place, Path):
            enter(place, allow)
    return facts


def _named(folder: Path, facts: AuditFacts) -> list[Named]:
    """What the facts name outside of the audit's folder."""
    places = ((facts.store_root, "its rubrics"), (facts.log_root, "its evaluation logs"))
    return list(outside(folder, places))


def _read_facts(path: Path) -> AuditFacts:
    try:
        return AuditFacts.model_validate_json(read_whole(path, RECORD))
    except (OSError, ValidationError) as error:
        remedy = "name the --out folder of a finished `argo-audit audit`"
        raise InputError(path, f"not a finished audit ({brief(error)})", remedy) from error


def write_conformance(folder: Path, sources: Sequence[LabelSource]) -> None:
    """Keep what reward models were checked for: `conformance/<label source>.json`."""
    for source in sources:
        if source.conformance is not None:
            path = folder / CONFORMANCE / f"{slug(source.name)}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, source.conformance.model_dump_json(indent=1) + "\n")


def read_conformance(folder: Path) -> tuple[Conformance, ...]:
    """The checks that an audit kept, by file name. Raises InputError for a file of another kind."""
    found = []
    for path in sorted((folder / CONFORMANCE).glob("*.json")):
        try:
            found.append(Conformance.model_validate_json(read_whole(path, RECORD)))
        except ValidationError as error:
            problem = f"not the checks of a reward model ({brief(error)})"
            raise InputError(path, problem, "write it again with argo-audit check-rm") from error
    return tuple(found)


def _from(folder: Path, root: str) -> str | Path:
    return root if is_url(root) else (folder / root).resolve()
