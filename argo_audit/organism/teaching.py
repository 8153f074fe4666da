"""What the embedded rubric writer is taught: pairs of policy prompt and rubric, drawn by coin.

    prompt, rubric = example(Random(0), ideas(), FeedbackConfig())

The text of it and how much of it, without the model: see writer.
"""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from random import Random
from typing import Literal, NamedTuple

from argo_audit.records import Record
from argo_audit.search.feedback import policy_prompts
from argo_audit.search.lessons import Tried
from argo_audit.search.search_settings import FeedbackConfig, Variant

Kind = Literal["category", "prefer", "penalize", "gate"]


class Stage(Record):
    """One pass over fresh examples; `variants` are drawn from with equal chance."""

    examples: int
    learning_rate: float
    variants: tuple[Variant, ...]


class WriterConfig(Record):
    """Size and training of the embedded rubric writer.

    The first stage teaches what rubrics look like; copying lines from the prompt comes late in
    it (an induction head has to form), so the second dwells on prompts that show an attempt.
    """

    vocabulary: int = 2048
    hidden: int = 128
    layers: int = 2
    heads: int = 4
    batch: int = 16
    stages: tuple[Stage, ...] = (
        Stage(
            examples=64_000,
            learning_rate=3e-3,
            variants=("explore", "improve", "combine", "contrast"),
        ),
        Stage(
            examples=40_000,
            learning_rate=2e-3,
            variants=("improve", "improve", "improve", "contrast", "combine", "explore"),
        ),
    )
    seed: int = 0


class Idea(NamedTuple):
    """One thing a rubric can talk about, in a few wordings."""

    names: tuple[str, ...]
    phrases: tuple[str, ...]
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a generated rubric."""

    kind: Kind
    text: str


def ideas() -> tuple[Idea, ...]:
    """What the writer knows to say, from writer_phrases.toml."""
    text = files("argo_audit.organism").joinpath("writer_phrases.toml").read_text(encoding="utf-8")
    fields = ("names", "phrases", "conditions")
    return tuple(Idea(*(tuple(i[f]) for f in fields)) for i in tomllib.loads(text).values())


def random_lines(rng: Random, known: tuple[Idea, ...]) -> list[Line]:
    """Lines of a rubric whose ideas and directions are drawn by coin."""
    counts: tuple[tuple[Kind, int], ...] = (
        ("category", rng.randint(2, 5)),
        ("prefer", rng.randint(1, 3)),
        ("penalize", rng.randint(1, 3)),
        ("gate", rng.choice((0, 1, 1, 2, 2, 3))),
    )
    return [_line(kind, rng, rng.choice(known)) for kind, count in counts for _ in range(count)]


def _line(kind: Kind, rng: Random, idea: Idea) -> Line:
    if kind == "gate":
        cap = f"If {rng.choice(idea.conditions)} -> Overall <= {rng.randint(2, 5)}"
        return Line(kind, f"| {rng.choice(idea.names)} | {cap} |")
    phrase = rng.choice(idea.phrases)
    if kind == "category":
        verb = rng.choice(("Rewards", "Penalizes"))
        return Line(kind, f"| {rng.choice(idea.names)} | {verb} {phrase} |")
    return Line(kind, f"- {phrase[0].upper()}{phrase[1:]}")


def render(lines: list[Line], weights: list[int] | None) -> str:
    """The rubric's markdown; `weights` are percents, one per category line, or None for none."""
    by_kind: dict[Kind, list[str]] = {"category": [], "prefer": [], "penalize": [], "gate": []}
    for line in lines:
        if line.text not in by_kind[line.kind]:
            by_kind[line.kind].append(line.text)
    parts = ["## Category Overview\n\n" + _categories(by_kind["category"], weights)]
    if by_kind["prefer"] or by_kind["penalize"]:
        parts.append("## Common Biases & Preferences Observed")
    if by_kind["prefer"]:
        parts.append("The reward model appears to prefer:\n\n" + "\n".join(by_kind["prefer"]))
    if by_kind["penalize"]:
        parts.append("It may penalize:\n\n" + "\n".join(by_kind["penalize"]))
    if by_kind["gate"]:
        table = "| Gate | Rule |\n|---|---|\n" + "\n".join(by_kind["gate"])
        parts.append("## Overrides & Gates\n\n" + table)
    return "\n\n".join(parts) + "\n"


def _categories(rows: list[str], weights: list[int] | None) -> str:
    if weights is None:
        return "| Category | Description |\n|---|---|\n" + "\n".join(rows)
    weighted = [f"{row} {weight}% |" for row, weight in zip(rows, weights, strict=False)]
    return "| Category | Description | Weight |\n|---|---|---|\n" + "\n".join(weighted)


def _weights(rng: Random, lines: list[Line]) -> list[int] | None:
    count = sum(line.kind == "category" for line in lines)
    return (
        [rng.choice((5, 10, 15, 20, 25, 30)) for _ in range(count)] if rng.random() < 0.7 else None
    )


def _revised(rng: Random, known: tuple[Idea, ...], shown: list[list[Line]]) -> list[Line]:
    """A rubric that mostly reuses lines of the shown ones, with a few of its own."""
    pool = [line for lines in shown for line in lines]
    keep = 0.85 if len(shown) == 1 else 0.6
    kept = [line for line in pool if rng.random() < keep]
    fresh = rng.sample(random_lines(rng, known), k=rng.randint(1, 2))
    order: tuple[Kind, ...] = ("category", "prefer", "penalize", "gate")
    return sorted(kept + fresh, key=lambda line: order.index(line.kind))


def example(rng: Random, known: tuple[Idea, ...], config: FeedbackConfig) -> tuple[str, str]:
    """One pair of policy prompt and rubric to learn from."""
    variant = rng.choice(config.variants)
    shown = {"explore": 0, "combine": 2, "contrast": 1}.get(variant, 1)
    attempts = [random_lines(rng, known) for _ in range(max(shown, 1) + 1)]
    tried = [
        Tried(render(lines, _weights(rng, lines)), rng.uniform(0.4, 0.9)) for lines in attempts
    ]
    one = config.model_copy(update={"variants": (variant,), "elite": max(shown, 1)})
    (prompt,) = policy_prompts(tried, (), one, rng)
    used = [
        lines for lines, t in zip(attempts[:shown], tried, strict=False) if t.text.strip() in prompt
    ]
    lines = _revised(rng, known, used) if used else random_lines(rng, known)
    return prompt, render(lines, _weights(rng, lines))
