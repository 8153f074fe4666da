"""What Inspect finds by name once argo-audit is installed (entry point group `inspect_ai`).

    inspect eval argo_audit/rubric_agreement --model argo/surface

Inspect imports this module at the first mention of `argo_audit/...` or of a model it does not
know, so it holds names only; the judges of this package are loaded when they are asked for.
"""

from inspect_ai.model import ModelAPI, modelapi

from argo_audit.evals.changes import changes, runs_agree
from argo_audit.evals.judging import always, apply_labels, apply_rules, judge_pair
from argo_audit.evals.metrics import (
    by_slice,
    flip_rate,
    interval_over_prompts,
    minimum_detectable_effect,
    paired_difference,
    unparsed_share,
)
from argo_audit.evals.probe_scoring import probe_response, reward_change, win_rate
from argo_audit.evals.scoring import (
    advantage,
    agrees,
    longest_response,
    no_rubric,
    verdicts,
    with_rubric,
)
from argo_audit.evals.tasks.bias_probe import bias_probe
from argo_audit.evals.tasks.cross_population import cross_population
from argo_audit.evals.tasks.judge_reliability import judge_reliability
from argo_audit.evals.tasks.label_agreement import label_agreement
from argo_audit.evals.tasks.rm_accuracy import rm_accuracy
from argo_audit.evals.tasks.rubric_ablation import rubric_ablation
from argo_audit.evals.tasks.rubric_agreement import rubric_agreement
from argo_audit.evals.variants import by_other_judge, paraphrase

__all__ = [
    "advantage",
    "agrees",
    "always",
    "apply_labels",
    "apply_rules",
    "argo",
    "argo_hf",
    "bias_probe",
    "by_other_judge",
    "by_slice",
    "changes",
    "cross_population",
    "flip_rate",
    "interval_over_prompts",
    "judge_pair",
    "judge_reliability",
    "label_agreement",
    "longest_response",
    "minimum_detectable_effect",
    "no_rubric",
    "paired_difference",
    "paraphrase",
    "probe_response",
    "reward_change",
    "rm_accuracy",
    "rubric_ablation",
    "rubric_agreement",
    "runs_agree",
    "unparsed_share",
    "verdicts",
    "win_rate",
    "with_rubric",
]


@modelapi(name="argo")
def argo() -> type[ModelAPI]:
    """The embedded surface judge, as the model `argo/surface`."""
    from argo_audit.surface.provider import SurfaceAPI

    return SurfaceAPI


@modelapi(name="argo-hf")
def argo_hf() -> type[ModelAPI]:
    """A causal LM of transformers in this process that reads shared prefixes once."""
    from argo_audit.judges.local_provider import LocalAPI

    return LocalAPI
