"""The front door: `import argo_audit as aa` costs nothing, and each name is shown at work."""

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import argo_audit
from argo_audit.organism.world import build
from argo_audit.pairs.pair_file import write

REPOSITORY = Path(__file__).parent.parent
API = REPOSITORY / "docs" / "api.md"
BLOCKS = re.findall(r"```python\n(.*?)```", API.read_text(encoding="utf-8"), re.DOTALL)
HEAVY = ("torch", "inspect_ai", "scipy", "pandas", "matplotlib")
CHEAP = f"""
import sys, time
begun = time.process_time()
import argo_audit
assert time.process_time() - begun < 0.3
assert "pydantic" not in sys.modules
assert not [name for name in {HEAVY} if name in sys.modules]
argo_audit.Pair, argo_audit.RewardModel, argo_audit.InputError
assert not [name for name in {HEAVY} if name in sys.modules]
"""


def python(code: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_the_door_costs_nothing_until_a_name_is_used() -> None:
    python(CHEAP)


def test_what_it_says_it_has_is_what_can_be_had() -> None:
    assert list(argo_audit.__all__) == sorted(argo_audit.__all__)
    assert dir(argo_audit) == argo_audit.__all__
    for name in argo_audit.__all__:
        assert getattr(argo_audit, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'audit_of'"):
        argo_audit.audit_of  # type: ignore[attr-defined]  # noqa: B018 - what it is about


def test_editors_see_the_names_where_they_are_found() -> None:
    """The imports for type checkers are the table of homes, name for name."""
    tree = ast.parse(Path(argo_audit.__file__).read_text(encoding="utf-8"))
    seen = {
        (alias.asname or alias.name): (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("argo_audit.")
        for alias in node.names
    }
    homes = {
        name: (home, argo_audit._THERE.get(name, name)) for name, home in argo_audit._HOME.items()
    }
    assert seen | {"__version__": ("argo_audit.records", "VERSION")} == homes
    assert sorted(homes) == argo_audit.__all__
    for home, there in homes.values():
        assert there in vars(importlib.import_module(home))


@pytest.mark.parametrize("name", argo_audit.__all__)
def test_each_name_is_documented_and_shown_at_work(name: str) -> None:
    found = getattr(argo_audit, name)
    assert isinstance(found, str) or len((found.__doc__ or "").strip()) > 40
    assert any(re.search(rf"\baa\.{name}\b", block) for block in BLOCKS)


def test_the_page_of_the_names_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown: dict[str, Any] = {}
    for block in BLOCKS:
        if not block.startswith("# needs torch"):
            exec(compile(block, str(API), "exec"), shown)


@pytest.mark.usefixtures("train")
def test_the_page_trains_a_reward_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    world = build("A", pairs=240, seed=1)
    write("labelled.jsonl.gz", world.pairs, {"human": world.raw})
    (block,) = (block for block in BLOCKS if block.startswith("# needs torch"))
    exec(compile(block, str(API), "exec"), {"aa": argo_audit})
