"""From the words of a command line to the parts they name.

    parts = open_parts(request)
    audit(request, watch, parts)

Heavy packages are imported where they are used, so that a base install without torch can still
run every command that needs none.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from argo_audit.audits.request import AuditRequest
from argo_audit.errors import InputError, needs_train
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.policies.policy_names import policy_model
from argo_audit.policies.policy_settings import SAMPLE, PolicySettings
from argo_audit.roles import Judge, Policy, Writer
from argo_audit.surface.judge import SurfaceJudge

if TYPE_CHECKING:
    from inspect_ai.model import Model

SURFACE = "argo/surface"
PACKAGES = (
    "argo-audit", "inspect-ai", "numpy", "scipy", "torch", "transformers", "trl", "peft",
)  # fmt: skip


class Parts(NamedTuple):
    """The judge, how to open the policy (prompt variants, its folder, settings), the rewriter.

    `models` are the Inspect models that play the judge in an evaluation, where they are not those
    that its name alone would open.
    """

    judge: Judge
    policy: Callable[[int, Path, PolicySettings], Policy]
    rewriter: Writer | None = None
    models: Sequence["Model"] = ()


def open_parts(request: AuditRequest) -> Parts:
    """The parts that a request names; torch is imported when a policy to train is opened."""
    judge, models = _open_judge(request.judge, request.judge_settings, request.judge_urls)
    rewriter = _open_rewriter(request.rewriter) if request.rewriter else None
    if request.sampled_policy:
        return Parts(judge, _sampler(request.policy), rewriter, models)
    with needs_train("training a policy"):
        opened = partial(_open_policy, policy_model(request.policy))
        return Parts(judge, opened, rewriter, models)


def _open_rewriter(spec: str) -> Writer:
    """A model that rewrites policy prompts, with a connection of its own."""
    from argo_audit.policies.sampler import InspectWriter

    return InspectWriter(_inspect_model(spec, "rewriter", "openai/gpt-5-mini"), cache=True)


def _inspect_model(spec: str, role: str, example: str) -> "Model":
    """A model that shares its connections with no other role: each has its event loop."""
    from inspect_ai.model import get_model

    from argo_audit.judges.inspect_models import opening

    with opening(spec, role, example):
        return get_model(spec, memoize=False)


def _open_judge(
    spec: str, settings: JudgeSettings, urls: Sequence[str]
) -> tuple[Judge, Sequence["Model"]]:
    """`argo/surface`, vectorised, or any model that Inspect knows by that name."""
    if spec == SURFACE:
        if settings.estimator != JudgeSettings().estimator or urls:
            problem = "it computes its probabilities here and now"
            raise InputError(spec, problem, "leave out the judge's estimator and its URL")
        return SurfaceJudge(), ()
    from argo_audit.judges.inspect_judge import InspectJudge
    from argo_audit.judges.inspect_models import open_models

    judge = InspectJudge(open_models(spec, urls, settings), settings)
    return judge, judge.models


def _open_policy(
    model: str, prompt_variants: int, folder: Path, settings: PolicySettings
) -> Policy:
    """A policy trained with GRPO."""
    from argo_audit.policies.grpo import GRPOPolicy

    return GRPOPolicy(model, prompt_variants, folder, settings)


def _sampler(spec: str) -> Callable[[int, Path, PolicySettings], Policy]:
    """How to open a policy that is not trained: `sample:` and an Inspect model.

    The model is opened at once, so that a wrong name or a missing key shows before anything is
    written, and is not the judge's own where both have one name: each has its event loop.
    """
    from argo_audit.policies.sampler import InspectWriter, SamplerPolicy

    model = _inspect_model(spec.removeprefix(SAMPLE), "policy", "sample:openai/gpt-5-mini")

    def opened(prompt_variants: int, folder: Path, settings: PolicySettings) -> Policy:
        writer = InspectWriter(
            model,
            max_tokens=settings.max_rubric_tokens,
            temperature=settings.temperature,
            cache=True,
        )
        return SamplerPolicy(writer, settings.rubrics_per_prompt, settings.seed)

    return opened
