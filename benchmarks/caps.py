"""What memory each cap on what comes from outside holds: bombs and endless answers, at full size.

    python -m benchmarks.caps             # or with the names of some: gzip, judge

Each is given to a process of its own, and has to end in an error of ours. Memory is what its peak
rises by while it reads. A bar is met by an error of ours and at most MOST MiB.
"""

import asyncio
import bz2
import json
import lzma
import resource
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import NamedTuple

import pyarrow
from inspect_ai.model import get_model
from pyarrow import parquet
from rich.console import Console

from argo_audit.audits.audit_facts import FACTS_FILE, read_facts
from argo_audit.audits.labels import LabelRecords
from argo_audit.errors import ArgoError
from argo_audit.evals.reading import find_logs
from argo_audit.judges.failures import Failure
from argo_audit.judges.patience import Patience, answered, with_limits
from argo_audit.outside.caps import MIB, read_whole
from argo_audit.outside.plain_documents import plain_yaml
from argo_audit.pairs.images import admit, shown_as
from argo_audit.pairs.pair_file import read
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.reward_models.served import ServedRewardModel

MOST = 256
"""MiB that reading a bomb may take."""

_SIZE = 400  # MiB that each makes
_ROW = {"prompt": "Question", "chosen": "Yes", "rejected": "No"}


class Bomb(NamedTuple):
    """Something to read: it is made in a folder, and read from what that gives."""

    make: Callable[[Path], Path]
    read: Callable[[Path], object]


class Held(NamedTuple):
    """What became of one: the size on disk in KiB, the rise of the peak in MiB, and the error."""

    size: int
    peak: int
    said: str
    ours: bool


def main(names: Sequence[str]) -> None:
    """Measure, print a line for each, and how many bars are met."""
    chosen = [name for name in BOMBS if not names or name in names]
    tell = Console(width=140, highlight=False, markup=False).print
    tell(f"{'what is read':<26}{'on disk':>12}{'peak':>10}  error")
    met = 0
    for name in chosen:
        with TemporaryDirectory() as folder:
            held = _apart(name, folder)
        met += held.ours and held.peak <= MOST
        tell(f"{name:<26}{held.size:>8} KiB{held.peak:>6} MiB  {held.said:.90}")
    tell(f"bars met: {met} of {len(chosen)}")


def _apart(name: str, folder: str) -> Held:
    """Measured in a process of its own, which may be killed for its memory."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(measured, name, folder).result()
        except BrokenProcessPool:
            return Held(0, 0, "its process was killed", ours=False)


def measured(name: str, folder: str) -> Held:
    """Make one, and read it, in this process."""
    bomb = BOMBS[name]
    path = bomb.make(Path(folder))
    size = path.stat().st_blocks // 2 if path.is_file() else 0
    before = _peak()
    try:
        said, ours = f"read: {bomb.read(path)!r}", False
    except (ArgoError, ValueError) as error:  # of YAML a ValueError, which its readers translate
        said, ours = str(error).partition("\n")[0].rpartition("/")[2], True
    except Exception as error:  # noqa: BLE001 - the bar that is missed is what is measured
        said, ours = f"{type(error).__name__}: {error}", False
    return Held(size, _peak() - before, said, ours)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _sparse(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        with path.open("wb") as file:
            file.truncate(_SIZE * 8 * MIB)
        return path

    return make


def _written(name: str, parts: Callable[[], Iterable[bytes]]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            file.writelines(parts())
        return path

    return make


def _blanks(packer: "zlib._Compress | bz2.BZ2Compressor | lzma.LZMACompressor") -> Iterable[bytes]:
    yield packer.compress(b'{"prompt": "')
    for _ in range(_SIZE):
        yield packer.compress(b" " * MIB)
    yield packer.flush()


def _zstd(folder: Path) -> Path:
    path = folder / "pairs.jsonl.zst"
    with pyarrow.output_stream(str(path), compression="zstd") as out:
        for _ in range(_SIZE):
            out.write(b" " * MIB)
    return path


def _lines() -> Iterable[bytes]:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    line = json.dumps(_ROW).encode() + b"\n"
    for _ in range(_SIZE):
        yield packer.compress(line * (MIB // len(line)))
    yield packer.flush()


def _parquet(folder: Path) -> Path:
    path = folder / "pairs.parquet"
    schema = pyarrow.schema(dict.fromkeys(_ROW, pyarrow.string()))
    with parquet.ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as out:
        row = _ROW | {"chosen": " " * (2 * MIB)}
        for _ in range(_SIZE // 32):
            out.write_table(pyarrow.Table.from_pylist([row] * 16, schema=schema))
    return path


def _log(method: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "2026-01-01T00-00-00_task_x.eval"
        with (
            zipfile.ZipFile(path, "w", method) as log,
            log.open("header.json", "w", force_zip64=True) as entry,
        ):
            for _ in range(_SIZE):
                entry.write(b" " * MIB)
        return path

    return make


class _Endless(BaseHTTPRequestHandler):
    """Answers everything with _SIZE MiB of blanks, packed where the path says so."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        packed = "packed" in self.path
        parts = _blanks(zlib.compressobj(9, zlib.DEFLATED, 31)) if packed else [b" " * MIB] * _SIZE
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        try:
            for part in parts:
                self.wfile.write(part)
        except OSError:
            return

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _served(ask: Callable[[str], object]) -> Callable[[Path], object]:
    def read_from(path: Path) -> object:
        with ThreadingHTTPServer(("127.0.0.1", 0), _Endless) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            try:
                return ask(f"http://127.0.0.1:{server.server_port}/{path.name}")
            finally:
                server.shutdown()

    return read_from


def _judge(url: str) -> None:
    model = with_limits(
        get_model("openai-api/test/m", base_url=f"{url}/v1", api_key="k", memoize=False)
    )
    call = answered(lambda: model.generate("A or B?"), model, Patience(retries=0, seconds=60))
    result = asyncio.run(call).result
    if isinstance(result, Failure):
        raise result.stopped("the judge")


def _reward_model(url: str) -> None:
    ServedRewardModel("m", [f"{url}/classify"], RewardModelSettings(attempts=1))


def _picture(path: Path) -> object:
    admit([path.name], path.parent)
    return len(asyncio.run(shown_as(path.name)))


def _itself(name: str) -> Callable[[Path], Path]:
    return lambda folder: folder / name


_ALIASES = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9)
)
_GZIP = zlib.DEFLATED, 31

BOMBS: dict[str, Bomb] = {
    "a record": Bomb(_sparse(FACTS_FILE), lambda path: read_facts(path.parent)),
    "a device": Bomb(_itself("zero"), lambda _: read_whole(Path("/dev/zero"), 64 * MIB)),
    "YAML with aliases": Bomb(_itself("x"), lambda _: plain_yaml(_ALIASES)),
    "deep YAML": Bomb(_itself("x"), lambda _: plain_yaml("a: " + "[" * 1_000_000)),
    "pairs: one endless row": Bomb(_sparse("pairs.jsonl"), read),
    "pairs: a deep array": Bomb(_written("pairs.json", lambda: [b"[" * (4 * MIB)]), read),
    "pairs: gzip": Bomb(
        _written("pairs.jsonl.gz", lambda: _blanks(zlib.compressobj(9, *_GZIP))), read
    ),
    "pairs: gzip of rows": Bomb(_written("pairs.jsonl.gz", _lines), read),
    "pairs: bzip2": Bomb(_written("pairs.jsonl.bz2", lambda: _blanks(bz2.BZ2Compressor())), read),
    "pairs: xz": Bomb(_written("pairs.jsonl.xz", lambda: _blanks(lzma.LZMACompressor())), read),
    "pairs: zstd": Bomb(_zstd, read),
    "pairs: Parquet": Bomb(_parquet, read),
    "labels on record": Bomb(
        _written("labels/human.json.gz", lambda: _blanks(zlib.compressobj(9, *_GZIP))),
        lambda path: LabelRecords(path.parent.parent).get("human"),
    ),
    "a log: deflate": Bomb(_log(zipfile.ZIP_DEFLATED), lambda path: find_logs(path.parent, "t")),
    "a log: zstd": Bomb(_log(93), lambda path: find_logs(path.parent, "t")),
    "a picture": Bomb(_sparse("cat.png"), _picture),
    "a judge's answer": Bomb(_itself("plain"), _served(_judge)),
    "a judge's answer, gzip": Bomb(_itself("packed"), _served(_judge)),
    "a reward, endless": Bomb(_itself("plain"), _served(_reward_model)),
    "a reward, gzip": Bomb(_itself("packed"), _served(_reward_model)),
}

if __name__ == "__main__":
    main(sys.argv[1:])
