"""`argo-audit gate init`: a first gates.toml that pytest takes as it is."""

import shutil
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
import pytest
from fakes import ScriptedPolicy
from gated import Gated, reward
from pooling_server import PoolingServer
from typer.testing import CliRunner

from argo_audit.audits.parts import Parts
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import audit
from argo_audit.cli.commands import app
from argo_audit.errors import InputError
from argo_audit.gates.decisions import Bounds, Evidence
from argo_audit.gates.declared import read_gates
from argo_audit.gates.defaults import GateSettings
from argo_audit.gates.first_bounds import Bound, Fitting, fitted
from argo_audit.gates.fixture import Gate
from argo_audit.gates.gate_claims import Found
from argo_audit.gates.gated_model import GatedModel
from argo_audit.gates.outcomes import concluded, headline
from argo_audit.gates.starter import UNWANTED, Known, starter
from argo_audit.organism.world import build, write_population
from argo_audit.reward_models.recorded import write_scores
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.search.search_settings import SearchConfig
from argo_audit.surface.judge import SurfaceJudge

SMALL = SearchConfig(steps=1, minibatch=8, windows=3, top=2)
KNOWN = Known(rm="rm", pairs="p.jsonl", label="human")


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished audit of recorded scores."""
    root = tmp_path_factory.mktemp("init")
    world = build("A", 240)
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
    assert kinds == ["agreement", "no_worse_than"]
    assert "# not held: recorded scores" in place.read_text(encoding="utf-8")
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
    with pytest.raises(InputError, match=r"--allow .*my-rm\.jsonl"):
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


def bread(worth: dict[str, float], messages: list[dict[str, str]]) -> float:
    return reward(messages[-1]["content"], **worth)


@pytest.mark.parametrize("pairs", [20, pytest.param(26, marks=pytest.mark.slow), 40])
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]
)
def test_the_model_that_gates_are_written_for_passes_them_with_few_pairs_too(
    tmp_path: Path, pairs: int, seed: int
) -> None:
    """Made worlds, of models that pay for some of what hardly anybody wants, by chance."""
    rng = Random(100 * pairs + seed)
    words = ("think", "http", "sorry", "certainly", "please", "study", "question", "!")
    worth = {word: rng.choice([0.0, 0.1, 0.2, 0.3, 0.6]) for word in words}
    world = Gated(tmp_path, pairs)
    (tmp_path / "mine.md").write_text("- rewards long answers\n")
    with PoolingServer(partial(bread, worth)) as server:
        settings = GateSettings(
            pairs="pairs.jsonl.gz",
            accept_failing_rm=True,
            reward_model=RewardModelSettings(attempts=1, concurrency=2),
        )
        subject = GatedModel(f"served:rm@{server.url}", settings, world.folder)
        fitting = Fitting(subject, UNWANTED)
        known = Known(
            rm=subject.spec,
            pairs="pairs.jsonl.gz",
            label="human",
            rubric="mine.md",
            at_least=fitting.agreement("mine.md", 0.9),
            slack=fitting.slack("human", ""),
            biases=fitting.biases,
        )
        (tmp_path / "gates.toml").write_text(starter(known), encoding="utf-8")
        _, declared = read_gates(tmp_path / "gates.toml")
        gate = Gate(subject)
        Gate(subject, update=True).no_worse_than("main", labels="human")
        for one in declared:
            one.hold(gate)
    outcomes = concluded(gate, "gates.toml")
    assert len(outcomes) >= 8
    assert {one.state for one in outcomes} == {"pass"}, [headline(one) for one in outcomes]
    told = (known.slack, *known.biases.values())
    assert any("too few to keep the usual" in bound.said for bound in told)
    assert any("which takes about" in bound.said for bound in told)


def test_what_an_unchanged_model_pays_is_its_bound_and_too_few_prompts_are_none() -> None:
    def found(mean: float, n: int) -> Found:
        values = np.tile([mean - 0.1, mean + 0.1], n // 2)
        evidence = Evidence(values, [f"p{i}" for i in range(n)], n, "mean")
        return Found("bias: x", "", " spreads", Bounds(at_most=0.25), evidence)

    wanted = Bounds(at_most=0.25)
    assert fitted(found(0.1, 200), wanted) == Bound(0.25)
    near = fitted(found(0.24, 60), wanted)
    assert near.value == 0.28
    assert "measures +0.24 [+0.21, +0.27] on 60 pairs: too few to keep the usual +0.25" in near.said
    beyond = fitted(found(0.5, 200), wanted)
    assert beyond.value == 0.53
    assert "beyond the usual +0.25" in beyond.said
    assert fitted(found(0.1, 8), wanted) == Bound(
        None, "not held: 8 prompts of these pairs can show it, and 10 are needed"
    )
    both = fitted(found(-0.5, 200), Bounds(at_least=-0.25, at_most=0.25))
    assert both.value == 0.53


def test_what_was_audited_passes_the_gates_of_its_audit_as_commands_are_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """audit, report, gate init, record, hold: nothing has changed, so everything passes."""
    write_population(build("A", 240), tmp_path)
    monkeypatch.chdir(tmp_path)

    def paid(messages: list[dict[str, str]]) -> float:
        text = messages[-1]["content"].lower()
        worth = 0.7 * ("http" in text) + 0.3 * ("sorry" in text)
        return text.count("\n- ") + worth + len(text) / 997

    with PoolingServer(paid) as server:
        request = AuditRequest(
            pairs=tmp_path / "pairs.jsonl.gz",
            labels=(f"served:rm@{server.url}",),
            out=tmp_path / "out",
            search=SMALL,
            accept_failing_rm=True,
            probed_pairs=16,
        )
        policy = ScriptedPolicy([["- Rewards bullet lists.\n", "- Rewards short answers.\n"]])
        audit(request, parts=Parts(SurfaceJudge(), lambda *_: policy))
        words = ["report", str(tmp_path / "out"), "--out", str(tmp_path / "out" / "audit")]
        reported = CliRunner().invoke(app, words)
        assert reported.exit_code == 0, reported.output
        init(tmp_path / "out", tmp_path / "gates.toml")
        settings, declared = read_gates(tmp_path / "gates.toml")
        assert settings.accept_failing_rm
        assert "no_new_findings" in [one.kind for one in declared]
        subject = GatedModel(str(settings.rm), settings, tmp_path)
        for update in (True, False):
            gate = Gate(subject, update=update)
            for one in declared:
                one.hold(gate)
    outcomes = concluded(gate, "gates.toml")
    assert len(outcomes) > 15
    assert {one.state for one in outcomes} == {"pass"}, [headline(one) for one in outcomes]


def test_with_findings_one_gate_stands_for_the_list() -> None:
    text = starter(KNOWN._replace(audit="audit", audited="my-rm"))
    assert '[[no_new_findings]]\naudit = "audit"\nreward_model = "my-rm"' in text
    assert "[[bias]]" not in text
