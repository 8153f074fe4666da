"""Fixtures that several files share."""

import functools
import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer.testing
from host import Host, hosting
from hypothesis import settings
from object_store import OPEN, Server, forget_clients, serving

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
"""As the Makefile says: two processes whose torch takes both cores wait for each other."""

os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="argo-state-")
"""What tests ask for is remembered with them, by processes that they start too."""

os.environ["ARGO_ANSWERS"] = str(Path(os.environ["XDG_STATE_HOME"]) / "answers.sqlite")
"""Nor do they read, or leave, answers of judges among the user's."""

PROCESSES = {
    "host": (
        "test_demo.py",
        "test_resume.py",
        "test_follow.py",
        "test_cli_process.py",
        "test_durable.py",
    ),
    "train": (
        "test_grpo.py",
        "test_cli.py",
        "test_bias_probe.py",
        "test_gate_example.py",
        "test_reward_models.py",
        "test_gate.py",
        "test_conformance.py",
        "test_dpo.py",
        "test_encoding.py",
        "test_front_door.py",
        "test_hub.py",
        "test_local_model.py",
        "test_local_provider.py",
        "test_served.py",
        "test_writer.py",
        "test_asked.py",
        "test_docs.py",
        "test_from_python.py",
        "test_journeys.py",
        "test_terminal.py",
        "test_run_folder.py",
        "test_kinds.py",
    ),
    "s3_server": ("test_store.py", "test_object_store.py", "test_files.py"),
}
"""Files of which one process runs all, by the fixture that they share; any other file is alone.

They are begun first: torch is imported once, the local S3 too, and no process is left alone with
them at the end.
"""
GROUPS = {name: group for group, names in PROCESSES.items() for name in names}

LONGEST = (
    "test_gate_init.py",
    "test_verify.py",
    "test_notebooks.py",
    "test_compare.py",
    "test_failures.py",
    "test_rubric_ablation.py",
    "test_evaluate.py",
    "test_doors.py",
    "test_budget.py",
)
"""Files of more than four seconds (`make bench-suite` prints them), begun next, so that the
processes end together; a file that is missing here costs a little time, nothing else."""

settings.register_profile("few", max_examples=15)
"""What `make test` tries of a property; `make test-all` tries the hundred that are usual."""

typer.testing._get_command = functools.cache(typer.main.get_command)  # type: ignore[attr-defined]
"""The tree of commands is built once, and not for each command line that a test types: 30 ms.

The runner takes a Typer alone, and no command that was made of one: hence its private name."""

gc.set_threshold(1_000_000, 20, 20)
"""While libraries are imported there is little garbage: a quarter of the time; later, 3%."""


class Frozen:
    """How many modules there were when garbage collection last looked away."""

    modules = 0


MANY = 150
"""Modules: what torch or matplotlib bring along, and no test's own imports."""


def pytest_runtest_teardown() -> None:
    """What libraries keep for good is not looked through for garbage again and again.

    It is millions of objects, and a training alone asks for a whole collection: 0.4 s. Most of them
    come with the first test that needs them.
    """
    if len(sys.modules) >= Frozen.modules + MANY:
        Frozen.modules = len(sys.modules)
        gc.collect(1)
        gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files of PROCESSES first, in its order; a file that belongs there must be named there."""
    order = {name: place for place, name in enumerate([*GROUPS, *LONGEST])}
    for item in items:
        shared = PROCESSES.keys() & set(getattr(item, "fixturenames", ()))
        if shared and item.path.name not in GROUPS:
            raise pytest.UsageError(f"{item.path}: name it in PROCESSES of tests/conftest.py")
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Under `--dist loadfile`: a file, or a group of files, to a process."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist ships no types
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return GROUPS.get(Path(file).name, file)

    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def train() -> None:
    """The extra `train`; whoever uses it may import torch."""
    if find_spec("torch") is None:
        pytest.skip("needs the extra `train`")


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """A process that has imported everything once, and whose forks run what is asked."""
    with hosting() as host:
        yield host


@pytest.fixture(scope="session")
def s3_server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def s3(s3_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A local S3, as the environment names it; nobody's own settings are looked at."""
    own = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    once = {"AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true"}
    place = {"AWS_ENDPOINT_URL": s3_server.url, "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in (own | once | place | OPEN).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    forget_clients()
    yield s3_server
    s3_server.meddle = None
    forget_clients()
