"""What the reward model prefers: pairs in, soft labels out.

    labels = label_pairs(reward_model, pairs)
    labels[0].p_a, labels[0].rewards      # 0.85, (1.2, -0.5)

P(A preferred) is Bradley-Terry's sigmoid of the reward difference over a temperature, and the
rewards stay on the label, so that another temperature needs no second scoring. A conversation
that appears in several pairs is scored once: identical responses get exactly 0.5.
"""

from collections.abc import Iterable, Sequence

from argo_audit.records import Label, Pair, fingerprint
from argo_audit.reward_models.asked import rewards_of
from argo_audit.roles import Fingerprinted, RewardModel
from argo_audit.stats.agreement import preference


def label_pairs(
    reward_model: RewardModel, pairs: Sequence[Pair], temperature: float = 1.0
) -> tuple[Label, ...]:
    """One label per pair, in order; `source` is the reward model's name.

    Args:
        reward_model: scores each distinct conversation once, in one call.
        pairs: what to label.
        temperature: divides the reward difference, > 0; 1 takes the rewards as logits.

    Raises:
        RewardModelError: a reward is missing or not finite.
    """
    sides = [pair.conversations() for pair in pairs]
    distinct = list(dict.fromkeys(conversation for side in sides for conversation in side))
    reward_of = dict(zip(distinct, rewards_of(reward_model, distinct), strict=True))
    labels = []
    for pair, (a, b) in zip(pairs, sides, strict=True):
        rewards = reward_of[a], reward_of[b]
        p_a = preference(*rewards, temperature=temperature)
        labels.append(Label(pair_id=pair.id, p_a=p_a, source=reward_model.name, rewards=rewards))
    return tuple(labels)


def pin(reward_model: RewardModel, rewards: Iterable[float]) -> str:
    """What pins a reward model: its own fingerprint, if it has one (64 hex digits).

    Of one that cannot say what it is, the hash of its name and of what it paid, in order: another
    model under the same name is found out by its rewards.
    """
    if isinstance(reward_model, Fingerprinted):
        return reward_model.fingerprint()
    return fingerprint(repr((reward_model.name, tuple(rewards))), length=64)


def paid_in(labels: Iterable[Label]) -> list[float]:
    """The rewards on labels, those of A and B one after the other."""
    return [reward for label in labels for reward in label.rewards or ()]
