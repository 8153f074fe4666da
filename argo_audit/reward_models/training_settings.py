"""How a reward model is trained: small, frozen, saved with it, and free of torch.

TrainingConfig(base="org/small-lm", lora_rank=8)     # steps and batches follow from the base
"""

from typing import Any, Literal

from pydantic import Field, model_validator

from argo_audit.records import Settings


class TinyConfig(Settings):
    """Shape of a reward model made from scratch."""

    vocabulary: int = Field(2048, ge=300)
    """Tokens of its tokenizer, which is trained on the pairs."""
    hidden_size: int = Field(32, ge=32)
    """Width."""
    layers: int = Field(1, ge=1)
    """Depth."""
    heads: int = Field(1, ge=1)
    """Attention heads of each layer."""


class TrainingConfig(Settings):
    """How a reward model is trained; saved with it.

    Learning rate, weight decay and batch size, unless given, follow from base and adapters: a model
    from scratch needs strong decay to see through noisy labels, a pretrained one small steps.
    """

    base: str | None = None
    """Folder or hub id to start from; unset, a tiny one from scratch."""
    tiny: TinyConfig = TinyConfig()
    """Shape of the one from scratch."""
    lora_rank: int | None = Field(None, ge=1)
    """Train adapters of this rank in all linear layers instead of the weights, and the new head
    whole; they are merged when it is saved."""
    seed: int = 0
    """Seed of every random choice."""
    epochs: float = Field(2.0, gt=0)
    """Passes over the train pairs."""
    batch_size: int = Field(16, ge=1)
    """Pairs per step; 8 with a base."""
    learning_rate: float = Field(1e-3, gt=0)
    """Highest learning rate; 1e-05 with a base, 0.0002 with adapters."""
    weight_decay: float = Field(1.0, ge=0)
    """Pull of the weights to zero; 0.01 with a base."""
    max_length: int = Field(512, ge=8)
    """Tokens per conversation; longer pairs are left out."""
    center_rewards: float = Field(0.01, ge=0)
    """Pull of the rewards to a mean of zero."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Auto computes a base in bfloat16 on a GPU, and everything else in float32."""

    @model_validator(mode="before")
    @classmethod
    def _recipe(cls, given: dict[str, Any]) -> dict[str, Any]:
        """What a base changes about the defaults."""
        if given.get("base") is None:
            return given
        rate = 1e-5 if given.get("lora_rank") is None else 2e-4
        return {"learning_rate": rate, "weight_decay": 0.01, "batch_size": 8} | given

    @model_validator(mode="after")
    def _check(self) -> "TrainingConfig":
        if self.lora_rank is not None and self.base is None:
            raise ValueError("lora_rank needs a base whose weights stay as they are")
        return self
