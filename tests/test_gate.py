"""The plugin in pytest: what it imports, what passes, fails and is skipped, what it reports."""

import importlib
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from gated import Gated
from markdown_it import MarkdownIt
from pooling_server import PoolingServer

from argo_audit.reward_models.by_name import has_gpu

pytest_plugins = ("pytester",)

for name in ("argo_audit.gates.session", "argo_audit.gates.declared", "httpcore"):
    importlib.import_module(name)  # pytester forgets what is first imported in a run of its own

REPOSITORY = Path(__file__).parent.parent
HEAVY = ("argo_audit.gates", "numpy", "scipy", "pydantic", "inspect_ai", "torch", "typer", "pandas")
TOML = """
rm = "scores:v1.jsonl.gz"
pairs = "pairs.jsonl.gz"

[[no_worse_than]]
baseline = "main"

[[agreement]]
labels = "human"
at_least = 0.8
"""
AGREEMENT = TOML.partition("[[")[0] + "[[agreement]]\nlabels = 'human'\nat_least = {}\n"
PYTHON = """
def test_ships(gate):
    gate.no_worse_than("main")
    gate.agreement(labels="human", at_least=0.8)

def test_has_nothing_to_do_with_it():
    pass
"""


class World:
    """A repository with gates; v1 is what the baseline was recorded of."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.gated = Gated(pytester.path)
        self.gated.scores("v1", wrong=0.1)
        self.gated.scores("like_v1", wrong=0.1, seed=1)
        self.gated.scores("worse", wrong=0.3)
        pytester.makefile(".toml", gates=TOML)
        pytester.makepyfile(test_rm=PYTHON)

    def run(self, *words: str) -> pytest.RunResult:
        plugins = ("-p", "argo_audit.gate", "-p", "no:cacheprovider")
        return self.pytester.runpytest_inprocess(*plugins, *words)

    def record(self) -> None:
        self.run("--gate-update", "-q")


@pytest.fixture
def world(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> World:
    """Run with no plugin but those that it names: looking for others takes longer than gates."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in ("ARGO_RM", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return World(pytester)


def test_only_pytest_is_imported_beside_the_standard_library() -> None:
    code = (
        "import pytest, sys; before = set(sys.modules); import argo_audit.gate; "
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "print(sorted(new - set(sys.stdlib_module_names)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "['argo_audit']"


def test_an_installed_package_is_a_plugin_that_imports_nothing_heavy_until_a_gate_is_used(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installation is a folder of metadata: pytest finds the plugin there, once, also by -p."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    points = project["project"]["entry-points"]["pytest11"]
    assert points == {"argo_audit.gate": "argo_audit.gate"}
    metadata = pytester.path / "site" / "installed-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: installed\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[pytest11]\nargo_audit.gate = argo_audit.gate\n")
    monkeypatch.setenv("PYTHONPATH", f"{metadata.parent}:{REPOSITORY}")
    pytester.makepyfile(
        f"import sys\ndef test_light(request):\n"
        f"    assert not [name for name in {HEAVY} if name in sys.modules]\n"
        f"    assert not request.config.getoption('--gate-update')\n"
    )
    for words in ([], ["-p", "argo_audit.gate"]):
        ended = pytester.runpytest_subprocess("-p", "no:hypothesispytest", *words)
        ended.assert_outcomes(passed=1)
        assert "reward model gates" not in ended.stdout.str()


def test_without_a_baseline_gates_fail_and_say_how_to_record_one(world: World) -> None:
    ended = world.run()
    ended.assert_outcomes(passed=2, failed=2)
    assert ended.ret == pytest.ExitCode.TESTS_FAILED
    ended.stdout.fnmatch_lines(["*no baseline 'main'*", "*--gate-update*"])
    assert "During handling" not in ended.stdout.str()


def test_update_records_a_baseline_and_passes_nothing(world: World) -> None:
    ended = world.run("--gate-update", "gates.toml", "-rs")
    ended.assert_outcomes(passed=1, skipped=1)
    ended.stdout.fnmatch_lines(["*WRITTEN*nothing was compared*"])
    names = [path.name for path in (world.pytester.path / "baselines" / "main").iterdir()]
    assert names == ["0001.json"]


def test_a_test_that_recorded_a_baseline_has_not_passed(world: World) -> None:
    """Also with a gate beside it that has; and what a baseline is needed for is not held either."""
    world.pytester.makepyfile(test_rm=PYTHON.replace("main", "new"))
    drift = TOML.partition("[[")[0] + "[[drift]]\nprevious_rm = 'baseline:new'\nat_most = 0.1\n"
    world.pytester.makefile(".toml", gates=drift)
    world.run("--gate-update").assert_outcomes(passed=1, skipped=2)
    world.run().assert_outcomes(passed=3)


def test_an_unchanged_reward_model_passes_and_one_as_good_too(world: World) -> None:
    world.record()
    for words in ([], ["--rm=scores:like_v1.jsonl.gz"]):
        ended = world.run(*words)
        ended.assert_outcomes(passed=4)
        assert ended.ret == pytest.ExitCode.OK


def test_a_worse_one_fails_with_effect_interval_examples_and_command(world: World) -> None:
    world.record()
    ended = world.run("--rm=scores:worse.jsonl.gz", "test_rm.py")
    ended.assert_outcomes(passed=1, failed=1)
    ended.stdout.fnmatch_lines(
        [
            "FAIL  no worse than main",
            "*has changed by: -20.0% [[]-*%, -*%], at least -5.0% claimed",
            "*300 values of 300 pairs, 150 prompts; p = *: below 0.001 fails",
            '*e.g. p*: prefers "*", paid 1.*, to "*", paid -1*',
            "*note: baseline 0001, v1*",
            "*again: pytest test_rm.py::test_ships --rm=scores:*worse.jsonl.gz",
            "FAIL  agreement with labels 'human'",
            "*= reward model gates =*",
            "FAIL *no worse than main: -20.0%*",
            "*note: baseline 0001, v1*",
        ]
    )


def test_what_passed_is_one_line_below_what_did_not(world: World) -> None:
    world.pytester.makepyfile(
        test_rm="def test_ships(gate):\n"
        "    gate.agreement(labels='human', at_least=0.2)\n"
        "    gate.agreement(labels='human', at_least=0.95)\n"
    )
    ended = world.run("test_rm.py")
    said = ended.stdout.str().partition("= FAILURES =")[2].partition("= reward model gates =")[0]
    assert said.index("FAIL  agreement") < said.index("PASS  agreement with labels 'human'\n")
    assert said.count("again: ") == 1


def test_a_page_that_cannot_be_written_changes_no_verdict(world: World) -> None:
    ended = world.run("gates.toml::agreement[human]", "--gate-summary=absent/page.md")
    ended.assert_outcomes(passed=1)
    ended.stdout.fnmatch_lines(["no summary was written: *absent/page.md*"])


def test_a_gate_has_one_threshold_in_every_session(world: World) -> None:
    """Alone as beside others, in a file or in a test with several: what is repeated ends alike."""
    world.record()
    of_all = world.run("--rm=scores:worse.jsonl.gz").stdout.str()
    assert of_all.count(": below 0.001 fails") == 4
    alone = world.run("--rm=scores:worse.jsonl.gz", "gates.toml::no_worse_than[main]").stdout.str()
    (line,) = [line for line in alone.splitlines() if "below 0.001 fails" in line]
    assert line in of_all.splitlines()


def test_ci_where_pytest_shortens_nothing_has_a_line_a_test_in_the_short_summary(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    world.record()
    ended = world.run("--rm=scores:worse.jsonl.gz")
    short = ended.stdout.str().partition("= short test summary info =")[2].splitlines()[1:-1]
    agreement = "FAIL agreement with labels 'human': 70.0% [64.4%, 75.1%], at least 80.0% claimed"
    worse = "FAIL no worse than main: -20.0% [-26.1%, -13.9%], at least -5.0% claimed"
    assert short == [
        f"FAILED gates.toml::agreement[human] - {agreement}",
        f"FAILED gates.toml::no_worse_than[main] - {worse}",
        f"FAILED test_rm.py::test_ships - {worse}; and 1 more",
    ]


@pytest.mark.parametrize(
    ("counts", "outcomes"),
    [("fail", {"failed": 1}), ("skip", {"skipped": 1}), ("pass", {"passed": 1})],
)
def test_what_a_gate_that_cannot_tell_counts_as_is_an_option(
    world: World, counts: str, outcomes: dict[str, int]
) -> None:
    world.pytester.makefile(".toml", gates=AGREEMENT.format(0.9))
    ended = world.run("gates.toml", "--gate-inconclusive", counts)
    ended.assert_outcomes(**outcomes)
    ended.stdout.fnmatch_lines(["*INCONCLUSIVE*agreement with labels 'human'*"])


def test_it_fails_unless_told_otherwise_and_says_how_many_pairs_would_decide(world: World) -> None:
    world.pytester.makefile(".toml", gates=AGREEMENT.format(0.88))
    ended = world.run("gates.toml")
    ended.assert_outcomes(failed=1)
    ended.stdout.re_match_lines([r".*about [\d,]+ pairs would decide it"])


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["-p", "xdist", "-n", "1"],
        pytest.param(["-p", "xdist", "-n", "2"], marks=pytest.mark.slow),
    ],
)
def test_junit_and_the_page_of_a_job_say_the_same_in_one_process_or_several(
    world: World, words: list[str]
) -> None:
    """Outcomes travel from workers with their reports; the page is written once."""
    world.record()
    out = world.pytester.path
    ended = world.run(
        "--rm=scores:worse.jsonl.gz", "--junitxml=j.xml", "--gate-summary=p.md", *words
    )
    ended.assert_outcomes(passed=1, failed=3)
    properties = {
        one.get("name"): one.get("value")
        for case in ElementTree.parse(out / "j.xml").getroot().iter("testcase")
        for one in case.iter("property")
        if case.get("name") == "no_worse_than[main]"
    }
    assert properties["no worse than main: verdict"] == "fail"
    assert float(properties["no worse than main: effect"] or "nan") == pytest.approx(-0.2)
    assert properties["no worse than main: claimed"] == "at least -5.0%"
    p = properties["no worse than main: p_value"]
    assert ended.stdout.str().count(f"; p = {p}: below 0.001 fails") >= 2
    page = (out / "p.md").read_text(encoding="utf-8")
    assert page.count("## Reward model gates: 4 fail") == 1
    html = MarkdownIt("commonmark").enable("table").render(page)
    assert html.count("<tr>") == 5


def test_the_page_goes_where_a_job_of_github_has_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = world.pytester.path / "page.md"
    page.write_text("# before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    world.run("gates.toml")
    assert page.read_text(encoding="utf-8").startswith("# before\n## Reward model gates: ")


@pytest.mark.parametrize("words", [[], ["--gate-missing=skip"], ["--gate-missing=fail"]])
def test_a_server_that_does_not_answer_fails_with_its_reason_or_is_a_skip_never_a_pass(
    world: World, words: list[str]
) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        toml = f'rm = "served:rm@{url}"\n' + TOML.partition("\n")[2].partition("\n")[2]
        toml = toml.replace("[[no", "[reward_model]\nattempts = 1\nbackoff = 0\n\n[[no")
        world.pytester.makefile(".toml", gates=toml.replace('rm = "scores:v1.jsonl.gz"\n', ""))
        ended = world.run("-rs", *words, "gates.toml::agreement[human]")
    skips = words == ["--gate-missing=skip"]
    ended.assert_outcomes(**{"skipped": 1} if skips else {"failed": 1})
    assert ended.ret == (pytest.ExitCode.OK if skips else pytest.ExitCode.TESTS_FAILED)
    ended.stdout.fnmatch_lines(["*no answer in 1 attempts*"])


@pytest.mark.parametrize("of", ["judge", "reward model"])
def test_a_missing_key_may_be_a_skip(
    world: World, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    """So is the package of a judge's provider."""
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    (world.pytester.path / "mine.md").write_text("- rewards long answers\n")
    toml = TOML.replace('labels = "human"', 'rubric = "mine.md"')
    toml = 'judge = "groq/judge"\n' + toml if of == "judge" else toml
    world.pytester.makefile(".toml", gates=toml)
    with PoolingServer(len, plan=[lambda _: (401, {"error": {"message": "no key"}})] * 9) as server:
        words = [] if of == "judge" else [f"--rm=served:rm@{server.url}"]
        skip = "--gate-missing=skip"
        ended = world.run("-rs", skip, "gates.toml::agreement[mine.md]", *words)
    ended.assert_outcomes(skipped=1)
    ended.stdout.fnmatch_lines([{"judge": "*[Gg][Rr][Oo][Qq]*", "reward model": "*401*"}[of]])


@pytest.mark.usefixtures("train")
def test_a_missing_gpu_may_be_a_skip(world: World) -> None:
    if has_gpu():
        pytest.skip("a GPU is here, so none is missing")
    world.pytester.makefile(".toml", gates='needs = ["gpu"]\n' + TOML)
    world.run("gates.toml::agreement[human]").assert_outcomes(failed=1)
    ended = world.run("-rs", "--gate-missing=skip", "gates.toml::agreement[human]")
    ended.assert_outcomes(skipped=1)
    ended.stdout.fnmatch_lines(["*no CUDA device*"])


MARKED = "import pytest\npytestmark = pytest.mark.skip\ndef test_it(gate): gate.bias('urls')\n"
LATER = "import pytest\ndef test_it(gate):\n    pytest.skip('later')\n"
NO_PACKAGE = "import pytest\ndef test_it(rm):\n    pytest.importorskip('no_such_package')\n"
XDIST = ["-p", "xdist", "-n", "1"]


@pytest.mark.parametrize(
    ("body", "xdist"),
    [
        (MARKED, []),
        (LATER, []),
        (NO_PACKAGE, []),
        (MARKED, XDIST),
        pytest.param(LATER, XDIST, marks=pytest.mark.slow),
        pytest.param(NO_PACKAGE, XDIST, marks=pytest.mark.slow),
    ],
)
def test_a_session_whose_gates_were_all_skipped_is_no_success(
    world: World, body: str, xdist: list[str]
) -> None:
    world.pytester.makepyfile(test_it=body, test_other="def test_other(): pass")
    ended = world.run("test_it.py", "test_other.py", *xdist)
    ended.assert_outcomes(skipped=1, passed=1)
    assert ended.ret == pytest.ExitCode.TESTS_FAILED
    ended.stdout.fnmatch_lines(["no gate was held, so nothing was checked*--gate-missing=skip*"])
    allowed = world.run("test_it.py", "test_other.py", "--gate-missing=skip", *xdist)
    assert allowed.ret == pytest.ExitCode.OK


def test_a_reward_model_that_was_named_and_held_to_nothing_is_no_success(world: World) -> None:
    world.pytester.makepyfile(test_other="def test_other(): pass")
    named = world.run("test_other.py", "--rm=scores:v1.jsonl.gz")
    assert named.ret == pytest.ExitCode.TESTS_FAILED
    assert world.run("test_other.py").ret == pytest.ExitCode.OK
    assert world.run("--collect-only", "--rm=scores:v1.jsonl.gz").ret == pytest.ExitCode.OK
    assert world.run("--gate-update", "gates.toml::no_worse_than[main]").ret == pytest.ExitCode.OK


def test_what_looks_sign_flipped_is_said_where_it_is(world: World) -> None:
    world.record()
    world.gated.scores("losses", wrong=0.95)
    drift = "[[drift]]\nprevious_rm = 'baseline:main'\nat_most = 0.1\n"
    world.pytester.makefile(".toml", gates=TOML + drift)
    said = world.run("gates.toml", "--rm=scores:losses.jsonl.gz").stdout.str()
    failures = said.partition("= reward model gates =")[0]
    assert failures.count("note: it looks sign-flipped, on the other side of 95%") == 2
    assert failures.count("note: it looks sign-flipped") == 3
    assert "lower is better" in failures
    assert "sign-flipped" not in world.run("gates.toml", "--rm=scores:worse.jsonl.gz").stdout.str()


@pytest.mark.parametrize(
    ("rm", "said"),
    [
        ("scores:absent.jsonl.gz", "*absent.jsonl.gz*cannot be read*"),
        ("http://localhost:8000", "*Remedy: write served:NAME@URL*"),
    ],
)
def test_a_wrong_name_is_a_failure_not_a_skip(world: World, rm: str, said: str) -> None:
    ended = world.run(f"--rm={rm}", "gates.toml")
    ended.assert_outcomes(failed=2)
    ended.stdout.fnmatch_lines([said])


@pytest.mark.parametrize("by", ["environment", "ini"])
def test_the_reward_model_is_named_by_environment_or_ini_too(
    world: World, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    world.record()
    if by == "ini":
        world.pytester.makeini("[pytest]\nargo_rm = scores:worse.jsonl.gz\n")
    else:
        monkeypatch.setenv("ARGO_RM", "scores:worse.jsonl.gz")
    world.run("gates.toml").assert_outcomes(failed=2)
    world.run("gates.toml", "--rm=scores:v1.jsonl.gz").assert_outcomes(passed=2)


def test_a_path_of_the_ini_file_counts_from_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.record()
    ini = "[pytest]\nargo_rm = scores:worse.jsonl.gz\nargo_baselines = baselines\n"
    world.pytester.makeini(ini)
    monkeypatch.chdir(world.pytester.mkdir("inner"))
    ended = world.run("../gates.toml")
    ended.assert_outcomes(failed=2)
    ended.stdout.fnmatch_lines(["FAIL *no worse than main: -20.0%*"])


def test_gates_in_python_take_their_settings_from_the_nearest_gates_toml(world: World) -> None:
    """Wherever pytest puts its rootdir; paths in it count from its own folder."""
    world.record()
    inner = world.pytester.mkdir("inner")
    (inner / "test_inner.py").write_text(PYTHON)
    world.run("inner", "--rootdir", "/").assert_outcomes(passed=2)


def test_without_a_reward_model_nothing_passes(world: World) -> None:
    world.pytester.makefile(".toml", gates=TOML.replace("rm =", "#"))
    ended = world.run()
    ended.assert_outcomes(passed=1, failed=2, errors=1)
    ended.stdout.fnmatch_lines(["*no reward model to hold to gates*"])


def test_the_fixture_rm_is_the_reward_model_itself(world: World) -> None:
    world.pytester.makepyfile(test_it="def test_it(rm):\n    assert rm.name == 'v1'\n")
    world.run("test_it.py").assert_outcomes(passed=1)


def test_a_server_is_named_on_the_command_line_and_needs_no_gates_toml(world: World) -> None:
    (world.pytester.path / "gates.toml").unlink()
    world.pytester.makepyfile(
        test_it="from argo_audit.records import Message\n"
        "def test_it(rm):\n"
        "    said = [Message(role=role, content='bread') for role in ('user', 'assistant')]\n"
        "    assert rm.reward([said]) == [5.0]\n"
    )
    with PoolingServer(lambda said: float(len(said[-1]["content"]))) as server:
        ended = world.run("test_it.py", f"--rm=served:rm@{server.url}")
    ended.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("own", "outcomes"),
    [("assert 1 == 2", {"failed": 1}), ("__import__('pytest').skip('later')", {"skipped": 1})],
)
def test_a_test_that_ends_by_its_own_doing_does_not_hide_its_gates(
    world: World, own: str, outcomes: dict[str, int]
) -> None:
    held = "gate.agreement(labels='human', at_least=0.95)"
    world.pytester.makepyfile(test_it=f"def test_it(gate):\n    {held}\n    {own}\n")
    ended = world.run("test_it.py")
    ended.assert_outcomes(**outcomes)
    ended.stdout.fnmatch_lines(["FAIL *agreement with labels 'human'*"])


def test_a_gates_toml_that_is_wrong_is_an_error_of_collection(world: World) -> None:
    world.pytester.makefile(".toml", gates="[[bias]]\nat_most = 1")
    ended = world.run("gates.toml")
    assert ended.ret == pytest.ExitCode.INTERRUPTED
    ended.stdout.fnmatch_lines(["*missing a required argument: 'attribute'*"])
