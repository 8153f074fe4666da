"""How a policy writes and is trained: small, frozen, saved with the run, and free of torch.

    settings_of("runs/my-policy")            # of its policy_settings.json, else the defaults
    settings_of("sample:openai/gpt-5-mini")  # room to think before it writes

A folder with a policy may carry its own `policy_settings.json`, which is where the embedded
rubric writer says that a model of half a million weights wants another learning rate than one
of half a billion. All fields are flat and those of vLLM have TRL's names, so that a table of a
TOML file can set any of them alone.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from argo_audit.errors import InputError, brief
from argo_audit.outside.caps import RECORD, read_whole
from argo_audit.records import Settings

SETTINGS_FILE = "policy_settings.json"
SAMPLE = "sample:"
_ROOM_TO_THINK = 8192


class PolicySettings(Settings):
    """Settings of one policy; a frozen one (`sample:MODEL`) reads only the first three and `seed`.

    Lengths are in tokens. Names of vLLM's settings are TRL's.
    """

    rubrics_per_prompt: int = Field(default=8, ge=2)
    """GRPO's group: that many rubrics for each prompt variant of a step."""
    max_rubric_tokens: int = Field(default=1024, ge=8)
    """Tokens of a rubric at most."""
    temperature: float = Field(default=1.0, gt=0)
    """Sampling temperature of the policy."""
    learning_rate: float = Field(default=1e-5, gt=0)
    """Step size of the policy's optimiser."""
    kl_to_start: float = Field(default=0.02, ge=0)
    """Weight of the KL divergence to the initial policy, the guard against degenerate text."""
    clip: float = Field(default=0.2, gt=0)
    """How far from 1 a probability ratio counts in an update, as in PPO."""
    updates_per_step: int = Field(default=1, ge=1)
    """Updates of the weights on the rubrics of one step."""
    lora_rank: int = Field(default=16, ge=0)
    """Rank of the adapters that are trained; 0 trains all weights."""
    bf16: bool = False
    """Compute in bfloat16; weights are held in it only where LoRA freezes them, since small updates
    of a weight get lost in it."""
    gradient_checkpointing: bool = False
    """Compute activations twice, to hold fewer of them in memory."""
    device_batch: int | None = Field(default=None, ge=1)
    """How many of its share of a step's rubrics one process takes through a backward pass; the rest
    is accumulated. Unset, all of them."""
    checkpoint_every: int = Field(default=1, ge=1)
    """Steps between checkpoints: at most so many are written once more when a killed search goes on
    (none of them is judged again)."""
    use_vllm: Literal["off", "colocate", "server"] = "off"
    """Generate with vLLM: beside training on the same GPUs, or with `vllm serve` elsewhere."""
    vllm_server_base_url: str = "http://localhost:8000"
    """Where `vllm serve` answers."""
    vllm_gpu_memory_utilization: float = Field(default=0.3, gt=0, lt=1)
    """Share of GPU memory that a colocated vLLM takes."""
    vllm_tensor_parallel_size: int = Field(default=1, ge=1)
    """GPUs that a colocated vLLM divides the model over."""
    vllm_max_model_length: int | None = Field(default=None, ge=1)
    """Bound of prompt and rubric together (of a server, what it was started with); unset, as the
    model says."""
    seed: int = 0
    """Seed of training and sampling; an audit puts its own here."""


def settings_of(model: str | Path) -> PolicySettings:
    """The settings that the policy's folder carries, else the defaults.

    What a reasoning model thinks counts against its `max_rubric_tokens`, so a sampled model gets
    more by default. Raises InputError when the file does not hold settings.
    """
    if str(model).startswith(SAMPLE):
        return PolicySettings(max_rubric_tokens=_ROOM_TO_THINK)
    path = Path(model) / SETTINGS_FILE
    if not path.is_file():
        return PolicySettings()
    try:
        return PolicySettings.model_validate_json(read_whole(path, RECORD))
    except (OSError, ValidationError) as error:
        problem = brief(error, PolicySettings)
        raise InputError(path, problem, "correct the file or remove it") from error
