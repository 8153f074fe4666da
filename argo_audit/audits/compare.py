"""Rubrics and populations compared: what `argo-audit compare` and `argo-audit diff` do.

    sheets = compare(["runs/a", "runs/b"])

What is compared is the folder of a finished audit, a rubric of the store, or a rubric file. Their
lines are aligned; then each rubric is held to its own pairs and to those of the other, by the task
`cross_population`, whose log is kept beside the first audit: what was judged once is read again.
"""

from collections.abc import Sequence
from itertools import combinations
from os import PathLike, fspath
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from argo_audit.audits.audit_facts import FACTS_FILE, read_facts
from argo_audit.audits.begun import label_specs, pointed_again, read_request
from argo_audit.audits.compare_settings import CompareOptions
from argo_audit.audits.evaluate import audited_run
from argo_audit.audits.found_folder import enter
from argo_audit.audits.from_elsewhere import Again
from argo_audit.audits.given_parts import Part, give
from argo_audit.audits.named_by_request import reward_models_of, used_by_evals
from argo_audit.audits.reporting import CROSSED, side_of
from argo_audit.errors import ArgoError, InputError
from argo_audit.evals.reading import read_logs
from argo_audit.evals.subject import default_store, held_out_file, load_rubric
from argo_audit.evals.suite import SUITE, AuditedRun, run_suite
from argo_audit.evals.tasks import cross_population
from argo_audit.files import Folder, is_url, join, written_to
from argo_audit.findings.crossing import Crossing, Side, read_crossing
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.judges.opening import SURFACE, seat_of
from argo_audit.kinds import is_missing, lent
from argo_audit.organism.manifest import Manifest
from argo_audit.pairs.pair_file import population_of, read
from argo_audit.records import fingerprint
from argo_audit.report.compare_sheets import crossed, lines, same_pairs
from argo_audit.report.sheets import Sheet
from argo_audit.store import RubricStore, file_name, slug

_CROSSING = tuple(task for task in SUITE if task.name == cross_population.TASK)
_NO_PAIRS = (
    "Agreement was not measured: no held-out pairs are known of either. Name them with --pairs."
)


class Comparand(NamedTuple):
    """One of what is compared; `run` is what can be evaluated, None without held-out pairs.

    `place` is the file of the rubric; `reward_models` are known by these names wherever it lies.
    """

    place: str
    side: Side
    text: str
    run: AuditedRun | None
    judge: str
    folder: Path | None
    manifest: Manifest | None = None
    reward_models: tuple[str, ...] = ()


@lent()
def compare(
    names: str | PathLike[str] | Sequence[str | PathLike[str]],
    options: CompareOptions | None = None,
    *,
    given: Sequence[Part] = (),
) -> list[Sheet]:
    """Every two of the named, side by side: their lines, and each on its own pairs and the other's.

    Args:
        names: Two or more: folders of finished audits, "<reward model>@<version>" of a store, or
            paths of rubrics that end in ".md".
        options: Which judge, store, pairs and reward models; see CompareOptions.
        given: The objects that the audits were asked for with; a reward model that is not given
            labels no pairs, and the last table says so.

    Returns:
        Tables of text: the lines of two rubrics aligned; agreement in percent with 95% intervals;
        of two populations what they are shown and what they prefer, in points. An audit's logs are
        kept in the folder of the first, so that asking once more is quick.

    Raises an ArgoError when one of them cannot be read, or an evaluation does not end well.
    """
    for part in given:
        give(part)
    named = [fspath(name) for name in ([names] if isinstance(names, str | PathLike) else names)]
    if len(named) < 2:
        raise InputError(" ".join(named), "one is not enough to compare", "name two or more")
    options = options or CompareOptions()
    audits = [Path(name) for name in named if Path(name, FACTS_FILE).is_file()]
    models = options.rms if audits else ()
    again = dict(zip(map(str, audits), pointed_again(audits, models), strict=True))
    subjects = [_subject(name, options, again.get(str(Path(name)))) for name in named]
    sheets = [
        sheet
        for first, second in combinations(subjects, 2)
        for sheet in (
            lines((first.side.rubric, second.side.rubric), (first.text, second.text)),
            *_agreement(first, second, options),
        )
    ]
    return sheets + _left_out(subjects, options)


def _left_out(subjects: Sequence[Comparand], options: CompareOptions) -> list[Sheet]:
    """A table of nothing that says which reward models were not asked."""
    folders = [subject.folder for subject in subjects if subject.folder]
    specs = (spec for folder in folders for spec in label_specs(folder))
    missing = dict.fromkeys(spec for spec in specs if is_missing("reward_models", spec))
    if not missing:
        return []
    said = "These labelled no further pairs: they are objects of Python, and were not given"
    note = f"{said} (argo_audit.compare(NAMES, given=[...])): {', '.join(missing)}"
    return [Sheet("Left out", (), [], note)]


def _subject(name: str, options: CompareOptions, again: Again | None) -> Comparand:
    if again is not None:
        return _of_run(Path(name), options, again)
    return _of_rubric(name, options)


def _of_run(folder: Path, options: CompareOptions, again: Again) -> Comparand:
    uses = reward_models_of if options.judge else used_by_evals
    facts = read_facts(folder, options.allow)
    request = read_request(folder, options.allow, uses, again)
    store = facts.store(folder)
    side = side_of(facts, store)
    if side is None:
        raise InputError(folder, "no rubric was learned from a reward model", "name its rubric")
    run = audited_run(folder, request, options.allow)
    place = next(p for p in run.rubrics if store.get(side.rubric).rubric.id in p)
    run = run.model_copy(update={"rubrics": (place,), "label_sources": (side.label_source,)})
    text = store.get(side.rubric).rubric.text
    models = tuple(map(request.on_record, run.reward_models))
    return Comparand(place, side, text, run, request.judge, folder, facts.manifest, models)


def _of_rubric(name: str, options: CompareOptions) -> Comparand:
    root = options.store or default_store()
    if not is_url(root):
        enter(Path(root), options.allow)
    rubric = load_rubric(name, root)
    place, source = _place(name, root), rubric.train_label_source or ""
    side = Side(population="", rubric=rubric.ref, label_source=source)
    pairs = options.pairs or (held_out_file(rubric, root) if rubric.reward_model else "")
    if not options.pairs and not Path(pairs).is_file():
        return Comparand(place, side, rubric.text, None, SURFACE, None)
    found = read(pairs)
    run = AuditedRun(
        population=population_of(found.pairs) or Path(pairs).name.partition(".")[0],
        rubrics=(place,),
        pairs=pairs,
        label_sources=(source,) if source in found.labels else tuple(found.labels),
        reward_models=options.rms,
    )
    side = side.model_copy(update={"population": run.population})
    return Comparand(place, side, rubric.text, run, SURFACE, None, None, options.rms)


def _place(name: str, root: str) -> str:
    if name.endswith(".md"):
        return name
    stored = RubricStore(root).get(name)
    return join(root, slug(stored.reward_model), file_name(stored))


def _agreement(first: Comparand, second: Comparand, options: CompareOptions) -> list[Sheet]:
    """Agreement on own and the other's pairs; of two populations with what splits them."""
    runs = [subject.run for subject in (first, second) if subject.run]
    if not runs:
        return [Sheet("Agreement", (), [], _NO_PAIRS)]
    with TemporaryDirectory() as unkept:
        kept = Path(options.logs) if options.logs else None
        folder = kept or (first.folder / CROSSED if first.folder else Path(unkept))
        place = folder / fingerprint("\n".join(_identity(s, options) for s in (first, second)))
        if not _judged(place):
            with written_to(folder, "--logs FOLDER (in Python logs=)"):
                _evaluate(first, second, place, options)
        crossing = _crossing(first, second, place)
        return crossed(crossing) if crossing else [same_pairs(cross_population.results(place))]


def _judged(place: Path) -> bool:
    """Whether a log that is whole is there; what was interrupted goes on."""
    if not Folder(place).is_there():
        return False
    return any(log.status == "success" for log in read_logs(place, cross_population.TASK))


def _identity(subject: Comparand, options: CompareOptions) -> str:
    """What is judged, by its content: a folder that was moved finds what was judged of it."""
    judge, run, about = options.judge or subject.judge, subject.run, None
    if run is not None:
        about = (
            run.population, run.label_sources, run.rm_settings, run.judge,
            read(run.pairs).fingerprint,
        )  # fmt: skip
    return f"{fingerprint(subject.text)} {about} {judge} {subject.reward_models}"


def _evaluate(first: Comparand, second: Comparand, place: Path, options: CompareOptions) -> None:
    """Put both to the task; the pairs of one stand in for those of another that has none."""
    runs = [_with_pairs(*both, options) for both in ((first, second), (second, first))]
    if len({read(run.pairs).fingerprint for run in runs}) == 1 or _overlap(runs):
        runs[1] = runs[1].model_copy(update={"pairs": runs[0].pairs})
    judge = options.judge or _one_judge(first, second)
    settings = JudgeSettings.model_validate(runs[0].judge)
    seat = seat_of(judge, settings)
    runs = [run.judged_by(seat.named) for run in runs]
    logs = run_suite(runs, str(place), seat.model, suite=_CROSSING)
    if failed := [log.location for log in logs if log.status != "success"]:
        remedy = f"inspect view --log-dir {place}; the same command goes on with it"
        raise ArgoError(f"{failed[0]}: the evaluation did not end well\n  Remedy: {remedy}")


def _with_pairs(subject: Comparand, other: Comparand, options: CompareOptions) -> AuditedRun:
    run = subject.run
    if run is None and other.run is not None:
        run = other.run.model_copy(update={"rubrics": (subject.place,), "label_sources": ()})
    if run is None:
        raise InputError(subject.place, "no held-out pairs are known", "name a stored rubric")
    return run.model_copy(update={"raw": ""})  # raw labels are a source like any other here


def _overlap(runs: Sequence[AuditedRun]) -> bool:
    first, second = ({pair.id for pair in read(run.pairs).pairs} for run in runs)
    return bool(first & second)


def _one_judge(first: Comparand, second: Comparand) -> str:
    if first.judge != second.judge:
        remedy = "name one judge"
        raise InputError(f"{first.judge}, {second.judge}", "the audits had several judges", remedy)
    return first.judge


def _crossing(first: Comparand, second: Comparand, place: Path) -> Crossing | None:
    """None where both are of one population."""
    if first.side.population == second.side.population:
        return None
    worlds = {s.side.population: s.manifest for s in (first, second) if s.manifest}
    pairs = {s.side.population: Path(s.run.pairs) for s in (first, second) if s.run}
    return read_crossing(place, first.side, second.side, worlds, pairs=pairs)
