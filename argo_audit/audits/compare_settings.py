"""How rubrics are compared: small, frozen, and free of what compares them.

CompareOptions(store="rubric_store", judge="openai/gpt-5-mini")
"""

from pathlib import Path

from pydantic import field_validator

from argo_audit.outside.credentials import put_aside
from argo_audit.records import Settings


class CompareOptions(Settings):
    """How rubrics and populations are compared: by which judge, on which pairs."""

    store: str | None = None
    """Root of the rubric store (any fsspec URL). Unset: $ARGO_STORE, ./rubric_store, else the one
    shipped."""
    judge: str | None = None
    """Who judges. Unset, the audits' judge, and argo/surface for stored rubrics."""
    rms: tuple[str, ...] = ()
    """Reward models that label all pairs, for stored rubrics; of audits, where theirs are now."""
    logs: Path | None = None
    """Keep the eval logs here. Unset, crossed in the first audit's folder."""
    pairs: str | None = None
    """Pairs for rubrics that are named alone. Unset, those in the store."""
    allow: tuple[str, ...] = ()
    """What folders may name outside of themselves: a path, a URL, a model. The error that asks for
    it says what to give."""

    @field_validator("rms")
    @classmethod
    def _without_credentials(cls, rms: tuple[str, ...]) -> tuple[str, ...]:
        """Evaluations keep what they are told on record."""
        return tuple(map(put_aside, rms))
