"""From the words of a command line to the parts they name.

    labels = label(file, "rm:runs/demo/reward_models/organism-a", path)
    parts = open_parts(request)
    audit(request, watch, parts)

Heavy packages are imported where they are used, so that a base install without torch can still
run every command that needs none.
"""

from collections.abc import Callable, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from argo_audit.errors import InputError, needs_train
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.pairs.pair_file import PairFile, labels_of
from argo_audit.policies.policy_settings import SAMPLE, PolicySettings
from argo_audit.records import Conformance, Label, Record, fingerprint
from argo_audit.roles import Judge, Policy, Writer
from argo_audit.surface.judge import SurfaceJudge

if TYPE_CHECKING:
    from inspect_ai.model import Model

    from argo_audit.audits.request import AuditRequest
    from argo_audit.reward_models.by_name import RewardModelUse

HUMAN = "human"
SURFACE = "argo/surface"
EMBEDDED = "embedded"
PACKAGES = (
    "argo-audit", "inspect-ai", "numpy", "scipy", "torch", "transformers", "trl", "peft",
)  # fmt: skip


class LabelSource(Record):
    """Labels of one source, the subject they describe, and what pins their content.

    Of a reward model: `read` counts the conversations it was shown, `truncated` those of them that
    were too long to be read in full, and `conformance` is what it was checked for before.
    """

    name: str
    labels: tuple[Label, ...]
    fingerprint: str
    truncated: int = 0
    read: int = 0
    conformance: Conformance | None = None

    def subject(self, population: str) -> str:
        """Whose preferences these are, as the store files them."""
        return f"{population}-{HUMAN}" if self.name == HUMAN else self.name


class Parts(NamedTuple):
    """The judge, how to open the policy (prompt variants, its folder, settings), the rewriter.

    `models` are the Inspect models that play the judge in an evaluation, where they are not those
    that its name alone would open.
    """

    judge: Judge
    policy: Callable[[int, Path, PolicySettings], Policy]
    rewriter: Writer | None = None
    models: Sequence["Model"] = ()


def label(
    file: PairFile, spec: str, path: Path | str, use: "RewardModelUse | None" = None
) -> LabelSource:
    """The labels that `spec` names for the pairs of `file`.

    `human` and `soft:NAME` are columns of the file itself; `rm:`, `served:`, `dpo:` and `scores:`
    are reward models, asked as `use` says (`reward_models.opening`); a name that the file has
    labels of is those. Raises InputError for anything else.
    """
    from argo_audit.reward_models.by_name import KINDS, RewardModelUse, labelled, open_reward_model

    if spec in file.labels or spec.partition(":")[0] not in KINDS:
        labels = labels_of(file, spec, path)
        digest = fingerprint(repr([(i.pair_id, i.p_a) for i in labels]))
        return LabelSource(name=spec, labels=labels, fingerprint=digest)
    use = use or RewardModelUse()
    model = open_reward_model(spec, use.settings, file.pairs)
    found = labelled(model, file.pairs, use)
    return LabelSource(
        name=model.name,
        labels=found.labels,
        fingerprint=model.fingerprint(),
        truncated=found.truncated,
        read=found.read,
        conformance=found.conformance,
    )


def open_parts(request: "AuditRequest") -> Parts:
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


def policy_model(spec: str) -> str:
    """The folder of the embedded rubric writer for `embedded`, else a model's folder or hub id.

    A model that is sampled keeps its name. Raises InputError for a folder without a model; whether
    the hub knows an id shows later.
    """
    if spec.startswith(SAMPLE):
        return spec
    if spec == EMBEDDED:
        return str(files("argo_audit.organism").joinpath("embedded_writer"))
    is_path = Path(spec).exists() or spec.count("/") > 1
    if is_path and not Path(spec, "config.json").is_file():
        remedy = "name `embedded`, a folder with a causal LM, or a hub id: organisation/model"
        raise InputError(spec, "no model is in this folder", remedy)
    return spec


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
