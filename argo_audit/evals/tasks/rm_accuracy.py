r"""The task `rm_accuracy`: how often is the reward model right, and would a trivial rule do?

    inspect eval argo_audit/rm_accuracy -T pairs=pairs.jsonl -T rm=scores:rewards.jsonl
    inspect eval argo_audit/rm_accuracy -T pairs=pairs.jsonl -T labels=soft:my-rm -T raw=human

No judge is asked: a reward model's labels are held to the raw ones as a judge's are, and beside it
stand rules that read nothing. A reward model that is not above "the longer one" has not been shown
to know more than length.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inspect_ai import Task, task
from inspect_ai.model import get_model

from argo_audit.errors import InputError
from argo_audit.evals.assembly import dataset
from argo_audit.evals.judging import (
    FIRST_RESPONSE,
    LONGEST_RESPONSE,
    MORE_LISTS,
    SHORTEST_RESPONSE,
    always,
    apply_labels,
    apply_rules,
)
from argo_audit.evals.labelled_pairs import LabelledPairs, load_pairs, names
from argo_audit.evals.reading import SUBJECT, TaskLog, read_logs
from argo_audit.evals.results import (
    About,
    Compared,
    ResultRow,
    comparison_rows,
    difference_row,
    shortfall,
    slice_rows,
)
from argo_audit.evals.scoring import advantage, agrees
from argo_audit.evals.task_arguments import typed
from argo_audit.records import Record

VERSION = 1
"""Of what the numbers mean; raised whenever the same labels would get other numbers."""

TASK = "rm_accuracy"
MAJORITY = "majority letter"
BASELINES = (LONGEST_RESPONSE, SHORTEST_RESPONSE, FIRST_RESPONSE, MORE_LISTS, MAJORITY)


class AccuracyFacts(Record):
    """What the log says of its subject: the reward models and the labels they are held to."""

    reward_models: tuple[str, ...]
    raw: str
    population: str
    pairs_file: str
    pairs_fingerprint: str


@task
@typed
def rm_accuracy(
    pairs: str,
    rm: str | Sequence[str] | None = None,
    labels: str | Sequence[str] | None = None,
    raw: str = "human",
    rm_settings: dict[str, Any] | None = None,
    limit_seed: int = 0,
) -> Task:
    """The reward model against raw labels, beside trivial baselines.

    `agreement` is the share of pairs on which both prefer the same response (0.5 is chance; a
    reward model that gives both the same gets half a point; raw ties do not count), `kl` and
    `brier` hold its P(A), the sigmoid of the reward difference, to the raw label. The baselines are
    the longer response, the shorter, the first (A), the one with more list items, and the letter
    that most raw labels prefer: that one is fitted on these very pairs, so it flatters itself.
    "agreement over" a baseline is the paired difference, with its p-value.

    Args:
        pairs: File of pairs with raw labels.
        rm: Reward models that label the pairs now: rm:MODEL, served:NAME@URL, dpo:POLICY|REFERENCE,
            scores:FILE.
        labels: Label sources of the file that are reward models' preferences; without `rm` and
            `labels`, all but the raw ones.
        raw: The source of raw labels.
        rm_settings: How reward models are asked: temperature, accept_failing, settings.
        limit_seed: Shuffles the pairs, so that `--limit` takes a random, repeatable part.
    """
    sources = (*names(labels), raw) if rm or labels else None
    world = _with_raw(load_pairs(pairs, sources, rm, rm_settings), raw)
    models = tuple(sorted(world.labels.keys() - {raw}))
    if not models:
        remedy = "name a reward model: -T rm=..., or a source of the file: -T labels=..."
        raise InputError(world.path, f"has no labels beside those of {raw!r}", remedy)
    facts = AccuracyFacts(
        reward_models=models,
        raw=raw,
        population=world.population,
        pairs_file=world.path,
        pairs_fingerprint=world.fingerprint,
    )
    rules = [name for name in BASELINES if name != MAJORITY]
    return Task(
        dataset=dataset(world.pairs, world.labels, seed=limit_seed, location=world.path),
        solver=[apply_labels(models), apply_rules(rules), always(MAJORITY, _majority(world, raw))],
        scorer=[
            agrees(models, [raw]),
            agrees(BASELINES, [raw], measures=["agreement"]),
            *(advantage(name, LONGEST_RESPONSE, [raw]) for name in models),
        ],
        model=get_model("none"),
        version=VERSION,
        metadata={SUBJECT: facts.model_dump(mode="json")},
    )


def results(log_dir: str | Path) -> list[ResultRow]:
    """The rows of every log of this task under a folder; see `rm_accuracy`."""
    return [row for log in read_logs(log_dir, TASK) for row in _rows(log)]


def _rows(log: TaskLog) -> list[ResultRow]:
    facts = log.told(SUBJECT, AccuracyFacts)
    rows: list[ResultRow] = []
    for name in facts.reward_models:
        about, compared = _about(log, facts, name), Compared(log.pairs, name, facts.raw)
        rows += comparison_rows(about, compared)
        for baseline in BASELINES:
            rows.append(difference_row(about, compared, compared._replace(judged=baseline)))
        rows += slice_rows(about, compared)
    for name in BASELINES:
        compared = Compared(log.pairs, name, facts.raw)
        rows += comparison_rows(_about(log, facts, name), compared, ["agreement"])
    return rows


def _about(log: TaskLog, facts: AccuracyFacts, subject: str) -> About:
    return About(
        task=TASK,
        population=facts.population,
        subject=subject,
        label_source=facts.raw,
        method="fitted on these pairs" if subject == MAJORITY else "",
        note=shortfall(log),
    )


def _with_raw(world: LabelledPairs, raw: str) -> LabelledPairs:
    """Only the pairs that have a raw label."""
    known = {label.pair_id for label in world.labels.get(raw, ())}
    if not known:
        remedy = f"name one of {', '.join(sorted(world.labels))} with -T raw=..."
        raise InputError(world.path, f"no labels from the source {raw!r}", remedy)
    labels = {
        source: tuple(label for label in of_source if label.pair_id in known)
        for source, of_source in world.labels.items()
    }
    pairs = tuple(pair for pair in world.pairs if pair.id in known)
    return replace(world, pairs=pairs, labels={s: of for s, of in labels.items() if of})


def _majority(world: LabelledPairs, raw: str) -> float:
    """P(A) of whoever always says the letter that most labels prefer; A of as many of each."""
    balance = sum((label.p_a > 0.5) - (label.p_a < 0.5) for label in world.labels[raw])
    return float(balance >= 0)
