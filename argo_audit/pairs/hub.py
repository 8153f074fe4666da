"""Data sets of the Hugging Face hub as rows, pinned to a commit.

    rows = open_dataset("HuggingFaceH4/ultrafeedback_binarized:train_prefs")
    rows.origin   # the same with the commit: "hf:HuggingFaceH4/...@3949bf5f8c17...:train_prefs"
    read("hf:nvidia/HelpSteer3/preference@main:validation", hub=open_dataset)

The words are ORG/NAME, then /CONFIG, @REVISION and :SPLIT where they are needed. A revision that
is not a commit (none, a branch, a tag) is resolved to the one it means now, before anything is
loaded: what is loaded and what is recorded are the same, and an audit can be repeated. A folder
that `datasets` can load may stand for ORG/NAME; it has no commit.

The only importer of `datasets`, and lazily: the base install is without it. It stands beside
`pairs`, which must stay light, and reaches it as an argument, from the command line.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from argo_audit.errors import InputError, brief
from argo_audit.pairs.formats.containers import Rows, as_json

_SPEC = re.compile(r"(?P<name>[^@:]+)(@(?P<revision>[^@:]+))?(:(?P<split>[^@:]+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class HubSpec:
    """Which rows of which data set; `config` and the rest are None for the only one there is."""

    name: str
    config: str | None = None
    revision: str | None = None
    split: str | None = None

    def __str__(self) -> str:
        """As it is written on a command line."""
        parts = (("/", self.config), ("@", self.revision), (":", self.split))
        return f"hf:{self.name}" + "".join(f"{mark}{part}" for mark, part in parts if part)


class Source(Protocol):
    """Where data sets come from. Both methods raise OSError or ValueError for what is not there."""

    def commit(self, name: str, revision: str | None) -> str:
        """The commit that a revision means now; None is the default branch."""
        ...

    def splits(self, spec: HubSpec) -> Mapping[str, Iterable[Mapping[str, object]]]:
        """The rows of the split asked for, or of every split, by name."""
        ...


@dataclass(frozen=True)
class DatasetsSource:
    """The hub through `datasets`; `cache` is where it keeps what it downloads, None its default."""

    cache: str | None = None

    def commit(self, name: str, revision: str | None) -> str:
        """Asks the hub, unless the revision is a commit."""
        from huggingface_hub import HfApi

        if revision is not None and _COMMIT.fullmatch(revision):
            return revision
        commit = HfApi().dataset_info(name, revision=revision).sha
        if commit is None:
            raise ValueError("the hub names no commit")
        return commit

    def splits(self, spec: HubSpec) -> Mapping[str, Iterable[Mapping[str, object]]]:
        """Downloads what the cache does not have."""
        import datasets

        datasets.disable_progress_bars()
        try:
            found = datasets.load_dataset(
                spec.name,
                spec.config,
                split=spec.split,
                revision=spec.revision,
                cache_dir=self.cache,
            )
        except datasets.exceptions.DatasetsError as error:
            raise ValueError(str(error)) from error
        if spec.split is not None:
            return {spec.split: _rows(found)}
        return {name: _rows(rows) for name, rows in found.items()}


def open_dataset(spec: str, source: Source | None = None) -> Rows:
    """The rows of a data set: "ORG/NAME/CONFIG@REVISION:SPLIT", all but ORG/NAME optional.

    Raises:
        InputError: When the data set, its revision, config or split is not there, or it has several
            splits and none is named.
    """
    wanted, source = _parsed(spec), source or DatasetsSource()
    try:
        pinned = _pinned(wanted, source)
        splits = source.splits(pinned)
    except ImportError as error:
        remedy = "pip install 'argo-audit[hub]'"
        raise InputError(str(wanted), "reading from the hub needs `datasets`", remedy) from error
    except (OSError, ValueError) as error:
        problem = f"cannot be loaded ({brief(error):.300})"
        remedy = (
            "Check the name, config, revision and split, and the connection; a gated data set "
            "needs `hf auth login`."
        )
        raise InputError(str(wanted), problem, remedy) from error
    if len(splits) != 1:
        names = ", ".join(splits)
        remedy = f"Name one, for example {wanted}:{next(iter(splits), 'train')}"
        raise InputError(str(wanted), f"it has the splits {names}", remedy)
    return Rows(str(pinned), as_json(next(iter(splits.values()))), "row")


def _parsed(spec: str) -> HubSpec:
    found = _SPEC.fullmatch(spec)
    if found is None:
        remedy = "Write hf:ORG/NAME, then /CONFIG, @REVISION and :SPLIT where they are needed."
        raise InputError(f"hf:{spec}", "not the name of a data set", remedy)
    name, revision, split = found["name"], found["revision"], found["split"]
    if Path(name).is_dir():
        return HubSpec(name, None, revision, split)
    organisation, *rest = name.split("/", 2)
    config = rest.pop() if len(rest) == 2 else None
    return HubSpec("/".join((organisation, *rest)), config, revision, split)


def _pinned(spec: HubSpec, source: Source) -> HubSpec:
    if Path(spec.name).is_dir():
        if spec.revision is not None:
            raise ValueError("a folder has no revisions")
        return spec
    commit = source.commit(spec.name, spec.revision)
    return HubSpec(spec.name, spec.config, commit, spec.split)


def _rows(dataset: Any) -> Iterable[Mapping[str, object]]:
    """As Arrow gives them: nothing is decoded, so that images cost nothing."""
    for table in dataset.with_format("arrow").iter(1000):
        yield from table.to_pylist()
