"""Which formats there are, and which of them a row is in.

    >>> named("hh").columns
    ('chosen', 'rejected')

A row is in the first format whose columns it has, so a format comes before those whose columns it
shares and adds to.
"""

from collections.abc import Mapping

from argo_audit.pairs.formats.arena import ARENA_55K, ARENA_140K
from argo_audit.pairs.formats.chosen_rejected import HH, REWARDBENCH, TRL, ULTRAFEEDBACK
from argo_audit.pairs.formats.helpsteer import HELPSTEER3
from argo_audit.pairs.formats.icai import ICAI
from argo_audit.pairs.formats.labelled import PairFormat
from argo_audit.pairs.formats.native import NATIVE, NUMBERED

FORMATS = (
    ARENA_55K,
    NATIVE,
    NUMBERED,
    ARENA_140K,
    HELPSTEER3,
    ICAI,
    REWARDBENCH,
    ULTRAFEEDBACK,
    HH,
    TRL,
)


def detect(row: Mapping[str, object]) -> PairFormat | None:
    """The format of a row, or None."""
    return next((known for known in FORMATS if known.describes(row)), None)


def named(name: str) -> PairFormat | None:
    """The format of that name, or None."""
    return next((known for known in FORMATS if known.name == name), None)


def known_formats() -> str:
    """Every format with the columns it needs, for messages."""
    return "; ".join(f"{known.name} ({', '.join(known.columns)})" for known in FORMATS)
