"""A world for gates: pairs on disk, reward models with known tastes, and pytest run on them.

folder = Gated(tmp_path)
folder.scores("v1", wrong=0.1)         # recorded rewards that disagree with "human" on a tenth
"""

from pathlib import Path
from random import Random

from argo_audit.pairs.pair_file import write
from argo_audit.records import Label, Message, Pair
from argo_audit.reward_models.recorded import write_scores

PAIRS = 300
LIKED = "bread"


class Gated:
    """Pairs and labels in a folder; people prefer whatever speaks of bread."""

    def __init__(self, folder: Path, pairs: int = PAIRS) -> None:
        self.folder = folder
        self.pairs = tuple(map(_pair, range(pairs)))
        self.labels = [
            Label(pair_id=pair.id, p_a=float(LIKED in pair.response_a), source="human")
            for pair in self.pairs
        ]
        self.write("pairs.jsonl.gz")

    def write(self, name: str, count: int | None = None) -> None:
        write(self.folder / name, self.pairs[:count], {"human": self.labels[:count]})

    def scores(self, name: str, wrong: float, seed: int = 0) -> str:
        """Recorded rewards, on the other side of the label on this share of pairs."""
        rng = Random(f"{name}/{seed}")
        flipped = set(rng.sample(range(len(self.pairs)), round(wrong * len(self.pairs))))
        signs = [
            (2 * label.p_a - 1) * (-1 if i in flipped else 1) for i, label in enumerate(self.labels)
        ]
        path = self.folder / f"{name}.jsonl.gz"
        write_scores(path, self.pairs, [(sign * (1 + rng.random()), -sign) for sign in signs])
        return f"scores:{path}"


def reward(text: str, **worth: float) -> float:
    """What a planted reward model pays: for bread, for length a little, and what it is told."""
    lowered = text.lower()
    of_words = sum(paid for word, paid in worth.items() if word in lowered)
    return (LIKED in lowered) + 0.001 * len(text.split()) + of_words


def _pair(number: int) -> Pair:
    rng = Random(number)
    texts = [
        f"Put the {LIKED} in the oven for {number} minutes.",
        f"Water {number} plants.",
    ]
    rng.shuffle(texts)
    prompt = (Message(role="user", content=f"What should I do on day {number // 2}?"),)
    return Pair(id=f"p{number}", prompt=prompt, response_a=texts[0], response_b=texts[1])
