"""What a search does: small, frozen, saved with the run.

SearchConfig(steps=60, minibatch=128)
"""

from typing import Literal

from pydantic import Field

from argo_audit.records import CLIP, Settings

Variant = Literal["explore", "improve", "assemble", "combine", "contrast", "disagreements"]

ARGO = "argo"
"""The search that comes with the package, as `optimisers` opens it."""


class FeedbackConfig(Settings):
    """Which prompt variants a step asks, and how much of the past they show."""

    variants: tuple[Variant, ...] = ("explore", "improve", "assemble")
    """One policy prompt each, in every step."""
    elite: int = Field(default=4, ge=1)
    """How many of the best attempts "best" and "second" are drawn from, so that variants of one
    kind differ."""
    added_lines: int = Field(default=4, ge=0)
    """How many lines of other attempts "assemble" puts into its own."""
    max_rubric: int = Field(default=4000, ge=1)
    """Characters of an attempt that are shown."""
    max_excerpt: int = Field(default=400, ge=1)
    """Characters of a prompt or response that are shown."""
    max_prompt: int = Field(default=12_000, ge=100)
    """Characters of a policy prompt that a model has rewritten; a longer one is not used."""
    disagreements: int = Field(default=2, ge=1)
    """How many pairs that the best attempt gets wrong are shown."""


class SearchConfig(Settings):
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
