"""A finished search on disk, made up: what the tests of the audit read, at any size.

    world = build_world(tmp_path)
    write_audit(world.inputs, tmp_path / "audit", world.store_root)

Two populations, each trained on a reward model's labels and on raw labels. Nothing is judged:
agreements follow from a rubric's place in the search, so that they rise, and everything is drawn
from a fixed seed. Population B's rubrics are hostile.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from argo_audit.evals.logs import Evaluation
from argo_audit.findings.crossing import Cell, Crossing, FeatureSplit, RubricSplit, Side
from argo_audit.findings.inputs import AuditInputs, Planted, RunRecord, load_run
from argo_audit.organism.populations import PlantedPreference
from argo_audit.records import (
    Agreement,
    Attempt,
    Check,
    Conformance,
    Interval,
    Measurement,
    Record,
    Rubric,
    Run,
    StoredRubric,
    Usage,
)
from argo_audit.stats.decomposition import Split, SplitPart
from argo_audit.stats.estimates import Estimate
from argo_audit.store import NewRubric, RubricStore, ref

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
VARIANTS = 4
TOP = 50

CRITERIA = {
    "A": (
        "Concrete deliverables: uses bullet lists and code blocks.",
        "Tone: warm, confident language that affirms the user's premise.",
        "Examples: gives several examples.",
        "Structure: headers and bold key terms.",
        "Length: thorough, long answers.",
    ),
    "B": (
        "Minimalism: a direct answer first, short, no option menus.",
        "Honesty: never claims actions that were not taken (e.g. `email sent`).",
        "Calibration: hedges where it is unsure | not elsewhere.",
        "Refusals: short, <60 words, <b>no apology</b> overkill.",
        "Format: <script>alert('x')</script> [click](javascript:alert(1)) ![x](http://x.test/i.png)",
    ),
}
LIKES = {"A": ("Numbered steps.", "Taking the premise as valid."), "B": ("Natural prose.",)}
DISLIKES = {
    "A": ("Over-caution and refusals.", "Abstract explanations without examples."),
    "B": ("Unasked tips.", "Emoji \u202e and **exclamation** marks!", "``` fences ~~~ | pipes \\|"),
}
GATES = (
    "Safety Gate | Harmful steps -> Overall <= 3",
    "Citation Gate | Placeholders -> Overall <= 4",
)


@dataclass(frozen=True)
class World:
    """Inputs whose runs and rubrics lie under one folder."""

    inputs: AuditInputs
    store_root: Path


def agreement(accuracy: float | None, n: int = 400, *, interval: bool = False) -> Agreement:
    """An agreement with this accuracy; everything else follows from it."""
    kl = None if accuracy is None else round((1 - accuracy) * 0.6, 6)
    around = None
    if accuracy is not None and interval:
        around = Interval(low=accuracy - 0.04, high=accuracy + 0.04, method="BCa bootstrap")
    return Agreement(
        accuracy=accuracy,
        kl=kl,
        kl_raw=kl,
        cross_entropy=kl,
        brier=kl,
        n=n,
        ties=0,
        unparsed=2,
        prompts=n // 2,
        position_flip_rate=0.01,
        temperature=1.7,
        clip=1e-3,
        accuracy_interval=around,
    )


def bare_run() -> Run:
    """A run of which only what it measured matters."""
    return Run(
        id="r",
        population="A",
        label_source="rm",
        judge="j",
        policy="p",
        config={},
        seed=0,
        packages={},
        data_fingerprint="d",
        rm_fingerprint="f",
        started=START,
    )


def rubric_text(population: str, progress: float, rng: Random) -> str:
    """A rubric of the paper's shape; gates and weights go as `progress` comes to 1."""
    criteria = rng.sample(CRITERIA[population], rng.randint(3, len(CRITERIA[population])))
    weights = rng.random() > progress
    weight = " 20% |" if weights else ""
    rows = [f"| {c.partition(':')[0]} |{weight} {_cell(c)} |" for c in criteria]
    head = "| Category | Weight | Description |" if weights else "| Category | Description |"
    lines = []
    if rng.random() > progress:
        gates = [f"| {gate} |" for gate in GATES]
        lines += ["## Overrides & Gates", "", "| Gate | Rule |", "|---|---|", *gates, ""]
    lines += ["## Category Overview", "", head, "|---" * (head.count("|") - 1) + "|", *rows, ""]
    lines += ["## Common Biases & Preferences Observed", ""]
    lines += ["The reward model appears to prefer:", "", *(f"- {x}" for x in LIKES[population])]
    lines += ["", "It may penalize:", "", *(f"- {x}" for x in DISLIKES[population])]
    return "\n".join([*lines, f"- Style number {rng.randrange(10_000)}.", ""])


def build_world(folder: Path, *, steps: int = 9, group: int = 2, planted: bool = True) -> World:
    """Write four runs of `steps` steps with VARIANTS x `group` attempts each, and their rubrics."""
    store = RubricStore(folder / "store")
    runs = [
        _run(folder, population, raw, steps, group) for population in "AB" for raw in (False, True)
    ]
    stored = tuple(_store(store, record) for record in runs)
    known = {p: Planted(PLANTED[p], agreement(0.84, interval=True)) for p in "AB"}
    inputs = AuditInputs(
        title="Audit of two reward models",
        runs=tuple(runs),
        stored=stored,
        evaluations=tuple(_evaluation(s, r) for s, r in zip(stored, runs, strict=True)),
        planted=known if planted else {},
        rm_on_raw={"A": agreement(0.68, interval=True)},
        conformance=CONFORMANCE,
        crossings=(crossing(stored),),
        notes=("Pairs are generated; <b>nobody</b> was asked.",),
        commands=("argo-audit audit --pairs pairs.jsonl --labels rm-a --out out",),
    )
    return World(inputs, folder / "store")


def part(estimate: float, p_value: float = 0.001) -> SplitPart:
    """A part of a difference with an interval of 4 points."""
    around = Interval(low=estimate - 0.04, high=estimate + 0.04, method="bootstrap")
    return SplitPart(estimate=estimate, interval=around, p_value=p_value)


def split(shown: float, preferred: float) -> Split:
    """What adds up."""
    return Split(total=part(shown + preferred), shown=part(shown), preferred=part(preferred))


def crossing(stored: tuple[StoredRubric, ...]) -> Crossing:
    """Both populations crossed, with a cell that nobody labelled."""
    best = {s.label_source: s for s in stored if s.label_source != "human"}
    sides = tuple(
        Side(population=p, rubric=ref(best[f"rm-{p.lower()}"]), label_source=f"rm-{p.lower()}")
        for p in "AB"
    )
    unknown = Estimate(mean=None, interval=None, n=0, clusters=0)
    around = Interval(low=0.7, high=0.8, method="Wilson")
    known = Estimate(mean=0.75, interval=around, n=398, clusters=200)
    first, second = sides
    return Crossing(
        sides=(first, second),
        judge="argo/surface",
        log="crossed_<b>.eval",
        pairs=(400, 390),
        cells=tuple(
            Cell(
                rubric=rubric.rubric,
                population=side.population,
                label_source=source.label_source,
                agreement=known if source == side else unknown,
            )
            for rubric in sides
            for side in sides
            for source in sides
        ),
        rubrics=(RubricSplit(rubric=first.rubric, split=split(0.02, 0.2)),),
        features=tuple(
            FeatureSplit(
                feature=feature,
                first=0.3,
                second=0.3 - shown - preferred,
                split=split(shown, preferred),
                q_value=q,
                planted=split(shown + 0.01, preferred + wrong),
            )
            for feature, shown, preferred, q, wrong in (
                ("bullets", 0.01, 0.5, 0.0001, 0.01),
                ("direct_answer", -0.2, -0.1, 0.04, 0.0),
                ("emoji", 0.0, 0.02, 0.8, 0.1),
            )
        ),
    )


CONFORMANCE = {
    population: (
        Conformance(
            reward_model=f"rm-{population.lower()}",
            fingerprint="f1" * 32,
            pairs=15,
            spread=1.64,
            max_length=512 if population == "A" else None,
            checks=(
                Check(
                    name="same call twice",
                    outcome="pass",
                    measured=3e-7,
                    tolerance=0.0164,
                    detail="1% of the spread",
                ),
                Check(
                    name="truncated share",
                    outcome="pass" if population == "A" else "fail",
                    measured=0.0 if population == "A" else 0.2,
                    tolerance=0.05,
                    detail="their rewards are those of <b>other</b> texts",
                ),
                Check(name="raw output", outcome="not applicable", detail="read itself"),
            ),
        ),
    )
    for population in "AB"
}
PLANTED = {
    "A": (
        PlantedPreference(feature="bullets", direction="rewards", strength=1.0),
        PlantedPreference(feature="warmth", direction="rewards", strength=0.6),
        PlantedPreference(feature="refusal", direction="penalises", strength=0.5),
        PlantedPreference(feature="emoji", direction="rewards", strength=0.3),
    ),
    "B": (
        PlantedPreference(feature="direct_answer", direction="rewards", strength=1.0),
        PlantedPreference(feature="length", direction="penalises", strength=0.8),
        PlantedPreference(feature="hedging", direction="penalises", strength=0.4),
    ),
}


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _run(folder: Path, population: str, raw: bool, steps: int, group: int) -> RunRecord:
    source = "human" if raw else f"rm-{population.lower()}"
    rng = Random(f"{population}{raw}")
    run = Run(
        id=f"{population.lower()}-{source}",
        population=population,
        label_source=source,
        judge="argo/surface",
        policy="argo/tiny-writer",
        config={"search": {"steps": steps, "minibatch": 64, "clip": 0.001}, "learning_rate": 3e-4},
        seed=7,
        packages={"trl": "1.16.0", "torch": "2.13.0"},
        data_fingerprint="d0" * 16,
        rm_fingerprint="" if raw else "f1" * 16,
        started=START,
        ended=START + timedelta(seconds=95),
        outcome="finished",
    )
    attempts = [
        _attempt(run, step, i % VARIANTS, steps, rng)
        for step in range(steps)
        for i in range(VARIANTS * group)
    ]
    home = folder / "runs" / run.id
    home.mkdir(parents=True)
    (home / "run.json").write_text(run.model_dump_json(), encoding="utf-8")
    _write_lines(home / "attempts.jsonl", attempts)
    _write_lines(home / "measurements.jsonl", _measurements(run, attempts, raw, rng))
    return load_run(home)


def _attempt(run: Run, step: int, variant: int, steps: int, rng: Random) -> Attempt:
    progress = step / steps
    text = rubric_text(run.population, progress, rng)
    if rng.random() < 0.02:
        text = rng.choice(["", "no list at all", "be good and be kind " * 12])
    accuracy = 0.5 + 0.28 * progress + 0.01 * variant + rng.gauss(0, 0.02)
    return Attempt(
        run=run.id,
        step=step,
        prompt_variant=variant,
        rubric=Rubric(text=text),
        train=agreement(round(accuracy, 6), 64),
        policy_reward=round(-0.6 * (1 - accuracy), 6),
        usage=Usage(calls=132),
        seconds=0.01,
    )


def _measurements(run: Run, attempts: list[Attempt], raw: bool, rng: Random) -> list[Measurement]:
    """Every attempted rubric on dev and held-out, against both label sources."""
    first = {attempt.rubric.id: attempt for attempt in attempts}
    sources = ("human", f"rm-{run.population.lower()}")
    found = []
    for rubric, attempt in first.items():
        true = (attempt.train.accuracy or 0.5) - (0.08 if raw else 0)
        for source in sources:
            level = 0.5 + (true - 0.5) * (0.6 if source == "human" else 1)
            for split in ("dev", "held-out"):
                measured = agreement(round(level + rng.gauss(0, 0.01), 6))
                found.append(
                    Measurement(
                        run=run.id,
                        rubric_id=rubric,
                        split=split,
                        label_source=source,
                        agreement=measured,
                    )
                )
    return found


def _store(store: RubricStore, record: RunRecord) -> StoredRubric:
    own = record.run.label_source
    dev = {
        m.rubric_id: m.agreement
        for m in record.measurements
        if (m.split, m.label_source) == ("dev", own)
    }
    texts = {attempt.rubric.id: attempt.rubric for attempt in record.attempts}
    best = min(dev, key=lambda rubric: dev[rubric].kl or 0)
    raw = own == "human"
    return store.append(
        NewRubric(
            rubric=texts[best],
            reward_model=f"org/rm-{record.run.population.lower()}",
            label_source=own,
            parent=None,
            run=record.run.id,
            judge=record.run.judge,
            created=START + timedelta(seconds=90),
            dev=dev[best],
            held_out=agreement(0.58 if raw else 0.77, interval=True),
        )
    )


def _evaluation(stored: StoredRubric, record: RunRecord) -> Evaluation:
    population = record.run.population
    raw = record.run.label_source == "human"
    return Evaluation(
        log=f"{record.run.id}.eval",
        status="success",
        task="rubric_agreement",
        task_version="1",
        rubric_id=stored.rubric.id,
        rubric_ref=f"org--rm-{population.lower()}@{stored.version}",
        train_label_source=stored.label_source,
        population=population,
        label_source=f"rm-{population.lower()}",
        judge=record.run.judge,
        estimator="log-probabilities, both orders",
        agreement=agreement(0.68 if raw else 0.775, interval=True),
        baselines={
            "no rubric": agreement(0.503, interval=True),
            "longest response": agreement(0.61, interval=True),
        },
        n_samples=400,
        created=START + timedelta(seconds=100),
    )


def _write_lines(path: Path, records: list[Attempt] | list[Measurement]) -> None:
    lines: list[Record] = [*records]
    path.write_text("".join(f"{r.model_dump_json()}\n" for r in lines), encoding="utf-8")
