"""Files here and behind URLs: made once, read alike, and missed in words."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from argo_audit.errors import InputError, RunFolderError
from argo_audit.files import (
    Folder,
    append,
    check_free,
    check_writable,
    cut,
    driver_errors,
    is_url,
    join,
    read_bytes,
    remedy,
    write_new,
    write_whole,
    written_to,
)
from argo_audit.records import Attempt
from argo_audit.search.journal import cut_torn_line


@pytest.fixture(params=["local", "memory", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        return f"{request.getfixturevalue('s3').bucket()}/a folder"
    return f"{tmp_path}/a folder" if request.param == "local" else f"memory://{uuid.uuid4().hex}"


def test_a_file_is_made_once_read_and_removed(root: str) -> None:
    folder = Folder(root)
    assert not folder.is_there()
    assert folder.entries() == folder.entries("in") == {}
    folder.make("in")
    assert folder.create("in/a", b"first")
    assert folder.create("in/.hidden", b"")
    assert not folder.create("in/a", b"second")
    assert folder.is_there()
    assert (folder.entries(), folder.entries("in")) == ({"in": "directory"}, {"a": "file"})
    assert folder.read("in/a") == read_bytes(join(root, "in", "a")) == b"first"
    folder.remove("in/a")
    assert folder.entries("in") == {}
    with pytest.raises(FileNotFoundError):
        folder.read("in/a")
    with pytest.raises(FileNotFoundError):
        read_bytes(join(root, "in", "a"))


def test_a_probe_leaves_nothing_behind(root: str) -> None:
    assert Folder(root).probe()
    check_writable(root)
    files, path = fsspec.url_to_fs(root)
    files.invalidate_cache()
    assert not files.exists(path) or files.find(path, withdirs=True) == []


def test_a_path_is_no_chain_of_urls(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "a::b")
    folder.make("")
    assert folder.create("one", b"1")
    assert (tmp_path / "a::b" / "one").read_bytes() == b"1"


def test_a_failed_write_leaves_no_part(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    assert not Folder(tmp_path).create("taken", b"x")
    with pytest.raises(FileNotFoundError):
        Folder(tmp_path).create("no folder/a", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_what_cannot_be_made_is_said_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    place = tmp_path / "taken" / "facts.json"
    with pytest.raises(NotADirectoryError) as said:
        write_whole(place, "{}")
    assert said.value.filename == str(place)
    with pytest.raises(InputError, match="may write to with --out"), written_to(place, "--out"):
        write_whole(place, "{}")


def test_a_place_on_this_machine_is_a_path_whatever_names_it(tmp_path: Path) -> None:
    assert Folder(tmp_path).local == Folder(f"file://{tmp_path}").local == tmp_path
    assert Folder("memory://x").local is None
    assert not is_url(tmp_path)
    assert join(tmp_path, "a", "b") == str(tmp_path / "a" / "b")
    assert join("s3://bucket/", "a", "b") == "s3://bucket/a/b"


def test_a_file_in_the_way_is_said_and_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"kept")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match=r"cannot be written .*file is a file"):
            check_writable(place)
    assert (tmp_path / "file").read_bytes() == b"kept"


def test_a_missing_package_is_named() -> None:
    words = "Install no-such-package to read nopackage://"
    fsspec.register_implementation("nopackage", "no_such_package.Files", errtxt=words, clobber=True)
    for place in ("nopackage://a/b", "nowhere://a/b"):
        with pytest.raises(OSError, match="no driver: ") as caught:
            read_bytes(place)
        assert "install the package" in remedy(place, caught.value)
    with pytest.raises(InputError, match=words):
        check_writable("nopackage://a/b")


def test_only_the_drivers_own_errors_are_translated() -> None:
    """A bug is not "cannot be read"."""
    for error in (TypeError("a bug"), ValueError("a bug"), KeyboardInterrupt()):
        with pytest.raises(type(error)), driver_errors():
            raise error


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "folder"
    victim.write_text("precious, and without an end")
    folder.mkdir()
    for name in ("facts.json", "facts.json.part", "lines.jsonl", "new.toml", "nowhere.toml"):
        (folder / name).symlink_to(victim)
    (folder / "nowhere.toml").unlink()
    (folder / "nowhere.toml").symlink_to(tmp_path / "made by a link")
    write_whole(folder / "facts.json", "{}")
    assert not (folder / "facts.json").is_symlink()
    acts: list[Callable[[], None]] = [
        lambda: append(folder / "lines.jsonl", "line\n"),
        lambda: cut(folder / "lines.jsonl", 3),
        lambda: cut_torn_line(Attempt, folder / "lines.jsonl"),
        lambda: write_new(folder / "new.toml", "x"),
        lambda: write_new(folder / "nowhere.toml", "x"),
    ]
    for act in acts:
        with pytest.raises(OSError, match=r"symbolic links|exists"):
            act()
    assert victim.read_text() == "precious, and without an end"
    assert not (tmp_path / "made by a link").exists()
    with pytest.raises(RunFolderError, match="holds files"):
        check_free(folder)


def test_only_a_part_of_ones_own_leaves_a_folder_free(tmp_path: Path) -> None:
    (tmp_path / ".abc.part").write_text("begun")
    check_free(tmp_path)
    (tmp_path / "facts.json.part").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunFolderError):
        check_free(tmp_path)


def test_no_writer_waits_for_the_other_end_of_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "attempts.jsonl")
    with pytest.raises(OSError, match=r"No such device"):
        append(tmp_path / "attempts.jsonl", "line\n")
