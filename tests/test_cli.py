"""The command line from end to end: what it leaves behind, what it refuses, what it says."""

import gzip
import json
import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from fakes import ScriptedPolicy, Stopped
from pooling_server import PoolingServer
from typer.testing import CliRunner, Result

from argo_audit.audits.audit_facts import AuditFacts, read_facts, write_facts
from argo_audit.audits.parts import Parts, open_parts
from argo_audit.audits.reporting import Origin, report
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import Event, audit
from argo_audit.cli.commands import app
from argo_audit.errors import ArgoError, InputError, RunFolderError, StoreError
from argo_audit.evals import subject
from argo_audit.findings.inputs import load_run
from argo_audit.judges.inspect_judge import InspectJudge
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.organism.world import Population, build, write_population
from argo_audit.pairs.pair_file import read, write
from argo_audit.policies.policy_settings import PolicySettings
from argo_audit.records import Conformance, Judgment, Pair, Rubric
from argo_audit.report.annotated_pairs import AnnotatedPairs
from argo_audit.report.check import check_audit
from argo_audit.report.markdown import front_matter
from argo_audit.reward_models.checks.probe_texts import PROBES
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.roles import NextPrompts, PolicyReward
from argo_audit.search.search_settings import SearchConfig
from argo_audit.store import HELD_OUT, NewRubric, RubricStore
from argo_audit.surface.judge import SurfaceJudge

REPOSITORY = Path(__file__).parent.parent
SMALL = SearchConfig(steps=3, minibatch=24, windows=3, top=2)
RUBRICS = (
    "- Rewards bullet lists and code blocks.\n- Rewards warm, confident language.\n"
    "- Penalizes refusals.\n- Rewards concrete examples.\n",
    "- Rewards short answers.\n- Penalizes emoji.\n",
    "Be good, and be kind.",
    "",
)


def argo(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def contents(folder: Path) -> dict[str, bytes]:
    """Every file and folder (as b"") under a folder."""
    found = folder.rglob("*")
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in found}


# A whole audit


class Watched(SurfaceJudge):
    """The surface judge, keeping which pairs it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[str, Pair] = {}

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        self.shown |= {pair.id: pair for pair in pairs}
        return await super().judge(rubric, pairs)


class Looking(ScriptedPolicy):
    """A scripted policy that asks the judge, once trained, what it was shown until then."""

    def __init__(self, judge: Watched, trained_on: list[dict[str, Pair]]):
        super().__init__([RUBRICS])
        self._judge, self._trained_on = judge, trained_on

    def train(self, next_prompts: NextPrompts, policy_reward: PolicyReward, steps: int) -> None:
        self._judge.shown.clear()
        super().train(next_prompts, policy_reward, steps)
        self._trained_on.append(dict(self._judge.shown))


def scripted(*_: object) -> ScriptedPolicy:
    return ScriptedPolicy([RUBRICS])


class World(NamedTuple):
    """Organisms A and B on disk."""

    populations: dict[str, Population]
    root: Path

    def request(self, name: str, out: Path, labels: tuple[str, ...]) -> AuditRequest:
        folder = self.root / name
        pairs = folder / "pairs.jsonl.gz"
        return AuditRequest(pairs=pairs, labels=labels, out=out, search=SMALL, answer_key=folder)


class Finished(NamedTuple):
    out: Path
    facts: AuditFacts
    events: list[Event]
    trained_on: list[dict[str, Pair]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("organism")
    populations = {"A": build("A", 150, seed=0), "B": build("B", 150, seed=0)}
    for name, population in populations.items():
        write_population(population, root / name)
    return World(populations, root)


@pytest.fixture(scope="module")
def finished(world: World, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """An audit of organism A on planted and raw labels."""
    judge, trained_on, events = Watched(), list[dict[str, Pair]](), list[Event]()
    request = world.request("A", tmp_path_factory.mktemp("a") / "out", ("planted", "human"))
    parts = Parts(judge, lambda *_: Looking(judge, trained_on))
    return Finished(request.out, audit(request, events.append, parts), events, trained_on)


@pytest.fixture(scope="module")
def audited(finished: Finished) -> Path:
    """The report on it."""
    result = argo("report", finished.out, "--out", finished.out / "audit", "--title", "[A]")
    assert result.exit_code == 0, result.output
    return finished.out / "audit" / "audit.md"


def test_an_audit_leaves_all_that_its_report_needs(finished: Finished) -> None:
    out = finished.out
    for source in ("planted", "human"):
        record = load_run(out / "runs" / source)
        assert (record.run.label_source, record.run.outcome) == (source, "completed")
        assert len(record.attempts) == SMALL.steps * len(RUBRICS)
        assert {m.split for m in record.measurements} == {"dev", "held-out"}
        assert (record.folder / "prompts.jsonl").stat().st_size > 0
    assert RubricStore(out / "rubric_store").verify() == []
    assert len(list((out / "logs").glob("*.eval"))) == 2
    assert finished.facts == read_facts(out)
    assert finished.facts.difference is not None
    assert finished.facts.ceiling is not None
    assert finished.facts.ceiling.accuracy is not None
    assert finished.facts.ceiling.accuracy > 0.9
    assert not list(out.rglob("*.part"))


def test_baselines_stand_beside_the_rubric_of_pairs_without_a_population(
    world: World, tmp_path: Path
) -> None:
    known = world.populations["A"]
    nameless = [pair.model_copy(update={"population": ""}) for pair in known.pairs]
    write(tmp_path / "pairs.jsonl", nameless, {"human": known.raw})
    request = AuditRequest(
        pairs=tmp_path / "pairs.jsonl", labels=("human",), out=tmp_path / "out", search=SMALL
    )
    audit(request, lambda _: None, Parts(SurfaceJudge(), scripted))
    report(Origin((request.out,), "Nameless", ("argo-audit",)), request.out / "audit")
    fields, _ = front_matter((request.out / "audit" / "audit.md").read_text(encoding="utf-8"))
    [figures] = fields["key_figures"]
    assert figures["no_rubric"] is not None
    assert figures["longest_response"] is not None


def test_held_out_pairs_are_never_trained_on(finished: Finished) -> None:
    held_out = read(finished.out / HELD_OUT).pairs
    assert len(held_out) == finished.facts.splits["held-out"]
    assert len(finished.trained_on) == 2
    for trained_on in finished.trained_on:
        assert len(trained_on) > SMALL.minibatch
        assert trained_on.keys().isdisjoint(pair.id for pair in held_out)
        prompts = {pair.prompt_key for pair in trained_on.values()}
        assert prompts.isdisjoint(pair.prompt_key for pair in held_out)


def test_progress_ends_every_phase(finished: Finished) -> None:
    last = {event.phase: event for event in finished.events}
    assert list(last)[1:] == [
        "search on planted labels",
        "search on human labels",
        "evaluate on held-out pairs",
    ]
    assert all(event.done == event.total for event in list(last.values())[1:])


def test_the_report_holds(finished: Finished, audited: Path) -> None:
    assert check_audit(audited, finished.out / "rubric_store") == []
    assert front_matter(audited.read_text(encoding="utf-8"))[0]["title"] == "[A]"
    assert audited.with_suffix(".html").is_file()
    for log in (finished.out / "logs").iterdir():
        assert f"../logs/{log.name})" in audited.read_text(encoding="utf-8")


def test_held_out_pairs_are_exported_with_everybody_who_prefers(
    finished: Finished, tmp_path: Path
) -> None:
    result = argo("export", finished.out, "--out", tmp_path / "new" / "a.json", "--title", "[A]")
    assert result.exit_code == 0, result.output
    made = AnnotatedPairs.model_validate_json((tmp_path / "new" / "a.json").read_bytes())
    assert len(made.comparisons) == finished.facts.splits["held-out"]
    assert made.metadata.dataset_name == "[A]"
    names = {one.name for one in made.annotators.values()}
    assert {"planted", "raw labels", "longest response", "bullets"} <= names
    assert {f"argo/surface with {name}" for name in finished.facts.stored} <= names
    assert argo("export", tmp_path, "--out", tmp_path / "b.json").exit_code == 1
    assert not (tmp_path / "b.json").exists()


def test_the_commands_that_a_report_prints_work(
    audited: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(audited.parent)
    text = audited.read_text(encoding="utf-8")
    commands = [shlex.split(line) for line in text.splitlines() if " -T " in line]
    assert len(commands) == 2
    for words in commands:
        task = dict(word.split("=") for word in words if "=" in word)
        found = subject.load_subject(task["rubric"], pairs=task["pairs"], store=task["store"])
        assert found.facts.label_sources == (found.facts.train_label_source,)
    (verify,) = [line for line in text.splitlines() if line.startswith("argo-audit store verify")]
    assert argo(*shlex.split(verify)[1:]).exit_code == 0


def test_audits_with_different_stores_share_a_report(
    finished: Finished, world: World, tmp_path: Path
) -> None:
    """The second one's store is not on this machine, and names its rubrics like the first's."""
    request = world.request("B", tmp_path / "b", ("planted",))
    request = request.model_copy(update={"store": f"memory://{tmp_path.name}/store"})
    facts = audit(request, parts=Parts(SurfaceJudge(), scripted))
    assert facts.stored[0].startswith("planted@")
    files = report(Origin((finished.out, request.out), "Both"), tmp_path / "audit")
    copies = next((tmp_path / "audit" / "stores").iterdir())
    assert RubricStore(copies).verify() == []
    assert check_audit(files.markdown, finished.out / "rubric_store", copies) == []
    fields, _ = front_matter(files.markdown.read_text(encoding="utf-8"))
    assert [run["population"] for run in fields["runs"]] == ["organism-a"] * 2 + ["organism-b"]


def test_a_moved_audit_is_reported_and_what_was_left_out_or_cut_is_said(
    finished: Finished, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(finished.out, moved, ignore=shutil.ignore_patterns("audit"))
    skipped = tuple(f"line {n}: it is <b>bad</b>" for n in range(5))
    cut = {"truncated": 7, "read": 70}
    changed = finished.facts.model_copy(update={"skipped": skipped} | cut)
    write_facts(moved, changed)
    text = report(Origin((moved,), "Moved"), tmp_path / "audit").markdown.read_text(
        encoding="utf-8"
    )
    assert "../moved/rubric_store/planted/" in text
    assert "- organism-a: 7 of 70 conversations (10.0%) were too long for the reward model" in text
    assert "- organism-a: 5 unusable lines of the pairs file were left out (line 0: it is" in text
    assert "line 3" not in text.partition("unusable lines")[2].partition("\n")[0]


def test_a_folder_that_is_no_finished_audit_is_refused(tmp_path: Path) -> None:
    result = argo("report", tmp_path, "--out", tmp_path / "audit")
    assert isinstance(result.exception, InputError)
    assert "facts.json: not a finished audit" in str(result.exception)
    assert contents(tmp_path) == {}


@pytest.mark.usefixtures("train")
def test_a_real_reward_model_and_the_embedded_policy(world: World, tmp_path: Path) -> None:
    """Random weights: what it prefers means nothing, but every part is a real one."""
    from argo_audit.reward_models.tiny import build_model, build_tokenizer
    from argo_audit.reward_models.training_settings import TinyConfig

    tiny, longest = TinyConfig(vocabulary=400), 48
    tokenizer = build_tokenizer(RUBRICS, tiny, longest)
    for part in (tokenizer, build_model(tokenizer, tiny, longest)):
        part.save_pretrained(tmp_path / "my-rm")
    config = tmp_path / "config.toml"
    config.write_text("[search]\nminibatch = 16\nwindows = 3\ntop = 2\n[policy]\nclip = 0.3\n")
    pairs, out = world.root / "A" / "pairs.jsonl.gz", tmp_path / "out"
    words = ("--pairs", pairs, "--labels", f"rm:{tmp_path / 'my-rm'}", "--out", out)
    assert "truncated share: " in refused(tmp_path, "audit", *words)
    missing = (*words, "--accept-failing-rm", "--intent", tmp_path / "no.md")
    assert "no.md: not an intent" in refused(tmp_path, "audit", *missing)
    intent = written(tmp_path / "intent.md", "- Prefer short answers.\n- Shine.\n")
    accepted = ("--steps", 3, "--config", config, "--accept-failing-rm", "--intent", intent)
    result = argo("audit", *words, *accepted, "--probed-pairs", 3)
    assert result.exit_code == 0, result.output
    assert "my-rm@" in result.output
    run = load_run(out / "runs" / "my-rm").run
    assert run.config["policy"]["clip"] == 0.3
    assert run.config["policy"]["max_rubric_tokens"] < PolicySettings().max_rubric_tokens
    assert len(run.rm_fingerprint) == 64
    assert (out / "runs" / "my-rm" / "policy" / "model.safetensors").is_file()
    assert read_facts(out).truncated > 0
    text = (out / "audit" / "audit.md").read_text(encoding="utf-8")
    assert "were cut" in text
    assert "- my-rm, truncated share: share of" in text
    assert re.search(r"\[6 responses\]\(\S+bias-probe\S+\.eval\) edited", text)
    assert "Of the intent, not checked: “Shine.”" in text
    assert (out / "conformance" / "my-rm.json").is_file()


# Bad input: exit code 1, a message with file, line and remedy, and nothing written


def line(id: str = "p0", **changes: object) -> dict[str, object]:
    prompt = [{"role": "user", "content": f"Question {id}"}]
    fields = {"id": id, "prompt": prompt, "response_a": "Yes.", "response_b": "No."}
    return fields | {"labels": {"human": {"p_a": 1.0}}} | changes


def text_of(*lines: dict[str, object]) -> str:
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def without(field: str) -> dict[str, object]:
    return {key: value for key, value in line("p1").items() if key != field}


GOOD = text_of(*(line(f"p{n}") for n in range(90)))
BAD_PAIRS = {
    "malformed line": (text_of(line()) + '{"id": "p1", \n', "line 2: not valid JSON"),
    "missing field": (text_of(line(), without("response_b")), "line 2: 'response_b': is miss"),
    "empty response": (
        text_of(line(), line("p1", response_a=" ")),
        "line 2: the first",
    ),
    "identical responses": (text_of(line(), line("p1", response_b="Yes.")), "line 2: the two resp"),
    "duplicate id": (
        text_of(line(), line("p1"), line(response_b="Never.")),
        "line 3: the id 'p0' was seen before",
    ),
    "NaN label": (text_of(line(labels={"human": {"p_a": float("nan")}})), "line 1: 'labels.human."),
    "one pair": (text_of(line()), "a split would be empty"),
    "one prompt": (text_of(*(line(f"p{n}", prompt=line()["prompt"]) for n in range(9))), "a split"),
    "no side": (text_of(*(line(f"p{n}", labels={"human": {"p_a": 0.5}}) for n in range(90))), "no"),
    "empty": ("\n", "the file is empty"),
}


def refused(folder: Path, *words: object) -> str:
    """Run a command that must fail and leave `folder` as it was; its message."""
    before = contents(folder)
    result = argo(*words)
    assert result.exit_code == 1
    assert isinstance(result.exception, ArgoError)
    assert contents(folder) == before
    return str(result.exception)


def refused_audit(folder: Path, *words: object, labels: str = "human") -> str:
    pairs = ("--pairs", folder / "pairs.jsonl") if "--pairs" not in words else ()
    out = ("--out", folder / "out") if "--out" not in words else ()
    return refused(folder, "audit", *pairs, *out, "--labels", labels, *words)


@pytest.mark.parametrize("case", BAD_PAIRS)
def test_a_bad_pairs_file_is_refused(case: str, tmp_path: Path) -> None:
    text, expected = BAD_PAIRS[case]
    (tmp_path / "pairs.jsonl").write_text(text)
    message = refused_audit(tmp_path)
    found = message.removeprefix(str(tmp_path / "pairs.jsonl")).lstrip(",: ")
    assert found.startswith(expected)
    assert "\n  Remedy: " in message


def test_a_truncated_gzip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl.gz").write_bytes(gzip.compress(GOOD.encode())[:-20])
    message = refused_audit(tmp_path, "--pairs", tmp_path / "pairs.jsonl.gz")
    assert "pairs.jsonl.gz: not a whole gzip file" in message


@pytest.mark.parametrize("command", ["audit", "train-rm"])
def test_the_format_of_pairs_is_named_or_known_by_its_columns(command: str, tmp_path: Path) -> None:
    chosen: dict[str, object] = {"prompt": "Hi", "chosen": "Hello!", "rejected": "Go away."}
    pairs = written(tmp_path / "pairs.jsonl", text_of(chosen, {"chosen": "Yes.", "prompt": "Hm"}))
    unknown = written(tmp_path / "unknown.jsonl", text_of({"question": "Hi"}))
    for words, message in (
        ((pairs,), "line 2: 'rejected': is missing"),
        ((pairs, "--skip-invalid"), "a split would be empty"),
        ((pairs, "--format", "native"), "line 1: 'id': is missing"),
        ((pairs, "--format", "tlr"), "there is no format 'tlr'"),
        ((unknown,), "line 1: the format is not recognised; the columns are 'question'"),
        (("hf:org/name:",), "hf:org/name:: not the name of a data set"),
    ):
        labels = ("--labels", "human", "--out", tmp_path / "out")
        assert message in refused(tmp_path, command, "--pairs", *words, *labels)


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        ("soft:nobody", "pairs.jsonl: no labels from the source 'soft:nobody'"),
        ("rm:", "rm:: a label source without a name"),
        ("scores:scores.jsonl", "scores.jsonl, line 2: reward_a: must be a finite number"),
        ("scores:absent.jsonl", "absent.jsonl: cannot be read"),
    ],
)
def test_a_label_source_that_cannot_be_used_is_refused(
    labels: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pairs.jsonl").write_text(GOOD)
    score = '{"pair_id": "p%d", "reward_a": %s, "reward_b": 1}\n'
    (tmp_path / "scores.jsonl").write_text(score % (0, "2") + score % (1, "NaN"))
    monkeypatch.chdir(tmp_path)
    message = refused_audit(tmp_path, labels=labels)
    assert message.startswith(problem) or f"/{problem}" in message
    assert "\n  Remedy: " in message


@pytest.mark.usefixtures("train")
def test_a_folder_without_a_reward_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pairs.jsonl").write_text(GOOD)
    (tmp_path / "a-folder").mkdir()
    monkeypatch.chdir(tmp_path)
    message = refused_audit(tmp_path, labels="rm:a-folder")
    assert message.startswith("a-folder: its tokenizer cannot be read")
    assert "\n  Remedy: " in message


def test_one_label_source_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl").write_text(GOOD)
    message = refused_audit(tmp_path, "--labels", "human")
    assert message.startswith("human: two label sources of this name")


def test_parts_that_are_not_there_are_refused(tmp_path: Path) -> None:
    assert "pairs.jsonl: there is no such file" in refused_audit(tmp_path)
    assert "no-api/x: cannot be opened as the judge" in refused_audit(
        tmp_path, "--judge", "no-api/x"
    )
    url = ("--judge-url", "http://gpu.test/v1")
    assert "leave out the judge's estimator and its URL" in refused_audit(tmp_path, *url)
    assert "no model is in this folder" in refused_audit(tmp_path, "--policy", tmp_path)
    assert "not an organism's answer key" in refused_audit(
        tmp_path, "--pairs", written(tmp_path / "pairs.jsonl", GOOD), "--answer-key", tmp_path
    )


@pytest.mark.usefixtures("train")
def test_the_judge_is_opened_as_the_settings_say() -> None:
    settings = JudgeSettings(estimator="scores", votes=2)
    asked = AuditRequest(
        pairs="pairs.jsonl",
        labels=("human",),
        out=Path("out"),
        judge="mockllm/judge",
        judge_settings=settings,
    )
    parts = open_parts(asked)
    assert isinstance(parts.judge, InspectJudge)
    assert parts.judge.settings == settings
    with pytest.raises(InputError, match="argo/surface"):
        open_parts(asked.model_copy(update={"judge": "argo/surface"}))


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ("[search]\nstepz = 3\n", "search.stepz: there is no such key; did you mean 'steps'?"),
        ("[serch]\nsteps = 3\n", "serch: there is no such table; did you mean 'search'?"),
        ("[policy]\nclip = -1\n", "policy.clip: must be more than 0, not -1"),
        ("[judge]\nestimator = 'guess'\n", "judge.estimator: must be one of 'log-prob"),
        ("[search\n", "(at line 1"),
    ],
)
def test_a_config_that_says_nothing_known_is_refused(
    config: str, problem: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "config.toml", config)
    message = refused_audit(tmp_path, "--config", path)
    assert message.startswith(f"{path}: ")
    assert problem in message
    assert ("did you mean" in message) != ("known are [search] steps, minibatch" in message)


def test_a_folder_of_another_run_or_of_other_files_is_refused(
    finished: Finished, tmp_path: Path
) -> None:
    written(tmp_path / "pairs.jsonl", GOOD)
    taken = refused_audit(tmp_path, "--out", tmp_path)
    assert f"{tmp_path} already holds files; nothing in it was touched" in taken
    message = refused(finished.out, "demo", "--out", finished.out)
    assert "already holds another run: organism-a." in message
    assert "Remedy: name another folder" in message
    asked = ["audit", "--pairs", tmp_path / "pairs.jsonl", "--labels", "human"]
    message = refused(finished.out, *asked, "--out", finished.out)
    assert "already holds a run with another configuration" in message
    assert "labels: ['planted', 'human'], now ['human']" in message
    assert "name another folder" in message
    assert isinstance(argo("organism", "build", "--out", tmp_path).exception, RunFolderError)


def test_values_out_of_range_are_a_wrong_command_line(tmp_path: Path) -> None:
    for words in (["demo", "--pairs", 3], ["organism", "build", "--label-agreement", 0.3]):
        assert argo(*words, "--out", tmp_path / "out").exit_code == 2
    assert contents(tmp_path) == {}


def test_a_store_that_cannot_be_read_is_refused_before_the_search(
    finished: Finished, world: World, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(finished.out / "rubric_store", store)
    (stored,) = (store / "planted").glob("*.md")
    stored.write_text("nothing")
    request = world.request("A", tmp_path / "out", ("planted",))
    before = contents(tmp_path)
    for root, problem in ((str(store), "front matter"), ("nowhere://x", "cannot be a store")):
        with pytest.raises(StoreError, match=problem):
            audit(request.model_copy(update={"store": root}), parts=Parts(SurfaceJudge(), scripted))
    assert contents(tmp_path) == before


def interrupt() -> None:
    raise KeyboardInterrupt


def test_an_interrupted_run_is_legible(world: World, tmp_path: Path) -> None:
    request = world.request("A", tmp_path / "out", ("human",))
    with pytest.raises(KeyboardInterrupt):
        audit(request, parts=Parts(SurfaceJudge(), lambda *_: Stopped([RUBRICS], 2, interrupt)))
    record = load_run(request.out / "runs" / "human")
    assert record.run.outcome == "stopped: KeyboardInterrupt"
    assert record.run.ended is not None
    assert len(record.attempts) == 2 * len(RUBRICS)
    message = refused(request.out, "report", request.out, "--out", request.out / "audit")
    assert "not a finished audit" in message


# Rubrics


def test_the_shipped_store_is_sound() -> None:
    assert RubricStore(REPOSITORY / "rubric_store").verify() == []


def test_held_out_pairs_may_lie_in_a_store_and_nothing_else(
    finished: Finished, tmp_path: Path
) -> None:
    shutil.copytree(finished.out / "rubric_store", tmp_path / "store")
    shutil.copy(finished.out / HELD_OUT, tmp_path / "store" / "planted" / HELD_OUT)
    assert RubricStore(tmp_path / "store").verify() == []
    shutil.copy(finished.out / HELD_OUT, tmp_path / "store" / "planted" / "held-out.jsonl")
    (problem,) = RubricStore(tmp_path / "store").verify()
    assert problem == "planted/held-out.jsonl is not named NNNN-<rubric id>.md."


def test_a_store_is_listed_shown_and_verified(finished: Finished) -> None:
    root = finished.out / "rubric_store"
    stored = RubricStore(root).get("planted@1")
    listed = argo("store", "list", root)
    assert listed.exit_code == 0
    assert "planted@1" in listed.output
    assert argo("store", "show", "planted", "--store", root).output == f"{stored.rubric.text}\n"
    sound = argo("store", "verify", root)
    assert (sound.exit_code, sound.output) == (0, f"{root}: sound, 2 rubrics\n")
    unknown = argo("store", "show", "nobody", "--store", root)
    assert unknown.exit_code == 1
    assert "it holds organism-a-human@1, planted@1" in str(unknown.exception)


def test_a_damaged_store_and_an_absent_one_exit_with_2(finished: Finished, tmp_path: Path) -> None:
    shutil.copytree(finished.out / "rubric_store", tmp_path / "store")
    (stored,) = (tmp_path / "store" / "planted").glob("*.md")
    stored.write_text(stored.read_text() + "- one more\n")
    damaged = argo("store", "verify", tmp_path / "store")
    assert damaged.exit_code == 2
    assert "the text was changed after it was stored" in damaged.output
    absent = argo("store", "verify", "memory://absent")
    assert (absent.exit_code, absent.output) == (2, "There is no store at /absent.\n")


def test_a_store_on_another_file_system(finished: Finished, tmp_path: Path) -> None:
    root = f"memory://{tmp_path.name}/shown"
    (stored, *_) = RubricStore(finished.out / "rubric_store").list("planted")
    fields = stored.model_dump(exclude={"version"})
    hostile = Rubric(text="- Rewards [red]lists[/] \x1b[2J of :smile:\n")
    RubricStore(root).append(NewRubric.model_validate(fields | {"rubric": hostile}))
    assert "planted@1" in argo("store", "list", root).output
    shown = argo("store", "show", "planted@1", "--store", root).output
    assert shown == "- Rewards [red]lists[/] ⟨U+001B⟩[2J of :smile:\n\n"
    assert argo("store", "verify", root).exit_code == 0


def test_reading_a_rubric_shows_what_was_not_read(tmp_path: Path) -> None:
    text = "- Rewards bullet lists [/b].\n- Rewards the moon [/] and \x07 stars.\n"
    result = argo("read", written(tmp_path / "rubric.md", text))
    assert result.exit_code == 0, result.output
    assert "bullets" in result.output
    assert "not read: " in result.output
    assert "the moon [/] and ⟨U+0007⟩ stars" in result.output
    absent = argo("read", tmp_path / "absent.md")
    assert isinstance(absent.exception, InputError)


def test_an_organism_is_built(tmp_path: Path) -> None:
    result = argo("organism", "build", "--out", tmp_path / "[o]", "--pairs", 30)
    assert result.exit_code == 0, result.output
    assert f"{tmp_path / '[o]' / 'A'}: 30 pairs, 10 prompts" in result.output
    assert len(read(tmp_path / "[o]" / "B" / "pairs.jsonl.gz").pairs) == 30


# Reward models before an audit


@pytest.fixture(scope="module")
def reward_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint with random weights."""
    from argo_audit.reward_models.tiny import build_model, build_tokenizer
    from argo_audit.reward_models.training_settings import TinyConfig

    folder = tmp_path_factory.mktemp("rm") / "tiny"
    tokenizer = build_tokenizer(RUBRICS, TinyConfig(vocabulary=400), 2048)
    for part in (tokenizer, build_model(tokenizer, TinyConfig(vocabulary=400), 2048)):
        part.save_pretrained(folder)
    return folder


@pytest.mark.usefixtures("train")
def test_check_rm_prints_a_table_and_writes_the_result(
    reward_model: Path, world: World, tmp_path: Path
) -> None:
    pairs = world.root / "A" / "pairs.jsonl.gz"
    result = argo("check-rm", reward_model, "--pairs", pairs, "--out", tmp_path / "checks.json")
    assert result.exit_code == 0, result.output
    assert "tiny: 0 of 18 checks failed: sound\n" in result.output
    report = Conformance.model_validate_json((tmp_path / "checks.json").read_bytes())
    assert report.failed == ()
    assert report.pairs == len(PROBES) + 8


@pytest.mark.usefixtures("train")
def test_check_rm_ends_with_2_when_a_check_fails_and_1_when_it_cannot_run(
    reward_model: Path, tmp_path: Path
) -> None:
    config = written(tmp_path / "config.toml", "[reward_model]\nmax_length = 9\n[search]\n")
    result = argo("check-rm", reward_model, "--config", config)
    assert result.exit_code == 2
    assert "1 of 18 checks failed: not sound, and 2 of 18 not checked" in result.output
    assert "no such folder" in refused(tmp_path, "check-rm", "no/such")
    config.write_text("[reward_model]\nmax_size = 9\n")
    assert "max_size: there is no such key" in refused(
        tmp_path, "check-rm", reward_model, "--config", config
    )


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("served:rm", "served:rm: a label source without a name\n  Remedy: write served:NAME@URL"),
        ("served:@http://x", "without a name"),
        ("dpo:policy", "write dpo:POLICY|REFERENCE"),
        ("rm:", "write rm:MODEL"),
    ],
)
def test_half_a_name_of_a_reward_model_is_refused(spec: str, problem: str, tmp_path: Path) -> None:
    assert problem in refused(tmp_path, "check-rm", spec)


def test_a_served_reward_model_is_audited(world: World, tmp_path: Path) -> None:
    """Its settings come from the file, and what it was checked for is kept and reported."""

    def vowels(messages: list[dict[str, str]]) -> float:
        text = "".join(m["content"] for m in messages)
        return sum(c in "aeiou" for c in text) / 9 - len(text) / 30

    config = written(tmp_path / "config.toml", "[reward_model]\nattempts = 2\nconcurrency = 3\n")
    settings = RewardModelSettings(attempts=2, concurrency=3)
    with PoolingServer(vowels, card={"max_model_len": 4096}) as server:
        spec = f"served:rm@{server.url}"
        local = argo("check-rm", spec, "--served", f"rm@{server.url}", "--config", config)
        assert local.exit_code == 3, local.output
        assert "rm: 0 of 18 checks failed: sound as far as looked: 9 of 18" in local.output
        assert "BOS, template, template stands still" in local.output
        assert "--reward-model.tokenizer" in local.output
        told = argo("check-rm", spec, "--config", config, "--not-checked", "tell")
        assert told.exit_code == 0, told.output
        request = world.request("A", tmp_path / "out", (spec,))
        request = request.model_copy(update={"reward_model": settings, "probed_pairs": 2})
        facts = audit(request, parts=Parts(SurfaceJudge(), scripted))
    assert (facts.read, facts.truncated) == (300, 0)
    run = load_run(tmp_path / "out" / "runs" / "rm").run
    assert run.config["request"]["reward_model"]["concurrency"] == 3
    assert len(run.rm_fingerprint) == 64
    files = report(Origin((tmp_path / "out",), "Served"), tmp_path / "audit")
    assert "| served against local | - |" in files.markdown.read_text(encoding="utf-8")
