"""A process in which all that is heavy is imported once: each job is a fork of it.

    with hosting() as host:
        ended = host.run(TESTS / "killed.py", told)     # as `python tests/killed.py told`
        ended = host.run("import sys; ...", "word")     # as `python -c`
        ended.code, ended.stdout, ended.stderr          # code -9: it was killed

For what has to be a process of its own: it is killed, it forks, it ends as the command line ends.
The libraries take longer to import than most of these jobs take to run.
"""

import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

HEAVY = (
    "argo_audit.cli.commands",
    "argo_audit.audits.run",
    "argo_audit.audits.demo",
    "argo_audit.audits.evaluate",
    "argo_audit.policies.grpo",
    "argo_audit.reward_models.training",
    "acp.agent.router",  # Inspect needs this and the next at its first evaluation
    "openai.types.responses",
    "matplotlib.figure",
    "pytest",
    "typer.testing",
    "fakes",
)
"""What a job may need, imported before the first fork."""


class Ended(NamedTuple):
    """How a job ended and what it said; a negative code is the signal that ended it."""

    code: int
    stdout: str
    stderr: str


class Host:
    """The process as tests see it."""

    def __init__(self, process: "subprocess.Popen[str]", scratch: Path):
        self._process, self._scratch = process, scratch

    def run(self, job: Path | str, *words: object) -> Ended:
        """A script with its words, or code; in this process's environment and folder."""
        out, err = self._scratch / "stdout", self._scratch / "stderr"
        told = {
            "script": str(job) if isinstance(job, Path) else None,
            "code": None if isinstance(job, Path) else job,
            "words": [str(word) for word in words],
            "environment": dict(os.environ),
            "folder": str(Path.cwd()),
            "out": str(out),
            "err": str(err),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return Ended(code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


@contextmanager
def hosting() -> Iterator[Host]:
    """Start it; it ends when nothing more can be asked of it."""
    alone = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
    with (
        TemporaryDirectory() as scratch,
        subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | alone,
        ) as process,
    ):
        yield Host(process, Path(scratch))


def main() -> None:
    """Import, then serve a job a line."""
    from inspect_ai.model import get_model_info

    answers = os.fdopen(os.dup(1), "w")  # what libraries print as they are opened is no answer
    os.dup2(2, 1)
    sys.path.append(str(Path(__file__).parents[1]))  # for benchmarks
    gc.disable()
    for name in HEAVY:
        with suppress(ImportError):  # a base install has no torch
            importlib.import_module(name)
    get_model_info("argo/surface")  # read from a long table, once a process
    gc.freeze()
    gc.enable()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(work(json.loads(line)))
        _, status = os.waitpid(child, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


def work(told: dict[str, Any]) -> int:
    """A job, in a process of its own; returns its exit code."""
    for path, number in ((told["out"], 1), (told["err"], 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(told["environment"])
    os.chdir(told["folder"])
    sys.argv = [told["script"] or "-c", *told["words"]]
    try:
        if told["script"]:
            runpy.run_path(told["script"], run_name="__main__")
        else:
            exec(told["code"], {"__name__": "__main__"})
    except SystemExit as ended:
        return _code(ended.code)
    except BaseException:  # noqa: BLE001 - as the interpreter ends a script
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _code(given: object) -> int:
    """What a script ends with when it says so."""
    if given is None or isinstance(given, int):
        return given or 0
    sys.stderr.write(f"{given}\n")
    return 1


if __name__ == "__main__":
    main()
