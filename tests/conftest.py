"""Fixtures that several files share."""

import gc
from collections.abc import Iterator

import pytest
from object_store import OPEN, Server, serving
from s3fs import S3FileSystem

FIRST = ("test_resume.py", "test_cli.py", "test_follow.py", "test_evaluate.py", "test_demo.py")
"""The files that take longest, begun first: no process is left alone with one at the end."""


def pytest_collection_finish() -> None:
    """What all the libraries keep for good is not looked through for garbage again and again.

    It is millions of objects, and a training alone asks for a whole collection: 0.4 s.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: order.get(item.path.name, len(FIRST)))


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
    S3FileSystem.clear_instance_cache()  # each keeps the environment that it was opened in
    yield s3_server
    s3_server.meddle = None
    S3FileSystem.clear_instance_cache()
