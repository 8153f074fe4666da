"""From the words of a command line to the parts they name.

    labels = label(file, "rm:runs/demo/reward_models/organism-a", path)
    parts = open_parts("argo/surface", "embedded")
    audit(request, watch, parts)

Heavy packages are imported where they are used, so that a base install without torch can still
run every command that needs none.
"""

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from argo_audit.errors import ArgoError, InputError
from argo_audit.judges.surface import SurfaceJudge
from argo_audit.pairs import PairFile, labels_of
from argo_audit.policies.settings import PolicySettings
from argo_audit.records import Conformance, Label, fingerprint
from argo_audit.roles import Judge, Policy

if TYPE_CHECKING:
    from argo_audit.cli.reward_models import RewardModelUse

HUMAN = "human"
SURFACE = "argo/surface"
EMBEDDED = "embedded"
PACKAGES = (
    "argo-audit", "inspect-ai", "numpy", "scipy", "torch", "transformers", "trl", "peft",
)  # fmt: skip


class LabelSource(NamedTuple):
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
    """The judge, and how to open the policy: prompt variants, its folder and its settings."""

    judge: Judge
    policy: Callable[[int, Path, PolicySettings], Policy]


def label(
    file: PairFile, spec: str, path: Path, use: "RewardModelUse | None" = None
) -> LabelSource:
    """The labels that `spec` names for the pairs of `file`.

    `human` and `soft:NAME` are columns of the file itself; `rm:`, `served:`, `dpo:` and `scores:`
    are reward models, asked as `use` says (`cli.reward_models`); a name that the file has labels of
    is those. Raises InputError for anything else.
    """
    from argo_audit.cli.reward_models import KINDS, RewardModelUse, labelled, open_reward_model

    if spec in file.labels or spec.partition(":")[0] not in KINDS:
        labels = labels_of(file, spec, path)
        return LabelSource(spec, labels, fingerprint(repr([(i.pair_id, i.p_a) for i in labels])))
    use = use or RewardModelUse()
    model = open_reward_model(spec, use.settings, file.pairs)
    found = labelled(model, file.pairs, use)
    return LabelSource(
        model.name,
        found.labels,
        model.fingerprint(),
        found.truncated,
        found.read,
        found.conformance,
    )


def open_parts(judge: str, policy: str) -> Parts:
    """The judge and the policy by name; torch is imported when the policy is opened."""
    with needs_train("training a policy"):
        return Parts(_open_judge(judge), partial(_open_policy, policy_model(policy)))


def _open_judge(spec: str) -> Judge:
    """`argo/surface`, vectorised, or any model that Inspect knows by that name."""
    if spec == SURFACE:
        return SurfaceJudge()
    from inspect_ai.model import get_model

    from argo_audit.judges.inspect_judge import InspectJudge

    try:
        return InspectJudge(get_model(spec))
    except ValueError as error:
        remedy = "name argo/surface, or a model as Inspect does: openai/gpt-5-mini, vllm/…"
        raise InputError(spec, f"no such judge ({error})", remedy) from error


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
