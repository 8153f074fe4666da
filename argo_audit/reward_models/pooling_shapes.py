"""What a pooling server says, as far as it is read: rewards, and the models that it serves.

    PoolingAnswer.model_validate_json(content).data[0].probs       # [0.73]

Numbers are numbers: a truth value or a number in quotes is no reward.
"""

from pydantic import BaseModel, Field


class PoolingRow(BaseModel, strict=True):
    """One conversation's: `/classify` calls its outputs probs, `/pooling` data."""

    index: int
    probs: list[float | None] = Field(default_factory=list)
    data: list[float | None] = Field(default_factory=list)


class PoolingAnswer(BaseModel):
    """All rows of a request."""

    data: list[PoolingRow]


class _Card(BaseModel):
    id: str
    root: str | None = None
    max_model_len: int | None = None


class ModelList(BaseModel):
    """The page `/v1/models`."""

    data: list[_Card]
