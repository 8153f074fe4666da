"""`python -m benchmarks.report [--out DIR]`: the report over many runs, and the memory it takes.

One population is audited for real (a reward model is trained, probed and audited, on its labels and
on raw ones) and then multiplied: a copy differs from it only in the name of its population, which
is replaced in every file, packed ones and logs included. So a report over 25 audits reads as much
as 25 real ones would give it: 50 runs. Each report is made, and verified, in a process of its own,
whose largest resident size is taken; a report over one audit says what of it is the libraries'.
"""

import gzip
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console

from argo_audit.audits.audit_facts import read_facts
from argo_audit.audits.demo import audit_population
from argo_audit.audits.demo_settings import DemoConfig
from argo_audit.evals.logs import read_judgments
from argo_audit.report.markdown import table
from argo_audit.search.journal import read_journal

HEADER = ("Command", "Audits", "Runs", "Attempts", "Judgments", "Largest size, MB", "CPU seconds")
_AUDIT, _STORE = "A", "rubric_store"
_CHILD = (  # what a process inherits of ru_maxrss is its parent's; VmHWM (Linux) is its own
    "import re, resource, sys\n"
    "from argo_audit.cli.commands import main\n"
    "try:\n    main()\n"
    "finally:\n"
    "    used = resource.getrusage(resource.RUSAGE_SELF)\n"
    "    own = re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]\n"
    "    print('USED', int(own) // 1024, used.ru_utime + used.ru_stime, file=sys.stderr)\n"
)
_USED = re.compile(r"USED (\d+) ([\d.]+)")


class Size(NamedTuple):
    """What one audit holds."""

    attempts: int
    judgments: int


class Taken(NamedTuple):
    """What a command took, in MB and seconds of the CPU."""

    megabytes: int
    seconds: float


def main(
    out: Annotated[Path, typer.Option(help="Folder that keeps the audit and its copies.")] = Path(
        "runs/bench-report"
    ),
    copies: Annotated[list[int] | None, typer.Option(help="How many audits, repeatable.")] = None,
    pairs: Annotated[int, typer.Option(min=150, help="Pairs of the audit.")] = 3400,
    share: Annotated[float, typer.Option(help="Held-out share of them.")] = 0.3,
    steps: Annotated[int, typer.Option(min=1, help="Steps of its searches.")] = 22,
) -> None:
    """Print the table."""
    counts = sorted(copies or [1, 5, 25])
    first = out / "one"
    if not (first / _AUDIT / "facts.json").is_file():
        shutil.rmtree(first, ignore_errors=True)
        search = DemoConfig().search.model_copy(update={"steps": steps})
        config = DemoConfig(pairs=pairs, share=share, search=search)
        audit_population("A", first, config, lambda _: None)
    size = size_of(first / _AUDIT)
    audits = [_AUDIT, *(copy(first, out, number) for number in range(1, counts[-1]))]
    folders = [first / _AUDIT, *(out / name / _AUDIT for name in audits[1:])]
    rows = []
    for count in counts:
        report = out / f"report-{count}"
        made = measured("report", *folders[:count], "--out", report)
        checked = measured("verify", report)
        rows += [row("report", count, size, made), row("verify", count, size, checked)]
    Console(width=200, soft_wrap=True).print(table(HEADER, rows), markup=False)


def row(command: str, count: int, size: Size, taken: Taken) -> list[str]:
    """A row of the table."""
    numbers = (count, 2 * count, count * size.attempts, count * size.judgments, taken.megabytes)
    return [command, *(f"{number:,}" for number in numbers), f"{taken.seconds:.0f}"]


def size_of(audit: Path) -> Size:
    """Attempts and judgments of a finished audit, in both of its runs."""
    journals = [read_journal(run)[0] for run in sorted((audit / "runs").iterdir())]
    judged = read_judgments(read_facts(audit).logs(audit)).values()
    without_rubric = max(map(len, judged))  # the judge without a rubric is asked once
    return Size(
        attempts=sum(len(journal.attempts) for journal in journals),
        judgments=sum(map(len, judged)) + without_rubric,
    )


def copy(first: Path, out: Path, number: int) -> str:
    """A copy of the audit under `first` with another name for its population; returns its folder's.

    Every file is rewritten, so that nothing of a copy leads back to the original.
    """
    name = f"copy-{number:02}"
    if (out / name).is_dir():
        return name
    old = read_facts(first / _AUDIT).population
    part = out / f".{name}"
    shutil.rmtree(part, ignore_errors=True)
    for root in (_AUDIT, _STORE):
        for path in sorted((first / root).rglob("*")):
            if path.is_file():
                place = Path(*(p.replace(old, name) for p in path.relative_to(first).parts))
                (part / place).parent.mkdir(parents=True, exist_ok=True)
                renamed(path, part / place, lambda b: b.replace(old.encode(), name.encode()))
    part.replace(out / name)
    return name


def renamed(path: Path, to: Path, change: Callable[[bytes], bytes]) -> None:
    """Write a file with its bytes changed; of packed ones, the bytes inside."""
    if path.suffix == ".eval":
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(to, "w") as target:
            for item in source.infolist():
                target.writestr(item, change(source.read(item)), compress_type=item.compress_type)
    elif path.suffix == ".gz":
        to.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes())), mtime=0))
    else:
        to.write_bytes(change(path.read_bytes()))


def measured(*words: object) -> Taken:
    """What the command takes. Raises RuntimeError with what it said when it fails."""
    call: Sequence[str] = [sys.executable, "-P", "-c", _CHILD, *map(str, words)]
    started = time.perf_counter()
    ended = subprocess.run(call, capture_output=True, text=True, check=False, env=os.environ)
    if ended.returncode:
        raise RuntimeError(f"{words[0]} failed:\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    used = _USED.search(ended.stderr)
    if used is None:
        raise RuntimeError(f"{words[0]} did not say what it took")
    sys.stderr.write(f"{words[0]}: {time.perf_counter() - started:.0f} s\n")
    return Taken(int(used[1]), float(used[2]))


if __name__ == "__main__":
    typer.run(main)
