"""The size of a search, the pairs it is given, and what it asks for at that size."""

from typing import NamedTuple

from argo_audit.judges.judge_settings import LINES_PER_CALL
from argo_audit.search.search_settings import SearchConfig


class Sized(NamedTuple):
    """The size of a search: its settings, and how many rubrics answer one policy prompt."""

    search: SearchConfig
    rubrics_per_prompt: int


class Given(NamedTuple):
    """How many pairs a search is given; what a user has set is in `fixed`, and is not made smaller.

    `fixed` names fields of `SearchConfig`, and `rubrics_per_prompt`; `lines_per_call` is how many
    lines the judge reads at once.
    """

    train: int
    dev: int
    held_out: int
    fixed: frozenset[str] = frozenset()
    lines_per_call: int = LINES_PER_CALL


class Work(NamedTuple):
    """Of one search, at most: `steps`, what each of them asks for, and the judgments of selection.

    Of a step: `judged` pairs, of which `lines` are asked about lines, texts `written` by the
    policy, prompts that a rewriter `rewrites`.
    """

    steps: int
    judged: int
    written: int
    rewrites: int
    selection: int
    lines: int = 0
