"""What a search does: small, frozen, saved with the run.

SearchConfig(steps=60, minibatch=128)
"""

import operator
from typing import Literal

from pydantic import Field

from argo_audit.records import CLIP, Settings

Variant = Literal["explore", "improve", "assemble", "combine", "contrast", "disagreements"]

ARGO = "argo"
"""The search of the paper: a policy trained by RL."""

CONTRASTS = 4
MAX_RESPONSE = 1000

LOGISTIC = "logistic"
"""The search by line without halving, rounds and races."""

GEPA = "gepa"
"""The search of the package of that name: whole rubrics, evolved by reflection."""

LEAD = "lead"
"""The search by line: lines proposed, asked, weighed, written, raced."""


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
    """Characters of a prompt or response that are shown where no `contrasts` are."""
    max_prompt: int = Field(default=12_000, ge=100)
    """Characters of a policy prompt that a model has rewritten; a longer one is not used."""
    disagreements: int = Field(default=2, ge=1)
    """How many pairs that an attempt gets wrong are shown."""
    contrasts: int = Field(default=CONTRASTS, ge=0, exclude_if=lambda shown: shown == CONTRASTS)
    """Pairs with clear labels that are shown beside them, other ones in each prompt; with 0 none
    are, and prompts say no more than what was tried. The embedded writer was taught on those."""
    max_response: int = Field(
        default=MAX_RESPONSE, ge=100, exclude_if=lambda length: length == MAX_RESPONSE
    )
    """Characters of a response that are shown beside `contrasts`."""


class LeadConfig(Settings):
    """How lines are found, asked and weighed, by searches that ask a judge line by line."""

    rounds: int = Field(default=3, ge=1)
    """Rounds of proposing lines; each after the first is shown what the rubric still gets wrong."""
    lines: int = Field(default=64, ge=1)
    """New lines of a round that are asked at all."""
    first: int = Field(default=48, ge=8)
    """Pairs on which new lines are asked first; each time the pairs double, the lines halve."""
    pairs: int = Field(default=384, ge=8)
    """Pairs on which the lines that are left are asked."""
    least: int = Field(default=24, ge=1)
    """New lines of a round that are always asked on all of these pairs."""
    race: int = Field(default=32, ge=8)
    """Pairs of the first heat of a race of rubrics; each heat has twice as many as the one before,
    for half of the rubrics."""
    heats: int = Field(default=3, ge=1)
    """Heats of a race."""
    contrasts: int = Field(default=12, ge=0)
    """Pairs shown to the policy when it proposes lines; 0 asks it without showing any."""
    max_response: int = Field(default=1200, ge=100)
    """Characters of a response shown there."""
    resamples: int = Field(default=40, ge=10)
    """Resamples of the prompts that say how stable a line is."""


class GepaConfig(Settings):
    """How candidates of `gepa` are compared; `steps` says how many are written."""

    minibatch: int = Field(default=8, ge=1)
    """Pairs on which a parent is judged and mended, and its child compared with it."""
    validation: int = Field(default=64, ge=4)
    """Train pairs, always the same, on which a child that was better there is judged."""


def _usual(table: LeadConfig | GepaConfig) -> bool:
    """What is not written: records of searches without these settings stay as they were."""
    return table == type(table)()


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
    lead: LeadConfig = Field(default=LeadConfig(), exclude_if=_usual)
    """How lines are found, asked and weighed, where a search goes by line."""
    gepa: GepaConfig = Field(default=GepaConfig(), exclude_if=_usual)
    """How candidates are compared, where rubrics are evolved by `gepa`."""
    warm_start: bool = Field(default=False, exclude_if=operator.not_)
    """Whether argo begins with the rounds of lead, and goes on from its rubrics."""
    seed: int = 0
    """Of the minibatches, of what feedback shows, and of a rewriter's answers."""

    def with_one_variant(self) -> "SearchConfig":
        """Asking one policy prompt a step, unless it was set which are asked."""
        if "variants" in self.feedback.model_fields_set:
            return self
        feedback = self.feedback.model_copy(update={"variants": ("improve",)})
        return self.model_copy(update={"feedback": feedback})
