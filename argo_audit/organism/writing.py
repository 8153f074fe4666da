"""Writes the organism's English: prompts on a topic, and responses that follow a plan.

    writer, rng = Writer(), random.Random(0)
    prompt = writer.prompt("ideas", rng)
    text = writer.response(prompt, draw(population_spec("A"), "ideas", rng), rng)

A response is content sentences about the prompt's topic plus whatever the plan asks for. The
phrase banks are data: a new way of hedging is a line in style.toml.
"""

import random
from dataclasses import dataclass

from argo_audit.organism.drafting import Draft, Style
from argo_audit.organism.grammar import Grammar, bank
from argo_audit.organism.plans import Plan
from argo_audit.organism.voice import Topic, Voice, capitalised

_COUNTS = {"3": 3, "4": 4, "5": 5, "three": 3, "four": 4, "five": 5}


@dataclass(frozen=True)
class Prompt:
    """A prompt's text, its task and topic, and how many items it asks for (0: it does not say)."""

    text: str
    task: str
    topic: Topic
    count: int


class Writer:
    """The phrase banks, ready to write; it keeps nothing between calls."""

    def __init__(self) -> None:
        topics = bank("topics", dict[str, dict[str, str]])
        self._topics = tuple(Topic(name=name, **words) for name, words in topics.items())
        self._prompts = bank("prompts", dict[str, tuple[str, ...]])
        self._styles = bank("style", dict[str, Style])
        self._grammar = Grammar(bank("content", dict[str, tuple[str, ...]]))

    def prompt(self, task: str, rng: random.Random) -> Prompt:
        """A prompt of this task on a random topic."""
        topic = rng.choice(self._topics)
        template = rng.choice(self._prompts[task])
        asked = rng.choice(list(_COUNTS)) if "{count}" in template else ""
        voice = Voice(self._grammar, topic, rng)
        text = capitalised(voice.phrase(template.replace("{count}", asked)))
        return Prompt(text, task, topic, _COUNTS.get(asked, 0))

    def response(self, prompt: Prompt, plan: Plan, rng: random.Random) -> str:
        """A response to the prompt that has the plan's attributes; markdown."""
        draft = Draft(Voice(self._grammar, prompt.topic, rng), plan, rng)
        for name, style in self._styles.items():
            draft.add_style(style, _level(name, plan))
        draft.add_blocks(prompt.count)
        draft.fill(self._styles["refusal_reason"].lines if plan["refusal"] else ("{claim}",))
        return draft.text()


def _level(style: str, plan: Plan) -> float:
    """How much of a style the plan asks for; two styles belong to an attribute of another name."""
    if style == "preamble":
        return 1.0 - plan["direct_answer"]
    return plan["refusal_length"] if style == "refusal_reason" else plan[style]
