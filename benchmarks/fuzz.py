"""`python -m benchmarks.fuzz [--inputs 50000] [--seed 0] [--only WORD] [--small]`: damaged files.

A small finished audit and the other files that the commands read (pairs in several formats, scores,
gates.toml, settings, prices) are made once. Each input is one of these files with one thing wrong:
bits, an end that lacks, values of another type or size, a NUL, another file's content, nothing, no
file, a folder or a link in its place. Packed files are also damaged inside and packed again. Then
something that reads the file does so. An ArgoError (or a command's exit) is an answer; anything
else that comes out, or no answer in `_PATIENCE` seconds, is uncaught and named with the number that
repeats it. The last line counts: `bars met: K of N`.
"""

import contextlib
import gzip
import io
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Annotated, Any, NamedTuple

import pyarrow
import pyarrow.parquet
import typer
from rich.console import Console
from typer.testing import CliRunner

from argo_audit.audits.begun import read_request
from argo_audit.audits.evaluate import audited_run
from argo_audit.audits.labels import LabelRecords
from argo_audit.audits.price import read_prices
from argo_audit.cli.commands import app
from argo_audit.errors import ArgoError, in_plain_words
from argo_audit.evals.logs import discard_unfinished, read_evaluations
from argo_audit.gates.baselines import Baselines
from argo_audit.gates.declared import read_gates
from argo_audit.judges.unread import UNREAD_FILE, KeepsUnread
from argo_audit.pairs.pair_file import read
from argo_audit.reward_models.recorded import RecordedRewardModel
from argo_audit.search.journal import FILES, cut_torn_line, read_journal, read_run
from argo_audit.search.search_settings import SearchConfig
from argo_audit.surface.judge import SurfaceJudge
from benchmarks.kills import evaluated, finished, gated, quiet, scored

page, progress = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)

_PATIENCE = 120
_ODD: Sequence[Any] = (
    None, True, -1, 0, 1e308, -1e308, 10**400, 2**63, "", "\x00", "\ud800", "a" * 5000, "NaN", [],
    {}, [[]], {"": {}}, "../../x", "1", 0.5, float("nan"), float("inf"),
)  # fmt: skip
_TEXTS = (
    b"\x00", b"\xff\xfe", b"\n", b"[" * 3000, b'{"a":' * 3000, b"9" * 5000, b"1e999", b"---\n",
    b"\xf0\x9f\x98", b"&a [*a,*a]", b"\\", b'"', b"'", b"- ", b"[[agreement]]\n", b"NaN", b"\r",
)  # fmt: skip


class Reader(NamedTuple):
    """What reads the files that match, in the folder that all lie in, in every so many rounds."""

    name: str
    files: tuple[str, ...]
    reads: Callable[[Path, Path], object]
    every: int = 1


class Uncaught(NamedTuple):
    """An input that ended otherwise than by an answer."""

    number: int
    reader: str
    file: str
    damage: str
    said: str


def material(folder: Path, **changes: Any) -> None:
    """Every kind of file that something reads; `changes` are to the request of the audit."""
    finished(folder, **changes)
    evaluated(folder)
    scored(folder)
    gated(folder)
    pairs = read(folder / "world" / "pairs.jsonl.gz").pairs[:6]
    rows = [
        {"prompt": p.prompt[-1].content, "chosen": p.response_a, "rejected": p.response_b}
        for p in pairs
    ]
    given = folder / "pairs"
    given.mkdir()
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    (given / "trl.jsonl").write_text(lines)
    (given / "trl.json").write_text(json.dumps(rows))
    (given / "trl.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (given / "trl.csv").write_text("prompt,chosen,rejected\n" + "a,b,c\n" * 6)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), given / "trl.parquet")
    native = gzip.decompress((folder / "world" / "pairs.jsonl.gz").read_bytes())
    (given / "native.jsonl").write_bytes(b"\n".join(native.split(b"\n")[:6]) + b"\n")
    (folder / "gates.toml").write_text(_GATES)
    (folder / "audit.toml").write_text("[search]\nsteps = 3\nminibatch = 8\n[judge]\nvotes = 2\n")
    (folder / "prices.yaml").write_text("openai/x:\n  input: 0.25\n  output: 2.0\n")
    (folder / "intent.md").write_text("- Rewards a direct answer.\n- Penalizes flattery.\n")


_GATES = """rm = "scores:scores.jsonl"
pairs = "pairs/native.jsonl"
[reward_model]
max_length = 256
[[agreement]]
at_least = 0.6
labels = "human"
[[bias]]
attribute = "flattery"
at_most = 0.25
"""


def command(*words: str) -> Callable[[Path, Path], object]:
    """A command of the program; {root} and {file} stand for the folder and the damaged file."""

    def run(root: Path, file: Path) -> object:
        given = [word.format(root=root, file=file) for word in words]
        result = CliRunner().invoke(app, given)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code

    return run


def resumed(root: Path, file: Path) -> None:
    """What `resume` reads before it does anything."""
    request = read_request(root / "out")
    for spec in request.labels:
        LabelRecords(root / "out").get(spec)
    for run in sorted((root / "out" / "runs").iterdir()):
        read_run(run)
        for kind, name in FILES.items():
            cut_torn_line(kind, run / name)
        read_journal(run)
        KeepsUnread(SurfaceJudge(), run / UNREAD_FILE)


def suite(root: Path, file: Path) -> None:
    """What `eval` reads before it asks anybody."""
    audited_run(root / "out", read_request(root / "out"))


def scores(root: Path, file: Path) -> None:
    """A file of scores."""
    RecordedRewardModel.read(file, read(root / "pairs" / "native.jsonl").pairs)


_STORED = "out/rubric_store/**/*"
_OUT = ("out/*", "out/labels/*", "out/runs/*/*", _STORED, "out/logs/*")
_PAIRS = ("pairs/*",)
_AGAIN = ("report", "{root}/out", "--out", "{root}/again")
_STORE = "{root}/out/rubric_store"
_AUDIT = ("audit", "{root}/pairs/native.jsonl", "--labels", "human", "--out", "{root}/new")


def _logs(root: Path, file: Path) -> object:
    discard_unfinished(root / "out" / "logs")
    return read_evaluations(root / "out" / "evals")


_DEAR = 8
"""Those that write or read a whole report take a hundred times what the others take."""

READERS = (
    Reader("report", _OUT, command(*_AGAIN), _DEAR),
    Reader("report --intent", ("intent.md",), command(*_AGAIN, "--intent", "{file}"), _DEAR),
    Reader("verify", (*_OUT, "out/audit/**/*"), command("verify", "{root}/out/audit"), _DEAR),
    Reader("logs", ("out/logs/*", "out/evals/*"), _logs, 2),
    Reader("export", _OUT, command("export", "{root}/out", "--out", "{root}/exported.json"), 2),
    Reader("resume", _OUT, resumed),
    Reader("eval", _OUT, suite),
    Reader("drift", _OUT, command("drift", _STORE)),
    Reader("store verify", (_STORED,), command("store", "verify", _STORE)),
    Reader("store list", (_STORED,), command("store", "list", _STORE)),
    Reader("read", ("intent.md",), command("read", "{file}")),
    Reader("pairs", _PAIRS, lambda root, file: read(file)),
    Reader("pairs, the bad left out", _PAIRS, lambda root, file: read(file, skip_invalid=True)),
    Reader("scores", ("scores.jsonl",), scores),
    Reader("gates", ("gates.toml",), lambda root, file: read_gates(file)),
    Reader("baselines", ("baselines/*/*",), lambda root, file: _baselines(root).latest("now")),
    Reader("prices", ("prices.yaml",), lambda root, file: read_prices(file)),
    Reader("settings", ("audit.toml",), command(*_AUDIT, "--config", "{file}", "--dry-run")),
)


def _baselines(root: Path) -> Baselines:
    return Baselines(root / "baselines")


def damaged(content: bytes, name: str, rng: Random) -> tuple[str, bytes]:
    """The content with one thing wrong; what is packed is damaged inside, half of the time."""
    inside = rng.random() < 0.5
    if inside and name.endswith(".gz"):
        damage, made = damaged(gzip.decompress(content), name[:-3], rng)
        return f"inside, {damage}", gzip.compress(made, compresslevel=1)
    if inside and name.endswith(".eval"):
        return _in_zip(content, rng)
    if inside and b"{" in content[:3000]:
        changed = _other_value(content, rng)
        if changed is not None:
            return "another value", changed
    way = rng.choice(list(_WAYS))
    return way, _WAYS[way](content, rng)


def _in_zip(content: bytes, rng: Random) -> tuple[str, bytes]:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        names = old.namelist()
        chosen, damage = rng.choice(names), ""
        for name in names:
            part = old.read(name)
            if name == chosen:
                damage, part = damaged(part, name, rng)
            new.writestr(name, part)
    return f"{chosen}, {damage}", made.getvalue()


def _other_value(content: bytes, rng: Random) -> bytes | None:
    """One value of a line of JSON, or of the whole, replaced by an odd one, or its key left out."""
    lines = content.split(b"\n")
    place = rng.randrange(len(lines))
    for low, high in ((place, place + 1), (0, len(lines))):
        try:
            value = json.loads(b"\n".join(lines[low:high]))
        except ValueError:
            continue
        _replace(value, rng)
        said = json.dumps(value).encode("utf-8", "surrogatepass")
        return b"\n".join([*lines[:low], said, *lines[high:]])
    return None


def _replace(value: Any, rng: Random) -> None:
    """Walk down to a random place, and change what is there."""
    while isinstance(value, dict | list) and value:
        key = rng.choice(list(value) if isinstance(value, dict) else range(len(value)))
        inner = value[key]
        if isinstance(inner, dict | list) and inner and rng.random() < 0.8:
            value = inner
        elif rng.random() < 0.2:
            del value[key]
            return
        else:
            value[key] = rng.choice(_ODD)
            return


def _bit(content: bytes, rng: Random) -> bytes:
    made = bytearray(content)
    for _ in range(rng.choice((1, 1, 8)) if content else 0):
        made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)
    return bytes(made)


def _put(content: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + rng.choice(_TEXTS) + content[at:]


def _without(content: bytes, rng: Random) -> bytes:
    low, high = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    return content[:low] + content[high:]


def _twice(content: bytes, rng: Random) -> bytes:
    low, high = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    return content[:high] + content[low:]


_WAYS: Mapping[str, Callable[[bytes, Random], bytes]] = {
    "bits": _bit,
    "cut": lambda content, rng: content[: rng.randrange(len(content) + 1)],
    "something put in": _put,
    "a part left out": _without,
    "a part twice": _twice,
    "empty": lambda content, rng: b"",
    "a lone line of JSON": lambda content, rng: json.dumps(rng.choice(_ODD)).encode(),
}


def damage(file: Path, rng: Random) -> str:
    """Put something wrong in the place of a file: what."""
    if rng.random() < 0.85:
        what, content = damaged(file.read_bytes(), file.name, rng)
        file.write_bytes(content)
        return what
    file.unlink()
    what = rng.choice(
        ("no file", "a folder", "a link to itself", "a link to nothing", "a link out")
    )
    if what == "a folder":
        file.mkdir()
    elif what != "no file":
        to = {"a link to itself": file.name, "a link to nothing": "nowhere"}.get(
            what, "/etc/hostname"
        )
        file.symlink_to(to)
    return what


def fuzz(
    folder: Path, inputs: int, seed: int, only: str = "", *, small: bool = False
) -> Iterator[Uncaught | None]:
    """One answer for each input; None where it was one."""
    now, kept = folder / "now", folder / "kept"
    now.mkdir()
    quiet(folder)
    os.chdir(folder)
    material(now, **(_SMALL if small else {}))
    shutil.copytree(now, kept)
    asked = [reader for reader in READERS if only in reader.name]
    readers = [one for turn in range(_DEAR) for one in asked if turn % one.every == 0]
    for number in range(inputs):
        rng = Random(f"{seed} {number}")
        reader = readers[number % len(readers)]
        files = sorted(file for of in reader.files for file in now.glob(of) if file.is_file())
        file = rng.choice([f for f in files if not f.name.startswith(".")])
        what = damage(file, rng)
        said = _asked(reader, now, file)
        place = str(file.relative_to(now))
        yield Uncaught(number, reader.name, place, what, said) if said else None
        _restore(now, kept, file)


_SMALL: Mapping[str, object] = {
    "labels": ("planted",),
    "search": SearchConfig(steps=1, minibatch=8),
}


def _restore(now: Path, kept: Path, file: Path) -> None:
    """The one file again, and nothing of what was made from it."""
    shutil.rmtree(file) if file.is_dir() and not file.is_symlink() else file.unlink(missing_ok=True)
    shutil.copyfile(kept / file.relative_to(now), file)
    shutil.rmtree(now / "again", ignore_errors=True)
    for made in (now / "exported.json", now / "new"):
        made.unlink(missing_ok=True)


class _NoAnswerError(BaseException):
    """It took too long."""


def _late(*_: object) -> None:
    raise _NoAnswerError


def _asked(reader: Reader, root: Path, file: Path) -> str:
    """Where and what came out; "" for an answer."""
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(_PATIENCE)
    try:
        with in_plain_words(), contextlib.redirect_stdout(io.StringIO()):
            reader.reads(root, file)
    except (ArgoError, typer.Exit, SystemExit):
        return ""
    except BaseException as error:  # noqa: BLE001 - what is uncaught is what is looked for
        ours = [f for f in traceback.extract_tb(error.__traceback__) if "argo_audit" in f.filename]
        where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "elsewhere"
        return f"{type(error).__name__} at {where}: {error!s:.200}"
    finally:
        signal.alarm(0)
    return ""


def main(
    inputs: Annotated[int, typer.Option(min=1, help="How many files are damaged.")] = 50_000,
    seed: Annotated[int, typer.Option(help="Of what is damaged, and how.")] = 0,
    only: Annotated[str, typer.Option(help="Readers whose name has this word.")] = "",
    small: Annotated[bool, typer.Option(help="Files of a shorter audit.")] = False,
) -> None:
    """Give damaged files to everything that reads files."""
    warnings.simplefilter("ignore")
    kinds: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        answers = fuzz(Path(folder).resolve(), inputs, seed, only, small=small)
        for number, found in enumerate(answers):
            if number % 500 == 0:
                progress.print(f"{number} of {inputs}", highlight=False)
            if found:
                kinds[found.said.partition(":")[0]] += 1
                line = f"{found.number} {found.reader}: {found.file} ({found.damage}): {found.said}"
                page.print(line, markup=False, highlight=False)
    for kind, count in kinds.most_common():
        page.print(f"{count:6} {kind}", markup=False, highlight=False)
    uncaught = sum(kinds.values())
    page.print(f"bars met: {inputs - uncaught} of {inputs}", highlight=False)
    sys.exit(uncaught > 0)


if __name__ == "__main__":
    typer.run(main)
