"""Audits asked for from Python: objects where names could stand, and what is told of mistakes."""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fakes import PlantedRewardModel, ScriptedPolicy

import argo_audit as aa
from argo_audit.audits.begun import command_of
from argo_audit.audits.from_python import AuditOptions
from argo_audit.audits.given_pairs import read_given
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
            optimiser="argo",
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
    assert [f.status for f in finished.findings.of(status="verified")] == ["verified"] * len(
        finished.findings.of(status="verified")
    )
    with pytest.raises(aa.InputError, match="no such field; did you mean 'status'"):
        finished.findings.of(statis="verified")
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
    assert aa.verify(tmp_path / "told") == aa.verify(finished.folder) == []
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "audit.md").write_text("Mine.\n")
    with pytest.raises(RunFolderError, match="is no report of argo-audit"):
        finished.report(tmp_path / "mine")
    with pytest.raises(aa.InputError, match="it is a folder, and a file is written"):
        aa.export(finished, tmp_path)
    with pytest.raises(aa.InputError, match="not a finished audit"):
        aa.load(tmp_path)


def test_a_folder_is_not_begun_twice(finished: aa.Audit) -> None:
    asked = {"out": finished.folder, "policy": Stopping(), "search": SMALL, "probed_pairs": 0}
    asked["optimiser"] = "argo"
    with pytest.raises(RunFolderError, match="this very audit"):
        aa.audit(WORLD.pairs, [listmaker(), WORLD.raw], **asked)  # type: ignore[arg-type]
    with pytest.raises(aa.InputError, match="begun with other pairs"):
        aa.audit(WORLD.pairs[:-1], [listmaker(), WORLD.raw], **asked)  # type: ignore[arg-type]
    assert len(aa.read_pairs(finished.folder / "given-pairs.jsonl.gz").pairs) == len(WORLD.pairs)


def test_a_frame_and_rows_are_read_as_a_file_of_them_would_be(tmp_path: Path) -> None:
    rows = [
        {"prompt": f"Question {n}?", "chosen": f"Yes, {n}.", "rejected": f"No, {n}."}
        for n in range(9)
    ]
    with pytest.raises(aa.InputError, match="no labels from the source 'nobody'"):
        aa.audit(pd.DataFrame(rows), "nobody", out=tmp_path / "out", policy=Stopping())
    assert not (tmp_path / "out").exists()
    for given in (rows, pd.DataFrame(rows)):
        file = read_given(given)
        assert [pair.prompt for pair in file.pairs] == [
            (Message(role="user", content=row["prompt"]),) for row in rows
        ]
        assert len(file.labels["human"]) == 9
        assert aa.check_reward_model(listmaker(), given).pairs > 9


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "pairs: there are none"),
        (5, "no pairs but one of type int"),
        (["a", "b"], "among them is one of type str"),
        ([WORLD.pairs[0], WORLD.pairs[0]], f"several have the id '{WORLD.pairs[0].id}'"),
        ([{"prompt": "a"}], "^rows"),
        (pd.DataFrame({"foo": [1]}), "^DataFrame"),
        (pd.DataFrame([[1, 2]], columns=["chosen", "chosen"]), "DataFrame: cannot be read"),
    ],
)
def test_what_are_no_pairs_is_told_in_a_sentence(given: Any, said: str, tmp_path: Path) -> None:
    model = listmaker()
    for ask in (
        lambda: aa.check_reward_model(model, given),
        lambda: aa.bias_probe(model, given, "bullets"),
        lambda: aa.judge("- Be brief.", given),
        lambda: aa.open_gate(model, given),
        lambda: aa.audit(given, model, out=tmp_path / "out", policy=Stopping()),
    ):
        with pytest.raises(aa.InputError, match=said):
            ask()
    assert not (tmp_path / "out").exists()


def test_gates_take_pairs_as_they_are() -> None:
    gate = aa.open_gate(listmaker(), WORLD.pairs[:40])
    gate.bias("bullets", at_least=0.0)
    with pytest.raises(aa.InputError, match="Bounds: at_most: must be a number"):
        gate.bias("bullets", at_most="x")  # type: ignore[arg-type]  # what it is about
    assert [outcome.state for outcome in aa.decided(gate)] == ["pass"]


@pytest.mark.parametrize("name", ["human", "planted"])
def test_a_model_is_not_called_as_labels_of_people_are(name: str, tmp_path: Path) -> None:
    with pytest.raises(aa.InputError, match=f"cannot be called '{name}'"):
        aa.audit(WORLD.pairs, listmaker(name), out=tmp_path / "out", policy=Stopping())


@pytest.mark.parametrize("name", ["", "  ", "\ud800x"])
def test_a_name_can_be_seen_and_written(name: str) -> None:
    with pytest.raises(aa.InputError, match="`name` that is a text, with more in it than blanks"):
        aa.check_reward_model(listmaker(name))


def test_messages_hold_nothing_that_acts() -> None:
    with pytest.raises(aa.ArgoError) as caught:
        aa.check_reward_model("\x1b[31mred")
    assert "\x1b" not in str(caught.value)
    assert "⟨U+001B⟩[31mred" in str(caught.value)


def test_records_that_cannot_be_are_told_in_plain_words() -> None:
    with pytest.raises(aa.InputError, match=r"SearchConfig: steps: must be at least 1, not -1"):
        aa.SearchConfig(steps=-1)
    with pytest.raises(aa.InputError, match=r"stps: there is no such key; did you mean 'steps'"):
        aa.SearchConfig(stps=1)  # type: ignore[call-arg]  # what it is about
    with pytest.raises(aa.InputError, match="Pair: id"):
        aa.Pair(id="", prompt=WORLD.pairs[0].prompt, response_a="", response_b="")
    with pytest.raises(aa.InputError, match="there is no population of this name"):
        aa.build_organism("C")  # type: ignore[arg-type]  # what it is about


def test_names_are_known_before_anything_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for asked, said in (
        ({"policy": "embeded"}, "did you mean 'embedded'"),
        ({"judge": "argo/surfac"}, "did you mean 'argo/surface'"),
        ({"rewriter": "nobody/x"}, "nobody"),
        ({"stepz": 3}, "stepz"),
    ):
        with pytest.raises(aa.InputError, match=said):
            aa.audit(WORLD.pairs, "human", out=out, **asked)
    for place, said in (("memory://x", "a URL"), ("", "no name of a file")):
        with pytest.raises(aa.InputError, match=said):
            aa.audit(WORLD.pairs, "human", out=place)
    with pytest.raises(aa.InputError, match="did you mean 'human'"):
        aa.audit(WORLD.pairs, [WORLD.raw, "humn"], out=out)
    assert not out.exists()


def test_the_folder_of_a_user_is_meant_by_its_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    request = AuditRequest(pairs=Path("x"), labels=("human",), out=Path("~/mine"))
    assert request.out == tmp_path / "mine"
    with pytest.raises(RunFolderError, match=f"{tmp_path}/mine"):
        aa.resume("~/mine")


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
