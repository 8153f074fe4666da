"""The report over one or more audits, made again from what they left on disk.

    files = report([Path("runs/a"), Path("runs/b")], Path("runs/audit"), title="A beside B")

Populations stand side by side when several audits are given. No model is loaded: eval logs, run
folders, stored rubrics and `facts.json` are all there is to it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from argo_audit.agreement import selection_key
from argo_audit.audit.crossing import Crossing, Side, read_crossing
from argo_audit.audit.inputs import RAW, AuditInputs, Planted, RunRecord, load_run
from argo_audit.audit.markdown import percent
from argo_audit.audit.spec import AuditFiles, write_audit
from argo_audit.cli.eval_command import EVALS
from argo_audit.cli.facts import RUNS, Facts, read_conformance, read_facts
from argo_audit.evals.logs import read_evaluations
from argo_audit.files import join
from argo_audit.run_folder import write_whole
from argo_audit.store import HELD_OUT, RubricStore, file_name, ref, slug, to_document

_SKIPPED_SHOWN = 3

CROSSED = "crossed"
"""Where the logs of `argo-audit compare` lie in the folder of the first audit."""


def report(audits: Sequence[Path], out: Path, title: str, commands: Sequence[str]) -> AuditFiles:
    """Write audit.md, audit.html and figures to `out`; `commands` repeat the audit.

    Rubrics are linked where their stores keep them; of a store on another machine, those of the
    audited reward models are copied to `out` first. Raises InputError when a folder is not a
    finished audit.
    """
    facts = {folder: read_facts(folder) for folder in audits}
    stores = {folder: fact.store(folder) for folder, fact in facts.items()}
    runs = (_runs(folder) for folder in facts)
    logs = {
        fact.logs(folder): read_evaluations(fact.logs(folder)) for folder, fact in facts.items()
    }
    inputs = AuditInputs(
        title=title,
        runs=tuple(run for found in runs for run in found),
        stored=tuple(stores[folder].get(name) for folder in facts for name in facts[folder].stored),
        evaluations=tuple(e for found in logs.values() for e in found),
        log_files={e.log: _file(root, e.log) for root, found in logs.items() for e in found},
        planted={f.population: _planted(f) for f in facts.values() if f.manifest is not None},
        rm_on_raw={f.population: f.rm_on_raw for f in facts.values() if f.rm_on_raw is not None},
        differences={
            f.population: f.difference for f in facts.values() if f.difference is not None
        },
        conformance={f.population: read_conformance(folder) for folder, f in facts.items()},
        crossings=tuple(_crossings(facts, stores)),
        notes=tuple(note for fact in facts.values() for note in _notes(fact)),
        commands=tuple(commands),
    )
    folders = [_on_disk(stores[folder], facts[folder], out) for folder in facts]
    return write_audit(inputs, out, *dict.fromkeys(folders))


def _runs(folder: Path) -> Iterator[RunRecord]:
    for run in sorted((folder / RUNS).iterdir()):
        yield replace(load_run(run), held_out=folder / HELD_OUT)


def _crossings(
    facts: Mapping[Path, Facts], stores: Mapping[Path, RubricStore]
) -> Iterator[Crossing]:
    """Every two populations that were crossed in a log of one of them."""
    sides = {folder: side_of(fact, stores[folder]) for folder, fact in facts.items()}
    worlds = {f.population: f.manifest for f in facts.values() if f.manifest is not None}
    logs = [
        place for folder in facts for name in (EVALS, CROSSED) if (place := folder / name).is_dir()
    ]
    for first, second in combinations((side for side in sides.values() if side), 2):
        found = (read_crossing(place, first, second, worlds) for place in logs)
        if crossing := next(filter(None, found), None):
            yield crossing


def side_of(facts: Facts, store: RubricStore) -> Side | None:
    """The population of an audit, with its reward model and the rubric learned from that."""
    own = [rubric for rubric in map(store.get, facts.stored) if rubric.label_source != RAW]
    if not own:
        return None
    best = max(own, key=lambda rubric: (selection_key(rubric.dev), rubric.version))
    return Side(population=facts.population, rubric=ref(best), label_source=best.label_source)


def _on_disk(store: RubricStore, facts: Facts, out: Path) -> Path:
    """The store's folder; of a store elsewhere, a copy of what it holds on the reward models."""
    if store.folder is not None:
        return store.folder
    copy = out / "stores" / slug(facts.store_root)
    for reward_model in {name.rpartition("@")[0] for name in facts.stored}:
        (copy / reward_model).mkdir(parents=True, exist_ok=True)
        for stored in store.list(reward_model):
            write_whole(copy / reward_model / file_name(stored), to_document(stored))
    return copy


def _file(root: str | Path, log: str) -> str | Path:
    return root / log if isinstance(root, Path) else join(root, log)


def _planted(facts: Facts) -> Planted:
    preferences = facts.manifest.spec.preferences if facts.manifest else ()
    return Planted(preferences=preferences, ceiling=facts.ceiling)


def _notes(facts: Facts) -> Iterator[str]:
    """What was not as it should be with the input of an audit, in words."""
    if facts.truncated:
        yield (
            f"{facts.population}: {facts.truncated} of {facts.read} conversations "
            f"({percent(facts.truncated / facts.read if facts.read else None)}) were too long for "
            "the reward model and were cut, so that their rewards are those of other texts."
        )
    if facts.skipped:
        shown = "; ".join(facts.skipped[:_SKIPPED_SHOWN])
        more = "; ..." if len(facts.skipped) > _SKIPPED_SHOWN else ""
        yield (
            f"{facts.population}: {len(facts.skipped)} unusable lines of the pairs file were left "
            f"out ({shown}{more})."
        )
