"""How a judge is asked and read: small, frozen, saved with the run, and free of any model.

    [judge]                          # a table of `argo-audit audit --config`
    estimator = "votes"
    votes = 5

    inspect eval argo_audit/rubric_agreement -T judge='{estimator: votes, votes: 5}' --model ...
    inspect eval argo_audit/rubric_agreement -T judge='{name: "mine:v3"}' --model none

The estimators, best first: log-probabilities cost one call an order and are exact; votes cost
`votes` calls an order and know only as many probabilities; scores cost as many calls and are the
most quantised, but they are what a rubric with points asks for. P(A) enters a KL, so which one it
was is recorded in every judgment.
"""

from typing import Literal

from pydantic import Field, JsonValue

from argo_audit.records import Settings

LINES_PER_CALL = 8
"""Lines that are asked about in one call, unless a judge is weak (`check-judge` measures it)."""


def _is_whole(reads: object) -> bool:
    return reads == "whole"


def _is_usual(lines: object) -> bool:
    return lines == LINES_PER_CALL


class JudgeSettings(Settings):
    """What a judge is asked for, and within what bounds."""

    reads: Literal["whole", "lines"] = Field(default="whole", exclude_if=_is_whole)
    """How a rubric is applied: whole, or as the sum of its lines, each asked about once and kept.

    By line an answer says which response shows more of a line; the rubric says what that is worth.
    So rubrics that share lines, ablations and new weights cost no call."""
    lines_per_call: int = Field(default=LINES_PER_CALL, ge=1, le=40, exclude_if=_is_usual)
    """Lines asked about in one call; 1 for a weak judge, whose log-probabilities are then read."""
    estimator: Literal["log-probabilities", "votes", "scores"] = "log-probabilities"
    """How P(A) is measured; log-probabilities fall back to votes where a model gives none for both
    letters."""
    votes: int = Field(default=3, ge=1, le=1000)
    """Replies per order, for votes and for scores."""
    reasoning: bool = True
    """Ask for a chain of thought before the verdict; without it the verdict comes at once."""
    structured: bool | None = Field(default=None, exclude_if=lambda it: it is None)
    """Ask for a JSON object, to which the provider holds the model; unset, where it can and none of
    the model's first replies could be read. Scores are always asked for in words."""
    max_reply_tokens: int = Field(default=2048, ge=1)
    """Tokens at which a reply is cut."""
    temperature: float | None = Field(default=None, ge=0)
    """Sampling temperature of the judge; unset, the model's own default."""
    in_flight: int = Field(default=64, ge=1)
    """Calls under way at each server."""
    retries: int = Field(default=7, ge=0)
    """How often a call is repeated where that may help, with growing waits (seven are about six
    minutes)."""
    deadline: float | None = Field(default=None, gt=0, exclude_if=lambda seconds: seconds is None)
    """Seconds after which a request that has not answered is given up, and asked once more; unset,
    120 and a tenth for each of `max_reply_tokens`."""
    cache: bool | None = None
    """Keep replies on disk, so that a resumed search pays nothing twice; unset, for every model but
    those that run in this process."""
    max_text: int = Field(default=20_000, ge=100)
    """Characters of one text that are shown, of both responses alike."""
    seed: int = Field(default=0, ge=0)
    """Another seed asks for other samples."""


class TaskJudge(JudgeSettings):
    """The judge of an evaluation as its task knows it."""

    name: str = ""
    """Name of a judge that is no model of Inspect's; "" is the model of the evaluation, or of the
    role "judge"."""

    def plain(self) -> JudgeSettings:
        """How it is asked, whoever it is."""
        return JudgeSettings.model_validate(self.model_dump(exclude={"name"}))

    def told(self) -> dict[str, JsonValue]:
        """As a log keeps it: all settings, and the name where there is one."""
        return self.model_dump(mode="json", exclude=None if self.name else {"name"})
