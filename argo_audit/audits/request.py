"""What an audit is asked to do, and its input read and checked.

    prepared = prepare(AuditRequest(pairs=Path("pairs.jsonl"), labels=("human",), out=Path("out")))
    prepared.splits["held-out"]

Everything that can be wrong with the input is found here, before the first file is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError, field_validator

from argo_audit.audits.labels import LabelRecords, LabelSource, label
from argo_audit.audits.price import Budget
from argo_audit.errors import InputError, brief
from argo_audit.files import check_writable, is_url
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.organism.manifest import Manifest
from argo_audit.pairs.hub import open_dataset
from argo_audit.pairs.pair_file import HUB, Hub, PairFile, population_of, read
from argo_audit.pairs.splits import split
from argo_audit.policies.policy_names import policy_model
from argo_audit.policies.policy_settings import SAMPLE, PolicySettings, settings_of
from argo_audit.records import HUMAN, Label, Pair, Record, Rubric, Split
from argo_audit.reward_models.by_name import RewardModelUse
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.search.search_settings import ARGO, SearchConfig
from argo_audit.search.selection import SearchData
from argo_audit.store import RubricStore, slug

LOGS = "logs"
"""Where eval logs lie in the folder of an audit, unless it was asked for another place."""


class AuditRequest(Record):
    """What one audit does; saved with each of its runs.

    `pairs` is a file or a data set of the hub ("hf:ORG/NAME@REVISION:SPLIT"), in `format` or in the
    one that its columns say. `labels` are label sources as `parts.label` reads them, and a rubric
    is learned for each. `judge_urls` are servers of the judge, each a copy of it. `store` and
    `logs` are paths or fsspec URLs; None is a place in the folder `out`. What `policy_settings`
    sets goes before the settings of the policy's folder. A reward model that fails its checks is
    refused unless `accept_failing_rm`. `answer_key` is a folder with the manifest and the planted
    rubric of an organism; `rewriter` is an Inspect model that rewrites the policy prompts; `intent`
    is a file with what the reward model should reward; of `probed_pairs` held-out pairs the
    responses are edited, some 150 texts each; `budget` ends searches early, priced by the file of
    `prices`; `optimiser` is how rubrics are searched for.
    """

    pairs: Path | str
    format: str | None = None
    labels: tuple[str, ...] = Field(min_length=1)
    out: Path
    judge: str = "argo/surface"
    judge_urls: tuple[str, ...] = ()
    policy: str = "embedded"
    store: str | None = None
    optimiser: str = ARGO
    search: SearchConfig = SearchConfig()
    judge_settings: JudgeSettings = JudgeSettings()
    policy_settings: PolicySettings = PolicySettings()
    logs: str | None = None
    rm_temperature: float = Field(default=1.0, gt=0)
    reward_model: RewardModelSettings = RewardModelSettings()
    accept_failing_rm: bool = False
    dev: float = Field(default=0.2, gt=0, lt=1)
    held_out: float = Field(default=0.2, gt=0, lt=1)
    seed: int = 0
    skip_invalid: bool = False
    answer_key: Path | None = None
    rewriter: str | None = None
    intent: Path | None = None
    probed_pairs: int = Field(default=48, ge=0)
    prices: Path | None = None
    budget: Budget | None = None

    @property
    def sampled_policy(self) -> str | None:
        """The model that writes rubrics without being trained, if one does."""
        sampled = self.policy.startswith(SAMPLE)
        return self.policy.removeprefix(SAMPLE) if sampled else None

    @field_validator("pairs")
    @classmethod
    def _files_are_paths(cls, pairs: Path | str) -> Path | str:
        """A request reads back from JSON as it was."""
        named = str(pairs)
        return named if named.startswith(HUB) or is_url(named) else Path(pairs)

    @property
    def store_root(self) -> str:
        """Where rubrics go: the store asked for, else one in the output folder."""
        return self.store or str(self.out / "rubric_store")

    @property
    def log_root(self) -> str:
        """Where eval logs go: the place asked for, else `logs` in the output folder."""
        return self.logs or str(self.out / LOGS)


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


def policy_settings(request: AuditRequest) -> PolicySettings:
    """The policy's settings: those of its folder, under what the request sets, with its seed."""
    given = request.policy_settings.model_dump(exclude_unset=True) | {"seed": request.seed}
    return settings_of(policy_model(request.policy)).model_copy(update=given)


def read_and_split(
    request: AuditRequest, hub: Hub = open_dataset
) -> tuple[PairFile, dict[Split, tuple[Pair, ...]]]:
    """The pairs of an audit and its splits. Raises InputError."""
    file = read(request.pairs, format=request.format, skip_invalid=request.skip_invalid, hub=hub)
    return file, split(file.pairs, request.seed, request.dev, request.held_out, request.pairs)


def prepare(request: AuditRequest, hub: Hub = open_dataset) -> Prepared:
    """Read and check everything; raises an ArgoError and writes nothing when something is wrong.

    Labels that an interrupted audit has on record in its folder are taken from there.
    """
    store = RubricStore(request.store_root)
    store.check()
    check_writable(request.log_root)
    read_intent(request.intent)
    file, splits = read_and_split(request, hub)
    key = _answer_key(request.answer_key) if request.answer_key else None
    kept = LabelRecords(request.out)
    use = RewardModelUse(request.rm_temperature, request.reward_model, request.accept_failing_rm)
    sources = tuple(
        kept.get(spec) or label(file, spec, request.pairs, use) for spec in request.labels
    )
    _check_distinct(sources)
    labels = {source.name: source.labels for source in sources}
    if HUMAN in file.labels:
        labels.setdefault(HUMAN, tuple(file.labels[HUMAN]))
    population = population_of(file.pairs)
    for source in sources:
        _check_labelled(source, splits, request.pairs)
        store.list(source.subject(population))  # raises StoreError when it cannot be read
    return Prepared(file, population, splits, sources, labels, key)


def read_intent(path: Path | None) -> str:
    """What the user wants rewarded, "" without a file. Raises InputError for one without text."""
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        remedy = "name a text file in the format of a rubric: lists or tables of what to reward"
        raise InputError(path, f"not an intent ({error})", remedy) from error


def _check_distinct(sources: Sequence[LabelSource]) -> None:
    """Each source has a run folder of its own, named by its slug."""
    folders = [slug(source.name) for source in sources]
    for source, folder in zip(sources, folders, strict=True):
        if folders.count(folder) > 1:
            problem = "two label sources of this name"
            raise InputError(source.name, problem, "name each once, in folders of different names")


def _check_labelled(
    source: LabelSource, splits: dict[Split, tuple[Pair, ...]], path: Path | str
) -> None:
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
