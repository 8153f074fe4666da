"""Runs an audit in lives: each is killed with SIGKILL at its moment, and the next resumes it.

    python tests/killed.py '[{"request": {...}, "lives": [["search", 0.3], ...]}, ...]'

A moment is a phase and seconds after its first event. The libraries are imported once and every
life of every audit is a fork, so that twenty lives take no longer than their work.
"""

import gc
import json
import os
import signal
import sys
import threading
from pathlib import Path

import acp.agent.router  # noqa: F401 - imported before the forks, like all that follow
import matplotlib.figure  # noqa: F401
import openai.types.responses  # noqa: F401 - Inspect needs this and acp at its first evaluation
import peft  # noqa: F401
import torch
import trl  # noqa: F401

from argo_audit.cli.audit import Event, audit, resume
from argo_audit.cli.begun import REQUEST_FILE
from argo_audit.cli.report import Origin, report
from argo_audit.cli.request import AuditRequest
from argo_audit.policies import grpo  # noqa: F401


class Killer:
    """Kills this process some seconds after a phase has begun."""

    def __init__(self, phase: str, seconds: float):
        self._phase, self._seconds, self._armed = phase, seconds, False

    def __call__(self, event: Event) -> None:
        if not self._armed and event.phase.startswith(self._phase):
            self._armed = True
            timer = threading.Timer(self._seconds, os.kill, (os.getpid(), signal.SIGKILL))
            timer.daemon = True
            timer.start()


def live(request: AuditRequest, phase: str, seconds: float) -> None:
    """One life; it ends by itself when its moment does not come."""
    torch.set_num_threads(1)
    watch = Killer(phase, seconds)
    if (request.out / REQUEST_FILE).is_file():
        resume(request.out, watch)
    else:
        audit(request, watch)
    report(Origin((request.out,), "Killed", ("argo-audit",)), request.out / "audit")


def main() -> None:
    """Live every life of every audit, and leave beside each how many were killed."""
    gc.freeze()
    for asked in json.loads(sys.argv[1]):
        request = AuditRequest.model_validate(asked["request"])
        killed = lives(request, asked["lives"])
        Path(request.out, "killed").write_text(str(killed))


def lives(request: AuditRequest, moments: list[tuple[str, float]]) -> int:
    """The lives of one audit; returns how many were killed."""
    killed = 0
    for phase, seconds in moments:
        child = os.fork()
        if child == 0:
            try:
                live(request, phase, seconds)
            finally:
                sys.stdout.flush()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            killed += os.WTERMSIG(status) == signal.SIGKILL
        elif os.waitstatus_to_exitcode(status):
            sys.exit(f"a life ended with {os.waitstatus_to_exitcode(status)}")
    return killed


if __name__ == "__main__":
    main()
