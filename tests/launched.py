"""Started on several processes by tests/test_follow.py: a training that fails, then an audit.

host.run(TESTS / "launched.py", pairs, out)        # forks two processes, as torchrun would
accelerate launch --num_processes 2 tests/launched.py PAIRS OUT
"""

import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import audit
from argo_audit.cli.follow import follow, followers, is_follower
from argo_audit.errors import ArgoError
from argo_audit.policies.policy_names import policy_model
from argo_audit.policies.policy_settings import PolicySettings
from argo_audit.roles import Proposal
from argo_audit.search.search_settings import SearchConfig

SETTINGS = PolicySettings(
    rubrics_per_prompt=2, max_rubric_tokens=48, learning_rate=2e-3, lora_rank=0
)


AS_LAUNCHED = ("argo_audit.policies.processes", "argo_audit.policies.grpo")
"""What reads the environment of a launch as it is imported."""


def failing(proposals: Sequence[Proposal]) -> list[float]:
    """A judge that is down."""
    raise ArgoError(f"no judge for {len(proposals)} rubrics")


def search(pairs: Path, out: Path) -> None:
    """What the main process does."""
    from argo_audit.policies.grpo import GRPOPolicy

    policy = GRPOPolicy(policy_model("embedded"), 3, out / "failed", SETTINGS)
    try:
        policy.train(lambda: ["write a rubric"] * 3, failing, 2)
    except ArgoError as error:
        sys.stdout.write(f"main: {error}\n")
    request = AuditRequest(
        pairs=pairs,
        labels=("planted",),
        out=out / "audit",
        search=SearchConfig(steps=3, minibatch=16, windows=3, top=1),
        policy_settings=SETTINGS,
    )
    audit(request)


def main() -> None:
    """What each process does."""
    if is_follower():
        follow()
        sys.stdout.write("follower: through\n")
    else:
        with followers():
            search(*map(Path, sys.argv[1:]))


def launch(size: int) -> None:
    """Fork the processes and describe them as torch's launchers do; ends as the worst of them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(size)}
    children = []
    for rank in range(size):
        child = os.fork()
        if child == 0:
            os.environ.update(place | {"RANK": str(rank), "LOCAL_RANK": str(rank)})
            for name in AS_LAUNCHED:
                sys.modules.pop(name, None)
            main()
            sys.stdout.flush()
            os._exit(0)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    sys.exit(max(map(abs, codes)))


if __name__ == "__main__":
    if "WORLD_SIZE" in os.environ:
        main()
    else:
        launch(2)
