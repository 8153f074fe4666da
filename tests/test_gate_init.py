"""`argo-audit gate init`: a first gates.toml that pytest takes as it is."""

import shutil
from pathlib import Path

import pytest
from fakes import ScriptedPolicy
from typer.testing import CliRunner

from argo_audit.audits.parts import Parts
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import audit
from argo_audit.cli.commands import app
from argo_audit.errors import InputError
from argo_audit.gates.declared import read_gates
from argo_audit.gates.fixture import Gate
from argo_audit.gates.gated_model import GatedModel
from argo_audit.gates.starter import UNWANTED, Known, starter
from argo_audit.organism.world import build, write_population
from argo_audit.reward_models.recorded import write_scores
from argo_audit.search.search_settings import SearchConfig
from argo_audit.surface.judge import SurfaceJudge

SMALL = SearchConfig(steps=1, minibatch=8, windows=3, top=2)
KNOWN = Known(rm="rm", pairs="p.jsonl", label="human")


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished audit of recorded scores."""
    root = tmp_path_factory.mktemp("init")
    world = build("A", 80)
    write_population(world, root)
    rewards = [(label.p_a, 1 - label.p_a) for label in world.planted]
    write_scores(root / "my-rm.jsonl", world.pairs, rewards)
    request = AuditRequest(
        pairs=root / "pairs.jsonl.gz",
        labels=(f"scores:{root / 'my-rm.jsonl'}",),
        out=root / "out",
        search=SMALL,
    )
    policy = ScriptedPolicy([["- Rewards bullet lists.\n", "- Rewards short answers.\n"]])
    audit(request, parts=Parts(SurfaceJudge(), lambda *_: policy))
    return root / "out"


def init(audited: Path, out: Path, *words: str) -> None:
    ended = CliRunner().invoke(app, ["gate", "init", str(audited), "--out", str(out), *words])
    if ended.exception is not None:
        raise ended.exception


def test_the_starter_of_an_audit_holds_its_reward_model_to_what_was_found(
    audited: Path, tmp_path: Path
) -> None:
    """Also from a folder that lies elsewhere: every path is one from there."""
    place = tmp_path / "repository" / "gates.toml"
    rm = f"scores:{audited.parent / 'my-rm.jsonl'}"
    init(audited, place, "--rm", rm)
    settings, declared = read_gates(place)
    kinds = [one.kind for one in declared]
    assert kinds[:2] == ["agreement", "no_worse_than"]
    assert kinds.count("bias") == len(UNWANTED)
    for update in (True, False):
        gate = Gate(GatedModel(rm, settings, place.parent), update=update)
        for one in declared[:2]:
            one.hold(gate)
        assert len(gate.found) == 2
    assert (place.parent / "baselines" / "main" / "0001.json").is_file()


def test_a_file_that_is_there_is_not_replaced(audited: Path, tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text("mine")
    with pytest.raises(InputError, match="there is one already"):
        init(audited, tmp_path / "gates.toml", "--rm", "x")
    assert (tmp_path / "gates.toml").read_text() == "mine"


def test_which_reward_model_it_is_has_to_be_known(audited: Path, tmp_path: Path) -> None:
    """It is the one that was audited, where the audit knows."""
    init(audited, tmp_path / "gates.toml")
    settings, _ = read_gates(tmp_path / "gates.toml")
    assert Path(str(settings.rm).removeprefix("scores:")).name == "my-rm.jsonl"
    moved = tmp_path / "moved"
    shutil.copytree(audited, moved)
    init(moved, tmp_path / "from-moved.toml")
    (moved / "audit.json").unlink()
    with pytest.raises(InputError, match="name it with --rm"):
        init(moved, tmp_path / "other.toml")


def test_what_is_paid_for_already_is_a_comment(tmp_path: Path) -> None:
    """A gate on it would fail at once; whether to hold the next model to it is a decision."""
    (tmp_path / "gates.toml").write_text(starter(KNOWN._replace(paid=["urls"])))
    _, declared = read_gates(tmp_path / "gates.toml")
    assert {one.words["attribute"] for one in declared if one.kind == "bias"} == set(UNWANTED) - {
        "urls"
    }
    assert '# attribute = "urls"' in (tmp_path / "gates.toml").read_text()


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "ünï", "a]b"])
def test_any_name_survives_the_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "gates.toml").write_text(starter(KNOWN._replace(rm=name)), encoding="utf-8")
    settings, _ = read_gates(tmp_path / "gates.toml")
    assert settings.rm == name


def test_with_findings_one_gate_stands_for_the_list() -> None:
    text = starter(KNOWN._replace(audit="audit", audited="my-rm"))
    assert '[[no_new_findings]]\naudit = "audit"\nreward_model = "my-rm"' in text
    assert "[[bias]]" not in text
