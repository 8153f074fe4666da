r"""The task `rubric_ablation`: which lines of a rubric does its agreement rest on?

    inspect eval argo_audit/rubric_ablation --model argo/surface
    inspect eval argo_audit/rubric_ablation -T rubric=organism-a@1 -T slack=0.01 \
        --model-role judge=openai/gpt-5-mini

A rubric is read as an explanation of the reward model, so each of its lines should carry weight.
Every criterion, bias line and gate is cut out of the text alone (`surgery`), every pair is judged
under each text that remains, and the same pairs are compared with and without. Parts that stand in
for each other are each redundant alone, though not both together: cut one, then look again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inspect_ai import Task, task

from argo_audit.errors import InputError
from argo_audit.evals.assembly import dataset, judge_settings
from argo_audit.evals.judging import RUBRIC, judge_pair
from argo_audit.evals.reading import SUBJECT, TaskLog, read_logs
from argo_audit.evals.results import About, Compared, ResultRow, method_of, shortfall
from argo_audit.evals.scoring import advantage, agrees, verdicts
from argo_audit.evals.subject import SubjectFacts, load_subject
from argo_audit.evals.task_arguments import typed
from argo_audit.records import Record
from argo_audit.rubrics.surgery import RubricPart, level_weights, parts, without
from argo_audit.stats.contributions import SLACK, Contribution, contributions
from argo_audit.stats.estimates import Estimate, estimate

VERSION = 1
"""Of what the numbers mean; raised whenever the same judge and rubric would get another number."""

TASK = "rubric_ablation"
LEVEL_WEIGHTS = "its weights"
_MEASURES = ("agreement", "kl")
_NOTHING = Estimate(mean=None, interval=None, n=0, clusters=0)


class AblationFacts(Record):
    """What the log says of its subject.

    `ablated` are the texts that remain without a part, by the name of the part; `kept` are the
    parts that could not be taken out of the text, with the reason.
    """

    about: SubjectFacts
    ablated: dict[str, str]
    kept: dict[str, str]
    slack: float


@task
@typed
def rubric_ablation(  # noqa: PLR0913 - a task's parameters are its command line
    rubric: str = "organism-a",
    pairs: str | None = None,
    labels: str | Sequence[str] | None = None,
    rm: str | Sequence[str] | None = None,
    store: str | None = None,
    temperature: float | None = None,
    slack: float = SLACK,
    judge: dict[str, Any] | None = None,
    limit_seed: int = 0,
    rm_settings: dict[str, Any] | None = None,
) -> Task:
    """What each criterion, bias line, gate, and all weights contribute to a rubric's agreement.

    Per part and label source: `agreement` is the agreement with the whole rubric minus that
    without the part, on the same pairs, so positive where the part helps; `kl` is the KL without
    it minus that with it, in nats, positive where it helps too. Each has its interval over prompts,
    a two-sided p-value from flipping the signs of prompts, and in its note the q-value over all
    parts (Benjamini and Hochberg) and what that makes of the part: "helps" (interval above 0),
    "harmful" (below 0), "redundant" (within `slack` around 0), or "undecided": too few pairs.
    For the weights, the part that is taken out is their differences: all are set to their mean.
    The judge temperature is the whole rubric's throughout. A rubric of which nothing can be taken
    out, such as prose or a single line, says so in its only row.

    Args:
        rubric: As in `rubric_agreement`, but there must be one.
        pairs: File of pairs; by default the held-out pairs of the rubric's reward model.
        labels: Label sources, with commas between; by default `rm`, else the rubric's reward
            model.
        rm: Reward models that label the pairs now.
        store: Root of the rubric store; by default $ARGO_STORE, ./rubric_store, the shipped one.
        temperature: Judge temperature; by default the one fitted on dev for the whole rubric.
        slack: How much agreement a part may move, either way, and still be redundant.
        judge: Settings of the judge by name; see `judge_settings.TaskJudge`.
        limit_seed: Shuffles the pairs, so that `--limit` takes a random, repeatable part.
        rm_settings: How reward models are asked: temperature, accept_failing, settings.
    """
    if not rubric:
        raise InputError("-T rubric", "there is no rubric to take anything out of", "name one")
    subject = load_subject(
        rubric,
        pairs=pairs,
        labels=labels,
        rms=rm,
        rm_settings=rm_settings,
        store=store,
        temperature=temperature,
    )
    text, settings = subject.facts.rubric_text, judge_settings(judge)
    ablated, kept = ablations(text)
    facts = AblationFacts(about=subject.facts, ablated=ablated, kept=kept, slack=slack)
    sources = list(subject.facts.label_sources)
    return Task(
        dataset=dataset(
            subject.pairs, subject.labels, seed=limit_seed, location=subject.facts.pairs_file
        ),
        solver=judge_pair({RUBRIC: text, **ablated}, settings),
        scorer=[
            agrees(RUBRIC, sources, subject.facts.temperature),
            verdicts(),
            *(advantage(RUBRIC, name, sources) for name in ablated),
        ],
        version=VERSION,
        metadata={SUBJECT: facts.model_dump(mode="json"), "judge": settings},
    )


def ablations(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """The texts without each part by its name; and the parts that cannot be taken out, with why."""
    ablated: dict[str, str] = {}
    kept: dict[str, str] = {}
    for part in parts(text):
        cut = without(text, part)
        if cut is None:
            kept[part_name(part)] = "not measured: other lines hang on this one"
        elif not cut.strip():
            kept[part_name(part)] = "not measured: it is all there is"
        else:
            ablated[part_name(part)] = cut
    level = level_weights(text)
    return ablated | ({LEVEL_WEIGHTS: level} if level else {}), kept


def part_name(part: RubricPart) -> str:
    """How a part is called in logs and tables; the line makes it unique."""
    more = f" (and {part.items - 1} below it)" if part.items > 1 else ""
    return f"line {part.line}, {part.kind}: {part.name}{more}"


def results(log_dir: str | Path) -> list[ResultRow]:
    """The rows of every log of this task under a folder; see `rubric_ablation`."""
    return [row for log in read_logs(log_dir, TASK) for row in _rows(log)]


def _rows(log: TaskLog) -> list[ResultRow]:
    facts = log.told(SUBJECT, AblationFacts)
    about = About(
        task=TASK,
        population=facts.about.population,
        subject=facts.about.rubric_ref,
        label_source="",
        method=method_of(log, RUBRIC, facts.about.temperature),
        note=shortfall(log),
    )
    if not facts.ablated:
        reason = "; ".join(facts.kept.values()) or "not measured: it has no lists or tables"
        return [_noted(about, reason).row("nothing can be taken out of this rubric", _NOTHING)]
    rows = [
        row
        for source in facts.about.label_sources
        for measure in _MEASURES
        for row in _contribution_rows(
            about.model_copy(update={"label_source": source}), log, measure
        )
    ]
    return rows + [_noted(about, why).row(name, _NOTHING) for name, why in facts.kept.items()]


def _contribution_rows(about: About, log: TaskLog, measure: str) -> list[ResultRow]:
    facts = log.told(SUBJECT, AblationFacts)
    whole = Compared(log.pairs, RUBRIC, about.label_source, facts.about.temperature)
    helped = {name: _helped(whole, name, measure) for name in facts.ablated}
    found = [_estimate(deltas, log, measure) for deltas in helped.values()]
    named = contributions(found, facts.slack)
    judged = len(whole.values(measure))
    return [
        _noted(about, _said(one, sum(delta != 0 for delta in deltas.values()), measure)).row(
            f"{name}: {measure}", one.estimate, judged - len(deltas)
        )
        for (name, deltas), one in zip(helped.items(), named, strict=True)
    ]


def _helped(whole: Compared, part: str, measure: str) -> dict[str, float]:
    """How much better each pair is judged with the part than without it, by the pair's key."""
    with_it, left = whole.values(measure), whole._replace(judged=part).values(measure)
    sign = 1 if measure == "agreement" else -1
    return {key: sign * (value - left[key]) for key, value in with_it.items() if key in left}


def _estimate(deltas: dict[str, float], log: TaskLog, measure: str) -> Estimate:
    prompts = {pair.key: pair.prompt_key for pair in log.pairs}
    keys, of_sides = [prompts[key] for key in deltas], None if measure == "agreement" else False
    return estimate(list(deltas.values()), keys, test=bool(deltas), verdicts=of_sides)


def _said(one: Contribution, changed: int, measure: str) -> str:
    """What the note says; only agreement decides, for the slack is one of agreement."""
    q_value = "" if one.q_value is None else f"q = {one.q_value:.3g}"
    counted = f"changes {changed} of {one.estimate.n} pairs"
    return ", ".join(
        filter(None, (one.verdict if measure == "agreement" else "", q_value, counted))
    )


def _noted(about: About, note: str) -> About:
    return about.model_copy(update={"note": "; ".join(filter(None, (about.note, note)))})
