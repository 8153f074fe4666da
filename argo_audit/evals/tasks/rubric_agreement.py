r"""The task `rubric_agreement`: does a judge with this rubric prefer what the reward model prefers?

    inspect eval argo_audit/rubric_agreement --model argo/surface
    inspect eval argo_audit/rubric_agreement -T rubric=organism-a@1 -T labels=human,organism-a \
        -T judge='{estimator: votes, votes: 5}' --model-role judge=openai/gpt-5-mini

From Python, with the settings that spare Inspect's overhead when the judge is fast:

    [log] = inspect_ai.eval(rubric_agreement("organism-a"), model="argo/surface", **EVAL_SETTINGS)

One pass of judging is scored against every label source asked for, so the 2x2 of what a rubric
was trained on and what it is held to costs two logs, not four.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inspect_ai import Task, task
from inspect_ai.scorer import Scorer

from argo_audit.evals.assembly import dataset, judge_settings
from argo_audit.evals.judging import (
    LONGEST_RESPONSE,
    NO_RUBRIC,
    RUBRIC,
    judge_pair,
)
from argo_audit.evals.logs import TASK, LoggedSubject, read_subjects
from argo_audit.evals.results import (
    About,
    Compared,
    ResultRow,
    comparison_rows,
    difference_row,
    method_of,
    shortfall,
    slice_rows,
    verdict_rows,
)
from argo_audit.evals.scoring import longest_response, no_rubric, verdicts, with_rubric
from argo_audit.evals.subject import Subject, load_subject
from argo_audit.evals.task_arguments import typed

VERSION = 2
"""Of what the numbers mean; raised whenever the same judge and rubric would get another number."""


@task
@typed
def rubric_agreement(  # noqa: PLR0913 - a task's parameters are its command line
    rubric: str | None = "organism-a",
    pairs: str | None = None,
    labels: str | Sequence[str] | None = None,
    rm: str | Sequence[str] | None = None,
    store: str | None = None,
    temperature: float | None = None,
    baseline: bool = True,
    judge: dict[str, Any] | None = None,
    limit_seed: int = 0,
    rm_settings: dict[str, Any] | None = None,
) -> Task:
    """Agreement of a rubric-conditioned judge with a reward model (or people) on held-out pairs.

    Per label source: `agreement` is the share of pairs on which judge and label prefer the same
    response (0.5 is chance; a judge at exactly 0.5 gets half a point; tied labels do not count);
    `kl` is the mean KL(label || judge) in nats after the judge temperature, `kl_raw` before it;
    `brier` the mean squared difference. Beside them: the judge without a rubric, the longer
    response, the share of pairs without a verdict, and of those whose verdict follows the order
    in which the responses are shown. Judged in both orders, always.

    With the surface judge (`--model argo/surface`) the agreement is the style-explained share of
    the preference: it sees style only. An LLM judge has to beat it.

    Args:
        rubric: "<reward model>" (its latest in the store) or "<reward model>@<version>", a path
            that ends in .md, or "" for no rubric at all.
        pairs: File of pairs; by default the held-out pairs of the rubric's reward model.
        labels: Label sources, with commas between; by default `rm`, else the rubric's reward
            model.
        rm: Reward models that label the pairs now: rm:MODEL, served:NAME@URL, dpo:POLICY|REFERENCE,
            scores:FILE.
        store: Root of the rubric store; by default $ARGO_STORE, ./rubric_store, the shipped one.
        temperature: Judge temperature; by default the one fitted on dev when the rubric was
            selected, 1 for a rubric that is not from the store.
        baseline: Also judge without a rubric, which doubles the calls.
        judge: Settings of the judge by name; see `judge_settings.TaskJudge`.
        limit_seed: Shuffles the pairs, so that `--limit` takes a random, repeatable part.
        rm_settings: How reward models are asked: temperature, accept_failing, settings.
    """
    subject = load_subject(
        rubric or "",
        pairs=pairs,
        labels=labels,
        rms=rm,
        rm_settings=rm_settings,
        store=store,
        temperature=temperature,
    )
    settings = judge_settings(judge)
    rubrics = {RUBRIC: subject.facts.rubric_text}
    if baseline and subject.facts.rubric_text.strip():
        rubrics[NO_RUBRIC] = ""
    return Task(
        dataset=dataset(
            subject.pairs, subject.labels, seed=limit_seed, location=subject.facts.pairs_file
        ),
        solver=judge_pair(rubrics, settings, rules=[LONGEST_RESPONSE]),
        scorer=_scorers(subject, NO_RUBRIC in rubrics),
        version=VERSION,
        metadata={"subject": subject.facts.model_dump(mode="json"), "judge": settings},
    )


def _scorers(subject: Subject, baseline: bool) -> list[Scorer]:
    sources, temperature = list(subject.facts.label_sources), subject.facts.temperature
    return [
        with_rubric(sources, temperature),
        *([no_rubric(sources, temperature)] if baseline else []),
        longest_response(sources),
        verdicts(),
    ]


def results(log_dir: str | Path) -> list[ResultRow]:
    """The rows of every log of this task under a folder; see `rubric_agreement`."""
    return [row for log in read_subjects(log_dir) for row in _rows(log)]


def _rows(log: LoggedSubject) -> list[ResultRow]:
    facts, rows = log.facts, list[ResultRow]()
    about = About(
        task=TASK,
        population=facts.population,
        subject=facts.rubric_ref,
        label_source="",
        method=method_of(log.log, RUBRIC, facts.temperature),
        note=shortfall(log.log),
    )
    for source in facts.label_sources:
        held = about.model_copy(update={"label_source": source})
        compared = Compared(log.pairs, RUBRIC, source, facts.temperature)
        rows += comparison_rows(held, compared)
        for name in (NO_RUBRIC, LONGEST_RESPONSE):
            if any(name in pair.judgments for pair in log.pairs):
                rows.append(difference_row(held, compared, compared._replace(judged=name)))
        rows += slice_rows(held, compared)
    return rows + verdict_rows(about, log.pairs, RUBRIC)
