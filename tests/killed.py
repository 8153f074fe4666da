"""Runs an audit in lives: each is killed with SIGKILL at its moment, and the next resumes it.

    host.run(TESTS / "killed.py", '{"alone": {...}, "often": {...}, "moments": [["search", 0.03]]}')

A moment is a phase and how long after its first event: a share of the time that the same audit
takes when it is left alone, which it is first, so that machines of any speed kill alike. Every
life is a fork, so that twenty take no longer than their work.
"""

import json
import os
import signal
import sys
import threading
import time

import torch

from argo_audit.audits.begun import REQUEST_FILE
from argo_audit.audits.reporting import Origin, report
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import Event, audit, resume

NEVER = ("nothing", 0.0)


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
    """Live one audit in one life and the other in many; prints how many of those were killed."""
    asked = json.loads(sys.argv[1])
    alone, often = (AuditRequest.model_validate(asked[name]) for name in ("alone", "often"))
    began = time.monotonic()
    lives(alone, [NEVER])
    took = time.monotonic() - began
    moments = [(phase, share * took) for phase, share in asked["moments"]]
    sys.stdout.write(f"{lives(often, [*moments, NEVER])} killed")


def lives(request: AuditRequest, moments: list[tuple[str, float]]) -> int:
    """The lives of one audit, a phase and seconds each; returns how many were killed."""
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
