r"""The task `cross_population`: is it what a population is shown, or what it prefers?

    inspect eval argo_audit/cross_population --model argo/surface \
        -T rubrics=organism-a,organism-b -T rms=rm:runs/a/rm,rm:runs/b/rm

Every rubric is applied to every population's pairs and held to every reward model's labels of
them. A's rubric that agrees with A's reward model on B's pairs too has found what A prefers; one
that agrees with it on A's pairs alone has found what A is shown. Populations whose reward models
agree with each other on the same pairs differ in their pairs, not in their preferences: the rows
of a reward model held to another say how far.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

from inspect_ai import Task, task

from argo_audit.errors import InputError
from argo_audit.evals.assembly import dataset, judge_settings
from argo_audit.evals.judging import apply_labels, judge_pair
from argo_audit.evals.labelled_pairs import LabelledPairs, load_pairs, names
from argo_audit.evals.reading import SUBJECT, LoggedPair, TaskLog, read_logs
from argo_audit.evals.results import (
    About,
    Compared,
    ResultRow,
    comparison_rows,
    difference_row,
    method_of,
    shortfall,
)
from argo_audit.evals.scoring import agrees, verdicts
from argo_audit.evals.subject import RubricFacts, default_store, held_out_file, load_rubrics
from argo_audit.evals.task_arguments import typed
from argo_audit.records import Label, Pair, Record

VERSION = 1
"""Of what the numbers mean; raised whenever the same judge and rubrics would get other numbers."""

TASK = "cross_population"


class CrossedFacts(Record):
    """What the log says of its subject: rubrics by name, populations, label sources."""

    rubrics: dict[str, RubricFacts]
    populations: tuple[str, ...]
    label_sources: tuple[str, ...]
    pairs_files: dict[str, str]
    pairs_fingerprints: dict[str, str]


@task
@typed
def cross_population(  # noqa: PLR0913 - a task's parameters are its command line
    rubrics: str | Sequence[str] = ("organism-a", "organism-b"),
    pairs: str | Sequence[str] | None = None,
    rms: str | Sequence[str] | None = None,
    labels: str | Sequence[str] | None = None,
    store: str | None = None,
    rm_settings: dict[str, Any] | None = None,
    judge: dict[str, Any] | None = None,
    limit_seed: int = 0,
) -> Task:
    """Every rubric on every population's pairs under every reward model's labels of them.

    Per rubric, population and label source: `agreement` is the share of pairs on which judge and
    label prefer the same response (0.5 is chance) and `kl` the mean KL(label || judge) in nats
    after the temperature fitted for that rubric on its own population. "agreement over" another
    rubric is the paired difference on the same pairs under the same labels, with its p-value. A
    label source held to another is how far their preferences agree on these pairs. A cell whose
    labels nobody gave is not measured, and says so.

    Args:
        rubrics: References into the store, or paths that end in .md, with commas between.
        pairs: A file of pairs for each population; by default the held-out pairs of each rubric's
            reward model.
        rms: Reward models that label the pairs of all populations: rm:MODEL, served:NAME@URL,
            dpo:POLICY|REFERENCE, scores:FILE.
        labels: Label sources of the files; by default each rubric's reward model, where a file
            has labels of it.
        store: Root of the rubric store; by default $ARGO_STORE, ./rubric_store, the shipped one.
        rm_settings: How reward models are asked: temperature, accept_failing, settings.
        judge: Settings of the judge by name; see `judge_settings.TaskJudge`.
        limit_seed: Shuffles the pairs, so that `--limit` takes a random, repeatable part.
    """
    root = store or default_store()
    known = load_rubrics(rubrics, root)
    files = names(pairs) or tuple(held_out_file(rubric, root) for rubric in known.values())
    wanted = names(labels) or tuple(rubric.reward_model for rubric in known.values())
    read = [_read(file, wanted, rms, rm_settings) for file in dict.fromkeys(files)]
    worlds = _by_population(read)
    together, merged = _together(list(worlds.values()))
    sources = tuple(merged)
    facts = CrossedFacts(
        rubrics=known,
        populations=tuple(worlds),
        label_sources=sources,
        pairs_files={name: world.path for name, world in worlds.items()},
        pairs_fingerprints={name: world.fingerprint for name, world in worlds.items()},
    )
    settings = judge_settings(judge)
    return Task(
        dataset=dataset(together, merged, seed=limit_seed),
        solver=[
            judge_pair({name: rubric.text for name, rubric in known.items()}, settings),
            apply_labels(sources),
        ],
        scorer=[
            *(agrees(name, list(sources), rubric.temperature) for name, rubric in known.items()),
            *(agrees(a, [b], measures=["agreement"]) for a, b in combinations(sources, 2)),
            *(verdicts(name) for name in known),
        ],
        version=VERSION,
        metadata={SUBJECT: facts.model_dump(mode="json"), "judge": settings},
    )


def _together(worlds: Sequence[LabelledPairs]) -> tuple[list[Pair], dict[str, list[Label]]]:
    """The pairs of all populations, and their labels by source."""
    labels: dict[str, list[Label]] = {}
    for world in worlds:
        for source, of_source in world.labels.items():
            labels.setdefault(source, []).extend(of_source)
    return [pair for world in worlds for pair in world.pairs], labels


def results(log_dir: str | Path) -> list[ResultRow]:
    """The rows of every log of this task under a folder; see `cross_population`."""
    return [row for log in read_logs(log_dir, TASK) for row in _rows(log)]


def _rows(log: TaskLog) -> list[ResultRow]:
    facts = log.told(SUBJECT, CrossedFacts)
    rows: list[ResultRow] = []
    for population in facts.populations:
        pairs = [pair for pair in log.pairs if pair.slices["population"] == population]
        for source in facts.label_sources:
            rows += _cells(log, facts, population, Compared(pairs, "", source))
        rows += _models_on_models(log, facts, population, pairs)
    return rows


def _cells(log: TaskLog, facts: CrossedFacts, population: str, held: Compared) -> list[ResultRow]:
    """All rubrics on one population's pairs under one source's labels, and their differences."""
    rows: list[ResultRow] = []
    compared = {
        name: held._replace(judged=name, temperature=rubric.temperature)
        for name, rubric in facts.rubrics.items()
    }
    about = {
        name: About(
            task=TASK,
            population=population,
            subject=name,
            label_source=held.source,
            method=method_of(log, name, facts.rubrics[name].temperature),
            note=shortfall(log),
        )
        for name in compared
    }
    for name in compared:
        rows += comparison_rows(about[name], compared[name], ("agreement", "kl"))
    for first, second in combinations(compared, 2):
        rows.append(difference_row(about[first], compared[first], compared[second]))
    return rows


def _models_on_models(
    log: TaskLog, facts: CrossedFacts, population: str, pairs: Sequence[LoggedPair]
) -> list[ResultRow]:
    rows: list[ResultRow] = []
    for first, second in combinations(facts.label_sources, 2):
        about = About(
            task=TASK,
            population=population,
            subject=first,
            label_source=second,
            method="its own labels",
            note=shortfall(log),
        )
        rows += comparison_rows(about, Compared(pairs, first, second), ("agreement",))
    return rows


def _read(
    path: str,
    wanted: Sequence[str],
    rms: str | Sequence[str] | None,
    rm_settings: Mapping[str, Any] | None,
) -> LabelledPairs:
    """The pairs of a file with those of the wanted labels that it has, and of reward models."""
    whole = load_pairs(path)
    has = [source for source in wanted if source in whole.labels]
    if not has and not rms:
        known = ", ".join(sorted(whole.labels)) or "none"
        remedy = f"choose among the sources of the file ({known}) with -T labels=, or give -T rms="
        raise InputError(whole.path, f"no labels of {', '.join(wanted)}", remedy)
    return load_pairs(path, has, rms, rm_settings)


def _by_population(worlds: Sequence[LabelledPairs]) -> dict[str, LabelledPairs]:
    """Worlds by their populations, each pair told its own; an id belongs to one of them."""
    found: dict[str, LabelledPairs] = {}
    seen: set[str] = set()
    for world in worlds:
        ids = {pair.id for pair in world.pairs}
        if world.population in found or seen & ids:
            remedy = "name each population's pairs once, with ids of their own"
            raise InputError(world.path, "its population or its pairs were named before", remedy)
        told = [pair.model_copy(update={"population": world.population}) for pair in world.pairs]
        found[world.population] = replace(world, pairs=tuple(told))
        seen |= ids
    return found
