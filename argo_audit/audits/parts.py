"""From the words of a command line to the parts they name.

    parts = open_parts(request)
    audit(request, watch, parts)

Heavy packages are imported where they are used, so that a base install without torch can still
run every command that needs none.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from argo_audit import kinds
from argo_audit.audits.request import AuditRequest
from argo_audit.errors import InputError, UnavailableError
from argo_audit.judges.opening import open_judge
from argo_audit.policies.policy_opening import OpenPolicy, open_policy, open_writer
from argo_audit.roles import Judge, Writer
from argo_audit.search.argo import argo
from argo_audit.search.optimisers import Search, open_search

PACKAGES = (
    "argo-audit", "inspect-ai", "numpy", "scipy", "torch", "transformers", "trl", "peft",
)  # fmt: skip


class Parts(NamedTuple):
    """The judge, how to open the policy, the rewriter of its prompts, and the search itself."""

    judge: Judge
    policy: OpenPolicy
    rewriter: Writer | None = None
    search: Search = argo


def check_names(request: AuditRequest) -> None:
    """Raise InputError for a name that nobody knows; a key or a package may be missing still."""
    checks: tuple[Callable[[], object], ...] = (
        lambda: open_judge(request.judge, request.judge_settings, request.judge_urls),
        lambda: open_writer(request.rewriter) if request.rewriter else None,
        lambda: open_policy(request.policy) if request.sampled_policy else None,
        lambda: open_search(request.search_name),
    )
    for check in checks:
        with suppress(UnavailableError):
            check()


def open_parts(request: AuditRequest) -> Parts:
    """The parts that a request names; torch is imported when a policy to train is opened.

    Raises InputError for one that nobody knows, and for an object that this process was not given.
    """
    for spec in request.labels:
        kinds.check_given("reward_models", spec)
    if request.policy.startswith(f"{kinds.GIVEN}:") and len(request.labels) > 1:
        problem = "a given policy is one object, and each label source trains a policy of its own"
        raise InputError(request.policy, problem, "audit one label source at a time")
    judge = open_judge(request.judge, request.judge_settings, request.judge_urls)
    rewriter = open_writer(request.rewriter) if request.rewriter else None
    return Parts(judge, open_policy(request.policy), rewriter, open_search(request.search_name))
