"""What is installed: light to import, true in its examples, whole in its data."""

import doctest
import importlib
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
PACKAGE = REPOSITORY / "argo_audit"
HEAVY = ("torch", "transformers", "trl", "peft", "datasets", "vllm")

LIGHT = f"""
import sys
from argo_audit.cli import main

sys.argv = ["argo-audit", "--help"]
try:
    main()
except SystemExit as ended:
    assert not ended.code
assert not [name for name in {HEAVY} + ("inspect_ai",) if name in sys.modules]
import argo_audit.evals.inspect_registry
import argo_audit.audits.reporting
assert not [name for name in {HEAVY} if name in sys.modules]
"""

MODULES = sorted(PACKAGE.rglob("*.py"))
WITH_EXAMPLES = [
    ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
    for path in MODULES
    if "\n    >>> " in path.read_text(encoding="utf-8")
]


def test_help_report_and_inspect_tasks_load_nothing_heavy() -> None:
    command = [sys.executable, "-c", LIGHT]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert ended.returncode == 0, ended.stderr
    for name in ("audit", "report", "demo", "train-rm", "organism", "store", "read", "version"):
        assert name in ended.stdout


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_are_true(module: str) -> None:
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted
    assert found.failed == 0


def test_the_wheel_has_the_whole_package_and_the_rubric_store() -> None:
    """Hatch takes every file of the package that .gitignore does not name."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel == {
        "packages": ["argo_audit"],
        "force-include": {"rubric_store": "argo_audit/rubric_store"},
    }
    ignored = (REPOSITORY / ".gitignore").read_text(encoding="utf-8").split()
    patterns = [pattern.rstrip("/") for pattern in ignored]
    data = [
        p.relative_to(PACKAGE) for p in PACKAGE.rglob("*") if p.is_file() and p.suffix != ".pyc"
    ]
    assert {path.suffix for path in data} >= {".md", ".toml", ".html", ".safetensors", ".json"}
    assert not [
        path for path in data if any(fnmatch(part, p) for part in path.parts for p in patterns)
    ]


def test_every_module_of_the_package_is_in_a_package() -> None:
    assert not [path for path in MODULES if not (path.parent / "__init__.py").is_file()]


def test_the_map_in_the_readme_names_every_module() -> None:
    """By room and file, and no file that is gone."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    drawn = readme.partition("```\nargo_audit/\n")[2].partition("\n```")[0].splitlines()
    room, found = "", set()
    for line in drawn:
        name = line.split()[0]
        if line.startswith("  ") and name.endswith(".py"):
            found.add(f"{room}{name}" if line.startswith("    ") else name)
        elif line.startswith("  ") and not line.startswith("    ") and name.endswith("/"):
            room = name
    modules = {path.relative_to(PACKAGE).as_posix() for path in MODULES}
    assert found == {name for name in modules if not name.endswith("__init__.py")}
