"""From the words of a command line to the parts they name.

    labels = label(file, "rm:runs/demo/reward_models/organism-a", path)
    parts = open_parts("argo/surface", "embedded")
    audit(request, watch, parts)

Heavy packages are imported where they are used, so that a base install without torch can still
run every command that needs none.
"""

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from argo_audit.errors import ArgoError, InputError
from argo_audit.judges.settings import JudgeSettings
from argo_audit.judges.surface import SurfaceJudge
from argo_audit.pairs import PairFile, labels_of
from argo_audit.policies.settings import PolicySettings
from argo_audit.records import Label, fingerprint
from argo_audit.reward_models.labelling import label_pairs
from argo_audit.reward_models.recorded import RecordedRewardModel
from argo_audit.roles import Judge, Policy

if TYPE_CHECKING:
    from inspect_ai.model import Model

HUMAN = "human"
SURFACE = "argo/surface"
EMBEDDED = "embedded"
PACKAGES = (
    "argo-audit", "inspect-ai", "numpy", "scipy", "torch", "transformers", "trl", "peft",
)  # fmt: skip


class LabelSource(NamedTuple):
    """Labels of one source, the subject they describe, and what pins their content.

    `truncated` counts the conversations that were too long for the reward model to read in full.
    """

    name: str
    labels: tuple[Label, ...]
    fingerprint: str
    truncated: int = 0

    def subject(self, population: str) -> str:
        """Whose preferences these are, as the store files them."""
        return f"{population}-{HUMAN}" if self.name == HUMAN else self.name


class Parts(NamedTuple):
    """The judge, and how to open the policy: prompt variants, its folder and its settings.

    `models` are the Inspect models that play the judge in an evaluation, where they are not those
    that its name alone would open.
    """

    judge: Judge
    policy: Callable[[int, Path, PolicySettings], Policy]
    models: Sequence["Model"] = ()


def label(file: PairFile, spec: str, path: Path, temperature: float = 1.0) -> LabelSource:
    """The labels that `spec` names for the pairs of `file`.

    `human` and `soft:NAME` are columns of the file itself, `rm:MODEL` a reward model in a folder
    or on the hub, `scores:FILE` recorded rewards; a name that the file has labels of is those.
    `temperature` divides the reward difference. Raises InputError for anything else.
    """
    kind, _, rest = spec.partition(":")
    if spec in file.labels or kind not in ("rm", "scores"):
        labels = labels_of(file, spec, path)
        return LabelSource(spec, labels, fingerprint(repr([(i.pair_id, i.p_a) for i in labels])))
    if not rest:
        raise InputError(spec, "a label source without a name", "write rm:MODEL or scores:FILE")
    if kind == "scores":
        recorded = RecordedRewardModel.read(rest, pairs=file.pairs)
        labels = label_pairs(recorded, file.pairs, temperature)
        return LabelSource(recorded.name, labels, recorded.fingerprint())
    with needs_train("a reward model"):
        from argo_audit.reward_models.classifier import ClassifierRewardModel
    model = ClassifierRewardModel(rest)
    labels = label_pairs(model, file.pairs, temperature)
    return LabelSource(model.name, labels, model.fingerprint(), model.truncated)


def open_parts(
    judge: str,
    policy: str,
    settings: JudgeSettings | None = None,
    urls: Sequence[str] = (),
) -> Parts:
    """The judge and the policy by name; torch is imported when the policy is opened.

    `urls` are the servers of the judge, where it has any of its own.
    """
    with needs_train("training a policy"):
        played, models = _open_judge(judge, settings or JudgeSettings(), urls)
        return Parts(played, partial(_open_policy, policy_model(policy)), models)


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
    from argo_audit.judges.models import open_models

    judge = InspectJudge(open_models(spec, urls, settings), settings)
    return judge, judge.models


def policy_model(spec: str) -> str:
    """The folder of the embedded rubric writer for `embedded`, else a model's folder or hub id.

    Raises InputError for a folder without a model; whether the hub knows an id shows later.
    """
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


@contextmanager
def needs_train(what: str) -> Iterator[None]:
    """Turn a missing training package into the command that installs it."""
    missing = [name for name in ("torch", "trl") if importlib.util.find_spec(name) is None]
    if missing:
        raise ArgoError(
            f"{what} needs {', '.join(missing)}, which the base install leaves out.\n"
            "  Remedy: pip install 'argo-audit[train]'"
        )
    yield


def installed() -> dict[str, str]:
    """Versions of the packages that results depend on; absent ones left out."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
