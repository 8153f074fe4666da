"""The input of an audit, read and checked.

    prepared = prepare(AuditRequest(pairs=Path("pairs.jsonl"), labels=("human",), out=Path("out")))
    prepared.splits["held-out"]

Everything that can be wrong with the input is found here, before the first file is written.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from argo_audit.audits.labels import LabelRecords, LabelSource, label
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.same_model import check_named
from argo_audit.errors import InputError, brief
from argo_audit.files import check_writable
from argo_audit.organism.manifest import Manifest
from argo_audit.outside.caps import RECORD, read_text, read_whole
from argo_audit.pairs.hub import open_dataset
from argo_audit.pairs.pair_file import Hub, PairFile, labels_of, population_of, read
from argo_audit.pairs.splits import at_most, split
from argo_audit.policies.policy_names import policy_model
from argo_audit.policies.policy_settings import PolicySettings, settings_of
from argo_audit.records import HUMAN, Label, Pair, Rubric, Split
from argo_audit.reward_models.by_name import RewardModelUse, check_kind, names_reward_model
from argo_audit.search.selection import MEASURED_ON, SearchData
from argo_audit.store import RubricStore, slug


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
    parts = split(file.pairs, request.seed, request.dev, request.held_out, request.pairs)
    return file, judged(parts, request)


def judged(
    splits: dict[Split, tuple[Pair, ...]], request: AuditRequest
) -> dict[Split, tuple[Pair, ...]]:
    """The splits, of dev and held-out no more than the judge is to be asked about."""
    measured = {
        name: at_most(splits[name], request.judged_pairs, request.seed) for name in MEASURED_ON
    }
    return splits | measured


def prepare(
    request: AuditRequest, hub: Hub = open_dataset, begins: Callable[[], None] = lambda: None
) -> Prepared:
    """Read and check everything; raises an ArgoError and writes nothing when something is wrong.

    `begins` is called when names have been checked and work begins, perhaps several times.

    Labels that an interrupted audit has on record in its folder are taken from there, once their
    reward model has been asked about some of them again.
    """
    store = RubricStore(request.store_root)
    store.check()
    check_writable(request.log_root)
    read_intent(request.intent)
    file, splits = read_and_split(request, hub)
    key = _answer_key(request.answer_key) if request.answer_key else None
    kept = LabelRecords(request.out)
    use = RewardModelUse(request.rm_temperature, request.reward_model, request.accept_failing_rm)
    check_labels(request.labels, file, request.pairs)
    known = {
        spec: source for spec in request.labels if (source := kept.get(request.on_record(spec)))
    }
    for spec, source in known.items():
        check_named(spec, source, file.pairs, use.settings)
    sources = tuple(
        known.get(spec) or label(file, spec, request.pairs, use, begins) for spec in request.labels
    )
    begins()
    _check_distinct(sources)
    labels = {source.name: source.labels for source in sources}
    if HUMAN in file.labels:
        labels.setdefault(HUMAN, tuple(file.labels[HUMAN]))
    population = population_of(file.pairs)
    for source in sources:
        _check_labelled(source, splits, request.pairs)
        store.list(source.subject(population))  # raises StoreError when it cannot be read
    return Prepared(file, population, splits, sources, labels, key)


def check_labels(labels: Sequence[str], file: PairFile, path: Path | str) -> None:
    """Raise InputError for a label source that is neither a reward model's nor of the file."""
    for spec in labels:
        if spec not in file.labels and not names_reward_model(spec):
            check_kind(spec)
            labels_of(file, spec, path)


def read_intent(path: Path | None) -> str:
    """What the user wants rewarded, "" without a file. Raises InputError for one without text."""
    if path is None:
        return ""
    try:
        return read_text(path)
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a name that no file has
        remedy = "name a text file in the format of a rubric: lists or tables of what to reward"
        raise InputError(path, f"not an intent ({brief(error)})", remedy) from error


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
        manifest = Manifest.model_validate_json(read_whole(folder / "manifest.json", RECORD))
        text = read_text(folder / "planted-rubric.md")
    except (OSError, ValueError) as error:  # of files, of UTF-8 and of pydantic
        problem = f"not an organism's answer key ({brief(error, Manifest)})"
        remedy = "name a folder written by `argo-audit organism build`: its A or B"
        raise InputError(folder, problem, remedy) from error
    return AnswerKey(manifest, Rubric(text=text))
