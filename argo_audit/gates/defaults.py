"""What gates are about unless they say otherwise: the head of gates.toml.

    rm = "reward_model"               # --rm and $ARGO_RM come first
    pairs = "pairs.jsonl.gz"
    judge = "argo/surface"            # or any model that Inspect knows
    baselines = "baselines"           # folder of the numbered baselines
    needs = ["gpu"]                   # skip where there is none

    [reward_model]                    # how it is asked, as for `argo-audit audit --config`
    max_length = 2048

Paths count from the folder of the file. Gates in Python read the gates.toml beside the test, or in
the nearest folder above it, so that both ways of writing them share these.
"""

from os.path import normpath
from pathlib import Path
from typing import Literal

from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.records import Record
from argo_audit.reward_models.by_name import path_in
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.surface.judge import NAME


class GateSettings(Record):
    """Everything a gate can leave out; see the module."""

    rm: str | None = None
    pairs: str | None = None
    judge: str = NAME
    store: str | None = None
    baselines: str = "baselines"
    needs: tuple[Literal["gpu"], ...] = ()
    accept_failing_rm: bool = False
    reward_model: RewardModelSettings = RewardModelSettings()
    judge_settings: JudgeSettings = JudgeSettings()


def located(spec: str, folder: Path) -> str:
    """A reward model's name with its path counted from `folder`, where there is such a file."""
    before, path = path_in(spec) or (spec, "")
    return before + (found(path, folder) if path else "")


def found(path: str, folder: Path) -> str:
    """The path below `folder`, where there is something; otherwise as it was given."""
    there = folder / path
    return normpath(there) if there.exists() else path
