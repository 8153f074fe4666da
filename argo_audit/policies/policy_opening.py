"""The one place where a policy is opened by its name, and a writer too.

    opened = open_policy("embedded")                     # what is wrong with a name shows now
    policy = opened(4, Path("run/policy"), PolicySettings())
    writer = open_writer("openai/gpt-5-mini")

A policy is `embedded`, a folder or hub id of a causal LM, `sample:MODEL` (any writer, not trained),
`given:NAME`, or a kind of an installed package: its opener is called with what stands behind the
colon and returns a callable that takes the number of prompt variants, a folder and the settings.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from argo_audit import kinds
from argo_audit.errors import needs_train
from argo_audit.policies.policy_names import EMBEDDED, TRAINED, policy_model
from argo_audit.policies.policy_settings import SAMPLE, PolicySettings
from argo_audit.roles import Policy, Writer

if TYPE_CHECKING:
    from inspect_ai.model import Model

_INSPECT = "inspect"
_UNTRAINED = f"or have a model write that is not trained: {SAMPLE}openai/gpt-5-mini"

OpenPolicy = Callable[[int, Path, PolicySettings], Policy]
"""Opens a policy for so many prompt variants a step, which is kept in a folder."""


def open_policy(spec: str) -> OpenPolicy:
    """How to open the policy of that name. Raises InputError, or what its kind raises.

    A given policy is one object: it is trained on where it stands.
    """
    found = kinds.opened("policies", spec, bare=TRAINED)
    if isinstance(found, Policy):
        return lambda *_: found
    if not callable(found):
        raise kinds.refused("policies", found)

    def opened(prompt_variants: int, folder: Path, settings: PolicySettings) -> Policy:
        policy = found(prompt_variants, folder, settings)
        if not isinstance(policy, Policy):
            raise kinds.refused("policies", policy)
        return policy

    return opened


def open_embedded(_: str) -> OpenPolicy:
    """The kind `embedded`: the rubric writer that comes with the package."""
    return open_trained(policy_model(EMBEDDED))


def open_trained(model: str) -> OpenPolicy:
    """The kind without a prefix: a causal LM, trained with GRPO; torch is imported now."""
    model = policy_model(model)
    with needs_train("training a policy", _UNTRAINED):
        from argo_audit.policies.grpo import GRPOPolicy

    def opened(prompt_variants: int, folder: Path, settings: PolicySettings) -> Policy:
        return GRPOPolicy(model, prompt_variants, folder, settings)

    return opened


def open_sampled(spec: str) -> OpenPolicy:
    """The kind `sample`: a writer that is asked again and again, and not trained.

    A model is opened at once, so that a wrong name or a missing key shows before anything is
    written, and is not the judge's own where both have one name: each has its event loop.
    """
    from argo_audit.policies.sampler import InspectWriter, SamplerPolicy

    kind, _ = kinds.split("writers", spec, _INSPECT)
    if kind != _INSPECT:
        writer = open_writer(spec)
        return lambda _variants, _folder, asked: SamplerPolicy(
            writer, asked.rubrics_per_prompt, asked.seed
        )
    model = _inspect_model(spec, "policy", f"{SAMPLE}openai/gpt-5-mini")

    def opened(_: int, __: Path, settings: PolicySettings) -> Policy:
        writer = InspectWriter(
            model,
            max_tokens=settings.max_rubric_tokens,
            temperature=settings.temperature,
            cache=True,
        )
        return SamplerPolicy(writer, settings.rubrics_per_prompt, settings.seed)

    return opened


def open_writer(spec: str) -> Writer:
    """The writer of that name: a model that Inspect knows, `given:NAME`, or a package's kind."""
    writer = kinds.opened("writers", spec, bare=_INSPECT)
    if not isinstance(writer, Writer):
        raise kinds.refused("writers", writer)
    return writer


def open_inspect_writer(name: str) -> Writer:
    """The kind without a prefix: an Inspect model, with a connection of its own."""
    from argo_audit.policies.sampler import InspectWriter

    return InspectWriter(_inspect_model(name, "rewriter", "openai/gpt-5-mini"), cache=True)


def _inspect_model(spec: str, role: str, example: str) -> "Model":
    """A model that shares its connections with no other role: each has its event loop."""
    from inspect_ai.model import get_model

    from argo_audit.judges.inspect_models import opening

    with opening(spec, role, example):
        return get_model(spec, memoize=False)
