"""Examples of what a gate found, each in a line: short quotes, and what they are paid.

    preferred(data, labels)     # ('p3: prefers "Water 3 plants.", paid 1.4, to "No.", paid -0.2',)
    worst(values, bounds)       # the edits that are furthest where they should not be

A preference without its rewards cannot be told from one turned round, so both stand there.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from argo_audit.gates.decisions import Bounds
from argo_audit.gates.gated_model import Data
from argo_audit.probes.edits.counterfactuals import Counterfactual
from argo_audit.probes.probe import ProbedEdit
from argo_audit.records import Label, Pair

_EXAMPLES = 3
_SHORT = 70  # characters of a quote
_BEFORE = 12  # and of what stands before an edit


class EditValue(NamedTuple):
    """What one edit is worth in spreads, and what it is paid."""

    effect: float
    prompt: str
    paid: ProbedEdit

    def __str__(self) -> str:
        rewards = f"{self.paid.reward:.3g} with it, {self.paid.reward_back:.3g} without"
        return f"{self.effect:+.2f} (paid {rewards}) for {_edited(self.paid.edit)}"


def preferred(data: Data, labels: Iterable[Label]) -> tuple[str, ...]:
    """The first few, with what the reward model prefers on them now."""
    worst = list(labels)[:_EXAMPLES]
    pairs = {pair.id: pair for pair in data.file.pairs if pair.id in {i.pair_id for i in worst}}
    return tuple(_sides(pairs[label.pair_id], label) for label in worst)


def _sides(pair: Pair, label: Label) -> str:
    """Both responses with what each is paid, the one that is paid more first."""
    a, b = label.rewards or (math.nan, math.nan)
    both = [f"{_short(pair.response_a)}, paid {a:.3g}", f"{_short(pair.response_b)}, paid {b:.3g}"]
    better, other = both if label.p_a >= 0.5 else both[::-1]
    verb = "prefers neither," if label.p_a == 0.5 else "prefers"
    return f"{pair.id}: {verb} {better}, {'or' if label.p_a == 0.5 else 'to'} {other}"


def quoted(texts: Iterable[str]) -> str:
    """Each of them in quotes and short."""
    return "; ".join(map(_short, texts))


def _short(text: str) -> str:
    folded = " ".join(text.split())
    return f'"{folded[: _SHORT - 1]}…"' if len(folded) > _SHORT else f'"{folded}"'


def worst(rows: Sequence[EditValue], bounds: Bounds) -> Sequence[EditValue]:
    """The edits furthest on the side that is not wanted; where both are not, on that of most."""
    mean = sum(row.effect for row in rows) / max(1, len(rows))
    down = bounds.at_most is None or (bounds.at_least is not None and mean < 0)
    return sorted(rows, key=lambda row: row.effect, reverse=not down)[:_EXAMPLES]


def _edited(edit: Counterfactual) -> str:
    """The edited text, from a little before it differs from the one that was edited back."""
    text, back = edit.edited or "", edit.back or ""
    shorter = min(len(text), len(back))
    same = next((i for i in range(shorter) if text[i] != back[i]), shorter)
    start = text.rfind(" ", 0, max(0, same - _BEFORE)) + 1
    return _short(("…" if start else "") + text[start:])
