"""Audits asked for from Python: objects where names could stand, and what is told of mistakes."""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from fakes import PlantedRewardModel, ScriptedPolicy

import argo_audit as aa
from argo_audit.audits.begun import command_of
from argo_audit.audits.from_python import AuditOptions
from argo_audit.audits.given_parts import give, policy_spec, spec_of
from argo_audit.audits.request import AuditRequest
from argo_audit.errors import RunFolderError, UnavailableError
from argo_audit.kinds import lent, take_back
from argo_audit.organism.world import build
from argo_audit.records import Message

LISTS = "- Rewards bullet lists.\n- Penalises emoji.\n- Rewards examples.\n- Penalises hedging."
LONG = "- Rewards long answers.\n- Rewards bold text.\n- Penalises apologies.\n- Rewards flattery."
WORLD = build("A", pairs=150, seed=2)
SMALL = aa.SearchConfig(steps=2, windows=3, top=4)


class Stopping:
    """A writer that knows two rubrics, and stops once when it is told to."""

    name = "stopping"

    def __init__(self) -> None:
        self.stops = True

    async def write(self, prompts: Sequence[str], seed: int) -> list[aa.Written]:
        if self.stops and seed:
            self.stops = False
            raise ConnectionError("stopped")
        texts = (LISTS, LONG)
        return [aa.Written(texts[n % 2], True, aa.Usage(calls=1)) for n, _ in enumerate(prompts)]


def listmaker(name: str = "listmaker") -> PlantedRewardModel:
    return PlantedRewardModel(lambda text: 2.0 * ("\n- " in text) + len(text) / 1e5, name)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> aa.Audit:
    """Two label sources, a model and labels as they are; interrupted, and gone on with."""
    out, writer = tmp_path_factory.mktemp("audits") / "two", Stopping()
    with pytest.raises(ConnectionError, match="stopped"):
        aa.audit(
            WORLD.pairs,
            [listmaker(), WORLD.raw],
            out=out,
            policy=writer,
            search=SMALL,
            probed_pairs=0,
        )
    take_back("reward_models", "listmaker")
    take_back("writers", "stopping")
    with pytest.raises(aa.InputError, match="give the object again"):
        aa.resume(out)
    with pytest.raises(aa.InputError, match="str: plays no role"):
        aa.resume(out, given=["listmaker"])  # type: ignore[list-item]  # what it is about
    return aa.resume(out, given=[listmaker(), writer])


def test_an_audit_with_objects_is_interrupted_and_resumed_with_them(finished: aa.Audit) -> None:
    assert [v.label_source for v in finished.verdicts] == ["listmaker", "human"]
    assert finished.rubrics.of(label_source="listmaker")[0].rubric.text in (LISTS, LONG)
    assert "from Python: argo_audit.audit(" in command_of(finished.folder)
    assert "from Python: argo_audit.audit(" in (finished.folder / "audit/audit.md").read_text()
    assert aa.verify(finished.folder / "audit" / "audit.md") == []


def test_lists_of_an_audit_know_what_they_are_of(finished: aa.Audit) -> None:
    frame = finished.attempts.to_frame()
    assert set(frame.label_source) == {"listmaker", "human"}
    assert {"step", "rubric_id", "train.accuracy", "policy_reward"} <= set(frame.columns)
    assert len(finished.attempts.of(label_source="human")) == len(finished.attempts) / 2
    assert finished.attempts[:2].beside == finished.attempts.beside[:2]
    agreement = finished.agreement.to_frame()
    assert list(agreement.who[:3]) == ["rubric", "no rubric", "longest response"]
    assert {"kl", "accuracy_interval.low", "measured_against"} <= set(agreement.columns)
    assert set(finished.findings.to_frame().columns) >= {"claim", "status", "severity", "effect"}
    assert repr(finished.rubrics) == "<RecordList of 2 StoredRubric>"
    assert "<table>" in finished.findings._repr_html_()


def test_what_the_audit_says_is_what_the_report_says(finished: aa.Audit) -> None:
    report = (finished.folder / "audit" / "audit.md").read_text(encoding="utf-8")
    held_out = finished.verdicts[0].held_out
    assert held_out is not None
    assert held_out == finished.agreement[0]
    assert f"{held_out.accuracy:.1%}" in report
    assert finished.verdicts[0].advice in report
    assert all(finding.claim in report for finding in finished.verdicts[0].findings)


def test_an_audit_draws_what_the_report_draws(finished: aa.Audit, tmp_path: Path) -> None:
    figure = finished.plot("agreement")
    assert [axis.get_xlabel() for axis in figure.axes] == ["step"]
    figure.savefig(tmp_path / "agreement.png")
    assert len(finished.plot("evolution").axes) > 1
    assert finished.plot("label sources").axes
    with pytest.raises(aa.InputError, match="choose one of agreement, evolution, label sources"):
        finished.plot("agrement")  # type: ignore[arg-type]  # what it is about


def test_a_notebook_shows_an_audit_small_and_without_markup(finished: aa.Audit) -> None:
    shown = finished._repr_html_()
    assert finished.verdicts[0].advice in shown
    assert len(shown) < 6000
    assert "<script" not in shown
    assert repr(finished) == f"<Audit of organism-a in {finished.folder}>"


def test_an_audit_stands_wherever_its_folder_does(finished: aa.Audit, tmp_path: Path) -> None:
    assert aa.load(finished).folder == finished.folder
    aa.export([finished], tmp_path / "pairs.json", "Two")
    assert (tmp_path / "pairs.json").stat().st_size > 1000
    assert finished.report(tmp_path / "told", title="Told").markdown.is_file()
    with pytest.raises(aa.InputError, match="not a finished audit"):
        aa.load(tmp_path)


def test_a_folder_is_not_begun_twice(finished: aa.Audit) -> None:
    asked = {"out": finished.folder, "policy": Stopping(), "search": SMALL, "probed_pairs": 0}
    with pytest.raises(RunFolderError, match="this very audit"):
        aa.audit(WORLD.pairs, [listmaker(), WORLD.raw], **asked)  # type: ignore[arg-type]
    with pytest.raises(aa.InputError, match="begun with other pairs"):
        aa.audit(WORLD.pairs[:-1], [listmaker(), WORLD.raw], **asked)  # type: ignore[arg-type]
    assert len(aa.read_pairs(finished.folder / "given-pairs.jsonl.gz").pairs) == len(WORLD.pairs)


def test_a_frame_is_read_as_a_file_of_its_rows_would_be(tmp_path: Path) -> None:
    rows = [
        {"prompt": f"Question {n}?", "chosen": f"Yes, {n}.", "rejected": f"No, {n}."}
        for n in range(9)
    ]
    with pytest.raises(aa.InputError, match="no labels from the source 'nobody'"):
        aa.audit(pd.DataFrame(rows), "nobody", out=tmp_path, policy=Stopping())
    file = aa.read_pairs(tmp_path / "given-pairs.jsonl.gz")
    assert [pair.prompt for pair in file.pairs] == [
        (Message(role="user", content=row["prompt"]),) for row in rows
    ]
    assert len(file.labels["human"]) == 9


def test_what_cannot_be_asked_for_is_told_before_anything_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(aa.InputError, match="stepz"):
        aa.audit(WORLD.pairs, "human", out=out, stepz=3)  # type: ignore[call-arg]
    with pytest.raises(aa.InputError, match="is no reward model: it has no"):
        aa.audit(WORLD.pairs, [object()], out=out)  # type: ignore[list-item]
    with pytest.raises(aa.InputError, match="is no judge: it has no"):
        aa.audit(WORLD.pairs, "human", out=out, judge=object())  # type: ignore[arg-type]
    with pytest.raises(aa.InputError, match="found human, planted"):
        aa.audit(WORLD.pairs, [[WORLD.raw[0], WORLD.planted[0]]], out=out)
    assert not out.exists()


def test_options_are_the_fields_of_a_request() -> None:
    """One record says what an audit can be asked for; Python's arguments are its fields."""
    named = {"pairs", "labels", "out", "judge", "policy"}
    assert set(AuditOptions.__annotations__) | named == set(AuditRequest.model_fields)


@lent()
def test_the_object_given_last_is_meant() -> None:
    first, second = listmaker(), listmaker()
    assert spec_of("reward_models", first) == spec_of("reward_models", second) == "given:listmaker"
    assert aa.check_reward_model("given:listmaker").failed == ()
    assert policy_spec(ScriptedPolicy([[LISTS]])) == "given:scripted"
    assert policy_spec(Stopping()) == "sample:given:stopping"
    with pytest.raises(aa.InputError, match="plays no role"):
        give(object())


def test_a_notebook_that_could_not_evaluate_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match=r"argo-audit\[notebook\]"):
        aa.audit(WORLD.pairs, "human", out=tmp_path)
