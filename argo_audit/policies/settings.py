"""How a policy is trained: small, frozen, saved with the run, and free of torch.

A folder with a policy may carry its own `policy_settings.json`, which is where the embedded
rubric writer says that a model of half a million weights wants another learning rate than one
of half a billion.
"""

from pathlib import Path

from pydantic import Field, ValidationError

from argo_audit.errors import InputError
from argo_audit.records import Record

SETTINGS_FILE = "policy_settings.json"


class PolicySettings(Record):
    """GRPO's settings for one policy.

    `rubrics_per_prompt` is GRPO's group: that many rubrics for each prompt variant of a step.
    `kl_to_start` weighs the KL divergence to the initial policy, the guard against degenerate
    text; `lora_rank` 0 trains all weights. Lengths are in tokens.
    """

    rubrics_per_prompt: int = Field(default=8, ge=2)
    max_rubric_tokens: int = Field(default=1024, ge=8)
    learning_rate: float = Field(default=1e-5, gt=0)
    kl_to_start: float = Field(default=0.02, ge=0)
    clip: float = Field(default=0.2, gt=0)
    updates_per_step: int = Field(default=1, ge=1)
    temperature: float = Field(default=1.0, gt=0)
    lora_rank: int = Field(default=16, ge=0)
    bf16: bool = False
    seed: int = 0


def settings_of(model: str | Path) -> PolicySettings:
    """The settings that the policy's folder carries, else the defaults."""
    path = Path(model) / SETTINGS_FILE
    if not path.is_file():
        return PolicySettings()
    try:
        return PolicySettings.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(path, str(error), "correct the file or remove it") from error
