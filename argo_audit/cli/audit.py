"""The main job on one pairs file: labels, searches, stored rubrics, evaluation logs.

    audit(AuditRequest(pairs=Path("pairs.jsonl"), labels=("rm:my-model",), out=Path("out")), watch)

`out/` then holds `runs/<label source>/` (run.json, attempts.jsonl, prompts.jsonl,
measurements.jsonl, unread.jsonl, policy/), `rubric_store/`, `held-out.jsonl.gz`, `logs/*.eval` and
`facts.json`. The report is made from these alone, so it can be made again without the models.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import inspect_ai

from argo_audit.cli.facts import LOGS, RUNS, Facts, gather, write_facts
from argo_audit.cli.parts import LabelSource, Parts, installed, open_parts, policy_model
from argo_audit.cli.request import AuditRequest, Prepared, prepare
from argo_audit.errors import ArgoError
from argo_audit.evals.rubric_agreement import EVAL_SETTINGS, rubric_agreement
from argo_audit.judges.models import reopened
from argo_audit.judges.unread import UNREAD_FILE, KeepsUnread
from argo_audit.pairs import write
from argo_audit.policies.settings import settings_of
from argo_audit.records import Attempt, Run, StoredRubric, fingerprint
from argo_audit.run_folder import RunFolder
from argo_audit.search import argo
from argo_audit.selection import Winner
from argo_audit.store import HELD_OUT, NewRubric, RubricStore, ref, slug

_OWN_TABLES = {"search", "judge_settings", "policy_settings"}


class Event(NamedTuple):
    """Progress: `done` of `total` in a phase, and the best train agreement so far."""

    phase: str
    done: int
    total: int
    best: float | None = None


Watch = Callable[[Event], None]


def audit(
    request: AuditRequest, watch: Watch = lambda _: None, parts: Parts | None = None
) -> Facts:
    """Do the whole job for one pairs file, up to the report.

    `parts` are those that the request names unless others are given. Raises an ArgoError before
    anything is written when the input cannot be used. An interrupted audit leaves its attempts
    readable.
    """
    watch(Event("read and label pairs", 0, 1))
    parts = parts or open_parts(
        request.judge, request.policy, request.judge_settings, request.judge_urls
    )
    prepared = prepare(request)
    stored = [_learn(request, prepared, source, parts, watch) for source in prepared.sources]
    _evaluate(request, prepared, stored, parts, watch)
    facts = gather(request, prepared, stored, parts.judge)
    write_facts(request.out, facts)
    return facts


def _learn(
    request: AuditRequest, prepared: Prepared, source: LabelSource, parts: Parts, watch: Watch
) -> StoredRubric:
    """One search: run record first, then ARGO, then the winners into the store."""
    given = request.policy_settings.model_dump(exclude_unset=True) | {"seed": request.seed}
    settings = settings_of(policy_model(request.policy)).model_copy(update=given)
    search = request.search.model_copy(update={"seed": request.seed})
    phase = f"search on {source.name} labels"

    def progress(step: int, best: Attempt | None) -> None:
        watch(Event(phase, step, search.steps, best.train.accuracy if best else None))

    watch(Event(phase, 0, search.steps))
    config = {
        "request": request.model_dump(mode="json", exclude=_OWN_TABLES),
        "search": search.model_dump(mode="json"),
        "judge": request.judge_settings.model_dump(mode="json"),
        "policy": settings.model_dump(mode="json"),
    }
    run = _run(request, prepared, source, config)
    folder = RunFolder.create(request.out / RUNS / slug(source.name), run, progress)
    judge = KeepsUnread(parts.judge, folder.path / UNREAD_FILE)
    try:
        policy = parts.policy(len(search.feedback.variants), folder.path / "policy", settings)
        winners = argo(policy, judge, prepared.search_data(source.name), search, folder)
    except BaseException as error:
        folder.finish(f"stopped: {type(error).__name__}")
        raise
    folder.finish("completed" if winners else "no rubric with a readable verdict was found")
    if not winners:
        raise ArgoError(
            f"{folder.path}: no attempt had a criterion that the judge could apply.\n"
            "  Remedy: look at attempts.jsonl there; more steps, or another policy or judge"
        )
    return _store(request, prepared, source, run, winners)


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
        packages=installed(),
        data_fingerprint=prepared.file.fingerprint,
        rm_fingerprint=source.fingerprint,
        started=datetime.now(UTC),
    )


def _store(
    request: AuditRequest,
    prepared: Prepared,
    source: LabelSource,
    run: Run,
    winners: Sequence[Winner],
) -> StoredRubric:
    """Append the winners in order of training, each the parent of the next; returns the last."""
    store = RubricStore(request.store_root)
    stored: StoredRubric | None = None
    for winner in winners:
        stored = store.append(
            NewRubric(
                rubric=winner.rubric,
                reward_model=source.subject(prepared.population),
                label_source=source.name,
                parent=stored.version if stored else None,
                run=run.id,
                judge=request.judge,
                created=datetime.now(UTC),
                dev=winner.dev,
                held_out=winner.held_out,
            )
        )
    assert stored is not None  # noqa: S101 - winners is not empty, the caller has checked
    return stored


def _evaluate(
    request: AuditRequest,
    prepared: Prepared,
    stored: Sequence[StoredRubric],
    parts: Parts,
    watch: Watch,
) -> None:
    """One Inspect log per learned rubric, on held-out pairs, against every label source.

    The judge without a rubric is asked once: the first log holds it for all of them.
    """
    held_out = request.out / HELD_OUT
    pairs = prepared.splits["held-out"]
    labels = {
        name: found
        for name in prepared.labels
        if (found := prepared.search_data(name).labels_for(pairs, name))
    }
    write(held_out, pairs, labels)
    for done, rubric in enumerate(stored):
        watch(Event("evaluate on held-out pairs", done, len(stored)))
        task = rubric_agreement(
            rubric=ref(rubric),
            pairs=str(held_out),
            labels=list(labels),
            store=request.store_root,
            baseline=done == 0,
            judge=request.judge_settings.model_dump(exclude_unset=True),
        )
        models = [reopened(model) for model in parts.models]
        (log,) = inspect_ai.eval(
            task,
            model=models[0] if models else request.judge,
            model_roles={"judge": models} if len(models) > 1 else None,
            log_dir=str(request.out / LOGS),
            **EVAL_SETTINGS,
        )
        if log.status != "success":
            raise ArgoError(
                f"{log.location}: the evaluation ended with status {log.status!r}.\n"
                f"  Remedy: inspect view --log-dir {request.out / LOGS}"
            )
    watch(Event("evaluate on held-out pairs", len(stored), len(stored)))
