"""Headless Chromium for tests: what a page became, and which addresses were asked for.

    seen = open_page(tmp_path / "audit.html")
    seen.tags, seen.attributes, seen.text, seen.log

Nothing leaves the machine: hosts do not resolve, but what a page asked for is in the log.
"""

import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")

_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


class Seen(HTMLParser):
    """A page's elements as they are after its scripts have run, and the network log beside."""

    def __init__(self, dom: str, log: str = "") -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.dom, self.log = dom, log
        self.feed(dom)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def open_page(page: Path) -> Seen:
    """The page as Chromium has it once it is loaded."""
    with TemporaryDirectory() as profile:
        log = Path(profile, "net.json")
        flags = (f"--user-data-dir={profile}", f"--log-net-log={log}", "--dump-dom")
        command = [str(CHROMIUM), *_QUIET, *flags, page.as_uri()]
        done = subprocess.run(command, capture_output=True, check=True, timeout=60)
        return Seen(done.stdout.decode(), log.read_text(encoding="utf-8", errors="replace"))
