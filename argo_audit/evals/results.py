"""What a task found, one row per number, so that the tables of all tasks are one.

    for row in results("logs"):
        print(row.measure, row.estimate, row.interval, row.n, row.unscored)

Each task module has a function `results(log_dir)` that makes its rows from its logs. A number that
could not be measured is None, and `note` says why; it is never left out.
"""

from collections.abc import Sequence

from argo_audit.agreement import measure
from argo_audit.estimates import Estimate
from argo_audit.evals.reading import LoggedPair, TaskLog, judgments_of
from argo_audit.records import Agreement, Interval, Label, Record


class ResultRow(Record):
    """One number of one task on one population.

    `subject` is whose preferences are measured: a rubric's reference ("" without one), a reward
    model, a rule, an edit; `label_source` what they are held to, "" where they are held to none.
    `n` values went into `estimate`, from pairs of which `unscored` more had none. `method` says
    how the number came about, `p_value` is two-sided, and `detectable` is the smallest true effect
    that n such values show at the 5% level four times in five.
    """

    task: str
    population: str
    subject: str
    label_source: str
    measure: str
    estimate: float | None
    interval: Interval | None = None
    n: int
    unscored: int = 0
    method: str = ""
    note: str = ""
    p_value: float | None = None
    detectable: float | None = None


class About(Record):
    """What the rows of one comparison have in common; see ResultRow."""

    task: str
    population: str
    subject: str
    label_source: str
    method: str = ""
    note: str = ""

    def row(self, measure: str, found: Estimate, unscored: int = 0) -> ResultRow:
        """A row of an estimate."""
        return ResultRow(
            **dict(self),
            measure=measure,
            estimate=found.mean,
            interval=found.interval,
            n=found.n,
            unscored=unscored,
            p_value=found.p_value,
            detectable=found.detectable,
        )

    def agreement_rows(self, found: Agreement, *, probabilities: bool = True) -> list[ResultRow]:
        """Rows of agreement and, for who gives probabilities, of KL and Brier."""
        sided = found.n - found.ties
        rows = [("agreement", found.accuracy, found.accuracy_interval, sided)]
        if probabilities:
            rows.append(("kl", found.kl, found.kl_interval, found.n))
            rows.append(("brier", found.brier, None, found.n))
        return [
            ResultRow(
                **dict(self),
                measure=name,
                estimate=number,
                interval=interval,
                n=n,
                unscored=found.unparsed,
            )
            for name, number, interval, n in rows
        ]


def shortfall(log: TaskLog) -> str:
    """What a reader of the rows of a log must know of it, "" for a log that is whole."""
    if log.status == "success":
        return ""
    return f"the evaluation ended with status {log.status!r}: {len(log.pairs)} of {log.n_samples}"


def agreement_of(
    pairs: Sequence[LoggedPair], judged: str, source: str, temperature: float
) -> Agreement:
    """Agreement of the judgments of one name with one source, on the pairs that it labelled."""
    labelled = [pair for pair in pairs if source in pair.labels]
    labels = [Label(pair_id=p.pair_id, p_a=p.labels[source], source=source) for p in labelled]
    clusters = {pair.pair_id: pair.prompt_key for pair in labelled}
    judgments = judgments_of(labelled, judged)
    return measure(labels, judgments, clusters=clusters, temperature=temperature)
