"""The labels of an audit: what its words name, and their record on disk.

    source = label(file, "rm:runs/demo/reward_models/organism-a", path)
    kept = LabelRecords(Path("out"))
    kept.put("rm:my-model", source)           # out/labels/rm-my-model-1f2e3d4c.json.gz
    kept.get("rm:my-model")                   # the same; None for labels that are not there

A reward model behind a server is slow or costs money, and one that changed between two halves of a
search would make it a search for nothing: an interrupted audit need not score its pairs again.
"""

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

from argo_audit.errors import InputError, RunFolderError
from argo_audit.files import write_whole_bytes
from argo_audit.outside.caps import RECORD, read_whole, unpacked
from argo_audit.pairs.pair_file import PairFile, labels_of
from argo_audit.records import HUMAN, PLANTED, Conformance, Label, Record, fingerprint
from argo_audit.reward_models.by_name import (
    RewardModelUse,
    check_kind,
    labelled,
    names_reward_model,
    open_reward_model,
)
from argo_audit.reward_models.soft_labels import paid_in, pin
from argo_audit.store import slug

_PACKED = 8 * RECORD  # of some ten million labels
_NOT_MODELS = (HUMAN, PLANTED)


class LabelSource(Record):
    """Labels of one source, the subject they describe, and what pins their content.

    Of a reward model: `read` counts the conversations it was shown, `truncated` those of them that
    were too long to be read in full (both 0 where it does not count), and `conformance` is what it
    was checked for before. `fingerprint` is its own; of one that cannot say what pins it, it is
    made from its name and its rewards on the pairs. `temperature` divided its reward differences.
    """

    name: str
    labels: tuple[Label, ...]
    fingerprint: str
    truncated: int = 0
    read: int = 0
    conformance: Conformance | None = None
    temperature: float = 1.0

    def subject(self, population: str) -> str:
        """Whose preferences these are, as the store files them."""
        return f"{population}-{HUMAN}" if self.name == HUMAN else self.name


def label(
    file: PairFile,
    spec: str,
    path: Path | str,
    use: RewardModelUse | None = None,
    begins: Callable[[], None] = lambda: None,
) -> LabelSource:
    """The labels that `spec` names for the pairs of `file`.

    `human` and `soft:NAME` are columns of the file itself; `rm:`, `served:`, `dpo:`, `scores:`,
    `given:` and the kinds of installed packages are reward models, asked as `use` says
    (`reward_models.by_name`); a name that the file has labels of is those. Raises InputError for
    anything else. `begins` is called once a reward model is there, before it is asked.
    """
    if spec in file.labels or not names_reward_model(spec):
        if spec not in file.labels:
            check_kind(spec)
        labels = labels_of(file, spec, path)
        digest = fingerprint(repr([(i.pair_id, i.p_a) for i in labels]))
        return LabelSource(name=labels[0].source, labels=labels, fingerprint=digest)
    use = use or RewardModelUse()
    model = open_reward_model(spec, use.settings, file.pairs, file.chosen)
    _check_name(model.name, spec)
    begins()
    found = labelled(model, file.pairs, use, file.labels.get(HUMAN, ()))
    return LabelSource(
        name=model.name,
        labels=found.labels,
        fingerprint=pin(model, paid_in(found.labels)),
        truncated=found.truncated,
        read=found.read,
        conformance=found.conformance,
        temperature=found.temperature,
    )


def _check_name(name: str, spec: str) -> None:
    """Labels are told apart by their source: a model must not be called as what is none."""
    if name in _NOT_MODELS:
        problem = f"a reward model cannot be called {name!r}: labels of that name are no model's"
        raise InputError(spec, problem, "give it another name")


class LabelRecords:
    """The files of `labels/` in an audit's folder."""

    def __init__(self, out: Path):
        self._folder = out / "labels"

    def get(self, spec: str) -> LabelSource | None:
        """The labels on record for a spec. Raises RunFolderError for a file that is damaged."""
        path = self._path(spec)
        if not path.is_file():
            return None
        try:
            return LabelSource.model_validate_json(unpacked(read_whole(path, _PACKED), path))
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise RunFolderError(
                f"{path} cannot be read ({type(error).__name__})\n"
                "  Remedy: remove it, and the pairs are labelled again"
            ) from error

    def put(self, spec: str, source: LabelSource) -> None:
        """Record labels; those on record stay."""
        path = self._path(spec)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole_bytes(path, gzip.compress(source.model_dump_json().encode(), mtime=0))

    def _path(self, spec: str) -> Path:
        return self._folder / f"{slug(spec)}.json.gz"
