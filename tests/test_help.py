"""Help and completion are there at once: nothing heavy is loaded for them."""

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from argo_audit import __version__
from argo_audit.cli.commands import app
from benchmarks.option_page import commands

HEAVY = ("torch", "inspect_ai", "scipy", "pandas", "matplotlib", "numpy", "fsspec", "pyarrow")
GROUPS = ("", "store", "organism", "gate")
HELP = """
import json, sys
from typer.testing import CliRunner
from argo_audit.cli.commands import app

for words in json.loads(sys.argv[1]):
    result = CliRunner().invoke(app, [*words.split(), "--help"])
    assert result.exit_code == 0 and "Usage: " in result.output, (words, result.output)
    print(json.dumps([words, sorted(sys.modules.keys() & set(sys.argv[2:]))]))
"""
LEAST = 0.9  # CPU seconds, the best of three; 0.3 where nothing else runs


def python(*words: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_help_of_no_command_loads_anything_heavy() -> None:
    names = [*GROUPS, *(name for name, _ in commands())]
    ended = python("-c", HELP, json.dumps(names), *HEAVY)
    assert ended.returncode == 0, ended.stderr
    loaded = [json.loads(line) for line in ended.stdout.splitlines()]
    assert loaded == [[name, []] for name in names]


@pytest.mark.slow  # a machine that others use tells nothing
def test_help_takes_less_than_a_second() -> None:
    took = []
    for _ in range(3):
        before = os.times()
        assert python("-m", "argo_audit.cli", "--help").returncode == 0
        after = os.times()
        took.append(sum(after[2:4]) - sum(before[2:4]))
    assert min(took) < LEAST


@pytest.mark.parametrize("words", [["--version"], ["version"]])
def test_the_version_is_told(words: list[str]) -> None:
    result = CliRunner().invoke(app, words)
    assert (result.exit_code, result.output) == (0, f"{__version__}\n")


def test_a_shell_completes_commands_and_options() -> None:
    def completed(typed: str) -> set[str]:
        words = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
        asked = os.environ | words | {"_ARGO_AUDIT_COMPLETE": "complete_bash"}
        command = [sys.executable, "-m", "argo_audit.cli"]
        ended = subprocess.run(command, env=asked, capture_output=True, text=True, check=False)
        return set(ended.stdout.split())

    assert {"audit", "resume", "report", "store"} <= completed("argo-audit ")
    assert completed("argo-audit audit --prob") == {"--probed-pairs"}


def test_the_script_for_a_shell_is_shown() -> None:
    """Of the shell that is named: which one it is run from is not the test's to know."""
    named = os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [sys.executable, "-m", "argo_audit.cli", "--show-completion", "bash"]
    ended = subprocess.run(command, env=named, capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    assert "_ARGO_AUDIT_COMPLETE=complete_bash" in ended.stdout
