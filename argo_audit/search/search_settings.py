"""What a search does: small, frozen, saved with the run.

SearchConfig(steps=60, minibatch=128)
"""

from pydantic import Field

from argo_audit.records import Record
from argo_audit.search.feedback import FeedbackConfig
from argo_audit.stats.agreement import CLIP

ARGO = "argo"
"""The search that comes with the package, as `optimisers` opens it."""


class SearchConfig(Record):
    """What a search does, step by step, and what is measured after it; saved with the run."""

    steps: int = Field(default=40, ge=1)
    """RL iterations."""
    minibatch: int = Field(default=256, ge=1)
    """Pairs per step, drawn anew each step and shared by all its rubrics."""
    fit_temperature: bool = True
    """Whether the judge temperature is fitted per rubric on the minibatch."""
    clip: float = Field(default=CLIP, gt=0, lt=0.5)
    """The judge's probabilities are clipped to [clip, 1 - clip]."""
    floor: float = Field(default=0.05, ge=0)
    """What a text that is no rubric (cut off, or without a criterion) earns below the empty rubric,
    in nats."""
    min_criteria: int = Field(default=4, ge=1)
    """A rubric with fewer criteria pays its share of the floor."""
    repeat_price: float = Field(default=0.1, ge=0)
    """What a rubric of repeated lines only would earn below one without repeats, in nats."""
    recent: int = Field(default=15, ge=1)
    """How many steps back feedback looks."""
    windows: int = Field(default=9, ge=3)
    """Stretches of steps, each of which sends rubrics to selection."""
    top: int = Field(default=50, ge=1)
    """The rubrics of each window, best on train, that are measured on dev and held-out."""
    feedback: FeedbackConfig = FeedbackConfig()
    """Which prompt variants a step asks, and how much of the past they show."""
    seed: int = 0
    """Of the minibatches, of what feedback shows, and of a rewriter's answers."""
