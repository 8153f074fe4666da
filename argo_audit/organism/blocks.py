r"""The parts of a response that are not prose: lists, steps, tables, code and headers.

    blocks_of({"bullets": 1.0}, voice, random.Random(0), items=3)
    # ['- Skim the stock\n- Check the pot\n- A sound ladle']

Every block is one string of markdown without blank lines around it.
"""

import random
from collections.abc import Callable

from argo_audit.organism.plans import Plan
from argo_audit.organism.voice import Voice, capitalised

Block = Callable[[Voice, random.Random, int], str]


def blocks_of(plan: Plan, voice: Voice, rng: random.Random, items: int) -> list[str]:
    """The blocks that the plan asks for, in random order; lists have `items` items."""
    asked = [block for name, block in _BLOCKS.items() if plan.get(name)]
    rng.shuffle(asked)
    return [block(voice, rng, items) for block in asked]


def header(voice: Voice, rng: random.Random) -> str:
    """A markdown header of level two or three."""
    return f"{rng.choice(('##', '###'))} {capitalised(voice.phrase('{heading}'))}"


def _bullets(voice: Voice, rng: random.Random, items: int) -> str:
    mark = rng.choice(("-", "*"))
    lines = [f"{mark} {capitalised(item)}" for item in voice.phrases("{item}", items)]
    return "\n".join(_led(lines, voice, rng))


def _numbered_steps(voice: Voice, rng: random.Random, items: int) -> str:
    mark = rng.choice((".", ")"))
    steps = enumerate(voice.phrases("{step}", items), start=1)
    lines = [f"{number}{mark} {capitalised(step)}" for number, step in steps]
    return "\n".join(_led(lines, voice, rng))


def _table(voice: Voice, rng: random.Random, items: int) -> str:
    rows = [("{thing}", "{note|detail|state}"), *[("{third}", "{cell}")] * items]
    lines = [f"| {voice.phrase(left)} | {voice.phrase(right)} |" for left, right in rows]
    return "\n".join((lines[0], "| --- | --- |", *lines[1:]))


def _code(voice: Voice, rng: random.Random, items: int) -> str:
    return f"```\n{voice.phrase('{code}').strip()}\n```"


def _led(lines: list[str], voice: Voice, rng: random.Random) -> list[str]:
    """Half of the lists have a line that leads into them."""
    return [capitalised(voice.phrase("{lead_in}")), *lines] if rng.random() < 0.5 else lines


_BLOCKS: dict[str, Block] = {
    "bullets": _bullets,
    "numbered_steps": _numbered_steps,
    "tables": _table,
    "code": _code,
}
