"""Data sets of the hub are pinned to a commit before they are read, and refused with a remedy."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from argo_audit.audits.preparing import prepare
from argo_audit.audits.request import AuditRequest
from argo_audit.errors import InputError
from argo_audit.pairs.formats.containers import Rows
from argo_audit.pairs.hub import DatasetsSource, HubSpec, open_dataset
from argo_audit.pairs.pair_file import read

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ROWS = [
    {"prompt": f"What is rule {number} of this very old game?", "chosen": "Yes.", "rejected": "No."}
    for number in range(90)
]


@dataclass
class FakeHub:
    """A hub with one data set; remembers what it was asked to load."""

    rows: Mapping[str, Iterable[Mapping[str, object]]] = field(default_factory=lambda: {"t": ROWS})
    head: str = COMMIT
    asked: list[HubSpec] = field(default_factory=list)

    def commit(self, name: str, revision: str | None) -> str:
        if name != "org/name":
            raise OSError(f"no data set\n{name}")
        return revision if revision and len(revision) == 40 else self.head

    def splits(self, spec: HubSpec) -> Mapping[str, Iterable[Mapping[str, object]]]:
        self.asked.append(spec)
        if spec.split is None:
            return self.rows
        if spec.split not in self.rows:
            raise ValueError(f"Unknown split {spec.split}")
        return {spec.split: self.rows[spec.split]}

    def open(self, spec: str) -> Rows:
        return open_dataset(spec, self)


@pytest.mark.parametrize(
    ("spec", "loaded", "origin"),
    [
        ("org/name", HubSpec("org/name", None, COMMIT, None), f"hf:org/name@{COMMIT}"),
        ("org/name:t", HubSpec("org/name", None, COMMIT, "t"), f"hf:org/name@{COMMIT}:t"),
        ("org/name@main:t", HubSpec("org/name", None, COMMIT, "t"), f"hf:org/name@{COMMIT}:t"),
        (
            f"org/name@{'a' * 40}",
            HubSpec("org/name", None, "a" * 40, None),
            f"hf:org/name@{'a' * 40}",
        ),
        (
            "org/name/some/config:t",
            HubSpec("org/name", "some/config", COMMIT, "t"),
            f"hf:org/name/some/config@{COMMIT}:t",
        ),
    ],
)
def test_what_is_loaded_is_what_is_recorded(spec: str, loaded: HubSpec, origin: str) -> None:
    hub = FakeHub()
    file = read(f"hf:{spec}", hub=hub.open)
    assert hub.asked == [loaded]
    assert (file.origin, file.format, len(file.pairs)) == (origin, "trl", 90)
    again = read(origin, hub=FakeHub(head="f" * 40).open)
    assert (again, again.origin) == (file, origin)


@pytest.mark.parametrize(
    ("spec", "problem", "remedy"),
    [
        ("", "not the name of a data set", "hf:ORG/NAME"),
        ("org/name:", "not the name of a data set", "hf:ORG/NAME"),
        ("org/name@:t", "not the name of a data set", "hf:ORG/NAME"),
        ("no/such", r"cannot be loaded \(no data set no/such\)", "Check the name"),
        ("org/name:x", r"cannot be loaded \(Unknown split x\)", "Check the name"),
    ],
)
def test_what_is_not_there_is_refused(spec: str, problem: str, remedy: str) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        read(f"hf:{spec}", hub=FakeHub().open)
    assert remedy in caught.value.remedy
    assert caught.value.file == f"hf:{spec}"


def test_one_of_several_splits_must_be_named() -> None:
    hub = FakeHub({"train": ROWS, "test": ROWS[:3]})
    with pytest.raises(InputError, match="it has the splits train, test") as caught:
        read("hf:org/name@main", hub=hub.open)
    assert caught.value.remedy == "Name one, for example hf:org/name@main:train"
    assert len(read("hf:org/name:test", hub=hub.open).pairs) == 3


def test_a_faulty_row_is_counted_as_a_row() -> None:
    hub = FakeHub({"t": [*ROWS, {**ROWS[0], "chosen": None}]})
    with pytest.raises(InputError, match=rf"hf:org/name@{COMMIT}, row 91: 'chosen"):
        read("hf:org/name", hub=hub.open)
    assert len(read("hf:org/name", hub=hub.open, skip_invalid=True).skipped) == 1


def test_without_a_hub_its_data_sets_are_refused() -> None:
    with pytest.raises(InputError, match="data sets of the hub are not read here"):
        read("hf:org/name")


def test_an_audit_reads_from_the_hub_and_its_request_survives_json(tmp_path: Path) -> None:
    request = AuditRequest(
        pairs="hf:org/name:t", format="trl", labels=("human",), out=tmp_path / "out"
    )
    assert AuditRequest.model_validate_json(request.model_dump_json()) == request
    prepared = prepare(request, FakeHub().open)
    assert prepared.file.origin == f"hf:org/name@{COMMIT}:t"
    assert sum(map(len, prepared.splits.values())) == 90
    local = AuditRequest(pairs=tmp_path / "a.jsonl", labels=("human",), out=tmp_path / "out")
    assert AuditRequest.model_validate_json(local.model_dump_json()) == local


@pytest.mark.usefixtures("train")
def test_datasets_loads_a_folder(tmp_path: Path) -> None:
    """The real `datasets`, offline: its rows are those of the file itself."""
    folder = tmp_path / "set"
    folder.mkdir()
    text = "".join(f"{json.dumps(row)}\n" for row in ROWS)
    (folder / "train.jsonl").write_text(text, encoding="utf-8")
    (folder / "test.jsonl").write_text(text.splitlines()[0], encoding="utf-8")
    source = DatasetsSource(cache=str(tmp_path / "cache"))

    def hub(spec: str) -> Rows:
        return open_dataset(spec, source)

    file = read(f"hf:{folder}:train", hub=hub)
    assert file == read(folder / "train.jsonl")
    assert file.origin == f"hf:{folder}:train"
    with pytest.raises(InputError, match="it has the splits train, test"):
        read(f"hf:{folder}", hub=hub)
    with pytest.raises(InputError, match="Unknown split"):
        read(f"hf:{folder}:dev", hub=hub)
    with pytest.raises(InputError, match="a folder has no revisions"):
        read(f"hf:{folder}@main:train", hub=hub)


def test_a_commit_is_not_looked_up() -> None:
    assert DatasetsSource().commit("no/such", COMMIT) == COMMIT
