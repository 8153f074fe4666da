"""The main job on one pairs file: labels, searches, stored rubrics, evaluation logs.

    audit(AuditRequest(pairs=Path("pairs.jsonl"), labels=("rm:my-model",), out=Path("out")), watch)

`out/` then holds `runs/<label source>/` (run.json, attempts.jsonl, prompts.jsonl,
steps.jsonl, measurements.jsonl, unread.jsonl, policy/), `labels/`, `conformance/`, `rubric_store/`,
`held-out.jsonl.gz`, `logs/*.eval` and `facts.json`; store and logs may lie elsewhere, at any fsspec
URL. The report is made from these alone, so it can be made again without the models.
"""

import shlex
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import inspect_ai

from argo_audit.audits.afford import Sure, affordable, agreed, is_limited
from argo_audit.audits.all_done import is_done_elsewhere
from argo_audit.audits.audit_facts import (
    RUNS,
    AuditFacts,
    read_facts,
    write_conformance,
    write_facts,
)
from argo_audit.audits.begun import check_unused, read_request, write_request
from argo_audit.audits.budget import Purse, open_purse
from argo_audit.audits.found_folder import Allowed
from argo_audit.audits.from_elsewhere import NOTHING, Again
from argo_audit.audits.gathering import gather
from argo_audit.audits.judge_checking import ensure_obedient, read_judge_checks
from argo_audit.audits.labels import LabelRecords, LabelSource
from argo_audit.audits.parts import PACKAGES, Parts, open_parts
from argo_audit.audits.preparing import Prepared, policy_settings, prepare
from argo_audit.audits.price import Budget, Spent
from argo_audit.audits.probing import probe_reward_models
from argo_audit.audits.request import AuditRequest
from argo_audit.errors import ArgoError, room_to_write
from argo_audit.evals.assembly import EVAL_SETTINGS, untold
from argo_audit.evals.logs import discard_unfinished, read_evaluations, unfinished
from argo_audit.evals.tasks.rubric_agreement import rubric_agreement
from argo_audit.files import RUN_FILE, Folder, alone, remove_parts
from argo_audit.judges.both_readings import BothReadings
from argo_audit.judges.opening import seat_of
from argo_audit.judges.replays import as_given
from argo_audit.judges.unread import UNREAD_FILE, KeepsUnread
from argo_audit.pairs.pair_file import HUB, write
from argo_audit.records import Attempt, Run, StoredRubric, fingerprint
from argo_audit.reward_models.versions import installed
from argo_audit.roles import Judge, LineJudge
from argo_audit.search.arithmetic import arithmetic_of
from argo_audit.search.journal import read_journal
from argo_audit.search.run_folder import COMPLETED, RunFolder
from argo_audit.search.search_settings import ARGO
from argo_audit.search.selection import Winner
from argo_audit.search.sizes import Given, Sized
from argo_audit.store import HELD_OUT, NewRubric, RubricStore, ref, slug

_FOLDERS = ("", "labels/", "conformance/", f"{RUNS}/*/")
"""Where an audit writes that no other process does."""

_EVALUATE = "evaluate on held-out pairs"
_PROBE = "probe reward models with edited responses"
_OWN_TABLES = {"search", "judge_settings", "policy_settings"}
_NOT_OF_THE_SEARCH = _OWN_TABLES | {"out", "budget", "prices", "intent", "probed_pairs"}


class Event(NamedTuple):
    """Progress: `done` of `total` in a phase, and the best train agreement so far.

    `calls` and `dollars` are what the phase has taken of the models that are asked, the latter None
    where a price is not known.
    """

    phase: str
    done: int
    total: int
    best: float | None = None
    calls: int = 0
    dollars: float | None = None


Watch = Callable[[Event], None]


def audit(
    request: AuditRequest,
    watch: Watch = lambda _: None,
    parts: Parts | None = None,
    command: str = "",
    sure: Sure | None = None,
) -> AuditFacts:
    """Do the whole job for one pairs file, up to the report.

    `parts` are those that the request names unless others are given; `command` is what asks for the
    audit where no command line does. Raises an ArgoError before
    anything is written when the input cannot be used. An interrupted audit leaves its attempts
    readable, and `resume` goes on with it.
    """
    told, request = request.budget, request.decided()
    if is_limited(request):
        parts = parts or open_parts(request)  # names first, then what it costs
        request = affordable(request)
    check_unused(request)
    agreed(request, told, sure)
    return _carry_out(request, watch, parts, command)


def resume(
    out: Path,
    watch: Watch = lambda _: None,
    parts: Parts | None = None,
    budget: Budget | None = None,
    allow: Allowed = (),
    again: Again = NOTHING,
) -> AuditFacts:
    """Go on with the audit that was interrupted in `out`, at any moment of it.

    What is on record is not done again, and on a machine that repeats itself the outcome is that
    of an audit without the interruption. `budget` replaces the one it had, `allow` is what it may
    name outside its folder, `again` where its pairs and reward models lie now; for one that was
    done when it was moved nothing is needed. Raises RunFolderError when there is no audit, or data,
    reward model, settings or packages are not what they were.
    """
    if is_done_elsewhere(out, allow):
        return read_facts(out, allow)
    request = read_request(out, allow, again=again)
    if budget is not None:
        request = request.model_copy(update={"budget": budget})
    return _carry_out(request, watch, parts)


def _carry_out(
    request: AuditRequest, watch: Watch, parts: Parts | None, command: str = ""
) -> AuditFacts:
    """Every part of an audit that is not on record yet."""
    with room_to_write(f"argo-audit resume {shlex.quote(str(request.out))}"):
        return _every_part(request, watch, parts, command)


def _every_part(
    request: AuditRequest, watch: Watch, parts: Parts | None, command: str
) -> AuditFacts:
    with ExitStack() as held:
        begun = request.out.is_dir()
        if begun:
            held.enter_context(alone(request.out))
        remove_parts(part for place in _FOLDERS for part in request.out.glob(f"{place}.*"))
        parts = parts or open_parts(request)
        purse = open_purse(request)
        prepared = prepare(request, begins=lambda: watch(Event("read and label pairs", 0, 1)))
        if not begun:  # what cannot be used leaves no folder behind
            request.out.mkdir(parents=True, exist_ok=True)
            held.enter_context(alone(request.out))
        write_request(request, command)
        with purse.open(_spent_before(request, purse)), as_given(_has_searched(request)):
            return _asked(request, prepared, parts, purse, watch)


def _asked(
    request: AuditRequest, prepared: Prepared, parts: Parts, purse: Purse, watch: Watch
) -> AuditFacts:
    """What asks models, and what is made of their answers."""
    write_conformance(request.out, prepared.sources)
    ensure_obedient(request)
    for spec, source in zip(request.as_begun.labels, prepared.sources, strict=True):
        LabelRecords(request.out).put(spec, source)
    stored = [_learn(request, prepared, source, parts, purse, watch) for source in prepared.sources]
    _evaluate(request, prepared, stored, purse, watch)
    probe_reward_models(request, prepared, lambda *done: watch(Event(_PROBE, *done)))
    facts = gather(request, prepared, stored, parts.judge)
    facts = facts.model_copy(update={"taken": purse.sentence()})
    write_facts(request.out, facts)
    return facts


def _has_searched(request: AuditRequest) -> bool:
    """Whether the audit goes on: some of what Inspect's cache holds is of its own paying."""
    return any((request.out / RUNS).glob(f"*/{RUN_FILE}"))


def _spent_before(request: AuditRequest, purse: Purse) -> list[Spent]:
    """Of an audit that goes on: what is on record as spent."""
    if purse.budget is None:
        return []
    folders = [path.parent for path in (request.out / RUNS).glob(f"*/{RUN_FILE}")]
    journals = [read_journal(folder)[0] for folder in folders]
    checks = [Spent(request.judge, found.usage) for found in read_judge_checks(request.out)]
    return [*checks, *purse.on_record(journals, len(_evaluated(request.log_root)))]


def _learn(
    request: AuditRequest,
    prepared: Prepared,
    source: LabelSource,
    parts: Parts,
    purse: Purse,
    watch: Watch,
) -> StoredRubric:
    """One search: run record first, then ARGO, then the winners into the store."""
    settings = policy_settings(request)
    search = request.search.model_copy(update={"seed": request.seed})
    phase = f"search on {source.name} labels"

    sized = Sized(search, settings.rubrics_per_prompt)
    wanted = arithmetic_of(request.search_name).work(sized, Given(0, 0, 0)).steps
    refused = list[int]()

    def progress(step: int, best: Attempt | None) -> None:
        agreement = best.train.accuracy if best else None
        watch(Event(phase, step, wanted, agreement, *purse.taken(folder.journal)))

    def go_on() -> bool:
        allowed = purse.allows(folder.journal)
        if not allowed:
            refused.append(len(folder.journal.steps))
        return allowed

    usual = {"optimiser"} if request.search_name == ARGO else set()  # as runs begun before say it
    begun = request.as_begun
    asked = begun.model_dump(mode="json", exclude=_NOT_OF_THE_SEARCH | usual)
    far = prepared.file.origin.startswith(HUB)  # at its commit
    origin = prepared.file.origin if far or begun is request else str(begun.pairs)
    config = {
        "request": asked | {"pairs": origin, "format": prepared.file.format},
        "search": search.model_dump(mode="json"),
        "judge": request.judge_settings.model_dump(mode="json"),
        "policy": settings.model_dump(mode="json"),
    }
    run = _run(request, prepared, source, config)
    folder = RunFolder.begin(request.out / RUNS / slug(source.name), run, progress)
    watch(Event(phase, len(folder.journal.steps), wanted))
    if folder.outcome == COMPLETED:
        return _stored(request, prepared, source, folder)[-1]
    folder.go_on = go_on
    try:
        policy = parts.policy(len(search.feedback.variants), folder.path / "policy", settings)
        known = _known(request, prepared, source, folder)
        data = replace(prepared.search_data(source.name), known=known)
        judge = _watched(parts.judge, folder.path / UNREAD_FILE)
        winners = parts.search(policy, judge, data, search, folder, parts.rewriter)
        stored = _store(request, prepared, source, folder, winners)
    except BaseException as error:
        folder.finish(f"stopped: {type(error).__name__}")
        raise
    done = f"{refused[0]} of {wanted} steps" if refused else ""
    folder.finish(_outcome(winners, done, request.budget))
    if not stored:
        raise ArgoError(
            f"{folder.path}: no attempt had a criterion that the judge could apply.\n"
            "  Remedy: look at attempts.jsonl there; more steps, or another policy or judge"
        )
    return stored[-1]


def _outcome(winners: Sequence[Winner], done: str, budget: Budget | None) -> str:
    """How a search ended; `done` says after what where its budget ended it."""
    if not winners:
        return "no rubric with a readable verdict was found"
    return f"stopped by the budget of {budget} after {done}" if done else COMPLETED


def _watched(judge: Judge, path: Path) -> Judge:
    """The judge, with its unread replies kept; it is asked by line as it was."""
    keeping = KeepsUnread(judge, path)
    return BothReadings(keeping, judge) if isinstance(judge, LineJudge) else keeping


def _known(
    request: AuditRequest, prepared: Prepared, source: LabelSource, folder: RunFolder
) -> tuple[str, ...]:
    """The rubrics that the store held of this subject when the search began."""
    found = RubricStore(request.store_root).list(source.subject(prepared.population))
    return tuple(s.rubric.text for s in found if s.created < folder.started)


def _run(
    request: AuditRequest, prepared: Prepared, source: LabelSource, config: dict[str, Any]
) -> Run:
    key = fingerprint(repr((config, prepared.file.fingerprint, source.fingerprint)), 8)
    return Run(
        id=f"{slug(prepared.population)}.{slug(source.name)}.{key}",
        population=prepared.population,
        label_source=source.name,
        judge=request.judge,
        policy=request.policy,
        config=config,
        seed=request.seed,
        packages=installed(*PACKAGES),
        data_fingerprint=prepared.file.fingerprint,
        rm_fingerprint=source.fingerprint,
        started=datetime.now(UTC),
    )


def _store(
    request: AuditRequest,
    prepared: Prepared,
    source: LabelSource,
    folder: RunFolder,
    winners: Sequence[Winner],
) -> list[StoredRubric]:
    """Append the winners in order of training, each the parent of the next; returns them.

    What the run has stored already, before an interruption, is not stored again.
    """
    store = RubricStore(request.store_root)
    known = {s.rubric.id: s for s in _stored(request, prepared, source, folder)}
    stored: list[StoredRubric] = []
    for winner in winners:
        new = NewRubric(
            rubric=winner.rubric,
            reward_model=source.subject(prepared.population),
            label_source=source.name,
            parent=stored[-1].version if stored else None,
            run=folder.run,
            judge=request.judge,
            created=datetime.now(UTC),
            dev=winner.dev,
            held_out=winner.held_out,
        )
        stored.append(known.get(winner.rubric.id) or store.append(new))
    return stored


def _stored(
    request: AuditRequest, prepared: Prepared, source: LabelSource, folder: RunFolder
) -> list[StoredRubric]:
    """What this run has put into the store; another run of the same id is another run."""
    store, subject = RubricStore(request.store_root), source.subject(prepared.population)
    store.settle(subject)  # a claim that a kill left would be listed too late, and published twice
    found = store.list(subject)
    return [s for s in found if s.run == folder.run and s.created >= folder.started]


def _evaluate(
    request: AuditRequest,
    prepared: Prepared,
    stored: Sequence[StoredRubric],
    purse: Purse,
    watch: Watch,
) -> None:
    """One Inspect log per learned rubric, on held-out pairs, against every label source.

    The judge without a rubric is asked once: the first log holds it for all of them.
    """
    held_out = request.out / HELD_OUT
    done_before = _evaluated(request.log_root)
    pairs = prepared.splits["held-out"]
    labels = {
        name: found
        for name in prepared.labels
        if (found := prepared.search_data(name).labels_for(pairs, name))
    }
    write(held_out, pairs, labels)
    begun = purse.counted()

    def told(done: int) -> None:
        calls, dollars = purse.counted()
        spent = None if dollars is None else dollars - (begun.dollars or 0.0)
        watch(Event(_EVALUATE, done, len(stored), None, calls - begun.calls, spent))

    for done, rubric in enumerate(stored):
        told(done)
        if ref(rubric) in done_before:
            continue
        seat = seat_of(request.judge, request.judge_settings, request.judge_urls)
        task = rubric_agreement(
            rubric=ref(rubric),
            pairs=str(held_out),
            labels=list(labels),
            store=request.store_root,
            baseline=done == 0,
            judge=request.judge_settings.model_dump(exclude_unset=True) | dict(seat.named),
        )
        with untold():
            (log,) = inspect_ai.eval(
                task,
                model=seat.model,
                model_roles=dict(seat.roles) or None,
                log_dir=request.log_root,
                **EVAL_SETTINGS,
            )
        if log.status != "success":
            raise unfinished(log, request.log_root)
    told(len(stored))


def _evaluated(log_root: str) -> set[str]:
    """The rubrics with a finished log, from before an interruption; other logs are removed."""
    discard_unfinished(log_root)
    there = Folder(log_root).is_there()
    return {found.rubric_ref for found in read_evaluations(log_root)} if there else set()
