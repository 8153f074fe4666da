"""How time and memory grow: what a user's data, rubrics and steps can make many of, at three sizes.

    python -m benchmarks.scale            # or with the names of some: publish, credit

Each measurement is a process of its own, and the quicker of two is taken, of long ones one. Time is
its CPU time, memory what its peak rises by. The exponent is the slope of the logarithm from the
smallest size to the largest: 1 is linear, 0 does not depend on the size. A bar is met where time
grows by MOST_TIME at most, and memory by that too or by less than BOUNDED in all.
"""

import asyncio
import gc
import json
import math
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

from inspect_ai.model import ModelOutput, ModelUsage, get_model
from rich.console import Console

from argo_audit.judges.inspect_judge import InspectJudge
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.pairs import pair_file
from argo_audit.pairs.splits import split
from argo_audit.records import (
    Agreement,
    Attempt,
    Judgment,
    Label,
    Measurement,
    Message,
    Pair,
    PolicyPrompt,
    Rubric,
    Split,
    Step,
    Usage,
    Weighing,
)
from argo_audit.report.markdown import table
from argo_audit.roles import NextPrompts, PolicyReward, Proposal
from argo_audit.rubrics.credit import line_credit
from argo_audit.rubrics.outline import outline
from argo_audit.search.argo import argo
from argo_audit.search.journal import Journal
from argo_audit.search.search_settings import SearchConfig
from argo_audit.search.selection import SearchData
from argo_audit.store import NewRubric, RubricStore, file_name, slug, to_document
from argo_audit.surface.features import measure

MOST_TIME = 1.1
BOUNDED = 16.0
"""MB that need no further explanation: caches, and what Python keeps of what it has freed."""

page, said = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)

_PUBLISHED = 30
_LONG = 100_000


class Clock:
    """CPU seconds of what is measured; the rest of a measurement prepares it."""

    def __init__(self) -> None:
        self.seconds, self.megabytes = 0.0, 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """What is done inside counts."""
        before, begun = _peak(), time.process_time()
        yield
        self.seconds += time.process_time() - begun
        self.megabytes = max(self.megabytes, _peak() - before)


class Measured(NamedTuple):
    """Something at three sizes; `each` where it is done once for every one of the size.

    `most` is how many MB the largest may take in all.
    """

    name: str
    run: Callable[[int, Clock], None]
    sizes: tuple[int, int, int]
    each: bool = False
    most: float = math.inf


class _Rubrics:
    """Role Policy: so many new rubrics a step."""

    name, used = "rubrics", Usage()

    def __init__(self, a_step: int):
        self._a_step, self._done = a_step, 0

    def resume(self, done: int) -> int:
        self._done = done
        return done

    def train(self, next_prompts: NextPrompts, policy_reward: PolicyReward, steps: int) -> None:
        for step in range(self._done, steps):
            next_prompts()
            texts = (_rubric(step * self._a_step + place, lines=4) for place in range(self._a_step))
            policy_reward([Proposal(0, text, finished=True) for text in texts])


class _Judge:
    """Role Judge: an opinion by hash, with a page of reasons."""

    name = "hash"

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        rng = Random(rubric.id)
        return [self._judgment(rubric.id, pair.id, rng.random()) for pair in pairs]

    def _judgment(self, rubric_id: str, pair_id: str, p_a: float) -> Judgment:
        return Judgment(
            pair_id=pair_id,
            rubric_id=rubric_id,
            p_a=p_a,
            p_a_first=p_a,
            p_a_second=p_a,
            reply=f"{p_a} because of {pair_id}. " * 20,
            usage=Usage(calls=2),
        )


class _Memory:
    """The search's Memory, kept in memory."""

    run = "scale"

    def __init__(self) -> None:
        self.journal = Journal()

    def add(self, *records: PolicyPrompt | Attempt | Step | Measurement | Weighing) -> None:
        self.journal.take(records)

    def progress(self, step: int, best: Attempt | None) -> None:
        pass

    def go_on(self) -> bool:
        return True


def publish(size: int, clock: Clock) -> None:
    """Rubrics published where there are `size` already."""
    with TemporaryDirectory() as root:
        store = RubricStore(root)
        first = store.append(_new(0))
        folder = Path(root) / slug(first.reward_model)
        last = first.model_copy(update={"version": size})
        (folder / file_name(last)).write_text(to_document(last), encoding="utf-8")
        for version in range(2, size):
            (folder / f"{version:04d}-{version:012x}.md").touch()
        store = RubricStore(root)
        with clock.running():
            for number in range(_PUBLISHED):
                store.append(_new(size + number))


def search(size: int, clock: Clock) -> None:
    """A search of `size` attempts, 360 a step, on two pairs a step."""
    config = SearchConfig(steps=size // 360, minibatch=2, windows=3, top=1)
    with clock.running():
        argo(_Rubrics(360), _Judge(), _data(8), config, _Memory())


def credit(size: int, clock: Clock) -> None:
    """What lines are worth, of `size` rubrics of twelve lines each that no other has."""
    rng = Random(0)
    tried = [(_rubric(number), rng.gauss(0, 0.1)) for number in range(size)]
    with clock.running():
        line_credit(tried)


def first_call(size: int, clock: Clock) -> None:
    """Until the first of 2 x `size` questions goes out."""
    pairs, asked = _pairs(size), list[float]()
    _judge(pairs[:1], lambda: None)  # what is loaded once
    begun = time.process_time()
    _judge(pairs, lambda: asked.append(time.process_time() - begun))
    clock.seconds = asked[0]


def calls(size: int, clock: Clock) -> None:
    """2 x `size` calls of a judge."""
    pairs = _pairs(size)
    _judge(pairs[:1], lambda: None)  # what is loaded once
    with clock.running():
        _judge(pairs, lambda: None)


def select(size: int, clock: Clock) -> None:
    """Selection of thirty rubrics on 2 x `size` pairs."""
    config = SearchConfig(steps=3, minibatch=2, windows=3, top=10)
    data = _data(size)
    with clock.running():
        argo(_Rubrics(10), _Judge(), data, config, _Memory())


def replay(size: int, clock: Clock) -> None:
    """A search taken up again that has `size` steps of 48 rubrics on record."""
    memory, data = _Memory(), _data(8)
    config = SearchConfig(steps=size, minibatch=2, windows=3, top=1)
    argo(_Rubrics(48), _Judge(), data, config, memory)
    outline.cache_clear()
    with clock.running():
        argo(_Rubrics(48), _Judge(), data, config, memory)


def read_pairs(size: int, clock: Clock) -> None:
    """A file of `size` pairs, read."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for pair in _pairs(size):
                row = {"prompt": pair.prompt[0].content, "chosen": pair.response_a}
                file.write(json.dumps(row | {"rejected": pair.response_b}) + "\n")
        with clock.running():
            pair_file.read(path)


def split_pairs(size: int, clock: Clock) -> None:
    """`size` pairs, split by near-duplicate prompts."""
    pairs = _pairs(size)
    with clock.running():
        split(pairs, seed=0)


def million(size: int, clock: Clock) -> None:
    """A file of `size` pairs of 600 characters, read and split."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.jsonl"
        _write_short(path, size)
        with clock.running():
            split(pair_file.read(path).pairs, seed=0)


def _write_short(path: Path, size: int) -> None:
    """Pairs of words that are as often used as words are: the n-th one n-th as often."""
    rng = Random(0)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    lengths = (2, 3, 4, 5, 5, 6, 7, 8, 9)
    words = [
        "".join(letters[int(26 * rng.random() ** 1.7)] for _ in range(rng.choice(lengths)))
        for _ in range(80_000)
    ]

    def text(characters: int) -> str:
        said = list[str]()
        while characters > 0:
            said.append(words[int(len(words) ** rng.random()) - 1])
            characters -= len(said[-1]) + 1
        return " ".join(said)

    with path.open("w", encoding="utf-8") as file:
        for _ in range(size):
            row = {"prompt": text(150), "chosen": text(220), "rejected": text(220)}
            file.write(json.dumps(row) + "\n")


def features(size: int, clock: Clock) -> None:
    """A response of `size` blanks on one line."""
    with clock.running():
        measure("List the parts.", "{\n" + " " * size + "x")


def outlined(size: int, clock: Clock) -> None:
    """A rubric of `size` characters of short items, read."""
    with clock.running():
        outline("- a\n" * (size // 4))


MEASURED = (
    Measured("publish", publish, (100, 1_000, 10_000), each=True),
    Measured("search", search, (720, 1_800, 5_040)),
    Measured("replay", replay, (10, 30, 90)),
    Measured("credit", credit, (120, 480, 1_920)),
    Measured("first_call", first_call, (300, 1_200, 4_800)),
    Measured("calls", calls, (200, 800, 3_200)),
    Measured("select", select, (500, 1_500, 4_500)),
    Measured("read_pairs", read_pairs, (2_000, 8_000, 32_000)),
    Measured("split_pairs", split_pairs, (2_000, 8_000, 32_000)),
    Measured("million", million, (10_000, 100_000, 1_000_000), most=4_000),
    Measured("features", features, (3_000, 12_000, 48_000)),
    Measured("outlined", outlined, (6_000, 24_000, 96_000)),
)


def main(names: Sequence[str]) -> None:
    """Print the table, and how many of the bars are met: two for each row."""
    gc.freeze()  # what is loaded is not collected again in every process
    rows, met, judged = [], 0, 0
    for one in MEASURED:
        if names and one.name not in names:
            continue
        found = [min(_apart(one, size) for _ in _rounds(size)) for size in one.sizes]
        seconds, megabytes = ([values[i] for values in found] for i in (0, 1))
        of_time = _slope(one.sizes, seconds, least=0.001) + one.each
        of_memory = _slope(one.sizes, megabytes, least=1.0)
        grows = of_memory <= MOST_TIME or megabytes[-1] <= BOUNDED
        bars = (of_time <= MOST_TIME, grows and _peak() + megabytes[-1] <= one.most)
        met, judged = met + sum(bars), judged + len(bars)
        rows.append([*_row(one, seconds, megabytes), f"{of_time:.2f}", f"{of_memory:.2f}"])
        said.print("  ".join(rows[-1]))
    header = ("What", "Sizes", "CPU, s", "Peak, MB", "Time grows by", "Memory grows by")
    page.print(table(header, rows))
    page.print(f"bars met: {met} of {judged}")


def _rounds(size: int) -> range:
    """How often: a minute or more is long enough to be measured once."""
    return range(1 if size >= _LONG else 2)


def _row(one: Measured, seconds: Sequence[float], megabytes: Sequence[float]) -> list[str]:
    return [
        (one.run.__doc__ or one.name).split("\n", 1)[0].rstrip("."),
        ", ".join(f"{size:,}" for size in one.sizes),
        ", ".join(f"{value:.3g}" for value in seconds),
        ", ".join(f"{value:.0f}" for value in megabytes),
    ]


def _slope(sizes: Sequence[int], values: Sequence[float], least: float) -> float:
    low, high = (max(least, value) for value in (values[0], values[-1]))
    return math.log(high / low) / math.log(sizes[-1] / sizes[0])


def _apart(one: Measured, size: int) -> tuple[float, float]:
    """Seconds and megabytes in a process of its own, which has what this one has loaded."""
    context = get_context("fork")
    ours, theirs = context.Pipe()

    def run() -> None:
        clock = Clock()
        one.run(size, clock)
        theirs.send((clock.seconds, clock.megabytes))

    process = context.Process(target=run)
    process.start()
    theirs.close()
    try:
        seconds, megabytes = ours.recv()
    except EOFError:  # it was killed, most likely for its memory
        seconds, megabytes = math.inf, math.inf
    process.join()
    return seconds, megabytes


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _judge(pairs: Sequence[Pair], told: Callable[[], None]) -> None:
    def answer(*_: object) -> ModelOutput:
        told()
        output = ModelOutput.from_content("mockllm/model", "I compared both.\nVerdict: A")
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return output

    model = get_model("mockllm/model", memoize=False, custom_outputs=answer)
    settings = JudgeSettings(estimator="votes", votes=1)
    rubric = Rubric(text=_rubric(0))
    asyncio.run(InspectJudge(model, settings).judge(rubric, pairs))


def _rubric(number: int, lines: int = 12) -> str:
    """A table of lines that no other rubric has."""
    said = (f"Item {number}-{line} | Rewards answer {number} {line}" for line in range(lines))
    rows = (f"| {one} | 5% |" for one in said)
    return "\n".join(["| Category | Description | Weight |", "|---|---|---|", *rows]) + "\n"


def _pairs(size: int) -> list[Pair]:
    return [_pair(number) for number in range(size)]


def _pair(number: int) -> Pair:
    words = [f"w{Random(f'{number} {place}').randrange(20_000)}" for place in range(60)]
    return Pair(
        id=f"p{number}",
        prompt=(Message(role="user", content=" ".join(words[:20])),),
        response_a=" ".join(words[20:40]),
        response_b=" ".join(words[40:]),
    )


def _data(size: int) -> SearchData:
    pairs = _pairs(2 * size + 8)
    labels = {pair.id: Label(pair_id=pair.id, p_a=0.8, source="rm") for pair in pairs}
    parts: dict[Split, list[Pair]]
    parts = {"train": pairs[:8], "dev": pairs[8 : 8 + size], "held-out": pairs[8 + size :]}
    return SearchData(parts, {"rm": labels}, "rm")


def _new(number: int) -> NewRubric:
    return NewRubric(
        rubric=Rubric(text=_rubric(number)),
        reward_model="org/model",
        label_source="rm",
        parent=None,
        run="scale",
        judge="hash",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        dev=_AGREEMENT,
        held_out=None,
    )


_AGREEMENT = Agreement(
    accuracy=0.8,
    kl=0.1,
    kl_raw=0.1,
    cross_entropy=None,
    brier=0.1,
    n=8,
    ties=0,
    unparsed=0,
    prompts=8,
    position_flip_rate=None,
    temperature=1.0,
    clip=0.001,
)

if __name__ == "__main__":
    main(sys.argv[1:])
