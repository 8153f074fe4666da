"""What a task found, one row per number, so that the tables of all tasks are one.

    for row in results("logs"):
        print(row.measure, row.estimate, row.interval, row.n, row.unscored)

Each task module has a function `results(log_dir)` that makes its rows from its logs. A number that
could not be measured is None, and `note` says why; it is never left out.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from argo_audit.evals.metrics import MOST_GROUPS
from argo_audit.evals.reading import LoggedPair, TaskLog, judgments_of
from argo_audit.judges.judge_settings import TaskJudge
from argo_audit.records import Agreement, Estimator, Interval, Judgment, Label, Record
from argo_audit.stats.agreement import measure, of_each
from argo_audit.stats.estimates import Estimate, estimate


class ResultRow(Record):
    """One number of one task on one population.

    `slice` is the part of the pairs that it is about, "" for all.
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
    slice: str = ""
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
    slice: str = ""
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


class Compared(NamedTuple):
    """Pairs whose judgments of one name are held to the labels of one source."""

    pairs: Sequence[LoggedPair]
    judged: str
    source: str
    temperature: float = 1.0

    def values(self, measure: str) -> dict[str, float]:
        """A measure of each pair by its key ("agreement", "kl" or "brier"), where it has one."""
        both = [p for p in self.pairs if self.source in p.labels and self.judged in p.judgments]
        labels = [Label(pair_id=p.key, p_a=p.labels[self.source], source="") for p in both]
        said = [p.judgments[self.judged].model_copy(update={"pair_id": p.key}) for p in both]
        return of_each(labels, said, temperature=self.temperature)[_FIELDS[measure]]


_FIELDS = {"agreement": "accuracy", "kl": "kl", "brier": "brier"}
PROBABILITIES = ("agreement", "kl", "brier")


def comparison_rows(
    about: About, compared: Compared, measures: Sequence[str] = PROBABILITIES
) -> list[ResultRow]:
    """Agreement, KL and Brier with intervals; a rule has no probabilities, so only agreement."""
    labelled = [pair for pair in compared.pairs if compared.source in pair.labels]
    if not labelled:
        lacking = about.model_copy(update={"note": f"no labels of {compared.source} here"})
        return [lacking.row(name, estimate([], [])) for name in measures]
    compared = compared._replace(pairs=labelled)
    rows = []
    for name in measures:
        found = compared.values(name)
        sided = sum(p.labels[compared.source] != 0.5 for p in labelled)
        wanted = sided if name == "agreement" else len(labelled)
        rows.append(about.row(name, _over_prompts(found, labelled), max(0, wanted - len(found))))
    return rows


def difference_row(about: About, first: Compared, second: Compared) -> ResultRow:
    """Agreement of the first minus that of the second, on the pairs that both judged."""
    ours, theirs = first.values("agreement"), second.values("agreement")
    deltas = {key: ours[key] - theirs[key] for key in ours if key in theirs}
    found = _over_prompts(deltas, first.pairs, test=True)
    unscored = len(ours.keys() | theirs.keys()) - len(deltas)
    return about.row(f"agreement over {second.judged}", found, unscored)


def verdict_rows(about: About, pairs: Sequence[LoggedPair], judged: str) -> list[ResultRow]:
    """The share of verdicts that follow the order shown, and of pairs without one."""
    said = {pair.key: pair.judgments[judged] for pair in pairs if judged in pair.judgments}
    flips = {i: float(j.flipped) for i, j in said.items() if j.flipped is not None}
    unparsed = {i: float(j.p_a is None) for i, j in said.items()}
    return [
        about.row("position flip", _over_prompts(flips, pairs), len(pairs) - len(flips)),
        about.row("unparsed", _over_prompts(unparsed, pairs), len(pairs) - len(unparsed)),
    ]


def slice_rows(about: About, compared: Compared) -> list[ResultRow]:
    """Agreement in each slice, of the kinds of slices that divide the pairs into a few."""
    groups: dict[str, dict[str, list[LoggedPair]]] = {}
    for pair in compared.pairs:
        for kind, name in pair.slices.items():
            groups.setdefault(kind, {}).setdefault(name, []).append(pair)
    return [
        row
        for kind, names in sorted(groups.items())
        if 1 < len(names) <= MOST_GROUPS
        for name, pairs in sorted(names.items())
        for row in comparison_rows(
            about.model_copy(update={"slice": f"{kind}={name}"}),
            compared._replace(pairs=pairs),
            ("agreement",),
        )
    ]


def method_of(log: TaskLog, judged: str, temperature: float) -> str:
    """The judge, how its probabilities came about, and the temperature they were divided by."""
    settings = log.told("judge", TaskJudge)
    estimator = estimator_of(judgments_of(log.pairs, judged), settings)
    return f"{log.judge}: {estimator}; judge temperature {temperature:.3g}"


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
    prompts = {pair.pair_id: pair.prompt_key for pair in labelled}
    judgments = judgments_of(labelled, judged)
    return measure(labels, judgments, clusters=prompts, temperature=temperature)


def _over_prompts(
    values: Mapping[str, float], pairs: Sequence[LoggedPair], *, test: bool = False
) -> Estimate:
    keys = {pair.key: pair.prompt_key for pair in pairs}
    return estimate(list(values.values()), [keys[i] for i in values], test=test)


def estimator_of(judgments: Sequence[Judgment], settings: TaskJudge) -> str:
    """How the probabilities that were read came about, and what was not seen whole."""
    read = [judgment for judgment in judgments if judgment.p_a is not None]
    if not read:
        return "none: no verdict was read"
    kinds = Counter(judgment.estimator or _before_estimators(judgment) for judgment in read)
    said = [_kind(kind, kinds[kind], read) for kind in sorted(kinds)]
    notes = ["both orders"] if settings.reasoning else ["both orders", "without reasons"]
    if cut := sum(judgment.truncated > 0 for judgment in judgments):
        notes.append(f"{cut} of {len(judgments)} pairs shown in part")
    return ", ".join([", but ".join(said), *notes])


def _before_estimators(judgment: Judgment) -> Estimator:
    return "votes" if judgment.votes else "log-probabilities"


def _kind(kind: Estimator, n: int, read: Sequence[Judgment]) -> str:
    of = "" if n == len(read) else f" of {n} in {len(read)} pairs"
    if kind in ("log-probabilities", "lines"):
        return f"{kind}{of}"
    most = max(judgment.votes for judgment in read)
    return f"up to {most} {kind} a pair{of}"
