"""The worlds that are searched: pairs with three labels each, made once and kept in a file.

    spec = WorldSpec(population="A", seed=0, training=TrainingConfig(seed=0))
    world = load(spec, folder)                 # made first when the folder has no file of it
    world.labels["rm"], world.labels["human"], world.labels["planted"]

The labels of a world are the reward model's (`rm`, trained here on the raw labels of the train
pairs and of no others), the raw ones (`human`) and the planted ones (`planted`). With
`train_pairs` the train split is cut to that many pairs, and dev to as many but at most 600;
held-out stays whole, so that worlds which differ in `train_pairs` alone share it.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from pydantic import Field

from argo_audit.organism.manifest import planted_rubric
from argo_audit.organism.populations import PopulationName, population_spec
from argo_audit.organism.world import build
from argo_audit.pairs.pair_file import read, write
from argo_audit.pairs.splits import split
from argo_audit.records import Judgment, Label, Pair, Record, Rubric, Split, fingerprint
from argo_audit.reward_models.soft_labels import label_pairs
from argo_audit.reward_models.training_settings import TrainingConfig
from argo_audit.stats.agreement import measure
from argo_audit.surface.judge import SurfaceJudge
from benchmarks.cells import key

RM, RAW, PLANTED = SOURCES = ("rm", "human", "planted")
MAX_DEV = 600

Parts = Mapping[Split, Sequence[Pair]]


def banks() -> str:
    """Fingerprint of the word banks and populations that the organism is made from."""
    folder = files("argo_audit.organism")
    found = sorted(file.name for file in folder.iterdir() if file.name.endswith(".toml"))
    return fingerprint("".join(folder.joinpath(name).read_text("utf-8") for name in found))


class WorldSpec(Record):
    """What a world is made of.

    `share` of the prompts goes to dev and as much to held-out; `train_pairs` None takes all train
    pairs and all dev pairs.
    """

    population: PopulationName
    seed: int
    pairs: int = Field(default=3000, ge=1)
    label_agreement: float = Field(default=0.675, gt=0.5, le=1)
    share: float = Field(default=0.2, gt=0, lt=0.5)
    train_pairs: int | None = Field(default=None, ge=1)
    training: TrainingConfig
    banks: str = Field(default_factory=banks)


@dataclass(frozen=True, slots=True)
class World:
    """Pairs by split, labels by source and pair id, and the planted preferences in words."""

    splits: Parts
    labels: Mapping[str, Mapping[str, Label]]
    rubric: Rubric

    def accuracy(
        self, judgments: Sequence[Judgment], source: str, part: Split = "held-out"
    ) -> float | None:
        """Agreement of `judgments` on one split with the labels of `source`, 0 to 1."""
        labels = [self.labels[source][pair.id] for pair in self.splits[part]]
        return measure(labels, judgments).accuracy


class Yardsticks(Record):
    """Held-out agreement of what needs no search, 0 to 1.

    `rm` and `raw` are those labels against the planted ones. The rest are judgments against each
    label source: the judge without a rubric, the longer response, and the planted rubric, which is
    the ceiling for this judge.
    """

    rm: float | None
    raw: float | None
    no_rubric: dict[str, float | None]
    longest: dict[str, float | None]
    ceiling: dict[str, float | None]


def load(spec: WorldSpec, folder: Path) -> World:
    """The world of `spec` from `folder`, made there first when it is new."""
    file = read(prepare(spec, folder))
    preferences = population_spec(spec.population).preferences
    return World(
        splits=split(file.pairs, spec.seed, spec.share, spec.share),
        labels={name: {i.pair_id: i for i in file.labels[name]} for name in SOURCES},
        rubric=Rubric(text=planted_rubric(preferences)),
    )


def prepare(spec: WorldSpec, folder: Path) -> Path:
    """The file of the world of `spec`; the world is made unless it is there."""
    path = path_of(spec, folder)
    if not path.exists():
        _make(spec, path)
    return path


def path_of(spec: WorldSpec, folder: Path) -> Path:
    """Where the world of `spec` is kept."""
    return folder / f"{spec.population}-{spec.seed}-{key(spec)}.jsonl.gz"


def yardsticks(world: World) -> Yardsticks:
    """What learned rubrics are measured by."""
    pairs = world.splits["held-out"]
    judge = SurfaceJudge()

    def against_each(judgments: Sequence[Judgment]) -> dict[str, float | None]:
        return {source: world.accuracy(judgments, source) for source in SOURCES}

    def labels_of(source: str) -> list[Judgment]:
        return [_said(pair, world.labels[source][pair.id].p_a) for pair in pairs]

    return Yardsticks(
        rm=world.accuracy(labels_of(RM), PLANTED),
        raw=world.accuracy(labels_of(RAW), PLANTED),
        no_rubric=against_each(asyncio.run(judge.judge(Rubric(text=""), pairs))),
        longest=against_each([_said(pair, _longer(pair)) for pair in pairs]),
        ceiling=against_each(asyncio.run(judge.judge(world.rubric, pairs))),
    )


def parts_of(spec: WorldSpec, pairs: Iterable[Pair]) -> Parts:
    """The splits of `pairs`, cut as `spec` says; more train pairs contain the fewer.

    Raises ValueError when there are fewer train pairs than `spec` asks for.
    """
    whole = split(pairs, spec.seed, spec.share, spec.share)
    if spec.train_pairs is None:
        return whole
    train = list(whole["train"])
    if len(train) < spec.train_pairs:
        raise ValueError(f"{spec.train_pairs} train pairs asked for, {len(train)} made")
    Random(spec.seed).shuffle(train)
    dev = whole["dev"][: min(MAX_DEV, spec.train_pairs)]
    return {**whole, "train": tuple(train[: spec.train_pairs]), "dev": dev}


def _make(spec: WorldSpec, path: Path) -> None:
    """Build the population, train its reward model, label with it, write all at once."""
    from argo_audit.reward_models.classifier import ClassifierRewardModel
    from argo_audit.reward_models.training import train_reward_model

    population = build(spec.population, spec.pairs, spec.seed, spec.label_agreement)
    parts = parts_of(spec, population.pairs)
    used = [pair for part in parts.values() for pair in part]
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent) as scratch:
        model = Path(scratch) / "reward_model"
        train_reward_model(
            parts["train"], _labels(population.raw, parts["train"]), model, config=spec.training
        )
        said = label_pairs(ClassifierRewardModel(model), used)
    labels = {
        RM: said,
        RAW: _labels(population.raw, used),
        PLANTED: _labels(population.planted, used),
    }
    write(path, used, labels)


def _labels(labels: Iterable[Label], pairs: Iterable[Pair]) -> list[Label]:
    ids = {pair.id for pair in pairs}
    return [label for label in labels if label.pair_id in ids]


def _longer(pair: Pair) -> float:
    a, b = len(pair.response_a), len(pair.response_b)
    return 0.5 if a == b else float(a > b)


def _said(pair: Pair, p_a: float) -> Judgment:
    return Judgment(pair_id=pair.id, rubric_id="", p_a=p_a, p_a_first=p_a, p_a_second=p_a)
