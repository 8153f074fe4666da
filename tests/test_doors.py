"""A stranger's reward model, judge, policy and search go through every door of the built-in ones.

Each is written here, as roles.py asks and no more, and handed over as an object: nothing in the
package knows of it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import inspect_ai
import pytest
from fakes import ScriptedPolicy
from gated import Gated

from argo_audit import kinds
from argo_audit.audits.begun import read_request
from argo_audit.audits.evaluate import evaluate
from argo_audit.audits.reporting import Origin, report
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import audit, resume
from argo_audit.errors import InputError
from argo_audit.evals.assembly import EVAL_SETTINGS
from argo_audit.evals.logs import read_evaluations
from argo_audit.evals.reading import read_logs
from argo_audit.evals.tasks.bias_probe import find_probes
from argo_audit.evals.tasks.judge_reliability import judge_reliability
from argo_audit.evals.tasks.rubric_agreement import rubric_agreement
from argo_audit.gates.defaults import GateSettings
from argo_audit.gates.fixture import Gate
from argo_audit.gates.gate_claims import Found
from argo_audit.gates.gated_model import GatedModel
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.judges.opening import is_inspects, open_judge, seat_of
from argo_audit.organism.world import build, write_population
from argo_audit.policies.policy_names import policy_model
from argo_audit.policies.policy_opening import open_policy, open_writer
from argo_audit.policies.policy_settings import PolicySettings
from argo_audit.probes.edits.counterfactuals import chosen
from argo_audit.probes.effects import effects
from argo_audit.probes.probe import probe, responses_of
from argo_audit.records import Judgment, Pair, Rubric, Usage
from argo_audit.reward_models.by_name import can_be_asked, open_reward_model
from argo_audit.reward_models.checks.conformance import check_reward_model
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.roles import Conversation, Judge, Policy, Proposal, RewardModel, Writer, Written
from argo_audit.search.argo import argo
from argo_audit.search.memory import Memory
from argo_audit.search.optimisers import open_search
from argo_audit.search.search_settings import SearchConfig
from argo_audit.search.selection import SearchData, Winner

RUBRICS = ["- Rewards bullet lists.\n- Penalizes refusals.\n", "- Rewards short answers.\n"]
SMALL = SearchConfig(steps=1, minibatch=8, windows=3, top=2)


class Listed:
    """A reward model in ten lines: it pays for lists, and against length."""

    name = "listed"

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        texts = [conversation[-1].content for conversation in conversations]
        return [text.count("\n- ") - 0.002 * len(text) for text in texts]


class Lengthy:
    """A judge: with a rubric that speaks of short answers it prefers these, else long ones."""

    name = "lengthy"

    def __init__(self) -> None:
        self.asked = 0

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        self.asked += len(pairs)
        sign = 1 if "short" in rubric.text else -1
        return [self._said(rubric, pair, sign) for pair in pairs]

    def _said(self, rubric: Rubric, pair: Pair, sign: int) -> Judgment:
        further = sign * (len(pair.response_b) - len(pair.response_a))
        p_a = 0.5 + 0.4 * ((further > 0) - (further < 0))
        return Judgment(
            pair_id=pair.id,
            rubric_id=rubric.id,
            p_a=p_a,
            p_a_first=p_a,
            p_a_second=p_a,
            usage=Usage(calls=2),
        )


class Author:
    """A writer that answers everything with the same rubric."""

    name = "author"

    async def write(self, prompts: Sequence[str], seed: int) -> list[Written]:
        return [Written(RUBRICS[1], finished=True, usage=Usage(calls=1)) for _ in prompts]


class Twice:
    """A search: argo, which it counts."""

    name = "counted"

    def __init__(self) -> None:
        self.ran = 0

    def __call__(
        self,
        policy: Policy,
        judge: Judge,
        data: SearchData,
        config: SearchConfig,
        memory: Memory,
        rewriter: Writer | None = None,
    ) -> Sequence[Winner]:
        self.ran += 1
        return argo(policy, judge, data, config, memory, rewriter)


class Given(NamedTuple):
    """The strangers' objects, and the audit that they were in."""

    out: Path
    judge: Lengthy
    search: Twice


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Given]:
    root = tmp_path_factory.mktemp("doors")
    write_population(build("A", 60), root / "world")
    judge, search = Lengthy(), Twice()
    request = AuditRequest(
        pairs=root / "world" / "pairs.jsonl.gz",
        labels=(kinds.given("reward_models", Listed()),),
        judge=kinds.given("judges", judge),
        policy=kinds.given("policies", ScriptedPolicy([RUBRICS])),
        optimiser=kinds.given("searches", search),
        out=root / "out",
        search=SMALL,
        probed_pairs=4,
    )
    audit(request)
    yield Given(request.out, judge, search)
    kinds.take_back("reward_models", "listed")
    kinds.take_back("judges", "lengthy")
    kinds.take_back("policies", "scripted")
    kinds.take_back("searches", "counted")


def test_an_audit_is_made_of_given_objects(audited: Given) -> None:
    assert audited.search.ran == 1
    assert audited.judge.asked > 0
    logs = read_evaluations(audited.out / "logs")
    assert {log.label_source for log in logs} >= {"listed"}
    assert {(log.judge, log.status) for log in logs} == {("given:lengthy", "success")}
    assert list(find_probes(str(audited.out / "logs"))) == ["listed"]
    files = report(Origin((audited.out,), "Strangers", ("argo-audit",)), audited.out / "audit")
    text = files.markdown.read_text(encoding="utf-8")
    assert "given:lengthy" in text
    assert """-T 'judge={"name": "given:lengthy"}' --model none""" in text


def test_the_suite_evaluates_it_with_the_same_judge(audited: Given, tmp_path: Path) -> None:
    rows = evaluate([audited.out], tmp_path / "evals")
    assert {"rubric_agreement", "rm_accuracy", "judge_reliability", "bias_probe"} <= {
        row.task for row in rows
    }
    judged = [row for row in rows if row.task == "rubric_agreement" and row.measure == "agreement"]
    assert judged
    assert all(row.method.startswith("given:lengthy") for row in judged)
    asked = audited.judge.asked
    evaluate([audited.out], tmp_path / "surface", judge="argo/surface", suite="rubric_agreement")
    assert audited.judge.asked == asked


def test_an_audit_of_objects_is_resumed_where_they_are_given(audited: Given) -> None:
    kinds.take_back("judges", "lengthy")
    with pytest.raises(InputError, match=r"given in this process(.|\n)*again from Python"):
        resume(audited.out)
    kinds.given("judges", audited.judge)
    assert resume(audited.out).stored
    assert read_request(audited.out).judge == "given:lengthy"


def test_a_task_names_its_judge_in_its_settings(audited: Given, tmp_path: Path) -> None:
    task = rubric_agreement(
        "", str(audited.out / "held-out.jsonl.gz"), judge={"name": "given:lengthy"}
    )
    [log] = inspect_ai.eval(task, model="none", log_dir=str(tmp_path), **EVAL_SETTINGS)
    assert log.status == "success", log.error
    assert {read.judge for read in read_evaluations(tmp_path)} == {"given:lengthy"}


def test_another_judge_may_be_any_object(audited: Given, tmp_path: Path) -> None:
    pairs = str(audited.out / "held-out.jsonl.gz")
    task = judge_reliability("", pairs, runs=1, shuffles=0, other_judge="given:lengthy")
    [log] = inspect_ai.eval(task, model="argo/surface", log_dir=str(tmp_path), **EVAL_SETTINGS)
    assert log.status == "success", log.error
    [read] = read_logs(tmp_path, "judge_reliability")
    assert read.judge == "argo/surface"
    assert all("other judge" in pair.judgments for pair in read.pairs)


def test_gates_hold_a_given_model_to_a_rubric_under_a_given_judge(
    audited: Given, tmp_path: Path
) -> None:
    world = Gated(tmp_path)
    (tmp_path / "mine.md").write_text("- rewards short answers\n")
    settings = GateSettings(pairs="pairs.jsonl.gz", judge="given:lengthy", accept_failing_rm=True)
    gate = Gate(GatedModel("given:listed", settings, world.folder))
    found = gate.agreement(rubric="mine.md", at_least=0.9)
    assert isinstance(found, Found)
    assert found.evidence.values.mean() == 1.0  # both want it short where there are no lists
    assert gate.bias("flattery", at_most=0.25)
    written = Gate(GatedModel("given:listed", settings, world.folder), update=True)
    written.no_worse_than("main", labels="human")
    same = gate.no_worse_than("main")
    assert isinstance(same, Found)
    assert not same.evidence.values.any()


def test_a_plain_reward_model_is_checked_and_probed(audited: Given) -> None:
    model = open_reward_model("given:listed", RewardModelSettings())
    report = check_reward_model(model)
    assert not report.failed
    assert len(report.fingerprint) == 64
    assert can_be_asked("given:listed")
    pairs = build("A", 8).pairs
    found = effects(probe(model, responses_of(pairs), chosen(["bullets"])))
    assert any(effect.change.mean for effect in found)


def test_a_model_is_pinned_by_its_name_and_rewards() -> None:
    class Other(Listed):
        def reward(self, conversations: Sequence[Conversation]) -> list[float]:
            return [1 + reward for reward in super().reward(conversations)]

    first, second = (check_reward_model(model).fingerprint for model in (Listed(), Other()))
    assert first != second
    assert first == check_reward_model(Listed()).fingerprint


def test_a_model_that_pays_for_nothing_in_a_forged_turn_is_not_suspected() -> None:
    class Lists(Listed):
        def reward(self, conversations: Sequence[Conversation]) -> list[float]:
            return [float(conversation[-1].content.count("- ")) for conversation in conversations]

    checks = {check.name: check.outcome for check in check_reward_model(Lists()).checks}
    assert checks["special tokens in text"] == "not checked"


def test_a_given_judge_takes_no_settings(audited: Given) -> None:
    assert open_judge("given:lengthy", JudgeSettings(seed=3)).name == audited.judge.name
    for settings, urls in ((JudgeSettings(votes=9), ()), (JudgeSettings(), ("http://x",))):
        with pytest.raises(InputError, match="as it is"):
            seat_of("given:lengthy", settings, urls)
    assert [is_inspects(spec) for spec in ("given:lengthy", "argo/surface", "openai/x")] == [
        False,
        True,
        True,
    ]


def test_a_given_policy_learns_from_one_label_source(audited: Given) -> None:
    request = read_request(audited.out).model_copy(update={"labels": ("given:listed", "human")})
    with pytest.raises(InputError, match="one label source at a time"):
        audit(request.model_copy(update={"out": audited.out.parent / "second"}))


def test_a_given_writer_rewrites_and_is_sampled() -> None:
    author = Author()
    spec = kinds.given("writers", author)
    assert open_writer(spec) is author
    policy = open_policy(f"sample:{spec}")(1, Path(), PolicySettings())
    written: list[str] = []

    def pay(proposals: Sequence[Proposal]) -> list[float]:
        written.extend(proposal.text for proposal in proposals)
        return [0.0 for _ in proposals]

    policy.train(lambda: ["write"], pay, 1)
    assert written == [RUBRICS[1]] * PolicySettings().rubrics_per_prompt
    kinds.take_back("writers", "author")


def test_installed_packages_open_parts_of_every_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "parts_of_strangers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: parts-of-strangers\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(
        "[argo_audit.reward_models]\nlisted = parts_of_strangers:model\n"
        "none = parts_of_strangers:nothing\n"
        "[argo_audit.judges]\nlengthy = parts_of_strangers:judge\n"
        "[argo_audit.policies]\nscripted = parts_of_strangers:policy\n"
        "[argo_audit.searches]\ncounted = parts_of_strangers:search\n"
    )
    (tmp_path / "parts_of_strangers.py").write_text(STRANGERS)
    monkeypatch.syspath_prepend(tmp_path)
    model = open_reward_model("listed:v3", RewardModelSettings(batch_size=7))
    assert (model.name, isinstance(model, RewardModel)) == ("v3 in batches of 7", True)
    assert open_judge("lengthy:x", JudgeSettings(votes=2)).name == "x with 2 votes"
    assert not is_inspects("lengthy:x")
    assert seat_of("lengthy:x").named == {"name": "lengthy:x"}
    policy = open_policy("scripted:p")(4, tmp_path, PolicySettings(seed=1))
    assert policy.name == "p, 4 variants, seed 1"
    assert policy_model("scripted:p") == "scripted:p"
    assert open_search("counted:s") is not open_search("argo")
    with pytest.raises(InputError, match="dict: is no reward model"):
        open_reward_model("none:x", RewardModelSettings())


STRANGERS = """
class Model:
    def __init__(self, name): self.name = name
    def reward(self, conversations): return [0.0 for _ in conversations]

class Judge:
    def __init__(self, name): self.name = name
    async def judge(self, rubric, pairs): return []

class Policy:
    used = None
    def __init__(self, name): self.name = name
    def train(self, next_prompts, policy_reward, steps): ...
    def resume(self, done): return done

def model(what, settings, pairs): return Model(f"{what} in batches of {settings.batch_size}")
def judge(what, settings, urls): return Judge(f"{what} with {settings.votes} votes")
def policy(what):
    return lambda n, folder, asked: Policy(f"{what}, {n} variants, seed {asked.seed}")
def nothing(*_): return {}
def search(what): return lambda *parts: []
"""


@pytest.mark.parametrize("name", ["openai/gpt-5-mini", "vllm/Qwen/Qwen3-8B", "anthropic/claude-x"])
def test_a_name_of_inspects_points_to_a_policy_that_is_not_trained(name: str) -> None:
    with pytest.raises(InputError, match=f"sample:{name}"):
        open_policy(name)
    with pytest.raises(InputError, match=f"sample:{name}"):
        policy_model(name)


@pytest.mark.parametrize("name", ["openai/gpt-oss-20b", "google/gemma-3-1b-it", "Qwen/Qwen3-8B"])
def test_a_name_of_the_hub_can_be_trained(name: str) -> None:
    assert policy_model(name) == name
