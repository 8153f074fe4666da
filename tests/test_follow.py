"""Several processes train one policy; one of them searches, and all of them end."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from host import Ended, Host

from argo_audit.findings.inputs import load_run
from argo_audit.organism.world import build, write_population
from argo_audit.records import PolicyPrompt
from argo_audit.rubrics.outline import outline

pytestmark = pytest.mark.usefixtures("train")

LAUNCHED = Path(__file__).parent / "launched.py"


def forked(host: Host, pairs: Path, out: Path) -> Ended:
    """Two forks, described in the environment as torch's launchers describe them."""
    return host.run(LAUNCHED, pairs, out)


def launched(_: Host, pairs: Path, out: Path) -> Ended:
    """By `accelerate launch`: three processes, each of which imports everything."""
    launch = "accelerate.commands.launch --multi_gpu --num_processes 2 --num_machines 1"
    given = "--main_process_port 0 --dynamo_backend no --mixed_precision no"
    words = [*launch.split(), *given.split(), LAUNCHED]
    ended = subprocess.run(
        [sys.executable, "-m", *map(str, words), pairs, out],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    return Ended(ended.returncode, ended.stdout, ended.stderr)


@pytest.mark.parametrize("start", [forked, pytest.param(launched, marks=pytest.mark.slow)])
def test_two_processes_make_one_search_and_a_failure_ends_neither_alone(
    host: Host, tmp_path: Path, start: Callable[[Host, Path, Path], Ended]
) -> None:
    """On CPU: three variants of two rubrics, so that one group lies on both processes."""
    write_population(build("A", 150, seed=0), tmp_path / "A")
    ended = start(host, tmp_path / "A" / "pairs.jsonl.gz", tmp_path)
    assert ended.code == 0, ended.stderr
    assert "main: no judge for 6 rubrics" in ended.stdout
    assert "follower: through" in ended.stdout

    folder = tmp_path / "audit" / "runs" / "planted"
    record = load_run(folder)
    assert record.run.outcome == "completed"
    places = Counter((attempt.step, attempt.prompt_variant) for attempt in record.attempts)
    assert places == {(step, variant): 2 for step in range(3) for variant in range(3)}
    texts = [attempt.rubric.text for attempt in record.attempts]
    assert len(set(texts)) > len(texts) / 2
    lines = (folder / "prompts.jsonl").read_text(encoding="utf-8").splitlines()
    prompts = [PolicyPrompt.model_validate_json(line) for line in lines]
    for step in (1, 2):
        earlier = {a.rubric.text.strip() for a in record.attempts if a.step == step - 1}
        assert any(
            t in p.text for t in earlier if len(outline(t)) for p in prompts if p.step == step
        )
    assert {path.name for path in (folder / "policy").iterdir()} >= {
        "model.safetensors",
        "whole.json",
    }
