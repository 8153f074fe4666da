r"""The task `label_agreement`: whom does a rubric follow, the reward model or the raw labels?

    inspect eval argo_audit/label_agreement --model argo/surface
    inspect eval argo_audit/label_agreement -T rubrics=my-rm,my-rm-human -T pairs=held-out.jsonl \
        -T rm=rm:org/my-rm --model-role judge=openai/gpt-5-mini

A rubric learned from a reward model's labels and one learned from people's, each held to both, and
the reward model itself held to people: a number of agreement without both
its label sources means nothing. Every pair is judged once per rubric and scored against all
sources, so the differences are between the same judgments.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inspect_ai import Task, task

from argo_audit.errors import InputError
from argo_audit.evals.assembly import dataset, judge_settings
from argo_audit.evals.judging import apply_labels, judge_pair
from argo_audit.evals.labelled_pairs import load_pairs, names
from argo_audit.evals.reading import SUBJECT, TaskLog, read_logs
from argo_audit.evals.results import (
    About,
    Compared,
    ResultRow,
    comparison_rows,
    difference_row,
    method_of,
    shortfall,
    verdict_rows,
)
from argo_audit.evals.scoring import agrees, verdicts
from argo_audit.evals.subject import RubricFacts, default_store, held_out_file, load_rubrics
from argo_audit.evals.task_arguments import typed
from argo_audit.records import HUMAN, Record

VERSION = 1
"""Of what the numbers mean; raised whenever the same judge and rubrics would get other numbers."""

TASK = "label_agreement"


class CrossedLabelsFacts(Record):
    """What the log says of its subject: rubrics by name, label sources, raw ones last."""

    rubrics: dict[str, RubricFacts]
    label_sources: tuple[str, ...]
    raw: str
    population: str
    pairs_file: str
    pairs_fingerprint: str


@task
@typed
def label_agreement(  # noqa: PLR0913 - a task's parameters are its command line
    rubrics: str | Sequence[str] = ("organism-a", "organism-a-human"),
    pairs: str | None = None,
    labels: str | Sequence[str] | None = None,
    rm: str | Sequence[str] | None = None,
    raw: str = HUMAN,
    store: str | None = None,
    rm_settings: dict[str, Any] | None = None,
    judge: dict[str, Any] | None = None,
    limit_seed: int = 0,
) -> Task:
    """Each rubric against each label source, and the reward model against the raw labels.

    Per rubric and label source: `agreement` is the share of pairs on which judge and label prefer
    the same response (0.5 is chance), `kl` the mean KL(label || judge) in nats after the judge
    temperature that was fitted on dev for that rubric, `brier` the mean squared difference. The
    reward model against the raw labels bounds what a rubric that follows it perfectly could get
    there. A rubric that was learned from raw labels and agrees with the reward model as well as
    the one learned from it says that both prefer the same thing, as far as this judge can see.

    Args:
        rubrics: References into the store, paths that end in .md, with commas between.
        pairs: File of pairs; by default the held-out pairs of the first rubric's reward model.
        labels: Label sources beside the raw ones; by default all of the file and `rm`.
        rm: Reward models that label the pairs: rm:MODEL, served:NAME@URL, dpo:.., scores:FILE.
        raw: The source of raw labels.
        store: Root of the rubric store; by default $ARGO_STORE, ./rubric_store, the shipped one.
        rm_settings: How they are asked: temperature, accept_failing, settings.
        judge: Settings of the judge by name; see `judge_settings.TaskJudge`.
        limit_seed: Shuffles the pairs, so that `--limit` takes a random, repeatable part.
    """
    root = store or default_store()
    known = load_rubrics(rubrics, root)
    if not known:
        raise InputError("-T rubrics", "no rubric is named", "name at least one of the store")
    path = pairs or held_out_file(next(iter(known.values())), root)
    sources = (*names(labels), raw) if rm or labels else None
    world = load_pairs(path, sources, rm, rm_settings)
    others = tuple(sorted(world.labels.keys() - {raw}))
    facts = CrossedLabelsFacts(
        rubrics=known,
        label_sources=(*others, *({raw} & world.labels.keys())),
        raw=raw,
        population=world.population,
        pairs_file=world.path,
        pairs_fingerprint=world.fingerprint,
    )
    settings = judge_settings(judge)
    everyone = list(facts.label_sources)
    return Task(
        dataset=dataset(world.pairs, world.labels, seed=limit_seed, location=world.path),
        solver=[
            judge_pair({name: rubric.text for name, rubric in known.items()}, settings),
            apply_labels(others),
        ],
        scorer=[
            *(agrees(name, everyone, rubric.temperature) for name, rubric in known.items()),
            *(agrees(source, [raw]) for source in others if raw in world.labels),
            *(verdicts(name) for name in known),
        ],
        version=VERSION,
        metadata={SUBJECT: facts.model_dump(mode="json"), "judge": settings},
    )


def results(log_dir: str | Path) -> list[ResultRow]:
    """The rows of every log of this task under a folder; see `label_agreement`."""
    return [row for log in read_logs(log_dir, TASK) for row in _rows(log)]


def _rows(log: TaskLog) -> list[ResultRow]:
    facts = log.told(SUBJECT, CrossedLabelsFacts)
    rows: list[ResultRow] = []
    for name, rubric in facts.rubrics.items():
        method, note = method_of(log, name, rubric.temperature), _learned_from(rubric)
        note = "; ".join(filter(None, (note, shortfall(log))))
        for source in facts.label_sources:
            about = About(
                task=TASK,
                population=facts.population,
                subject=name,
                label_source=source,
                method=method,
                note=note,
            )
            compared = Compared(log.pairs, name, source, rubric.temperature)
            rows += comparison_rows(about, compared)
            rows += _over_the_others(about, compared, facts)
        rows += verdict_rows(about.model_copy(update={"label_source": ""}), log.pairs, name)
    return rows + _models_on_raw(log, facts)


def _over_the_others(
    about: About, compared: Compared, facts: CrossedLabelsFacts
) -> list[ResultRow]:
    """The paired difference from each rubric that was named after this one."""
    order = list(facts.rubrics)
    later = order[order.index(compared.judged) + 1 :]
    return [difference_row(about, compared, compared._replace(judged=name)) for name in later]


def _models_on_raw(log: TaskLog, facts: CrossedLabelsFacts) -> list[ResultRow]:
    rows: list[ResultRow] = []
    for source in facts.label_sources:
        if source != facts.raw and facts.raw in facts.label_sources:
            about = About(
                task=TASK,
                population=facts.population,
                subject=source,
                label_source=facts.raw,
                method="its own labels",
                note=shortfall(log),
            )
            rows += comparison_rows(about, Compared(log.pairs, source, facts.raw))
    return rows


def _learned_from(rubric: RubricFacts) -> str:
    return f"learned from {rubric.train_label_source}" if rubric.train_label_source else ""
