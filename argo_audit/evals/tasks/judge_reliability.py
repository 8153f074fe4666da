r"""The task `judge_reliability`: how much of a judgment is the judge's, and not of how it is asked?

    inspect eval argo_audit/judge_reliability --model argo/surface
    inspect eval argo_audit/judge_reliability -T rubric=organism-a@1 -T runs=5 \
        --model-role judge=openai/gpt-5-mini --model-role other_judge=google/gemini-2.5-flash \
        --model-role rewriter=openai/gpt-5-mini

A number about a reward model is read off a judge, and is worth what the judge is worth. The pairs
are judged again in everything that should not matter: the order shown, another run, the order of
the criteria, other words. Then with what may matter: another judge. What sampling alone changes
("runs: flip") is the floor that the other flips stand on.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inspect_ai import Task, task

from argo_audit.errors import InputError
from argo_audit.evals.assembly import dataset, judge_settings
from argo_audit.evals.changes import (
    Changed,
    change_rows,
    changes,
    position_row,
    run_rows,
    runs_agree,
)
from argo_audit.evals.judging import RUBRIC, judge_pair
from argo_audit.evals.reading import SUBJECT, TaskLog, read_logs
from argo_audit.evals.results import (
    About,
    Compared,
    ResultRow,
    difference_row,
    method_of,
    shortfall,
    verdict_rows,
)
from argo_audit.evals.scoring import verdicts
from argo_audit.evals.subject import SubjectFacts, load_subject
from argo_audit.evals.task_arguments import typed
from argo_audit.evals.variants import (
    OTHER_JUDGE,
    OTHER_JUDGE_ROLE,
    PARAPHRASE,
    PARAPHRASED,
    Paraphrase,
    again,
    by_other_judge,
    paraphrase,
    run_name,
)
from argo_audit.judges.opening import is_inspects
from argo_audit.records import Record
from argo_audit.rubrics.surgery import shuffled
from argo_audit.stats.estimates import Estimate

VERSION = 1
"""Of what the numbers mean; raised whenever the same judge and rubric would get another number."""

TASK = "judge_reliability"
_NOTHING = Estimate(mean=None, interval=None, n=0, clusters=0)
_NO_ROLE = "not measured: no model has the role other_judge"
_NO_SHUFFLE = "not measured: no list or table of the rubric has two criteria"


class ReliabilityFacts(Record):
    """What the log says of its subject: names of the runs, and the shuffled texts by name."""

    about: SubjectFacts
    runs: tuple[str, ...]
    shuffles: dict[str, str]


@task
@typed
def judge_reliability(  # noqa: PLR0913 - a task's parameters are its command line
    rubric: str | None = "organism-a",
    pairs: str | None = None,
    labels: str | Sequence[str] | None = None,
    rm: str | Sequence[str] | None = None,
    store: str | None = None,
    temperature: float | None = None,
    runs: int = 3,
    shuffles: int = 1,
    other_judge: str | None = None,
    judge: dict[str, Any] | None = None,
    limit_seed: int = 0,
    rm_settings: dict[str, Any] | None = None,
) -> Task:
    """How often a judge with this rubric contradicts itself, and in what.

    `position flip` is the share of pairs whose verdict follows the order shown, `position bias`
    the mean of P(A) shown first minus P(A) shown second. Over `runs` runs with other seeds: `flip`
    is how often a later verdict is not the first one, `alpha` Krippendorff's, of verdicts and of
    P(A): 1 is perfect, 0 is chance. Then the rubric with its criteria in another order within each
    list (weights and gates kept), in other words, and another judge: `flip` and `alpha` against
    the rubric's own judgments, `change of P(A)` the mean absolute one, and `agreement change` the
    paired difference in agreement with each label source. Each with its interval over prompts.
    What was not there to be asked is not measured, and the row says so.

    Other words are those of the model with the role "rewriter", else of a table of words that say
    the same; which of them is in the log. A judge that answers the same to the same question has
    alpha 1: ask it by votes, or at a temperature above 0, to see what its sampling does.

    Args:
        rubric: As in `rubric_agreement`.
        pairs: File of pairs; by default the held-out pairs of the rubric's reward model.
        labels: Label sources, with commas between; by default `rm`, else the rubric's reward
            model.
        rm: Reward models that label the pairs now.
        store: Root of the rubric store; by default $ARGO_STORE, ./rubric_store, the shipped one.
        temperature: Judge temperature; it changes no number here but the method that is told.
        runs: How often each pair is judged under the rubric as it stands, 1 or more.
        shuffles: How many other orders of the criteria are tried, each drawn by its number.
        other_judge: The other judge, in place of `--model-role other_judge=`: any that there is,
            also one that is no model of Inspect's.
        judge: Settings of the judges by name; see `judge_settings.TaskJudge`.
        limit_seed: Shuffles the pairs, so that `--limit` takes a random, repeatable part.
        rm_settings: How reward models are asked: temperature, accept_failing, settings.
    """
    if runs < 1 or shuffles < 0:
        raise InputError("-T runs, -T shuffles", "too few", "runs=3 shuffles=1 is the default")
    subject = load_subject(
        rubric or "",
        pairs=pairs,
        labels=labels,
        rms=rm,
        rm_settings=rm_settings,
        store=store,
        temperature=temperature,
    )
    text, settings = subject.facts.rubric_text, judge_settings(judge)
    named = other_judge if other_judge and not is_inspects(other_judge) else ""
    facts = ReliabilityFacts(
        about=subject.facts,
        runs=(RUBRIC, *(run_name(run) for run in range(2, runs + 1))),
        shuffles=_shuffles(text, shuffles),
    )
    variants = (*facts.shuffles, PARAPHRASED, OTHER_JUDGE)
    return Task(
        dataset=dataset(
            subject.pairs, subject.labels, seed=limit_seed, location=subject.facts.pairs_file
        ),
        solver=[
            judge_pair({RUBRIC: text, **facts.shuffles}, settings),
            *again(text, runs, settings),
            paraphrase(text, settings),
            by_other_judge(text, settings, named),
        ],
        scorer=[
            verdicts(),
            runs_agree(facts.runs),
            *(changes(RUBRIC, name) for name in (*facts.runs[1:], *variants)),
        ],
        model_roles={OTHER_JUDGE_ROLE: other_judge} if other_judge and not named else None,
        version=VERSION,
        metadata={SUBJECT: facts.model_dump(mode="json"), "judge": settings},
    )


def _shuffles(text: str, several: int) -> dict[str, str]:
    """The rubric's text in other orders by name, as far as there are any."""
    drawn = {f"criteria shuffled {seed}": shuffled(text, seed) for seed in range(1, several + 1)}
    return {name: order for name, order in drawn.items() if order is not None}


def results(log_dir: str | Path) -> list[ResultRow]:
    """The rows of every log of this task under a folder; see `judge_reliability`."""
    return [row for log in read_logs(log_dir, TASK) for row in _rows(log)]


def _rows(log: TaskLog) -> list[ResultRow]:
    facts = log.told(SUBJECT, ReliabilityFacts)
    about = About(
        task=TASK,
        population=facts.about.population,
        subject=facts.about.rubric_ref,
        label_source="",
        method=method_of(log, RUBRIC, facts.about.temperature),
        note=shortfall(log),
    )
    rows = [*verdict_rows(about, log.pairs, RUBRIC), position_row(about, log.pairs, RUBRIC)]
    if len(facts.runs) > 1:
        rows += run_rows(about, log.pairs, facts.runs)
    else:
        rows.append(_absent(about, "runs: flip", "not measured: a single run was asked for"))
    for name in facts.shuffles or ("criteria shuffled",):
        rows += _variant_rows(about, log, name, _NO_SHUFFLE)
    rows += _variant_rows(_with_editor(about, log), log, PARAPHRASED, _no_paraphrase(log))
    return rows + _variant_rows(about, log, OTHER_JUDGE, _NO_ROLE)


def _variant_rows(about: About, log: TaskLog, name: str, missing: str) -> list[ResultRow]:
    """Rows of a variant against the rubric; one that says why where nobody judged it."""
    if not any(name in pair.judgments for pair in log.pairs):
        return [_absent(about, f"{name}: flip", missing)]
    facts = log.told(SUBJECT, ReliabilityFacts).about
    rows = change_rows(about, Changed(log.pairs, RUBRIC, name))
    for source in facts.label_sources:
        compared = Compared(log.pairs, name, source, facts.temperature)
        held = about.model_copy(update={"label_source": source})
        row = difference_row(held, compared, compared._replace(judged=RUBRIC))
        rows.append(row.model_copy(update={"measure": f"{name}: agreement change"}))
    return rows


def _paraphrases(log: TaskLog) -> list[Paraphrase]:
    noted = (pair.noted.get(PARAPHRASE) for pair in log.pairs)
    return [Paraphrase.model_validate(one) for one in noted if one is not None]


def _with_editor(about: About, log: TaskLog) -> About:
    editors = ", ".join(sorted({one.editor for one in _paraphrases(log)}))
    note = "; ".join(filter(None, (about.note, f"reworded by {editors}" if editors else "")))
    return about.model_copy(update={"note": note})


def _no_paraphrase(log: TaskLog) -> str:
    reasons = ", ".join(sorted({one.reason for one in _paraphrases(log) if one.reason}))
    return f"not measured: {reasons or 'no sample was judged'}"


def _absent(about: About, measure: str, why: str) -> ResultRow:
    note = "; ".join(filter(None, (about.note, why)))
    return about.model_copy(update={"note": note}).row(measure, _NOTHING)
