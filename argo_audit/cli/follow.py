"""The command line on several processes: one searches, the others train with it.

    accelerate launch --num_processes 8 -m argo_audit.cli audit pairs.jsonl ...

Each process runs this same command line. The main one does what it says; labels, judge, store, logs
and attempts are its own. The others read nothing of it: they join each training that the main one
starts, and end when it ends.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from argo_audit.errors import needs_train


def is_follower() -> bool:
    """Whether a launcher started this process to train with another one."""
    return int(os.environ.get("RANK", "0")) > 0


def follow() -> None:
    """Train what the main process says until it is through."""
    with needs_train("training on several processes"):
        from argo_audit.policies.grpo import follow as train_along
    train_along()


@contextmanager
def followers() -> Iterator[None]:
    """Around all that the main process does: afterwards its followers may go."""
    try:
        yield
    finally:
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            from argo_audit.policies.processes import TEAM

            TEAM.dismiss()
