"""Which formats there are, and which of them a row is in.

    >>> named("hh").columns
    ('chosen', 'rejected')

A row is in the first format whose columns it has, so a format comes before those whose columns it
shares and adds to.
"""

from collections.abc import Mapping

from argo_audit.pairs.formats.arena import ARENA_55K, ARENA_140K
from argo_audit.pairs.formats.best_of_n import (
    DISTILABEL,
    NECTAR,
    REWARDBENCH2,
    ULTRAFEEDBACK_RAW,
)
from argo_audit.pairs.formats.chosen_rejected import ARGILLA, HH, REWARDBENCH, TRL, ULTRAFEEDBACK
from argo_audit.pairs.formats.graded import HELPSTEER2, HELPSTEER2_PREFERENCE, PKU, SHP
from argo_audit.pairs.formats.helpsteer import HELPSTEER3
from argo_audit.pairs.formats.icai import ICAI
from argo_audit.pairs.formats.native import NATIVE, NUMBERED
from argo_audit.pairs.formats.prism import PRISM, PRISM_UTTERANCES
from argo_audit.pairs.formats.rows import PairFormat

FORMATS = (
    ARENA_55K,
    NATIVE,
    HELPSTEER2_PREFERENCE,
    NUMBERED,
    ARENA_140K,
    HELPSTEER3,
    ICAI,
    PKU,
    SHP,
    REWARDBENCH2,
    REWARDBENCH,
    ULTRAFEEDBACK,
    ARGILLA,
    HH,
    TRL,
    ULTRAFEEDBACK_RAW,
    NECTAR,
    DISTILABEL,
    HELPSTEER2,
    PRISM,
    PRISM_UTTERANCES,
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


def table() -> str:
    """The formats as a table in markdown: what of each is read, and what is named as unused."""
    rows = [("format", "found in", "read, and the label source it becomes", "named as unused")]
    rows += [("---",) * 4]
    rows += [(f"`{f.name}`", f.data_sets, f.reads, f.leaves) for f in FORMATS]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
