"""What an audit is asked to do, and its input read and checked.

    prepared = prepare(AuditRequest(pairs=Path("pairs.jsonl"), labels=("human",), out=Path("out")))
    prepared.splits["held-out"]

Everything that can be wrong with the input is found here, before the first file is written.
"""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from argo_audit.cli.label_records import LabelRecords
from argo_audit.cli.parts import HUMAN, SAMPLE, LabelSource, label, policy_model
from argo_audit.cli.terminal import brief
from argo_audit.errors import InputError, RunFolderError
from argo_audit.organism.manifest import Manifest
from argo_audit.pairs import PairFile, read
from argo_audit.policies.settings import PolicySettings, settings_of
from argo_audit.price import Budget
from argo_audit.records import Label, Pair, Record, Rubric, Split
from argo_audit.run_folder import check_free, check_same, write_whole
from argo_audit.search import SearchConfig
from argo_audit.selection import SearchData
from argo_audit.splits import split
from argo_audit.store import RubricStore, slug

REQUEST_FILE = "audit.json"


class AuditRequest(Record):
    """What one audit does; saved with each of its runs.

    `labels` are label sources as `parts.label` reads them, and a rubric is learned for each. What
    `policy_settings` sets goes before the settings of the policy's folder. `answer_key` is a folder
    with the manifest and the planted rubric of an organism; `rewriter` is an Inspect model that
    rewrites the policy prompts; `budget` ends searches early, priced by the file of `prices`.
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
    dev: float = Field(default=0.2, gt=0, lt=1)
    held_out: float = Field(default=0.2, gt=0, lt=1)
    seed: int = 0
    skip_invalid: bool = False
    answer_key: Path | None = None
    rewriter: str | None = None
    prices: Path | None = None
    budget: Budget | None = None

    @property
    def sampled_policy(self) -> str | None:
        """The model that writes rubrics without being trained, if one does."""
        kind, _, model = self.policy.partition(":")
        return model if kind == SAMPLE else None

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


class _Begun(Record):
    """The file of an audit that has begun: what was asked, in which folder, by which command."""

    request: AuditRequest
    folder: Path
    command: str


def check_unused(request: AuditRequest) -> None:
    """Raise RunFolderError unless the output folder is free for this audit.

    Of an audit that was begun there, the message says how to go on with it or what differs.
    """
    begun = request.out / REQUEST_FILE
    if not begun.is_file():
        check_free(request.out)
        return
    check_same(request.out, _asked(_begun(request.out).request), _asked(request))
    raise RunFolderError(
        f"{request.out} holds this very audit, begun before; nothing in it was touched.\n"
        f"  Remedy: argo-audit resume {shlex.quote(str(request.out))}"
    )


def write_request(request: AuditRequest) -> None:
    """Put on record what is asked of an audit that begins; one that has begun keeps its record."""
    request.out.mkdir(parents=True, exist_ok=True)
    path = request.out / REQUEST_FILE
    if not path.is_file():
        command = shlex.join(["argo-audit", *sys.argv[1:]])
        begun = _Begun(request=request, folder=Path.cwd(), command=command)
        # only what was set: what was not is up to the policy's own settings
        write_whole(path, begun.model_dump_json(indent=1, exclude_unset=True) + "\n")


def read_request(out: Path) -> AuditRequest:
    """What was asked of the audit in `out`; its paths are from the folder it was begun in.

    Raises RunFolderError when no audit was begun there, or in another folder than this.
    """
    begun = _begun(out)
    if (begun.folder / begun.request.out).resolve() != out.resolve():
        raise RunFolderError(
            f"{out} was begun as {begun.folder / begun.request.out}\n"
            "  Remedy: move it back, for its record names files from there"
        )
    if begun.folder.resolve() != Path.cwd().resolve():
        raise RunFolderError(
            f"{out} was begun in the folder {begun.folder}, and may name files from there\n"
            f"  Remedy: cd {shlex.quote(str(begun.folder))}, and resume it there"
        )
    return begun.request


def command_of(out: Path) -> str:
    """The command line by which the audit in `out` was begun."""
    return _begun(out).command


def policy_settings(request: AuditRequest) -> PolicySettings:
    """The policy's settings: those of its folder, under what the request sets, with its seed."""
    given = request.policy_settings.model_dump(exclude_unset=True) | {"seed": request.seed}
    sampled = request.sampled_policy is not None
    settings = PolicySettings() if sampled else settings_of(policy_model(request.policy))
    return settings.model_copy(update=given)


def _begun(out: Path) -> _Begun:
    path = out / REQUEST_FILE
    try:
        return _Begun.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise RunFolderError(
            f"{path}: no audit was begun here ({brief(error)})\n"
            "  Remedy: name the --out folder of an audit, as it was typed"
        ) from error


def _asked(request: AuditRequest) -> dict[str, Any]:
    return request.model_dump(mode="json", exclude={"budget", "prices", "out"})


def read_and_split(request: AuditRequest) -> tuple[PairFile, dict[Split, tuple[Pair, ...]]]:
    """The pairs of an audit and its splits. Raises InputError."""
    file = read(request.pairs, skip_invalid=request.skip_invalid)
    return file, split(file.pairs, request.seed, request.dev, request.held_out, request.pairs)


def prepare(request: AuditRequest) -> Prepared:
    """Read and check everything; raises an ArgoError and writes nothing when something is wrong.

    Labels that an interrupted audit has on record in its folder are taken from there.
    """
    store = RubricStore(request.store_root)
    file, splits = read_and_split(request)
    key = _answer_key(request.answer_key) if request.answer_key else None
    kept = LabelRecords(request.out)
    sources = tuple(
        kept.get(spec) or label(file, spec, request.pairs, request.rm_temperature)
        for spec in request.labels
    )
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
