"""`python -m benchmarks.evals [--pairs N]`: what the task suite adds to Inspect's own time.

The same pairs are evaluated four ways in one process, with the same settings of `inspect_ai.eval`:

- bare: a task of three lines, written as for a benchmark of any other kind. Its solver asks a model
  that does nothing the two questions about a pair, both orders, and one scorer gives a number.
- ours: `rubric_agreement` with that same model, so that the difference is this package's own.
- surface: `rubric_agreement` with the surface judge, the case that a user meets.
- judging: what the surface judge computes in the surface case, without Inspect around it.

All ask the same questions of the same samples, with the same labels and metadata, and both models
answer with a verdict and its log-probabilities, so that what Inspect has to log is alike. Ways take
turns for several rounds, and the median is taken: a first round is slower for whoever goes first.
Seconds are of the clock and, beside them, of the CPU: on a shared machine the second are the ones
to compare.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Annotated, NamedTuple

import inspect_ai
import typer
from inspect_ai import Task, task
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    GenerateConfig,
    Logprob,
    Logprobs,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    TopLogprob,
    get_model,
    modelapi,
)
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import ToolChoice, ToolInfo
from rich.console import Console

from argo_audit.evals.assembly import EVAL_SETTINGS, dataset
from argo_audit.evals.judging import pair_of
from argo_audit.evals.subject import Subject, load_subject
from argo_audit.evals.tasks.rubric_agreement import rubric_agreement
from argo_audit.judges.questions import judge_prompt
from argo_audit.organism.world import build
from argo_audit.pairs.pair_file import write
from argo_audit.prompts.fences import last_request, render_messages
from argo_audit.records import Pair, Rubric
from argo_audit.report.markdown import table
from argo_audit.store import RubricStore, file_name, slug
from argo_audit.surface.judge import explain

STORE = Path(__file__).parent.parent / "rubric_store"
RUBRIC = "organism-a"
GOAL = 1.5
NOTHING = "nothing/model"
REPLY = "Verdict: A"
CONNECTIONS = 1_000

page = Console(soft_wrap=True)


class Timed(NamedTuple):
    """One round of one way: samples, seconds of clock and of CPU, bytes of log."""

    samples: int
    seconds: float
    cpu: float
    log: int


@modelapi(name="nothing")
class NothingAPI(ModelAPI):
    """A model that has its answer ready."""

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """The same verdict, with log-probabilities of both letters when asked for."""
        message = ChatMessageAssistant(content=REPLY, model="nothing", source="generate")
        letters = [TopLogprob(token=letter, logprob=-0.69) for letter in "AB"]
        last = Logprob(token=REPLY[-1], logprob=-0.69, top_logprobs=letters)
        logprobs = Logprobs(content=[Logprob(token=REPLY[:-1], logprob=0.0), last])
        choice = ChatCompletionChoice(
            message=message, stop_reason="stop", logprobs=logprobs if config.logprobs else None
        )
        usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return ModelOutput(model="nothing", choices=[choice], usage=usage)

    def max_connections(self) -> int:
        """As many as for the surface judge."""
        return CONNECTIONS


@task
def bare(path: str, rubric: str) -> Task:
    """The same two questions about each pair, and a number."""
    subject = load_subject(rubric, pairs=path, labels="human")
    return Task(
        dataset=dataset(subject.pairs, subject.labels),
        solver=two_questions(subject.facts.rubric_text),
        scorer=a_number(),
    )


@solver
def two_questions(rubric: str) -> Solver:
    """Ask in both orders, and keep what was said in the sample's store."""
    config = GenerateConfig(logprobs=True, top_logprobs=20, max_connections=CONNECTIONS)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        pair = pair_of(state)
        said = []
        for shown in (pair, pair.swapped()):
            question = judge_prompt(Rubric(text=rubric), shown)
            output = await get_model().generate([ChatMessageUser(content=question)], config=config)
            said.append(output.completion)
        state.store.set("said", said)
        return state

    return solve


@scorer(metrics=[mean(), stderr()])
def a_number() -> Scorer:
    """1 where the first answer is A."""

    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=float(state.store.get("said")[0] == REPLY))

    return score


def main(
    pairs: Annotated[int, typer.Option(min=10, help="Pairs of each evaluation.")] = 2_000,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; their median counts.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the organism's pairs.")] = 0,
) -> None:
    """Print samples per second and log size of each way, and the overhead."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.jsonl.gz"
        population = build("A", pairs, seed)
        write(path, population.pairs, {"human": population.raw})
        stored = RubricStore(str(STORE)).get(RUBRIC)
        rubric = str(STORE / slug(stored.reward_model) / file_name(stored))
        subject = load_subject(rubric, pairs=str(path), labels="human")
        ways = _ways(subject, rubric, str(path), Path(folder))
        found: dict[str, list[Timed]] = {name: [] for name in ways}
        for number in range(rounds):
            for name, way in ways.items():
                found[name].append(way())
                page.print(f"round {number + 1}, {name}: {found[name][-1].cpu:.1f} s of CPU")
    _print(found, len(subject.pairs))


def _ways(subject: Subject, rubric: str, path: str, folder: Path) -> dict[str, Callable[[], Timed]]:
    def ours() -> Task:
        return rubric_agreement(rubric, path, "human", baseline=False)

    return {
        "bare": lambda: _evaluated(bare(path, rubric), NOTHING, folder),
        "ours": lambda: _evaluated(ours(), NOTHING, folder),
        "surface": lambda: _evaluated(ours(), "argo/surface", folder),
        "judging": lambda: _judged(subject.rubric, subject.pairs),
    }


def _evaluated(tested: Task, model: str, folder: Path) -> Timed:
    started, cpu = time.perf_counter(), time.process_time()
    logs = tempfile.mkdtemp(dir=folder)  # what a folder holds already costs time
    [log] = inspect_ai.eval(tested, model=model, log_dir=logs, **EVAL_SETTINGS)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    size = sum(file.stat().st_size for file in Path(logs).iterdir())
    return Timed(len(log.samples or ()), seconds, cpu, size)


def _judged(rubric: Rubric, pairs: Sequence[Pair]) -> Timed:
    """What `SurfaceAPI` computes for both orders of each pair."""
    started, cpu = time.perf_counter(), time.process_time()
    for pair in pairs:
        request = last_request(render_messages(pair.prompt))
        for shown in (pair, pair.swapped()):
            explain(rubric, request, shown.response_a, shown.response_b)
    return Timed(len(pairs), time.perf_counter() - started, time.process_time() - cpu, 0)


def _print(found: dict[str, list[Timed]], pairs: int) -> None:
    first = _median(found["bare"])
    header = ["", "samples/s", "by CPU", "seconds", "CPU s", "log MB", "x bare", "x bare by CPU"]
    rows = [[name, *_cells(_median(times), first)] for name, times in found.items()]
    ours, surface, judging = (_median(found[name]) for name in ("ours", "surface", "judging"))
    rest = (surface.cpu - judging.cpu) / first.cpu
    rounds = ", ".join(f"{time.cpu / one.cpu:.2f}" for time, one in _rounds(found))
    for line in (
        f"{pairs} pairs, two questions each; median of {len(found['bare'])} rounds",
        table(header, rows),
        f"overhead by CPU: {ours.cpu / first.cpu:.2f} (rounds: {rounds}); with the surface judge, "
        f"less what it computes: {rest:.2f}; goal: at most {GOAL}",
    ):
        page.print(line + "\n", markup=False, highlight=False)


def _rounds(found: dict[str, list[Timed]]) -> list[tuple[Timed, Timed]]:
    return list(zip(found["ours"], found["bare"], strict=True))


def _median(times: Sequence[Timed]) -> Timed:
    samples = times[0].samples
    columns = zip(*times, strict=True)
    _, seconds, cpu, log = (median(column) for column in columns)
    return Timed(samples, seconds, cpu, round(log))


def _cells(time: Timed, first: Timed) -> list[str]:
    return [
        f"{time.samples / time.seconds:.1f}",
        f"{time.samples / time.cpu:.1f}",
        f"{time.seconds:.1f}",
        f"{time.cpu:.1f}",
        f"{time.log / 1e6:.2f}" if time.log else "-",
        f"{time.seconds / first.seconds:.2f}",
        f"{time.cpu / first.cpu:.2f}",
    ]


if __name__ == "__main__":
    typer.run(main)
