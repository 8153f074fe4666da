"""What an audit knows that is in no run, store or log, and where its folder keeps the rest.

    facts = gather(request, prepared, stored, judge)
    write_facts(Path("out"), facts)
    read_facts(Path("out")).ceiling

`facts.json` is written last: a folder that has one is a finished audit.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from anyio.from_thread import start_blocking_portal
from pydantic import ValidationError

from argo_audit.audits.labels import LabelSource
from argo_audit.audits.request import LOGS, AnswerKey, AuditRequest, Prepared
from argo_audit.errors import InputError, brief
from argo_audit.evals.logs import read_judgments
from argo_audit.files import Folder, is_url, write_whole
from argo_audit.organism.manifest import Manifest
from argo_audit.pairs.splits import clusters
from argo_audit.records import (
    HUMAN,
    Agreement,
    Conformance,
    Judgment,
    Label,
    Record,
    Split,
    StoredRubric,
)
from argo_audit.roles import Judge
from argo_audit.stats.agreement import Difference, accuracy_difference, measure
from argo_audit.store import RubricStore, ref, slug

FACTS_FILE = "facts.json"
RUNS = "runs"
CONFORMANCE = "conformance"


class AuditFacts(Record):
    """What an audit knows that is in no run, store or log.

    `store_root` and `log_root` are relative to the audit's folder, or URLs; `skipped` says which
    lines of the pairs file were left out and why; of the `read` conversations that reward models
    were shown they did not read `truncated` in full. `rm_on_raw` is the reward model against the
    raw labels on held-out pairs, `difference` the held-out accuracy on the reward model's labels of
    the rubric trained on them minus that of the rubric trained on raw labels, `ceiling` the planted
    rubric under the same judge.
    """

    population: str
    store_root: str
    log_root: str = LOGS
    splits: dict[Split, int]
    skipped: tuple[str, ...]
    truncated: int
    read: int = 0
    stored: tuple[str, ...]
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
    write_whole(folder / FACTS_FILE, facts.model_dump_json(indent=1) + "\n")


def read_facts(folder: Path) -> AuditFacts:
    """The facts of a finished audit. Raises InputError for any other folder."""
    path = folder / FACTS_FILE
    try:
        return AuditFacts.model_validate_json(path.read_bytes())
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
            found.append(Conformance.model_validate_json(path.read_bytes()))
        except ValidationError as error:
            problem = f"not the checks of a reward model ({brief(error)})"
            raise InputError(path, problem, "write it again with argo-audit check-rm") from error
    return tuple(found)


def gather(
    request: AuditRequest, prepared: Prepared, stored: Sequence[StoredRubric], judge: Judge
) -> AuditFacts:
    """The facts of an audit whose rubrics are stored and evaluated."""
    key = prepared.answer_key
    return AuditFacts(
        population=prepared.population,
        store_root=_as_seen_from(request.out, RubricStore(request.store_root).folder)
        or request.store_root,
        log_root=_as_seen_from(request.out, Folder(request.log_root).local) or request.log_root,
        splits={name: len(pairs) for name, pairs in prepared.splits.items()},
        skipped=prepared.file.skipped,
        truncated=sum(source.truncated for source in prepared.sources),
        read=sum(source.read for source in prepared.sources),
        stored=tuple(ref(rubric) for rubric in stored),
        rm_on_raw=_rm_on_raw(prepared),
        difference=_difference(request, prepared, stored),
        ceiling=_ceiling(prepared, key, judge) if key else None,
        manifest=key.manifest if key else None,
    )


def _as_seen_from(out: Path, folder: Path | None) -> str | None:
    """A folder of this machine relative to that of the audit, so that both can be moved."""
    if folder is None:
        return None
    return Path(os.path.relpath(folder.resolve(), out.resolve())).as_posix()


def _from(folder: Path, root: str) -> str | Path:
    return root if is_url(root) else (folder / root).resolve()


def _rm_labels(prepared: Prepared) -> LabelSource | None:
    """The first source that is not people, when there are raw labels to set it beside."""
    others = [source for source in prepared.sources if source.name != HUMAN]
    return others[0] if others and HUMAN in prepared.labels else None


def _rm_on_raw(prepared: Prepared) -> Agreement | None:
    """The reward model as if it were a judge, against the raw labels."""
    source = _rm_labels(prepared)
    if source is None:
        return None
    raw = _held_out(prepared, HUMAN)
    said = [
        Judgment(
            pair_id=label.pair_id,
            rubric_id=source.name,
            p_a=label.p_a,
            p_a_first=None,
            p_a_second=None,
        )
        for label in _held_out(prepared, source.name)
    ]
    both = _labelled(said, raw)
    return measure(raw, both, clusters=clusters(prepared.splits["held-out"])) if both else None


def _difference(
    request: AuditRequest, prepared: Prepared, stored: Sequence[StoredRubric]
) -> Difference | None:
    """RM-trained minus raw-trained, on the same held-out pairs and the reward model's labels."""
    source = _rm_labels(prepared)
    by_source = {rubric.label_source: rubric for rubric in stored}
    if source is None or HUMAN not in by_source:
        return None
    labels = _held_out(prepared, source.name)
    judgments = read_judgments(request.log_root)
    first, second = (
        _labelled(judgments[by_source[name].rubric.id], labels) for name in (source.name, HUMAN)
    )
    try:
        return accuracy_difference(labels, first, second, clusters(prepared.splits["held-out"]))
    except ValueError:  # no pair on which both had a verdict: not measured
        return None


def _ceiling(prepared: Prepared, key: AnswerKey, judge: Judge) -> Agreement:
    """The planted rubric under the same judge, its temperature fitted on dev."""
    source = prepared.sources[0].name
    data = prepared.search_data(source)
    splits: tuple[Split, Split] = ("dev", "held-out")
    with start_blocking_portal() as loop:
        judged = [loop.call(judge.judge, key.rubric, prepared.splits[name]) for name in splits]
    labels = [data.labels_for(prepared.splits[name], source) for name in splits]
    dev, held_out = (_labelled(*both) for both in zip(judged, labels, strict=True))
    fitted = measure(labels[0], dev, temperature=None)
    return measure(
        labels[1],
        held_out,
        clusters=clusters(prepared.splits["held-out"]),
        temperature=fitted.temperature,
    )


def _held_out(prepared: Prepared, source: str) -> list[Label]:
    return prepared.search_data(source).labels_for(prepared.splits["held-out"], source)


def _labelled(judgments: Sequence[Judgment], labels: Sequence[Label]) -> list[Judgment]:
    """The judgments of pairs that have a label: a source may leave pairs out."""
    known = {label.pair_id for label in labels}
    return [judgment for judgment in judgments if judgment.pair_id in known]
