"""Any object is as good as a name; a stranger's kind comes in by the door of the built-in ones."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from argo_audit import kinds
from argo_audit.errors import InputError
from argo_audit.roles import Conversation


class Brief:
    """A reward model as a stranger writes it."""

    name = "brief"

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        return [-float(len(conversation[-1].content)) for conversation in conversations]


class Nameless:
    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        return [0.0 for _ in conversations]


@pytest.fixture(autouse=True)
def nothing_stays_given() -> Iterator[None]:
    yield
    kinds.take_back("reward_models", "brief")


def test_an_object_is_opened_under_the_name_it_was_given_by() -> None:
    brief = Brief()
    assert kinds.given("reward_models", brief) == "given:brief"
    assert kinds.given("reward_models", brief) == "given:brief"
    assert kinds.opened("reward_models", "given:brief") is brief


def test_two_objects_of_one_name_are_refused_until_one_is_taken_back() -> None:
    kinds.given("reward_models", Brief())
    with pytest.raises(InputError, match="take_back"):
        kinds.given("reward_models", Brief())
    kinds.take_back("reward_models", "brief")
    assert kinds.given("reward_models", Brief()) == "given:brief"


@pytest.mark.parametrize(
    ("role", "part", "said"),
    [
        ("reward_models", Nameless(), "no `name`"),
        ("reward_models", object(), r"no `def reward\(conversations: Sequence.* -> list\[float\]`"),
        ("reward_models", Brief, "is a class"),
        ("judges", Brief(), r"no `async def judge\(rubric: Rubric, pairs: Sequence\[Pair\]\)"),
        ("policies", Brief(), r"no `used` and no `def train\(.*`def resume\(done: int\) -> int`"),
        ("writers", Brief(), r"no `async def write\(prompts: Sequence\[str\], seed: int\)"),
        ("searches", Brief(), "`__call__`, nor is it a function"),
    ],
)
def test_what_is_missing_is_told_with_its_signature(
    role: kinds.Role, part: object, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        kinds.given(role, part)


def test_a_search_is_a_function() -> None:
    def mine() -> None: ...

    assert kinds.given("searches", mine) == "given:mine"
    kinds.take_back("searches", "mine")


def test_an_object_of_another_process_has_to_be_given_again() -> None:
    with pytest.raises(InputError, match="again from Python"):
        kinds.opened("judges", "given:mine")
    with pytest.raises(InputError, match="again from Python"):
        kinds.check_given("judges", "given:mine")


def test_installed_packages_add_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "strangers", "[argo_audit.judges]\nmine = strangers:open_mine\n")
    (tmp_path / "strangers.py").write_text("def open_mine(what, *how):\n    return what, how\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "mine" in kinds.known("judges")
    assert kinds.split("judges", "mine:x:y", "inspect") == ("mine", "x:y")
    assert kinds.split("judges", "openai/gpt-5-mini", "inspect")[0] == "inspect"
    assert kinds.opened("judges", "mine:x:y", 1, 2) == ("x:y", (1, 2))


def test_a_kind_that_two_packages_claim_is_nobodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "one", "[argo_audit.judges]\nmine = one:a\n")
    install(tmp_path, "two", "[argo_audit.judges]\nmine = two:b\nabsent = two:c\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match="one:a, two:b"):
        kinds.opened("judges", "mine:x")
    with pytest.raises(InputError, match="cannot be imported"):
        kinds.opened("judges", "absent:x")
    with pytest.raises(InputError, match="known are given"):
        kinds.opened("judges", "nobody's", bare="nobody")


def install(site: Path, package: str, entry_points: str) -> None:
    """What an installer leaves behind of a package."""
    info = site / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)
