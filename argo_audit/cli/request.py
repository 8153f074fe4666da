"""What an audit is asked to do, and its input read and checked.

    prepared = prepare(AuditRequest(pairs=Path("pairs.jsonl"), labels=("human",), out=Path("out")))
    prepared.splits["held-out"]

Everything that can be wrong with the input is found here, before the first file is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from argo_audit.cli.parts import HUMAN, LabelSource, label
from argo_audit.cli.reward_models import RewardModelUse
from argo_audit.cli.terminal import brief
from argo_audit.errors import InputError
from argo_audit.organism.manifest import Manifest
from argo_audit.pairs import PairFile, read
from argo_audit.policies.settings import PolicySettings
from argo_audit.records import Label, Pair, Record, Rubric, Split
from argo_audit.reward_models.settings import RewardModelSettings
from argo_audit.run_folder import check_free
from argo_audit.search import SearchConfig
from argo_audit.selection import SearchData
from argo_audit.splits import split
from argo_audit.store import RubricStore, slug


class AuditRequest(Record):
    """What one audit does; saved with each of its runs.

    `labels` are label sources as `parts.label` reads them, and a rubric is learned for each. What
    `policy_settings` sets goes before the settings of the policy's folder. A reward model that
    fails its checks is refused unless `accept_failing_rm`. `answer_key` is a folder with the
    manifest and the planted rubric of an organism.
    """

    pairs: Path
    labels: tuple[str, ...] = Field(min_length=1)
    out: Path
    judge: str = "argo/surface"
    policy: str = "embedded"
    store: str | None = None
    search: SearchConfig = SearchConfig()
    policy_settings: PolicySettings = PolicySettings()
    rm_temperature: float = Field(default=1.0, gt=0)
    reward_model: RewardModelSettings = RewardModelSettings()
    accept_failing_rm: bool = False
    dev: float = Field(default=0.2, gt=0, lt=1)
    held_out: float = Field(default=0.2, gt=0, lt=1)
    seed: int = 0
    skip_invalid: bool = False
    answer_key: Path | None = None

    @property
    def store_root(self) -> str:
        """Where rubrics go: the store asked for, else one in the output folder."""
        return self.store or str(self.out / "rubric_store")


@dataclass(frozen=True)
class AnswerKey:
    """What was planted in an organism, as a record and as a rubric."""

    manifest: Manifest
    rubric: Rubric


@dataclass(frozen=True)
class Prepared:
    """The input of an audit; `sources` are trained on, `labels` evaluated against."""

    file: PairFile
    population: str
    splits: dict[Split, tuple[Pair, ...]]
    sources: tuple[LabelSource, ...]
    labels: dict[str, tuple[Label, ...]]
    answer_key: AnswerKey | None

    def search_data(self, source: str) -> SearchData:
        """The same pairs for every search, trained on `source`."""
        by_id = {
            name: {label.pair_id: label for label in labels} for name, labels in self.labels.items()
        }
        return SearchData(self.splits, by_id, source)


def prepare(request: AuditRequest) -> Prepared:
    """Read and check everything; raises an ArgoError and writes nothing when something is wrong."""
    check_free(request.out)
    store = RubricStore(request.store_root)
    file = read(request.pairs, skip_invalid=request.skip_invalid)
    splits = split(file.pairs, request.seed, request.dev, request.held_out, request.pairs)
    key = _answer_key(request.answer_key) if request.answer_key else None
    use = RewardModelUse(request.rm_temperature, request.reward_model, request.accept_failing_rm)
    sources = tuple(label(file, spec, request.pairs, use) for spec in request.labels)
    _check_distinct(sources)
    labels = {source.name: source.labels for source in sources}
    if HUMAN in file.labels:
        labels.setdefault(HUMAN, tuple(file.labels[HUMAN]))
    population = ", ".join(sorted({pair.population for pair in file.pairs})) or "unnamed"
    for source in sources:
        _check_labelled(source, splits, request.pairs)
        store.list(source.subject(population))  # raises StoreError when it cannot be read
    return Prepared(file, population, splits, sources, labels, key)


def _check_distinct(sources: Sequence[LabelSource]) -> None:
    """Each source has a run folder of its own, named by its slug."""
    folders = [slug(source.name) for source in sources]
    for source, folder in zip(sources, folders, strict=True):
        if folders.count(folder) > 1:
            problem = "two label sources of this name"
            raise InputError(source.name, problem, "name each once, in folders of different names")


def _check_labelled(source: LabelSource, splits: dict[Split, tuple[Pair, ...]], path: Path) -> None:
    """Each split needs a label of the source that takes a side, or nothing can be measured."""
    sided = {label.pair_id for label in source.labels if label.p_a != 0.5}
    for name, pairs in splits.items():
        if not any(pair.id in sided for pair in pairs):
            raise InputError(
                path,
                f"no pair of the {name} split has a label by {source.name!r} that takes a side",
                "label more pairs, or choose another label source",
            )


def _answer_key(folder: Path) -> AnswerKey:
    try:
        manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
        text = (folder / "planted-rubric.md").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        problem = f"not an organism's answer key ({brief(error)})"
        remedy = "name a folder written by `argo-audit organism build`: its A or B"
        raise InputError(folder, problem, remedy) from error
    return AnswerKey(manifest, Rubric(text=text))
