"""argo-audit: learn, in words, what a reward model rewards, and publish the audit.

    import argo_audit as aa

    audit = aa.audit("pairs.jsonl", ["rm:org/my-reward-model"], out="runs/mine")
    audit.verdicts[0].advice             # "do not optimise against it as it is"
    audit.findings.to_frame()            # what it pays for, with intervals
    audit.plot("agreement")              # a matplotlib figure

Any object with a `name` and `reward(conversations)` is as good as a name, and so are a judge and a
policy of your own: `aa.RewardModel`, `aa.Judge` and `aa.Policy` say what they need. docs/api.md
shows each name at work.

Names are imported when they are first used: this costs nothing until then, and a reward model that
is only checked needs no judge.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argo_audit.audits.asking import (
        agreement,
        bias_probe,
        check_reward_model,
        diff,
        judge,
        read_pairs,
    )
    from argo_audit.audits.compare import compare
    from argo_audit.audits.compare_settings import CompareOptions
    from argo_audit.audits.evaluate import evaluate
    from argo_audit.audits.export import export
    from argo_audit.audits.finished_audit import Audit, load
    from argo_audit.audits.from_python import audit, resume
    from argo_audit.audits.moved import drift
    from argo_audit.audits.rm_training import train_reward_model
    from argo_audit.audits.verification import verify
    from argo_audit.errors import ArgoError, InputError
    from argo_audit.findings.safety import AuditVerdict
    from argo_audit.gates.fixture import Gate
    from argo_audit.gates.without_pytest import decided, open_gate
    from argo_audit.judges.judge_settings import JudgeSettings
    from argo_audit.organism.world import build as build_organism
    from argo_audit.policies.policy_settings import PolicySettings
    from argo_audit.records import (
        Agreement,
        Attempt,
        Finding,
        Judgment,
        Label,
        Message,
        Pair,
        Rubric,
        StoredRubric,
        Usage,
    )
    from argo_audit.roles import Judge, Policy, Proposal, RewardModel, Writer, Written
    from argo_audit.search.search_settings import SearchConfig
    from argo_audit.store import RubricStore
    from argo_audit.surface.judge import SurfaceJudge
    from argo_audit.surface.reader import read_rubric

    __version__: str

__all__ = [
    "Agreement",
    "ArgoError",
    "Attempt",
    "Audit",
    "AuditVerdict",
    "CompareOptions",
    "Finding",
    "Gate",
    "InputError",
    "Judge",
    "JudgeSettings",
    "Judgment",
    "Label",
    "Message",
    "Pair",
    "Policy",
    "PolicySettings",
    "Proposal",
    "RewardModel",
    "Rubric",
    "RubricStore",
    "SearchConfig",
    "StoredRubric",
    "SurfaceJudge",
    "Usage",
    "Writer",
    "Written",
    "__version__",
    "agreement",
    "audit",
    "bias_probe",
    "build_organism",
    "check_reward_model",
    "compare",
    "decided",
    "diff",
    "drift",
    "evaluate",
    "export",
    "judge",
    "load",
    "open_gate",
    "read_pairs",
    "read_rubric",
    "resume",
    "train_reward_model",
    "verify",
]

_HOMES = {
    "audits.asking": (
        "agreement", "bias_probe", "check_reward_model", "diff", "judge", "read_pairs",
    ),
    "audits.compare": ("compare",),
    "audits.compare_settings": ("CompareOptions",),
    "audits.evaluate": ("evaluate",),
    "audits.export": ("export",),
    "audits.finished_audit": ("Audit", "load"),
    "audits.from_python": ("audit", "resume"),
    "audits.moved": ("drift",),
    "audits.rm_training": ("train_reward_model",),
    "audits.verification": ("verify",),
    "errors": ("ArgoError", "InputError"),
    "findings.safety": ("AuditVerdict",),
    "gates.fixture": ("Gate",),
    "gates.without_pytest": ("decided", "open_gate"),
    "judges.judge_settings": ("JudgeSettings",),
    "organism.world": ("build_organism",),
    "policies.policy_settings": ("PolicySettings",),
    "records": (
        "Agreement", "Attempt", "Finding", "Judgment", "Label", "Message", "Pair", "Rubric",
        "StoredRubric", "Usage", "__version__",
    ),
    "roles": ("Judge", "Policy", "Proposal", "RewardModel", "Writer", "Written"),
    "search.search_settings": ("SearchConfig",),
    "store": ("RubricStore",),
    "surface.judge": ("SurfaceJudge",),
    "surface.reader": ("read_rubric",),
}  # fmt: skip
_THERE = {"__version__": "VERSION", "build_organism": "build"}  # what they are called at home
_HOME = {name: f"argo_audit.{home}" for home, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # or a checker would take any name for one that is there

    def __getattr__(name: str) -> object:
        """A public name, imported from its home when it is first asked for."""
        if name not in _HOME:
            raise AttributeError(f"module 'argo_audit' has no attribute {name!r}")
        found: object = vars(import_module(_HOME[name]))[_THERE.get(name, name)]
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
