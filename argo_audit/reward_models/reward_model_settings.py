"""How a reward model is loaded or asked: one record, saved with every audit that used it.

    settings = RewardModelSettings(max_length=2048, device_map="auto")
    ClassifierRewardModel("org/my-rm", settings)

In the file of `--config` it is the table `[reward_model]`. Every kind of reward model takes the
same record and reads what concerns it, so that an audit compares kinds without a second syntax.
"""

from typing import Literal

from pydantic import Field

from argo_audit.records import Record

Dtype = Literal["auto", "float32", "bfloat16", "float16"]


class RewardModelSettings(Record):
    """Settings of all kinds of reward models.

    Everywhere: `max_length` in tokens (None: what the model allows; longer conversations are cut
    and counted), `batch_size` in conversations, `revision` of a hub id (branch, tag or commit),
    `trust_remote_code` runs Python code that a checkpoint ships.

    Weights in this process: `dtype` "auto" is float32 on a CPU and the checkpoint's own on a GPU;
    `device_map` as accelerate reads it ("auto" spreads a model over GPUs), None: one device.

    DPO: `beta` of its training, which scales its rewards.

    Served: `tokenizer` is a folder or hub id, read here so that the server is sent token ids;
    `concurrency` requests at a time, `timeout` seconds for each, `attempts` at each, the first
    repeated after `backoff` seconds and later ones after twice as long; `api_key` names the
    environment variable that holds the key.
    """

    max_length: int | None = Field(default=None, ge=2)
    batch_size: int = Field(default=32, ge=1)
    revision: str | None = None
    trust_remote_code: bool = False
    dtype: Dtype = "auto"
    device_map: str | None = None
    beta: float = Field(default=0.1, gt=0)
    tokenizer: str | None = None
    concurrency: int = Field(default=8, ge=1)
    timeout: float = Field(default=120.0, gt=0)
    attempts: int = Field(default=6, ge=1)
    backoff: float = Field(default=0.5, ge=0)
    api_key: str = "ARGO_RM_API_KEY"
