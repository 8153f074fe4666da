"""docs/gate-example, a reward model's own repository, run as its owners and its CI would.

The reward models are really trained, by `python -m benchmarks.gate_example`: the one that shipped,
one retrained with another seed, and one retrained on labels that also prefer links.
"""

import importlib
import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt

pytestmark = pytest.mark.usefixtures("train")
pytest_plugins = ("pytester",)
KEPT = (
    "argo_audit.gates.session",
    "argo_audit.gates.declared",
    "argo_audit.reward_models.classifier",
)
"""pytester forgets what is first imported in a run of its own, and torch is imported once."""

REPOSITORY = Path(__file__).parent.parent
EXAMPLE = REPOSITORY / "docs" / "gate-example"
RETRAINED = REPOSITORY / "tests" / "fixtures" / "gate_models"
WORKFLOW = yaml.safe_load((EXAMPLE / ".github" / "workflows" / "gates.yml").read_text())


@pytest.fixture(scope="module", autouse=True)
def kept() -> None:
    for name in KEPT:
        importlib.import_module(name)


@pytest.fixture
def example(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A checkout of the example."""
    for name in ("ARGO_RM", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    shutil.copytree(EXAMPLE, pytester.path, dirs_exist_ok=True)
    return pytester


def run(example: pytest.Pytester, *words: str) -> pytest.RunResult:
    plugins = ("-p", "argo_audit.gate", "-p", "no:cacheprovider")
    return example.runpytest_inprocess(*plugins, *words)


def ci() -> list[str]:
    """What the workflow gives to pytest."""
    (command,) = (
        step["run"]
        for step in WORKFLOW["jobs"]["gates"]["steps"]
        if step.get("run", "").startswith("pytest")
    )
    return shlex.split(command)[1:]


def shown(document: Path) -> str:
    """The test that a document shows for pasting: its one block with gates."""
    (text,) = (
        token.content
        for token in MarkdownIt().parse(document.read_text(encoding="utf-8"))
        if token.type == "fence" and token.info == "python" and "(gate)" in token.content
    )
    return text


def test_in_ci_the_repository_passes_and_so_does_the_three_line_gate_as_pasted(
    example: pytest.Pytester,
) -> None:
    """In one run, which asks the reward model once; both readmes show the same gate."""
    text = shown(REPOSITORY / "README.md")
    assert text == shown(EXAMPLE / "README.md").replace("_the_reward_model_can_ship", "_ships")
    assert len(text.splitlines()) == 3
    example.makepyfile(test_pasted=text)
    run(example, *ci(), "test_pasted.py").assert_outcomes(passed=6)
    assert (example.path / "gates.xml").is_file()
    run(example, "test_pasted.py", "--rm=absent").assert_outcomes(failed=1)


def test_one_of_equal_quality_retrained_with_another_seed_passes(example: pytest.Pytester) -> None:
    run(example, "gates.toml", f"--rm={RETRAINED / 'reseeded'}").assert_outcomes(passed=5)


def test_one_retrained_with_a_new_bias_fails_on_that_and_on_nothing_else(
    example: pytest.Pytester,
) -> None:
    ended = run(example, "gates.toml", f"--rm={RETRAINED / 'biased'}")
    ended.assert_outcomes(passed=4, failed=1)
    ended.stdout.fnmatch_lines(["FAIL  bias: urls", "*e.g. +*http*", "*again: pytest *urls*"])
