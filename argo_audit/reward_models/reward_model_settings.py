"""How a reward model is loaded or asked: one record, saved with every audit that used it.

    settings = RewardModelSettings(max_length=2048, device_map="auto")
    ClassifierRewardModel("org/my-rm", settings)

In the file of `--config` it is the table `[reward_model]`. Every kind of reward model takes the
same record and reads what concerns it, so that an audit compares kinds without a second syntax.
"""

from typing import Annotated, Literal

from pydantic import Field

from argo_audit.records import Settings

Dtype = Literal["auto", "float32", "bfloat16", "float16"]

Temperature = Annotated[float, Field(gt=0)] | Literal["fit"]
"""What divides reward differences, or the word that finds it."""


class RewardModelSettings(Settings):
    """Settings of all kinds of reward models; each reads what concerns it."""

    max_length: int | None = Field(default=None, ge=2)
    """Tokens of a conversation; longer ones are cut and counted. Unset, what the model allows."""
    batch_size: int = Field(default=32, ge=1)
    """Conversations at a time."""
    revision: str | None = None
    """Branch, tag or commit of a hub id."""
    trust_remote_code: bool = False
    """Run Python code that a checkpoint ships."""
    dtype: Dtype = "auto"
    """Of weights in this process: auto is float32 on a CPU and the checkpoint's own on a GPU."""
    device_map: str | None = None
    """As accelerate reads it: "auto" spreads a model over GPUs. Unset, one device."""
    beta: float = Field(default=0.1, gt=0)
    """DPO: beta of its training, which scales its rewards."""
    tokenizer: str | None = None
    """Served: folder or hub id of its tokenizer, read here so that the server is sent token ids."""
    concurrency: int = Field(default=8, ge=1)
    """Served: requests at a time."""
    timeout: float = Field(default=120.0, gt=0)
    """Served: seconds for each request."""
    attempts: int = Field(default=6, ge=1)
    """Served: how often a request is tried."""
    backoff: float = Field(default=0.5, ge=0)
    """Served: seconds before the first repeat; twice as long before each further one."""
    api_key: str = "ARGO_RM_API_KEY"
    """Served: the environment variable that holds the key."""
