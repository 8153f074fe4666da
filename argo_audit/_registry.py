"""What Inspect finds by name once argo-audit is installed (entry point group `inspect_ai`).

    inspect eval argo_audit/rubric_agreement --model argo/surface

Inspect imports this module at the first mention of `argo_audit/...` or of a model it does not
know, so it holds names only; the judges of this package are loaded when they are asked for.
"""

from inspect_ai.model import ModelAPI, modelapi

from argo_audit.evals.judging import judge_pair
from argo_audit.evals.rubric_agreement import rubric_agreement
from argo_audit.evals.scoring import (
    by_population,
    longest_response,
    no_rubric,
    verdicts,
    with_rubric,
)

__all__ = [
    "argo",
    "argo_hf",
    "by_population",
    "judge_pair",
    "longest_response",
    "no_rubric",
    "rubric_agreement",
    "verdicts",
    "with_rubric",
]


@modelapi(name="argo")
def argo() -> type[ModelAPI]:
    """The embedded surface judge, as the model `argo/surface`."""
    from argo_audit.judges.surface_provider import SurfaceAPI

    return SurfaceAPI


@modelapi(name="argo-hf")
def argo_hf() -> type[ModelAPI]:
    """A causal LM of transformers in this process that reads shared prefixes once."""
    from argo_audit.judges.local_provider import LocalAPI

    return LocalAPI
