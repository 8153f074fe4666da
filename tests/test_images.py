"""Data cannot make this machine read a file or ask an address: only who runs it can."""

import asyncio
import base64
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from argo_audit.errors import InputError
from argo_audit.pairs.images import FOLDER, REMOTE, admit, allow_remote, shown_as
from argo_audit.pairs.pair_file import read

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
URI = "data:image/png;base64," + base64.b64encode(PNG).decode()


def shown(image: str) -> str:
    return asyncio.run(shown_as(image))


def data_naming(folder: Path, *images: str) -> Path:
    prompt = [{"role": "user", "content": "What?", "images": list(images)}]
    row = {"id": "p", "prompt": prompt, "response_a": "a", "response_b": "b"}
    path = folder / "pairs.jsonl"
    path.write_text(json.dumps(row))
    return path


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"no picture" if self.path == "/text" else PNG)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", asked
        listening.shutdown()
        thread.join()


def test_a_picture_below_the_folder_of_the_data_is_opened(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    inside = tmp_path / "pictures" / "inside.png"
    inside.write_bytes(PNG)
    read(data_naming(tmp_path, "pictures/inside.png", str(inside), f"file://{inside}", URI))
    assert shown("pictures/inside.png") == shown(str(inside)) == shown(f"file://{inside}") == URI
    assert shown(URI) == URI


def test_nothing_else_is_opened(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    secret = tmp_path / "secret.png"
    secret.write_bytes(PNG)
    (data / "link.png").symlink_to(secret)
    (data / "notes.txt").write_text("password")
    (data / "folder.png").mkdir()
    named = ("../secret.png", str(secret), f"file://{secret}", "link.png", "absent.png")
    odd = ("folder.png", "a\0b.png", "s3://bucket/a.png", "ftp://host/a.png", "file:///etc/passwd")
    read(data_naming(data, *named, *odd, "notes.txt"))
    for image in (*named, *odd):
        with pytest.raises(InputError, match="not opened"):
            shown(image)
    with pytest.raises(InputError, match="not a picture"):
        shown("notes.txt")


def test_a_picture_that_no_data_named_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "unnamed.png").write_bytes(PNG)
    with pytest.raises(InputError, match="not opened"):
        shown(str(tmp_path / "unnamed.png"))


def test_another_folder_is_allowed_by_who_runs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere.png").write_bytes(PNG)
    monkeypatch.setenv(FOLDER, str(tmp_path))
    assert shown("elsewhere.png") == URI
    with pytest.raises(InputError, match="not opened"):
        shown("../elsewhere.png")


def test_two_pictures_of_one_name_are_not_mixed_up(tmp_path: Path) -> None:
    for name, content in (("a", PNG), ("b", PNG + b"other")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same-name.png").write_bytes(content)
        admit(["same-name.png"], tmp_path / name)
    with pytest.raises(InputError, match="call two pictures so"):
        shown("same-name.png")


def test_a_picture_has_a_size(tmp_path: Path) -> None:
    with (tmp_path / "huge.png").open("wb") as file:
        file.write(PNG)
        file.truncate(33 << 20)
    read(data_naming(tmp_path, "huge.png"))
    with pytest.raises(InputError, match="more than 32 MiB"):
        shown("huge.png")


def test_the_network_is_asked_only_where_that_is_allowed(
    server: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, asked = server
    monkeypatch.delenv(REMOTE, raising=False)
    read(data_naming(tmp_path, f"{address}/a.png"))
    with pytest.raises(InputError, match="not fetched") as caught:
        shown(f"{address}/a.png")
    assert "--allow-remote-images" in caught.value.remedy
    assert asked == []
    read(data_naming(tmp_path, f"{address}/allowed.png"), allow_remote_images=True)
    assert shown(f"{address}/allowed.png") == URI
    with pytest.raises(InputError, match="not fetched"):
        shown(f"{address}/other.png")
    monkeypatch.setenv(REMOTE, "0")  # so that what is set here is undone
    allow_remote()
    assert shown(f"{address}/a.png") == URI
    with pytest.raises(InputError, match="not a picture"):
        shown(f"{address}/text")
    with pytest.raises(InputError, match="cannot be fetched"):
        shown("http://127.0.0.1:9/none.png")
