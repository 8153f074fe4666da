"""Started on several processes by tests/test_follow.py: a training that fails, then an audit."""

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


if __name__ == "__main__":
    if is_follower():
        follow()
        sys.stdout.write("follower: through\n")
    else:
        with followers():
            search(*map(Path, sys.argv[1:]))
