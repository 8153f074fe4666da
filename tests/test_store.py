"""The store keeps every rubric it was given: exactly, once, in order, whatever happens."""

import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

import fsspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from object_store import OPEN, WSGI, Environ, Server, Start, forget_clients

from argo_audit.errors import StoreError
from argo_audit.records import Agreement, Interval, Rubric, StoredRubric
from argo_audit.store import (
    NewRubric,
    RubricStore,
    file_name,
    from_document,
    ref,
    slug,
    to_document,
)


class _Listed:
    """The folders that this process lists, told by Python itself."""

    def __init__(self) -> None:
        self._into: list[str] | None = None
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[object, ...]) -> None:
        if self._into is not None and event in ("os.listdir", "os.scandir"):
            self._into.append(str(arguments[0]))

    @contextmanager
    def into(self, listed: list[str]) -> Iterator[None]:
        self._into = listed
        yield
        self._into = None


_LISTED = _Listed()
AGREEMENT = Agreement(
    accuracy=0.81,
    kl=0.25,
    kl_raw=0.4,
    cross_entropy=None,
    brier=1e-7,
    n=400,
    ties=3,
    unparsed=1,
    prompts=390,
    position_flip_rate=0.02,
    temperature=1.7,
    clip=0.001,
    accuracy_interval=Interval(low=0.77, high=0.85, method="cluster bootstrap"),
)
_SHORT_WAITS = 14_963  # a seed whose first four draws are below 0.08
WRITER = """
import sys
from argo_audit.records import Rubric
from argo_audit.store import NewRubric, RubricStore

root, template, writer, count, dies_at = sys.argv[1:]
if dies_at != "never":
    import os
    from contextlib import suppress
    event, ending = dies_at.split(":")
    def die(name, arguments):
        if name == event and str(arguments[1 if name == "os.link" else 0]).endswith(ending):
            os._exit(9)
    sys.addaudithook(die)
template = NewRubric.model_validate_json(template)
for number in range(int(count)):
    rubric = Rubric(text=f"Writer {writer}, rubric {number}.")
    RubricStore(root).append(template.model_copy(update={"rubric": rubric}))
"""


def new(text: str = "# Rubric\n\n- Be brief.\n", **changes: object) -> NewRubric:
    fields = {
        "rubric": Rubric(text=text),
        "reward_model": "org/Model-8B",
        "label_source": "soft:Model-8B",
        "parent": None,
        "run": "run-1",
        "judge": "argo/surface",
        "created": datetime(2026, 3, 1, 12, 30, 0, 125, tzinfo=UTC),
        "dev": AGREEMENT,
        "held_out": None,
    }
    return NewRubric.model_validate(fields | changes)


@pytest.fixture(params=["local", "memory", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        return f"{request.getfixturevalue('s3').bucket()}/store"
    return f"{tmp_path}/store" if request.param == "local" else f"memory://{uuid.uuid4().hex}/store"


@pytest.fixture
def local(tmp_path: Path) -> Path:
    return tmp_path / "store"


def folder_of(root: Path) -> Path:
    return root / "org--Model-8B"


def writer(
    root: Path | str, name: str, count: int, dies_at: str = "never"
) -> "subprocess.Popen[bytes]":
    words = (str(root), new().model_dump_json(), name, str(count), dies_at)
    return subprocess.Popen([sys.executable, "-c", WRITER, *words])


def every_file(root: Path | str) -> list[str]:
    files, path = fsspec.url_to_fs(str(root))
    files.invalidate_cache()
    return [str(name) for name in files.find(path)]


def test_what_is_appended_is_listed_in_order(root: str) -> None:
    store = RubricStore(root)
    first = store.append(new("one"))
    second = store.append(new("two", parent=1, held_out=AGREEMENT))
    other = store.append(new("three", reward_model="soft:Other"))
    assert [first.version, second.version, other.version] == [1, 2, 1]
    assert store.list() == RubricStore(root).list() == [first, second, other]
    assert store.list("org/Model-8B") == store.list("org--Model-8B") == [first, second]
    assert store.list("unknown") == []
    assert store.reward_models() == ["org--Model-8B", "soft-Other"]
    assert store.verify() == []


def test_many_versions_keep_their_order() -> None:
    store = RubricStore(f"memory://{uuid.uuid4().hex}")
    stored = [store.append(new(f"rubric {number}")) for number in range(12)]
    assert store.list() == stored
    assert [one.version for one in stored] == list(range(1, 13))


def test_a_path_and_its_file_url_are_one_store(local: Path) -> None:
    stored = RubricStore(f"file://{local}").append(new())
    assert RubricStore(local).list() == [stored]


def test_a_rubric_is_found_by_its_reference(root: str) -> None:
    store = RubricStore(root)
    first, second = store.append(new("one")), store.append(new("two"))
    assert ref(first) == "org--Model-8B@1"
    assert store.get(ref(first)) == store.get("org/Model-8B@0001") == first
    assert store.get("org/Model-8B") == store.get("org--Model-8B") == second


def test_a_revision_after_an_at_sign_is_part_of_the_name(root: str) -> None:
    store = RubricStore(root)
    stored = store.append(new(reward_model="org/Model-8B@abc123"))
    assert ref(stored) == "org--Model-8B@abc123@1"
    assert store.get("org/Model-8B@abc123") == store.get("org/Model-8B@abc123@1") == stored


@pytest.mark.parametrize("asked", ["org/Model-8B@3", "Model-8B", "", "@1", f"m@{'9' * 5000}"])
def test_a_missing_rubric_is_answered_with_what_there_is(root: str, asked: str) -> None:
    store = RubricStore(root)
    with pytest.raises(StoreError, match="it holds nothing"):
        store.get(asked)
    store.append(new())
    store.append(new())
    with pytest.raises(StoreError, match="it holds org--Model-8B@1, org--Model-8B@2"):
        store.get(asked)


def test_the_file_reads_like_a_model_card(local: Path) -> None:
    stored = RubricStore(local).append(new("- Be brief.", held_out=AGREEMENT))
    path = folder_of(local) / f"0001-{stored.rubric.id}.md"
    front, text = path.read_text().removeprefix("---\n").split("\n---\n")
    assert text == "- Be brief."
    assert front.splitlines()[:4] == [
        "version: 1",
        f"rubric: {stored.rubric.id}",
        "reward_model: org/Model-8B",
        "label_source: soft:Model-8B",
    ]
    assert "\ndev:\n  accuracy: 0.81\n" in front
    assert "\nheld_out:\n  accuracy: 0.81\n" in front


texts = st.text() | st.lists(st.sampled_from(["---", "\n", "\r\n", "\r", " ", "a: b", "é"])).map(
    "".join
)


@settings(deadline=None, max_examples=60)
@example(text="\x85", name="\x85", created=datetime(1, 1, 1, tzinfo=UTC))
@example(
    text="\u2028\ufeff---\n", name="\ufeff\u2028\n---\n\x00", created=datetime(1, 1, 1, tzinfo=UTC)
)
@given(text=texts, name=texts, created=st.datetimes(timezones=st.none() | st.just(UTC)))
def test_any_text_survives_byte_for_byte(text: str, name: str, created: datetime) -> None:
    names = dict.fromkeys(("reward_model", "run", "judge", "label_source"), name)
    fields = new(text, **names, created=created)
    stored = StoredRubric(version=7, **dict(fields))
    assert from_document(to_document(stored).encode().decode()) == stored


@pytest.mark.parametrize("text", ["", "---\n", "\n---\nversion: 9\n---\n", "a\r\nb\r", "\n\nx\n\n"])
def test_awkward_text_survives_the_file_system(root: str, text: str) -> None:
    RubricStore(root).append(new(text))
    assert RubricStore(root).get("org/Model-8B").rubric.text == text
    assert RubricStore(root).verify() == []


@settings(deadline=None)
@given(
    name=texts | st.sampled_from(["..", ".", "../../etc", "/etc", "a/../..", ".pending", "x" * 999])
)
def test_a_slug_is_one_safe_file_name_and_its_own_slug(name: str) -> None:
    folder = slug(name)
    assert folder == slug(folder)
    assert 0 < len(folder) <= 100
    assert folder.isascii()
    assert not folder.startswith(".")
    assert not set(folder) & set('/\\:*?"<>| \n\0')


def test_a_hostile_name_stays_inside_the_root(local: Path) -> None:
    before = set(local.parent.iterdir())
    for name in ("../../escaped", "/tmp/escaped", "..", ".pending", "a\\..\\b", "日本"):
        RubricStore(local).append(new(reward_model=name))
    assert set(local.parent.iterdir()) - before == {local}
    assert len(list(local.iterdir())) == 6
    assert RubricStore(local).verify() == []


def test_names_that_share_a_folder_are_refused(root: str) -> None:
    store = RubricStore(root)
    store.append(new(reward_model="soft:Model"))
    with pytest.raises(StoreError, match=r"holds rubrics of 'soft:Model'.*rename"):
        store.append(new(reward_model="soft-Model"))
    assert len(store.list()) == 1


@pytest.mark.parametrize("parent", [1, 0, -1])
def test_a_parent_must_be_in_the_store(root: str, parent: int) -> None:
    with pytest.raises(StoreError, match=f"no version {parent} to be a parent; it has none"):
        RubricStore(root).append(new(parent=parent))
    assert RubricStore(root).list() == []


def test_a_root_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        RubricStore(tmp_path / "file").append(new())


@pytest.mark.parametrize(("place", "names", "each"), [("local", "abcd", 6), ("s3", "ab", 2)])
def test_writers_at_once_neither_collide_nor_leave_gaps(
    place: str, names: str, each: int, request: pytest.FixtureRequest, local: Path
) -> None:
    root = local if place == "local" else f"{request.getfixturevalue('s3').bucket()}/store"
    writers = [writer(root, name, each) for name in names]
    store = RubricStore(root)
    deadline = time.monotonic() + 60
    while any(process.poll() is None for process in writers):
        assert time.monotonic() < deadline
        versions = [stored.version for stored in store.list()]  # a half-written file would raise
        assert versions == sorted(set(versions))
    assert [process.returncode for process in writers] == [0] * len(names)
    stored = store.list()
    assert [one.version for one in stored] == list(range(1, len(names) * each + 1))
    assert len({one.rubric.text for one in stored}) == len(names) * each
    assert store.verify() == []
    assert not [name for name in every_file(root) if "/.pending/" in name]


@pytest.mark.parametrize(
    ("dies_at", "survives"),
    [
        pytest.param("os.link:/0002", False, id="before the claim"),
        pytest.param("os.link:.md", True, id="between claim and write"),
        pytest.param("os.remove:/0002", True, id="between write and release"),
    ],
)
def test_a_writer_that_dies_leaves_nothing_half_done(
    local: Path, dies_at: str, survives: bool
) -> None:
    first = RubricStore(local).append(new("first"))
    assert writer(local, "dying", 1, dies_at).wait(60) == 9
    assert RubricStore(local).list()[0] == first
    assert all("the next rubric stored there" in one for one in RubricStore(local).verify())
    last = RubricStore(local).append(new("last"))
    texts = [stored.rubric.text for stored in RubricStore(local).list()]
    assert texts == ["first", *(["Writer dying, rubric 0."] if survives else []), "last"]
    assert last.version == len(texts)
    assert RubricStore(local).verify() == []


@pytest.mark.parametrize("dies_at", ["PUT .md", "DELETE 0001"])
def test_a_writer_on_s3_that_dies_is_finished_by_the_next(s3: Server, dies_at: str) -> None:
    """Killed between claim and document, or between document and release."""
    method, ending = dies_at.split()
    root, writers = f"{s3.bucket()}/store", list["subprocess.Popen[bytes]"]()

    def kill(environ: Environ, start: Start, moto: WSGI) -> Iterable[bytes]:
        if (environ["REQUEST_METHOD"], True) != (method, environ["PATH_INFO"].endswith(ending)):
            return moto(environ, start)
        writers[0].kill()
        start("503 Service Unavailable", [])
        return []

    s3.meddle = kill
    writers.append(writer(root, "dying", 1))
    assert writers[0].wait(60) == -signal.SIGKILL
    s3.meddle = None
    [left] = RubricStore(root).verify()
    assert ".pending/0001 was not published to its end" in left
    last = RubricStore(root).append(new("last"))
    texts = [stored.rubric.text for stored in RubricStore(root).list()]
    assert texts == ["Writer dying, rubric 0.", "last"]
    assert last.version == 2
    assert RubricStore(root).verify() == []


def test_a_lost_answer_to_a_claim_that_was_made_stores_the_rubric_once(
    s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client asks again, and hears from S3 that the name is taken: by itself."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    random.seed(_SHORT_WAITS)  # how long a client of S3 waits is drawn
    lost = list[str]()

    def lose(environ: Environ, start: Start, moto: WSGI) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "PUT" or environ["PATH_INFO"] in lost:
            return moto(environ, start)
        lost.append(environ["PATH_INFO"])
        list(moto(environ, lambda *_: None))
        start("500 Internal Server Error", [])
        return []

    store = RubricStore(f"{s3.bucket()}/store")
    s3.meddle = lose
    first, second = store.append(new("first")), store.append(new("second"))
    assert len(lost) == 4
    assert store.list() == [first, second]
    assert store.verify() == []


def test_two_claims_at_the_same_moment_are_settled_by_asking_again(s3: Server) -> None:
    refusals = iter([True])

    def conflict(environ: Environ, start: Start, moto: WSGI) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "PUT" or not next(refusals, False):
            return moto(environ, start)
        start("409 Conflict", [("Content-Type", "application/xml")])
        return [b"<Error><Code>ConditionalRequestConflict</Code><Message>Again</Message></Error>"]

    store = RubricStore(f"{s3.bucket()}/store")
    s3.meddle = conflict
    assert store.append(new()).version == 1
    assert next(refusals, None) is None
    assert store.verify() == []


def test_a_server_that_lets_files_be_replaced_is_refused(s3: Server) -> None:
    def ignore(environ: Environ, start: Start, moto: WSGI) -> Iterable[bytes]:
        environ.pop("HTTP_IF_NONE_MATCH", None)
        return moto(environ, start)

    bucket = s3.bucket()
    RubricStore(bucket).check()
    s3.meddle = ignore
    with pytest.raises(StoreError, match="does not honour If-None-Match"):
        RubricStore(bucket).check()
    assert s3.keys(bucket) == []


def test_a_bucket_is_never_made(s3: Server) -> None:
    store = RubricStore("s3://no-such-bucket/store")
    for act in (store.check, lambda: store.append(new())):
        with pytest.raises(
            StoreError, match=r"bucket does not exist\); check the name; a bucket must"
        ):
            act()
    assert store.verify() == ["There is no store at no-such-bucket/store."]
    with pytest.raises(StoreError, match="it holds nothing"):
        store.get("org/Model-8B")


def test_a_store_without_credentials_says_so(s3: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RubricStore(f"{s3.bucket()}/store")
    for name in OPEN:
        monkeypatch.delenv(name)
    for act in (store.list, store.verify, store.check, lambda: store.append(new())):
        with pytest.raises(StoreError, match=r"Unable to locate credentials.*; give credentials"):
            act()


def test_a_user_who_may_only_read_is_told_before_and_after(
    s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = f"{s3.bucket()}/store"
    stored = RubricStore(root).append(new())
    with s3.user("s3:GetObject", "s3:ListBucket") as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        forget_clients()
        store = RubricStore(root)
        assert store.list() == [stored]
        for act in (store.check, lambda: store.append(new())):
            with pytest.raises(StoreError, match=r"cannot be written.*Access Denied.*; give cred"):
                act()


def test_a_claim_on_a_number_that_is_taken_is_dropped(root: str) -> None:
    store = RubricStore(root)
    first = store.append(new("first"))
    late = StoredRubric(version=1, **dict(new("late")))
    claim = f"{root}/org--Model-8B/.pending/0001"
    filesystem, path = fsspec.url_to_fs(claim)
    filesystem.pipe_file(path, to_document(late).encode())
    second = store.append(new("second"))
    assert store.list() == [first, second]
    assert not filesystem.exists(path)


def test_a_claim_left_behind_is_finished_on_any_file_system(root: str) -> None:
    store = RubricStore(root)
    store.append(new("first"))
    left = StoredRubric(version=2, **dict(new("left behind")))
    filesystem, path = fsspec.url_to_fs(f"{root}/org--Model-8B/.pending/0002")
    filesystem.pipe_file(path, to_document(left).encode())
    third = store.append(new("third"))
    assert store.list()[1:] == [left, third]
    assert third.version == 3


def test_a_store_that_published_lists_the_names_no_more(local: Path) -> None:
    store, listed = RubricStore(local), list[str]()
    store.append(new("first"))
    with _LISTED.into(listed):
        later = [store.append(new(f"{number}")).version for number in range(3)]
    assert later == [2, 3, 4]
    assert str(folder_of(local)) not in listed
    assert store.verify() == []


def test_on_s3_the_names_are_listed_that_begin_with_the_number(s3: Server) -> None:
    asked = list[str]()

    def watch(environ: Environ, start: Start, moto: WSGI) -> Iterable[bytes]:
        asked.extend(parse_qs(environ["QUERY_STRING"]).get("prefix", []))
        return moto(environ, start)

    store = RubricStore(f"{s3.bucket()}/store")
    store.append(new("first"))
    s3.meddle = watch
    store.append(new("second"))
    folder = "store/org--Model-8B"
    assert set(asked) == {f"{folder}/.pending/", f"{folder}/0002-"}


def test_stores_that_take_turns_see_what_the_other_published(local: Path) -> None:
    """Each has published before, so each would know of a number that the other has taken."""
    one, other = RubricStore(local), RubricStore(local)
    stored = [store.append(new(f"{place}")) for place, store in enumerate((one, other, other, one))]
    RubricStore(local).append(new("one that is no more"))
    stored += [one.append(new("4"))]
    assert [rubric.version for rubric in stored] == [1, 2, 3, 4, 6]
    assert one.verify() == other.verify() == []


def test_a_claim_that_another_made_in_its_place_is_not_ones_own(local: Path) -> None:
    """Another published 2 and was late with 1, so that a claim 1 is there as before."""
    store = RubricStore(local)
    first = store.append(new("first"))
    second = RubricStore(local).append(new("second"))
    late = StoredRubric(version=1, **dict(new("late")))
    (folder_of(local) / ".pending" / "0001").write_text(to_document(late))
    assert store.append(new("third")).version == 3
    assert store.list()[:2] == [first, second]
    assert store.verify() == []


def test_a_rubric_copied_into_the_folder_has_its_number(local: Path) -> None:
    store = RubricStore(local)
    store.append(new("first"))
    copied = StoredRubric(version=2, **dict(new("copied")))
    (folder_of(local) / file_name(copied)).write_text(to_document(copied))
    assert store.append(new("third", parent=2)).version == 3
    assert store.verify() == []


def test_a_claim_is_kept_as_long_as_its_store_and_is_no_fault(local: Path) -> None:
    store, pending = RubricStore(local), folder_of(local) / ".pending"
    for text in ("first", "second"):
        store.append(new(text))
    assert [claim.name for claim in pending.iterdir()] == ["0002"]
    assert RubricStore(local).verify() == []
    del store
    assert list(pending.iterdir()) == []


def test_an_existing_file_is_never_overwritten(local: Path) -> None:
    store = RubricStore(local)
    store.append(new("first"))
    before = {path: path.read_bytes() for path in folder_of(local).glob("*.md")}
    for _ in range(3):
        store.append(new("first"))
    assert {path: path.read_bytes() for path in before} == before
    assert len(store.list()) == 4


def test_verify_says_that_there_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("typo", "file"):
        root = tmp_path / name
        assert RubricStore(root).verify() == [f"There is no store at {root}."]


@pytest.fixture
def three(local: Path) -> list[Path]:
    """A sound store's three files, for a test to damage."""
    store = RubricStore(local)
    for text, parent in (("one", None), ("two", 1), ("three", 2)):
        store.append(new(text, parent=parent))
    assert store.verify() == []
    return sorted(folder_of(local).glob("*.md"))


def problems(files: list[Path]) -> str:
    return "\n".join(RubricStore(files[0].parent.parent).verify())


def test_verify_finds_a_changed_text(three: list[Path]) -> None:
    with three[1].open("a") as file:
        file.write("!")
    assert "the text was changed after it was stored" in problems(three)
    with pytest.raises(StoreError, match="the text was changed"):
        RubricStore(three[1].parent.parent).get("org/Model-8B@2")


@pytest.mark.parametrize("name", ["0002-000000000000.md", "00002-{id}.md"])
def test_verify_finds_a_name_that_does_not_match(three: list[Path], name: str) -> None:
    three[1].rename(three[1].with_name(name.format(id=Rubric(text="two").id)))
    assert f"belongs at org--Model-8B/{three[1].name}" in problems(three)


def test_verify_finds_a_file_in_the_wrong_folder(three: list[Path]) -> None:
    other = three[0].parent.parent / "other"
    other.mkdir()
    three[2].rename(other / three[2].name)
    assert f"belongs at org--Model-8B/{three[2].name}" in problems(three)
    assert "other: no version 1 to 2, though 3 is there." in problems(three)


def test_verify_finds_gaps_and_lost_parents(three: list[Path]) -> None:
    three[1].unlink()
    assert "org--Model-8B: no version 2 to 2, though 3 is there." in problems(three)
    assert f"{three[2].name}: its parent 2 is not in the store." in problems(three)


def test_verify_finds_a_number_held_twice(three: list[Path]) -> None:
    twin = StoredRubric(version=2, **dict(new("twin")))
    (three[0].parent / file_name(twin)).write_text(to_document(twin))
    assert "version 2 is held by 2 files." in problems(three)


def test_verify_finds_a_parent_that_is_not_earlier(three: list[Path]) -> None:
    document = three[1].read_text().replace("\nparent: 1\n", "\nparent: 3\n")
    three[1].write_text(document)
    assert "its parent 3 is not an earlier version." in problems(three)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no front matter",
        b"---\nversion: 2\n",
        b"---\n- a list\n---\ntext",
        b"---\n\n---\ntext",
        b"---\nversion: [\n---\ntext",
        b"---\nversion: 2\n---\nfields are missing",
        b"---\n!!python/object/apply:os.getcwd []\n---\ntext",
        b"---\nx: " + b"[" * 500 + b"\n---\ntext",
        b"---\ncreated: 2026-99-99\n---\ntext",
        b"\xff\xfe",
    ],
)
def test_verify_finds_front_matter_that_cannot_be_read(three: list[Path], content: bytes) -> None:
    three[1].write_bytes(content)
    (problem,) = RubricStore(three[0].parent.parent).verify()
    assert problem.startswith(str(three[1]))
    assert "\n" not in problem
    with pytest.raises(StoreError, match=rf"{three[1].name}(.|\n)*Remedy: put the file back"):
        RubricStore(three[0].parent.parent).list()


def test_verify_finds_files_that_are_no_rubrics(three: list[Path]) -> None:
    (three[0].parent / "notes.md").write_text("")
    assert problems(three) == "org--Model-8B/notes.md is not named NNNN-<rubric id>.md."


def test_files_beside_the_folders_are_left_alone(three: list[Path]) -> None:
    (three[0].parent.parent / "LOG.md").write_text("")
    assert problems(three) == ""
