"""What a rubric's agreement is set beside: the reward model on raw labels, raw training, the truth.

    rm_on_raw(labels, raw, prompts)                 # the reward model held to the raw labels
    gain_over_raw(labels, by_rm, by_raw, prompts)   # its rubric's accuracy minus the raw one's
    ceiling(dev, held_out, prompts)                 # the planted rubric under the same judge

`prompts` are the prompt keys of pairs, by their ids.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from argo_audit.records import Agreement, Judgment, Label
from argo_audit.stats.agreement import Difference, accuracy_difference, measure

Prompts = Mapping[str, str]


class Judged(NamedTuple):
    """Judgments of pairs, and labels of some of them: a source may leave pairs out."""

    judgments: Sequence[Judgment]
    labels: Sequence[Label]

    @property
    def labelled(self) -> list[Judgment]:
        """The judgments of pairs that have a label."""
        known = {label.pair_id for label in self.labels}
        return [judgment for judgment in self.judgments if judgment.pair_id in known]


def rm_on_raw(labels: Sequence[Label], raw: Sequence[Label], prompts: Prompts) -> Agreement | None:
    """The reward model, by its labels, as if it were a judge; None without a pair that both label.

    Both are of held-out pairs.
    """
    said = [
        Judgment(
            pair_id=label.pair_id,
            rubric_id=label.source,
            p_a=label.p_a,
            p_a_first=None,
            p_a_second=None,
        )
        for label in labels
    ]
    both = Judged(said, raw).labelled
    return measure(raw, both, clusters=prompts) if both else None


def gain_over_raw(
    labels: Sequence[Label],
    by_rm: Sequence[Judgment],
    by_raw: Sequence[Judgment],
    prompts: Prompts,
) -> Difference | None:
    """RM-trained minus raw-trained, on the same held-out pairs and the reward model's labels.

    The judgments are by the rubric of either; None where no pair has a verdict of both.
    """
    first, second = (Judged(said, labels).labelled for said in (by_rm, by_raw))
    try:
        return accuracy_difference(labels, first, second, prompts)
    except ValueError:
        return None


def ceiling(dev: Judged, held_out: Judged, prompts: Prompts) -> Agreement:
    """Agreement on held-out pairs at the judge temperature that fits dev."""
    fitted = measure(dev.labels, dev.labelled, temperature=None)
    return measure(
        held_out.labels, held_out.labelled, clusters=prompts, temperature=fitted.temperature
    )
