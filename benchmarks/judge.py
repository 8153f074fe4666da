"""`python -m benchmarks.judge [--model DIR] [--data FILE]`: how fast a local judge judges, and why.

One minibatch is judged under G rubrics in both orders, three ways on the same model in one run:
one full prompt at a time, full prompts in batches, and as `argo-hf/...` does it, each pair read
once (the whole way: `InspectJudge`, Inspect, tokenising). Beside them stands what the model can do
at all: prefill of the same prompts at the best batch size, without any code of ours. The share of
that which the judge reaches counts computed tokens only, so reuse cannot inflate it; nor can it
reach 1, for what is left to compute are the tokens with the most before them to attend to.

The default model has random weights and a tokenizer made on the spot: speed does not depend on
what weights are. Seconds are of the clock and, beside them, of the CPU: on a shared machine the
second are the ones to compare.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import anyio
import torch
import typer
from inspect_ai.model import ChatMessageAssistant, ChatMessageUser, ContentText
from rich.console import Console
from transformers import LlamaConfig, LlamaForCausalLM

from argo_audit.judges.inspect_judge import InspectJudge
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.judges.local_provider import Ids, LocalAPI
from argo_audit.judges.opening import open_judge
from argo_audit.judges.questions import ask
from argo_audit.judges.verdicts import LETTERS
from argo_audit.pairs.pair_file import read
from argo_audit.records import Judgment, Pair, Rubric
from argo_audit.report.markdown import table
from argo_audit.reward_models.tiny import build_tokenizer
from argo_audit.reward_models.training_settings import TinyConfig
from argo_audit.store import RubricStore

STORE = Path(__file__).parent.parent / "rubric_store"
DATA = STORE / "organism-a" / "held-out.jsonl.gz"
LEARNED_FROM = "organism-a"
SHAPE = {"hidden_size": 384, "intermediate_size": 1024, "num_hidden_layers": 8}
HEADS = 6
VOCABULARY = 4096
CONTEXT = 8192
BATCHES = (1, 2, 4, 8)
SETTINGS = JudgeSettings(reasoning=False)

page = Console(soft_wrap=True)


class Timed(NamedTuple):
    """One way of judging: orders judged, prompt tokens computed, seconds of clock and of CPU."""

    name: str
    orders: int
    computed: int
    seconds: float
    cpu: float


class Clock:
    """Seconds of clock and CPU of a block."""

    seconds = cpu = 0.0


@contextmanager
def timed() -> Iterator[Clock]:
    """Measure a block."""
    clock, started, cpu = Clock(), time.perf_counter(), time.process_time()
    yield clock
    clock.seconds, clock.cpu = time.perf_counter() - started, time.process_time() - cpu


def main(
    model: Annotated[
        Path | None, typer.Option(help="Folder of a causal LM. Default: random weights.")
    ] = None,
    data: Annotated[Path, typer.Option(help="File of preference pairs.")] = DATA,
    pairs: Annotated[int, typer.Option(min=1, help="Pairs of the minibatch.")] = 8,
    rubrics: Annotated[int, typer.Option(min=1, help="Rubrics of the step.")] = 8,
    characters: Annotated[int, typer.Option(min=50, help="Most characters of a text.")] = 1200,
    full: Annotated[int, typer.Option(min=1, help="Full prompts timed of each kind.")] = 16,
) -> None:
    """Print judgments per second, tokens per judgment, and the share of raw prefill."""
    torch.set_num_threads(1)
    minibatch = [_cut(pair, characters) for pair in read(data).pairs[:pairs]]
    texts = _rubrics(2 * rubrics, characters)
    with tempfile.TemporaryDirectory() as folder:
        path = model or _random_model(Path(folder), minibatch, texts)
        judge = open_judge(f"argo-hf/{path}", SETTINGS)
    assert isinstance(judge, InspectJudge)  # noqa: S101 - opened by that name
    api = judge.models[0].api
    assert isinstance(api, LocalAPI)  # noqa: S101 - opened by that name
    prompts = _prompts(api, texts[:rubrics], minibatch)
    sample = sorted(prompts, key=len)[:: max(1, len(prompts) // full)]
    raw, best = _raw(api.local.model, sample)
    letters = anyio.run(_letters, api)
    slow, p_slow = _full("one full prompt at a time", api.local.model, sample, 1, letters)
    batched, _ = _full(f"full prompts, {best} at a time", api.local.model, sample, best, letters)
    reused, judged = _reused("each pair read once", judge, texts[:rubrics], minibatch)
    known, _ = _reused("pairs known, rubrics new", judge, texts[rubrics:], minibatch)
    ours = dict(zip(prompts, _p_first(judged), strict=True))
    apart = max(abs(ours[ids] - p) for ids, p in zip(sample, p_slow, strict=True))
    for line in (
        _described(api, minibatch, prompts, texts),
        _table([raw, slow, batched, reused, known], sum(map(len, prompts)) / len(prompts)),
        f"P of one full prompt at a time and of pairs read once: at most {apart:.1e} apart.",
    ):
        page.print(line + "\n", markup=False, highlight=False)


def _cut(pair: Pair, characters: int) -> Pair:
    texts = {name: getattr(pair, name)[:characters] for name in ("response_a", "response_b")}
    turns = [turn.model_copy(update={"content": turn.content[:characters]}) for turn in pair.prompt]
    return pair.model_copy(update={**texts, "prompt": tuple(turns)})


def _rubrics(n: int, characters: int) -> list[Rubric]:
    """Stored rubrics with their lines rotated, so that they differ from the first line on."""
    lines = RubricStore(str(STORE)).get(LEARNED_FROM).rubric.text.splitlines()
    turned = ("\n".join([f"Rubric {i}", *lines[i:], *lines[:i]]) for i in range(n))
    return [Rubric(text=text[:characters]) for text in turned]


def _random_model(folder: Path, pairs: Sequence[Pair], rubrics: Sequence[Rubric]) -> Path:
    texts = [ask(rubric, pair).text for rubric in rubrics for pair in pairs]
    tokenizer = build_tokenizer(texts, TinyConfig(vocabulary=VOCABULARY), CONTEXT)
    config = LlamaConfig(
        **SHAPE,
        vocab_size=len(tokenizer),
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=CONTEXT,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _prompts(api: LocalAPI, rubrics: Sequence[Rubric], pairs: Sequence[Pair]) -> list[Ids]:
    """The tokens of every question, as the judge asks it: by rubric, then pair, then order."""
    found, orders = [], [order for pair in pairs for order in (pair, pair.swapped())]
    for rubric in rubrics:
        for order in orders:
            asked = ask(rubric, order, "verdict", SETTINGS)
            shared = ContentText(text=asked.shared, cache_breakpoint=True)
            user = ChatMessageUser(content=[shared, ContentText(text=asked.own)])
            prefix, suffix = api.prompt_ids([user, ChatMessageAssistant(content=asked.begun)])
            found.append(prefix + suffix)
    return found


async def _letters(api: LocalAPI) -> tuple[list[int], list[int]]:
    """The ids of each letter's spellings."""
    a, b = [[(await api.tokenize(s))[0] for s in spelled] for spelled in LETTERS.values()]
    return a, b


@torch.inference_mode()
def _raw(model: Any, prompts: Sequence[Ids]) -> tuple[Timed, int]:
    """Prefill at the batch size that is fastest, the better of two rounds.

    A batch is cut to its shortest prompt, so that there is no padding.
    """
    found = []
    for size in [size for size in BATCHES if size <= len(prompts)] * 2:
        batches = [prompts[start : start + size] for start in range(0, len(prompts), size)]
        rows = [[prompt[: len(batch[0])] for prompt in batch] for batch in batches]
        with timed() as clock:
            for tokens in map(torch.tensor, rows):
                model(input_ids=tokens, use_cache=False, logits_to_keep=1)
        read = sum(len(batch) * len(batch[0]) for batch in batches)
        row = Timed(f"raw prefill, {size} at a time", 0, read, clock.seconds, clock.cpu)
        found.append((row, size))
    return min(found, key=lambda one: one[0].cpu / one[0].computed)


@torch.inference_mode()
def _full(
    name: str, model: Any, prompts: Sequence[Ids], size: int, letters: tuple[list[int], list[int]]
) -> tuple[Timed, list[float]]:
    """Every prompt from its first token, in batches of like length, padded on the right."""
    found: list[float] = []
    with timed() as clock:
        for start in range(0, len(prompts), size):
            batch = prompts[start : start + size]
            tokens = torch.zeros(len(batch), max(map(len, batch)), dtype=torch.long)
            for row, prompt in enumerate(batch):
                tokens[row, : len(prompt)] = torch.tensor(prompt)
            ends = torch.tensor([len(prompt) - 1 for prompt in batch])
            hidden = model.model(input_ids=tokens, use_cache=False).last_hidden_state
            logits = model.lm_head(hidden[torch.arange(len(batch)), ends])
            a, b = (logits.softmax(-1)[:, ids].sum(-1) for ids in letters)
            found += (a / (a + b)).tolist()
    return Timed(name, len(prompts), sum(map(len, prompts)), clock.seconds, clock.cpu), found


def _reused(
    name: str, judge: InspectJudge, rubrics: Sequence[Rubric], pairs: Sequence[Pair]
) -> tuple[Timed, list[list[Judgment]]]:
    """The judge itself, all rubrics side by side."""
    api = judge.models[0].api
    assert isinstance(api, LocalAPI)  # noqa: S101 - opened by that name
    judged: list[list[Judgment]] = [[] for _ in rubrics]

    async def one(i: int) -> None:
        judged[i] = await judge.judge(rubrics[i], pairs)

    async def every() -> None:
        async with anyio.create_task_group() as group:
            for i in range(len(rubrics)):
                group.start_soon(one, i)

    before = api.local.computed
    with timed() as clock:
        anyio.run(every)
    orders, computed = 2 * len(rubrics) * len(pairs), api.local.computed - before
    return Timed(name, orders, computed, clock.seconds, clock.cpu), judged


def _p_first(judged: Sequence[Sequence[Judgment]]) -> list[float]:
    """P of the response shown first, by rubric, then pair, then order; NaN where unread."""
    return [
        p if p is not None else float("nan")
        for judgments in judged
        for one in judgments
        for p in (one.p_a_first, None if one.p_a_second is None else 1 - one.p_a_second)
    ]


def _described(
    api: LocalAPI, pairs: Sequence[Pair], prompts: Sequence[Ids], texts: Sequence[Rubric]
) -> str:
    weights = sum(weight.numel() for weight in api.local.model.parameters())
    rubrics = len(prompts) // (2 * len(pairs))
    return (
        f"{weights / 1e6:.1f}M weights, {api.local.model.dtype}, {torch.get_num_threads()} thread; "
        f"{len(pairs)} pairs x {rubrics} rubrics x 2 orders; "
        f"{sum(map(len, prompts)) / len(prompts):.0f} tokens a prompt"
    )


def _table(rows: Sequence[Timed], prompt: float) -> str:
    raw = rows[0]
    header = [
        "", "judgments/s", "by CPU", "tokens computed a judgment",
        "computed tokens/s", "by CPU", "effective tokens/s", "share of raw prefill", "by CPU",
    ]  # fmt: skip
    return table(header, [_row(row, raw, prompt) for row in rows])


def _row(row: Timed, raw: Timed, prompt: float) -> list[str]:
    """A judgment is both orders; effective tokens are those of the full prompts."""
    speed, speed_cpu = row.computed / row.seconds, row.computed / row.cpu
    judgments = row.orders / 2
    tail = [
        f"{speed / raw.computed * raw.seconds:.2f}",
        f"{speed_cpu / raw.computed * raw.cpu:.2f}",
    ]
    if not row.orders:
        return [row.name, "-", "-", "-", f"{speed:.0f}", f"{speed_cpu:.0f}", "-", *tail]
    return [
        row.name,
        f"{judgments / row.seconds:.3g}",
        f"{judgments / row.cpu:.3g}",
        f"{row.computed / judgments:.0f}",
        f"{speed:.0f}",
        f"{speed_cpu:.0f}",
        f"{row.orders * prompt / row.seconds:.0f}",
        *tail,
    ]


if __name__ == "__main__":
    typer.run(main)
