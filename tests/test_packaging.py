"""What is installed: light to import, true in its examples, whole in its data."""

import ast
import doctest
import importlib
import importlib.util
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Container, Iterator
from fnmatch import fnmatch
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from benchmarks.house import drawn, in_paper

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


def test_the_floor_of_a_provider_is_the_one_that_inspect_asks_for() -> None:
    found = importlib.util.find_spec("inspect_ai")
    assert found
    assert found.origin
    asking = Path(found.origin).parent / "model" / "_providers" / "providers.py"
    floor = re.compile(r'PACKAGE = "([\w-]+)"\n(?:\s+#.*\n)*\s+MIN_VERSION = "([\d.]+)"')
    asked = dict(floor.findall(asking.read_text(encoding="utf-8")))
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra in ("openai", "anthropic", "google", "groq", "mistral"):
        (needed,) = project["optional-dependencies"][extra]
        name, _, version = needed.partition(">=")
        assert asked[name].removesuffix(".0") == version


def test_every_module_of_the_package_is_in_a_package() -> None:
    assert not [path for path in MODULES if not (path.parent / "__init__.py").is_file()]


def test_the_map_is_drawn_from_the_modules() -> None:
    """Every module is on it, on its floor, with what it says of itself."""
    assert in_paper() == drawn(), "draw it anew: python -m benchmarks.house"


def test_a_stranger_finds_the_one_file_by_its_name() -> None:
    """No two modules of the package share a name, and few classes do."""
    stems = Counter(path.stem for path in MODULES if not path.stem.startswith("__"))
    assert not [stem for stem, times in stems.items() if times > 1]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in MODULES]
    named = (n.name for tree in trees for n in ast.walk(tree) if isinstance(n, ast.ClassDef))
    assert not [name for name, times in Counter(named).items() if times > 2]
    rooms = {p.relative_to(PACKAGE).parts[0] for p in MODULES}
    assert len(rooms) <= 26


def test_no_module_imports_itself_by_a_way_round() -> None:
    """Imports inside functions and under TYPE_CHECKING included; a circle raises CycleError."""
    names = {_dotted(path): path for path in MODULES}
    TopologicalSorter({name: set(_imported(path, names)) for name, path in names.items()}).prepare()


def _dotted(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(path: Path, known: Container[str]) -> Iterator[str]:
    """The modules of the package that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            wholes = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (whole if whole in known else str(node.module) for whole in wholes)
