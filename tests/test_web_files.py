"""Files of web servers: brought here whole, or an error that says why not."""

import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from argo_audit.audits.found_folder import Named, check_named
from argo_audit.errors import InputError
from argo_audit.files import Folder, open_bytes, read_bytes
from argo_audit.outside import web_files
from argo_audit.outside.caps import MIB, RECORD
from argo_audit.outside.web_files import web_file

Answer = Callable[[BaseHTTPRequestHandler], None]


def sent(handler: BaseHTTPRequestHandler, status: int, content: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def missing(handler: BaseHTTPRequestHandler) -> None:
    sent(handler, 404, b"")


def dripping(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(40):
        handler.wfile.write(b"a")
        time.sleep(0.02)


def without_an_end(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"a" * MIB)


ANSWERS: dict[str, Answer] = {
    "/whole": lambda handler: sent(handler, 200, b"a\nb\n"),
    "/moved": lambda handler: sent(handler, 302, b"", Location="/whole"),
    "/round": lambda handler: sent(handler, 302, b"", Location="/round"),
    "/sent-on": lambda handler: sent(handler, 307, b"", Location="http://127.0.0.2:1/whole"),
    "/busy": lambda handler: sent(handler, 503, b""),
    "/drip": dripping,
    "/endless": without_an_end,
}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        try:
            ANSWERS.get(self.path, missing)(self)
        except OSError:  # who asked has gone
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as serving:
        Thread(target=serving.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


@pytest.mark.parametrize("name", ["whole", "moved"])
def test_a_file_is_read_from_its_start_and_can_be_sought_in(server: str, name: str) -> None:
    assert read_bytes(f"{server}/{name}") == b"a\nb\n"
    with open_bytes(f"{server}/{name}") as file:
        assert (file.read(2), file.seek(0), file.read()) == (b"a\n", 0, b"a\nb\n")


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("sent-on", InputError, r"sends on to another host, http://127.0.0.2:1\n  Remedy: name"),
        ("endless", InputError, r"is larger than 2 MiB"),
        ("drip", InputError, r"has sent \d+ bytes in 0 seconds"),
        ("missing", FileNotFoundError, "missing"),
        ("busy", OSError, "the server answers 503"),
        ("round", OSError, "sends on more than"),
    ],
)
def test_a_server_that_misbehaves_is_told_of_at_once(
    server: str, name: str, kind: type[Exception], said: str
) -> None:
    patience = web_files.Patience(seconds=0.1) if name == "drip" else web_files.Patience()
    with pytest.raises(kind, match=said), web_file(f"{server}/{name}", 2 * MIB, patience):
        pass


def test_nobody_home_is_no_traceback() -> None:
    with pytest.raises(OSError, match="connect"):
        read_bytes("http://127.0.0.1:9/pairs.jsonl", RECORD)


@pytest.mark.parametrize("url", ["http://a/store", "HTTPS://a", "simplecache::https://a/b"])
def test_a_web_server_is_no_folder(url: str) -> None:
    with pytest.raises(InputError, match="lists no folder"):
        Folder(url)
    if "::" in url:
        with pytest.raises(InputError, match="inside of another"):
            read_bytes(url)


@pytest.mark.parametrize("leads", ["s3://b/x::http://evil/y", "file:///b/../../etc"])
def test_what_is_allowed_leads_nowhere_else(leads: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--allow"):
        check_named(tmp_path, "facts.json", [Named(leads, "its rubrics")], ("s3://b", "file:///b"))
