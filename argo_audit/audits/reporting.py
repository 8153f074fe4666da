"""The report over one or more audits, made again from what they left on disk.

    files = report(Origin((Path("runs/a"), Path("runs/b")), title="A beside B"), Path("runs/audit"))

Populations stand side by side when several audits are given. No model is loaded: eval logs, run
folders, stored rubrics and `facts.json` are all there is to it. Whatever a report is made from is
named in its front matter, so that `argo-audit verify` can make it again.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from argo_audit.audits.audit_facts import (
    CONFORMANCE,
    FACTS_FILE,
    RUNS,
    AuditFacts,
    read_conformance,
    read_facts,
)
from argo_audit.audits.begun import REQUEST_FILE
from argo_audit.audits.evaluate import EVALS
from argo_audit.audits.found_folder import Allowed, Named, outside, remember
from argo_audit.audits.judge_checking import judge_check_files, read_judge_checks
from argo_audit.audits.named_by_request import INTENT
from argo_audit.audits.preparing import read_intent
from argo_audit.errors import RunFolderError
from argo_audit.evals.logs import Evaluation, read_evaluations
from argo_audit.evals.reading import FoundLog
from argo_audit.evals.tasks.bias_probe import find_probes, read_probed
from argo_audit.files import Folder, is_url, join, write_whole
from argo_audit.findings.crossing import Crossing, Side, read_crossing
from argo_audit.findings.inputs import AuditInputs, Planted, RunRecord, load_run
from argo_audit.outside.caps import read_text
from argo_audit.probes.probe import Probed
from argo_audit.records import HUMAN
from argo_audit.report.inventory import MANIFEST, Sources, changes, write_manifest
from argo_audit.report.markdown import front_matter, percent
from argo_audit.report.material import ATTEMPTS, MEASUREMENTS, RUN
from argo_audit.report.spec import AuditFiles, write_audit
from argo_audit.stats.agreement import selection_key
from argo_audit.store import HELD_OUT, RubricStore, file_name, ref, slug, to_document

_SKIPPED_SHOWN = 3

CROSSED = "crossed"
"""Where the logs of `argo-audit compare` lie in the folder of the first audit."""

_LATER = (EVALS, CROSSED)
"""Folders of an audit in which commands write after its report."""


_READ_LATER = ("bias-probe", "cross-population")
"""Tasks of whose later logs reports say something, as Inspect writes them in the names of files."""


class Origin(NamedTuple):
    """What a report is made from.

    `audits` are folders of finished audits; `intent` is a file and `evals` are further folders (or
    URLs) of eval logs; `commands` repeat the audit; `allow` is what audits may name outside their
    folders. A report that was made before there were manifests has no `manifest`. With `logs`, the
    names of the logs that a report was made from, later ones are none of its sources.
    """

    audits: tuple[Path, ...]
    title: str = "Audit"
    commands: tuple[str, ...] = ()
    intent: Path | None = None
    evals: tuple[str | Path, ...] = ()
    allow: tuple[str, ...] = ()
    manifest: bool = True
    logs: frozenset[str] | None = None

    def takes(self, log: FoundLog) -> bool:
        """Whether a log is among its sources; a manifest has none of another machine."""
        return self.logs is None or _name(log) in self.logs or is_url(_place(log.path))

    def seen_from(self, out: Path) -> dict[str, JsonValue]:
        """The same for a file in `out`: places of this machine are relative to it."""
        places: dict[str, JsonValue] = {
            "audits": [_relative(folder, out) for folder in self.audits],
            "evals": [_relative(place, out) for place in self.evals],
            "intent": _relative(self.intent, out) if self.intent else None,
            "commands": list(self.commands),
        }
        return places | {"manifest": MANIFEST} if self.manifest else places

    def named_from(self, out: Path) -> list[Named]:
        """What a report in `out` names outside of the folder that it was found in."""
        places: list[tuple[str | Path | None, str]] = [
            *((audit.absolute(), "an audit") for audit in self.audits),
            *((e if is_url(e) else Path(e).absolute(), "evaluation logs") for e in self.evals),
            (self.intent and self.intent.absolute(), INTENT),
        ]
        return list(outside(found_with(out), places))


def found_with(out: Path) -> Path:
    """The folder that a report was found with: its own, or that of the audit around it."""
    around = out.resolve().parent
    audit = any((around / name).is_file() for name in (FACTS_FILE, REQUEST_FILE))
    return around if audit else out.resolve()


class _Found(NamedTuple):
    """One audit with what its folder and its logs hold, but for what is too large to be kept."""

    folder: Path
    facts: AuditFacts
    store: RubricStore
    runs: tuple[RunRecord, ...]
    evaluations: tuple[Evaluation, ...]

    @property
    def log_files(self) -> dict[str, Path | str]:
        """Where its evaluation logs lie, by their names."""
        root = self.facts.logs(self.folder)
        return {
            e.log: root / e.log if isinstance(root, Path) else join(root, e.log)
            for e in self.evaluations
        }

    @property
    def files(self) -> Iterator[Path]:
        """Its own files that numbers come from."""
        yield self.folder / FACTS_FILE
        yield self.folder / HELD_OUT
        for run in self.runs:
            names = (RUN, ATTEMPTS, MEASUREMENTS)
            yield from (path for name in names if (path := run.folder / name).is_file())
        yield from self.checks
        yield from judge_check_files(self.folder)

    @property
    def kept_rubrics(self) -> Iterator[Path]:
        """Every version of its reward models in a store on this machine, and their pairs."""
        if folder := self.store.folder:
            for reward_model in {name.rpartition("@")[0] for name in self.facts.stored}:
                yield from sorted((folder / reward_model).glob("[!.]*"))

    @property
    def checks(self) -> list[Path]:
        """The files of what was checked of its reward models."""
        return sorted((self.folder / CONFORMANCE).glob("*.json"))


class _Probes(Mapping[str, tuple[Probed, ...]]):
    """The edited responses of each reward model, read when asked for: their texts are many."""

    def __init__(self, logs: Mapping[str, Sequence[FoundLog]]):
        self.logs = logs

    def __getitem__(self, name: str) -> tuple[Probed, ...]:
        return read_probed(self.logs[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.logs)

    def __len__(self) -> int:
        return len(self.logs)


def report(origin: Origin, out: Path) -> AuditFiles:
    """Write audit.md, audit.html and figures to `out`.

    Rubrics are linked where their stores keep them; of a store on another machine, those of the
    audited reward models are copied to `out` first. Raises InputError when a folder is not a
    finished audit.
    """
    _check_ours(out / "audit.md")
    audits = [_found(folder, origin.allow) for folder in origin.audits]
    for audit in audits:
        _copy_rubrics(audit, out)
    inputs = _inputs(origin, audits, out)
    files = write_audit(inputs, out, *_stores(audits, out))
    if origin.manifest:
        write_manifest(out, _sources(origin, audits, inputs))
    remember(out, origin.named_from(out))
    return files


def _check_ours(written: Path) -> None:
    """Raise RunFolderError for a file of the report's name that no report was written to."""
    if not written.is_file():
        return
    try:
        fields, _ = front_matter(read_text(written))
    except ValueError:
        fields = {}
    if "made_from" not in fields and "key_figures" not in fields:
        raise RunFolderError(
            f"{written} is no report of argo-audit; nothing in its folder was touched.\n"
            "  Remedy: name another folder, or move the file away"
        )


class MadeFrom(NamedTuple):
    """What a report is made from, as read: its input, its stores, and every file it rests on."""

    inputs: AuditInputs
    stores: tuple[Path, ...]
    sources: Sources


def read_origin(origin: Origin, out: Path) -> MadeFrom:
    """What `report` writes a report in `out` from; writes nothing. Raises as `report`."""
    audits = [_found(folder, origin.allow) for folder in origin.audits]
    inputs = _inputs(origin, audits, out)
    return MadeFrom(inputs, _stores(audits, out), _sources(origin, audits, inputs))


def later_logs(origin: Origin) -> list[Path]:
    """Logs beside the audits that another report of `origin` would read, and this one did not."""
    if origin.logs is None:
        return []
    places = [audit / name for audit in origin.audits for name in _LATER]
    found = (log for place in places for log in sorted(place.rglob("*.eval")))
    read = (log for log in found if any(task in log.name for task in _READ_LATER))
    return [log for log in read if log.name not in origin.logs]


def changed_files(origin: Origin, out: Path, sources: Sources | None) -> list[str]:
    """What is missing, changed or new of the files of a report in `out`, by its manifest.

    Without `sources`, which could not be read: of the files that the manifest knows.
    """
    if sources:
        return changes(out, sources)
    return changes(out, Sources(origin.audits, later=_LATER), all_known=False)


def _sources(origin: Origin, audits: Sequence[_Found], inputs: AuditInputs) -> Sources:
    """Every file that a report rests on, those included of which it says nothing."""
    rubrics = (file for audit in audits for file in audit.kept_rubrics)
    return Sources(origin.audits, (*inputs.files, *rubrics), _LATER)


def _inputs(origin: Origin, audits: Sequence[_Found], out: Path) -> AuditInputs:
    facts = [audit.facts for audit in audits]
    probes = _probes(audits, origin)
    crossings = list(_crossings(audits, origin))
    logs = {name: file for audit in audits for name, file in audit.log_files.items()}
    logs |= {crossing.log: _log_in(place, crossing.log) for place, crossing in crossings}
    logs |= {_name(log): _place(log.path) for own in probes.values() for log in own}
    return AuditInputs(
        title=origin.title,
        runs=tuple(run for audit in audits for run in audit.runs),
        stored=tuple(a.store.get(name) for a in audits for name in a.facts.stored),
        evaluations=tuple(e for audit in audits for e in audit.evaluations),
        log_files=logs,
        planted={f.population: _planted(f) for f in facts if f.manifest is not None},
        rm_on_raw={f.population: f.rm_on_raw for f in facts if f.rm_on_raw is not None},
        differences={f.population: f.difference for f in facts if f.difference is not None},
        conformance={a.facts.population: read_conformance(a.folder) for a in audits},
        judge_checks={a.facts.population: read_judge_checks(a.folder) for a in audits},
        checks=tuple(path for audit in audits for path in audit.checks),
        probed=_Probes(probes),
        probe_logs={name: tuple(map(_name, own)) for name, own in probes.items()},
        intent=read_intent(origin.intent),
        crossings=tuple(crossing for _, crossing in crossings),
        notes=tuple(note for fact in facts for note in _notes(fact)),
        taken=tuple(f"{fact.population}: {fact.taken}." for fact in facts if fact.taken),
        commands=origin.commands,
        kept={audit.facts.population: audit.folder / FACTS_FILE for audit in audits},
        files=tuple(_files(audits, logs, origin)),
        made_from=origin.seen_from(out),
    )


def _found(folder: Path, allow: Allowed) -> _Found:
    facts = read_facts(folder, allow)
    runs = [
        replace(load_run(run), held_out=folder / HELD_OUT)
        for run in sorted((folder / RUNS).iterdir())
    ]
    evaluations = read_evaluations(facts.logs(folder))
    return _Found(folder, facts, facts.store(folder), tuple(runs), tuple(evaluations))


def _files(
    audits: Sequence[_Found], logs: Mapping[str, Path | str], origin: Origin
) -> Iterator[Path]:
    """Everything on this machine that numbers come from."""
    for audit in audits:
        yield from audit.files
    yield from (file for file in logs.values() if isinstance(file, Path))
    if origin.intent:
        yield origin.intent


def _probes(audits: Sequence[_Found], origin: Origin) -> dict[str, list[FoundLog]]:
    """The logs of each reward model's probes in the folders that are there, oldest first."""
    folders: list[str | Path] = [audit.facts.logs(audit.folder) for audit in audits]
    folders += [audit.folder / EVALS for audit in audits]
    found: dict[str, list[FoundLog]] = {}
    for folder in dict.fromkeys(map(str, (*folders, *origin.evals))):
        if Folder(folder).is_there():
            for name, logs in find_probes(folder).items():
                found.setdefault(name, []).extend(filter(origin.takes, logs))
    by_age = ((n, sorted(own, key=lambda log: log.header.created)) for n, own in found.items())
    return {name: logs for name, logs in by_age if logs}


def _crossings(audits: Sequence[_Found], origin: Origin) -> Iterator[tuple[Path, Crossing]]:
    """Every two populations that were crossed in a log of one of them, and where that log lies."""
    sides = [side for audit in audits if (side := side_of(audit.facts, audit.store))]
    worlds = {a.facts.population: m for a in audits if (m := a.facts.manifest) is not None}
    pairs = {a.facts.population: a.folder / HELD_OUT for a in audits}
    places = [
        place for a in audits for name in (EVALS, CROSSED) if (place := a.folder / name).is_dir()
    ]
    for first, second in combinations(sides, 2):
        found = (
            (place, read_crossing(place, first, second, worlds, origin.takes, pairs))
            for place in places
        )
        for place, crossing in found:
            if crossing is not None:
                yield place, crossing
                break


def side_of(facts: AuditFacts, store: RubricStore) -> Side | None:
    """The population of an audit, with its reward model and the rubric learned from that."""
    own = [rubric for rubric in map(store.get, facts.stored) if rubric.label_source != HUMAN]
    if not own:
        return None
    best = max(own, key=lambda rubric: (selection_key(rubric.dev), rubric.version))
    return Side(
        population=facts.population,
        rubric=ref(best),
        label_source=best.label_source,
        rubric_id=best.rubric.id,
    )


def _stores(audits: Iterable[_Found], out: Path) -> tuple[Path, ...]:
    """The stores' folders; of a store elsewhere, the copy of what it holds on reward models."""
    folders = (a.store.folder or out / "stores" / slug(a.facts.store_root) for a in audits)
    return tuple(dict.fromkeys(folders))


def _copy_rubrics(audit: _Found, out: Path) -> None:
    """Copy what a store elsewhere holds on the reward models of an audit."""
    if audit.store.folder is not None:
        return
    copy = out / "stores" / slug(audit.facts.store_root)
    for reward_model in {name.rpartition("@")[0] for name in audit.facts.stored}:
        (copy / reward_model).mkdir(parents=True, exist_ok=True)
        for stored in audit.store.list(reward_model):
            write_whole(copy / reward_model / file_name(stored), to_document(stored))


def _log_in(place: Path, name: str) -> Path:
    """A log below a folder: each comparison has a folder of its own."""
    return next(place.rglob(name), place / name)


def _name(log: FoundLog) -> str:
    return Path(log.path).name


def _place(log: str) -> Path | str:
    """Inspect names logs of this machine by URLs too."""
    path = log.removeprefix("file://")
    return path if is_url(path) else Path(path)


def _relative(place: str | Path, out: Path) -> str:
    if is_url(place):
        return str(place)
    return Path(os.path.relpath(Path(place).resolve(), out.resolve())).as_posix()


def _planted(facts: AuditFacts) -> Planted:
    preferences = facts.manifest.spec.preferences if facts.manifest else ()
    return Planted(preferences=preferences, ceiling=facts.ceiling)


def _notes(facts: AuditFacts) -> Iterator[str]:
    """What was not as it should be with the input of an audit, in words."""
    if facts.truncated:
        yield (
            f"{facts.population}: {facts.truncated} of {facts.read} conversations "
            f"({percent(facts.truncated / facts.read if facts.read else None)}) were too long for "
            "the reward model and were cut, so that their rewards are those of other texts."
        )
    yield from (f"{facts.population}: {sentence}." for sentence in facts.notes)
    if facts.skipped:
        shown = "; ".join(facts.skipped[:_SKIPPED_SHOWN])
        more = "; ..." if len(facts.skipped) > _SKIPPED_SHOWN else ""
        yield (
            f"{facts.population}: {len(facts.skipped)} unusable lines of the pairs file were left "
            f"out ({shown}{more})."
        )
