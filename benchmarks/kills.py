"""`python -m benchmarks.kills [JOB ...] [--distinct]`: jobs killed at each file operation.

A job (an audit with its report, a report, an evaluation, recorded gates, a trained reward model) is
done once whole, and its file operations are listed: Python tells of each before it happens
(`sys.addaudithook`). Then it is done again for each of them: a process is killed with SIGKILL
before it, or with the file that it wrote only half there, and another does what a user would do
next. What is on disk must then be what the whole job left, the budget charged once included.
After an operation is before the next one. `--distinct` takes the first of those that differ in
nothing but a number, as the tests do, of jobs that are small for them (`winners`, `gate`). The last
line counts: `bars met: K of N`.
"""

import json
import os
import re
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Annotated, Any, NamedTuple, NoReturn

import torch
import typer
from rich.console import Console

from argo_audit.audits.audit_facts import read_facts
from argo_audit.audits.begun import REQUEST_FILE
from argo_audit.audits.evaluate import Evaluated, evaluate
from argo_audit.audits.parts import Parts
from argo_audit.audits.price import Budget
from argo_audit.audits.reporting import Origin, report
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import Event, audit, resume
from argo_audit.audits.verification import verify
from argo_audit.evals.logs import read_evaluations
from argo_audit.gates.baselines import Baselines
from argo_audit.gates.defaults import GateSettings
from argo_audit.gates.without_pytest import open_gate
from argo_audit.organism.world import build, write_population
from argo_audit.pairs.pair_file import read
from argo_audit.policies.policy_settings import PolicySettings
from argo_audit.records import Usage, fingerprint
from argo_audit.report.markdown import table
from argo_audit.reward_models.training import train_reward_model
from argo_audit.reward_models.training_settings import TrainingConfig
from argo_audit.roles import Judge, NextPrompts, Policy, PolicyReward, Proposal, Writer
from argo_audit.search.argo import argo
from argo_audit.search.journal import read_journal, read_run
from argo_audit.search.memory import Memory
from argo_audit.search.search_settings import SearchConfig
from argo_audit.search.selection import SearchData
from argo_audit.store import RubricStore
from argo_audit.surface.judge import SurfaceJudge

page, progress = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)

_CHANGES = ("os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.truncate")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_RUNNING_NUMBERS = re.compile(
    r"[0-9a-f]{12,}|(?<=pending/)\d+|\d+(?=-\w{12}\.md)|-\w{8}\.part|\d{4}-\d\d-\d\dT.*(?=\.)"
)
LINES = (
    "Rewards bullet lists.", "Penalizes refusals.", "Rewards short answers.", "Penalizes emoji.",
    "Rewards long detailed answers.", "Rewards headings.", "Rewards warm language.",
)  # fmt: skip


class Operation(NamedTuple):
    """One change of the disk: what, and the name of the file or folder without running numbers."""

    what: str
    name: str

    @property
    def can_tear(self) -> bool:
        """Whether it can be half done."""
        return self.what == "write"


class Killer:
    """Lists the file operations below a folder, and kills this process at one of them.

    With `torn` the file of that operation is written by half: the process dies as the next
    operation begins, for all that is written is written by then.
    """

    def __init__(self, folder: Path, at: int = -1, *, torn: bool = False):
        self.seen: list[Operation] = []
        self._folder, self._at, self._torn = f"{folder}{os.sep}", at, torn
        self._file, self._size, self._busy = "", 0, False

    def __call__(self, event: str, told: tuple[Any, ...]) -> None:
        """What Python calls at each of its events."""
        if self._busy or (event != "open" and event not in _CHANGES):
            return
        path = _changed(event, told)
        if not path.startswith(self._folder):
            return
        self._busy = True
        self._meet(event, path, told)
        self._busy = False

    def end(self) -> None:
        """The last operation is torn when all is over."""
        if self._torn and len(self.seen) - 1 == self._at:
            self._busy = True
            self._die()

    def _meet(self, event: str, path: str, told: tuple[Any, ...]) -> None:
        number = len(self.seen)
        if number == self._at + self._torn:
            self._die()
        there = Path(path)
        truncates = event == "open" and int(told[2]) & os.O_TRUNC
        self._file = path if event == "open" else ""
        self._size = there.stat().st_size if there.is_file() and not truncates else 0
        what = "write" if event == "open" else event.removeprefix("os.")
        self.seen.append(Operation(what, _RUNNING_NUMBERS.sub("*", path[len(self._folder) :])))

    def _die(self) -> None:
        if self._torn and self._file and Path(self._file).is_file():
            now = Path(self._file).stat().st_size
            os.truncate(self._file, self._size + max(0, now - self._size) // 2)
        os.kill(os.getpid(), signal.SIGKILL)


def _changed(event: str, told: tuple[Any, ...]) -> str:
    """The file that an event changes; "" when it only reads, or has no name."""
    if event == "open" and not int(told[2] or 0) & _WRITING:
        return ""
    path = told[1] if event in ("os.rename", "os.link") else told[0]
    if isinstance(path, int):
        return ""
    beside = told[-1] if event in ("os.remove", "os.rmdir", "os.mkdir") else -1
    inside = isinstance(beside, int) and beside >= 0
    root = Path(f"/proc/self/fd/{beside}").readlink() if inside else ""
    return os.path.abspath(os.path.join(root, os.fsdecode(path)))  # noqa: PTH100, PTH118 - no checks


class Scripted:
    """Role Policy that writes the same rubrics in every life."""

    name = "scripted"

    def __init__(self) -> None:
        self._step, self._used = 0, Usage()

    @property
    def used(self) -> Usage:
        """What its texts took."""
        return self._used

    def resume(self, done: int) -> int:
        """It has no state but the step."""
        self._step = done
        return done

    def train(self, next_prompts: NextPrompts, policy_reward: PolicyReward, steps: int) -> None:
        """Three criteria for each prompt, drawn from `LINES` by the step."""
        for step in range(self._step, steps):
            prompts = list(next_prompts())
            if not prompts:
                return
            rng = Random(step)
            texts = ("\n".join(f"- {line}" for line in rng.sample(LINES, 3)) for _ in prompts)
            self._used += Usage(calls=len(prompts), output_tokens=10)
            policy_reward([Proposal(variant, text) for variant, text in enumerate(texts)])


class Job(NamedTuple):
    """What is there before, what is done (and again after a kill), and what is then on disk.

    `within` is a part of the names of those files alone whose operations are taken.
    """

    before: Callable[[Path], object]
    do: Callable[[Path], object]
    state: Callable[[Path], object]
    within: str = ""


class Died(NamedTuple):
    """One kill, and what was other afterwards than it is without; "" when nothing was."""

    operation: Operation
    torn: bool
    problem: str


def request(folder: Path, policy: str) -> AuditRequest:
    """A small audit, whose budget ends the second search of its own accord."""
    return AuditRequest(
        pairs=folder / "world" / "pairs.jsonl.gz",
        labels=("planted", "human"),
        out=folder / "out",
        policy=policy,
        search=SearchConfig(steps=3, minibatch=8, windows=3, top=2),
        policy_settings=PolicySettings(rubrics_per_prompt=2, max_rubric_tokens=24)
        if policy == "embedded"
        else PolicySettings(),
        dev=0.2,
        held_out=0.2,
        probed_pairs=0,
        budget=Budget(amount=BUDGET, unit="calls") if policy != "embedded" else None,
    )


BUDGET = 4000.0


def world(folder: Path, pairs: int = 60) -> None:
    """The pairs of an organism."""
    write_population(build("A", pairs, seed=0), folder / "world")


def audited(folder: Path, policy: str = "scripted", **changes: Any) -> None:
    """An audit, begun or gone on with, and its report."""
    asked = request(folder, policy).model_copy(update=changes)
    parts = None if policy == "embedded" else Parts(SurfaceJudge(), lambda *_: Scripted())
    if (asked.out / REQUEST_FILE).is_file():
        resume(asked.out, parts=parts)
    else:
        audit(asked, parts=parts)
    reported(folder)


class _EnoughError(Exception):
    """What is asked for is done."""


def searched(folder: Path) -> None:
    """An audit that was interrupted when its search had found its winners."""
    world(folder, pairs=30)

    def interrupted(
        policy: Policy,
        judge: Judge,
        data: SearchData,
        config: SearchConfig,
        memory: Memory,
        rewriter: Writer | None = None,
    ) -> NoReturn:
        argo(policy, judge, data, config, memory, rewriter)
        raise _EnoughError

    asked = request(folder, "scripted").model_copy(update={"labels": ("planted",), "budget": None})
    with suppress(_EnoughError):
        audit(asked, parts=Parts(SurfaceJudge(), lambda *_: Scripted(), search=interrupted))


def published(folder: Path) -> None:
    """The winners of a search put into the store, and no more."""

    def watch(event: Event) -> None:
        if event.phase.startswith("evaluate"):
            raise _EnoughError

    with suppress(_EnoughError):
        resume(folder / "out", watch, Parts(SurfaceJudge(), lambda *_: Scripted()))


def reported(folder: Path) -> None:
    """The report alone."""
    report(Origin((folder / "out",), "Killed", ("argo-audit",)), folder / "out" / "audit")


def finished(folder: Path, **changes: Any) -> None:
    """What the jobs after an audit need; `changes` are to its request."""
    world(folder)
    audited(folder, **changes)


def evaluated(folder: Path) -> Evaluated:
    """A task of the suite."""
    return evaluate([folder / "out"], folder / "out" / "evals", suite=["rubric_agreement"])


def scored(folder: Path) -> None:
    """What the gates need: a file of scores."""
    world(folder)
    pairs = read(folder / "world" / "pairs.jsonl.gz").pairs
    lines = (
        json.dumps({"pair_id": p.id, "reward_a": len(p.response_a), "reward_b": len(p.response_b)})
        for p in pairs
    )
    (folder / "scores.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def gated(folder: Path) -> None:
    """A recorded baseline."""
    settings = GateSettings(baselines=str(folder / "baselines"))
    pairs, scores = folder / "world" / "pairs.jsonl.gz", folder / "scores.jsonl"
    gate = open_gate(f"scores:{scores}", pairs, settings=settings, update=True)
    gate.no_worse_than("now")


def trained(folder: Path) -> None:
    """A reward model of one epoch; what is there whole is not trained again."""
    if not (folder / "rm").exists():
        file = read(folder / "world" / "pairs.jsonl.gz")
        pairs = file.pairs[:24]
        labels = [
            label for label in file.labels["planted"] if label.pair_id in {p.id for p in pairs}
        ]
        train_reward_model(pairs, labels, folder / "rm", config=TrainingConfig(epochs=1))


def of_audit(folder: Path) -> object:
    """All that an audit leaves, but for its times."""
    out = folder / "out"
    read = (e.model_dump(exclude={"log", "created"}) for e in read_evaluations(out / "logs"))
    logs = sorted(map(repr, read))  # those of one second are in any order
    return *of_winners(folder), logs, read_facts(out), of_report(folder)


def of_winners(folder: Path) -> tuple[object, ...]:
    """What the searches left, and what is stored."""
    runs = {run.name: of_run(run) for run in sorted((folder / "out" / "runs").iterdir())}
    store = RubricStore(folder / "out" / "rubric_store")
    stored = [s.model_dump(exclude={"created"}) for s in store.list()]
    return runs, stored, store.verify(), _names(folder)


def of_run(folder: Path) -> object:
    """What one search has on record and took."""
    journal, torn = read_journal(folder)
    attempts = [a.model_copy(update={"seconds": 0.0}) for a in journal.attempts]
    run = read_run(folder)
    told = journal.prompts, journal.steps, journal.measurements
    unread = folder / "unread.jsonl"
    return attempts, told, torn, run.outcome, run.used, unread.exists() and unread.read_text()


def of_report(folder: Path) -> object:
    """The names of all files, and whether the report holds."""
    return _names(folder), verify(folder / "out" / "audit" / "audit.md")


def of_evals(folder: Path) -> object:
    """What the suite found."""
    rows = sorted(repr(row.model_dump()) for row in evaluated(folder))
    return rows, of_report(folder)


def of_baselines(folder: Path) -> object:
    """The baselines, but for their times."""
    return _names(folder), Baselines(folder / "baselines").latest("now").rewards


def of_model(folder: Path) -> object:
    """The weights, and all names."""
    return _names(folder), (folder / "rm" / "model.safetensors").read_bytes()


def _names(folder: Path) -> object:
    """How many files there are of each name, and which are there for the time of writing."""
    names = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    counted = Counter(_RUNNING_NUMBERS.sub("*", name) for name in names)
    return sorted(counted.items())  # a folder lists its files in any order


JOBS = {
    "audit": Job(world, audited, of_audit),
    "publish": Job(world, audited, of_audit, within="rubric_store/planted"),
    "winners": Job(searched, published, of_winners, within="rubric_store/planted"),
    "report": Job(finished, reported, of_report),
    "eval": Job(finished, evaluated, of_evals),
    "gate": Job(scored, gated, of_baselines),
    "train-rm": Job(world, trained, of_model),
    "grpo": Job(world, lambda folder: audited(folder, "embedded"), of_audit),
}


def in_child(do: Callable[[], object], killer: Killer | None = None) -> tuple[int, str]:
    """Do something in a process of its own: how that ended, and what it wrote of itself."""
    told, tells = os.pipe()
    child = os.fork()
    if child == 0:
        _live(do, killer, tells)
    os.close(tells)
    with os.fdopen(told) as pipe:
        said = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def _live(do: Callable[[], object], killer: Killer | None, tells: int) -> None:
    """A child's life."""
    try:
        torch.set_num_threads(1)
        if killer:
            sys.addaudithook(killer)
        found = do()
        if killer:
            killer.end()
            found = killer.seen
        os.write(tells, json.dumps(found, default=repr).encode()[:_SAID])
    except BaseException:  # noqa: BLE001 - a child tells of anything, and never returns
        os.write(tells, traceback.format_exc()[-_SAID:].encode())
        os._exit(1)
    os._exit(0)


_SAID = 60_000
"""Characters that fit into a pipe that nobody reads yet."""


def kills(job: Job, folder: Path, begin: int = 0, *, distinct: bool) -> Iterator[Died]:
    """Every kill of a job, in a folder of its own."""
    now, kept = folder / "now", folder / "kept"
    now.mkdir(parents=True)
    _expect(in_child(lambda: job.before(now)))
    shutil.copytree(now, kept)
    listed = json.loads(_expect(in_child(lambda: job.do(now), Killer(now))))
    seen = [Operation(*one) for one in listed]
    whole = _expect(in_child(lambda: _digest(job.state(now))))
    for at, torn in _moments(seen, job.within, distinct=distinct):
        if at < begin:
            continue
        shutil.rmtree(now)
        shutil.copytree(kept, now)
        killer = Killer(now, at, torn=torn)
        ended, said = in_child(lambda: job.do(now), killer)
        if ended == 0:  # Inspect writes by the clock: this time there was no such operation
            continue
        problem = "" if ended == -signal.SIGKILL else f"ended with {ended}: {said}"
        ended, said = in_child(lambda: (job.do(now), _digest(job.state(now)))[1])
        if said != whole:
            problem = problem or f"{said} where it is {whole}"
        died = Died(seen[at], torn, problem)
        progress.print(f"{at + 1} of {len(seen)}: {died}", markup=False, highlight=False)
        yield died


def _moments(
    seen: Sequence[Operation], within: str, *, distinct: bool
) -> Iterator[tuple[int, bool]]:
    met: set[Operation] = set()
    for at, operation in enumerate(seen):
        if within in operation.name and not (distinct and operation in met):
            yield at, False
            if operation.can_tear:
                yield at, True
        met.add(operation)


def _digest(state: object) -> dict[str, str]:
    """Each part of a state in so few letters that what differs can be told."""
    parts = state if isinstance(state, tuple) else (state,)
    return {str(i): fingerprint(repr(part)) for i, part in enumerate(parts)}


def _expect(ended: tuple[int, str]) -> str:
    if ended[0]:
        raise RuntimeError(ended[1])
    return ended[1]


def main(
    jobs: Annotated[list[str] | None, typer.Argument(help=f"Of {', '.join(JOBS)}.")] = None,
    distinct: Annotated[bool, typer.Option(help="Each kind of operation once.")] = False,
    begin: Annotated[int, typer.Option(min=1, help="Of each job, the first operation.")] = 1,
) -> None:
    """Kill each job at each of its file operations and print a table."""
    died = {name: _all(name, begin - 1, distinct=distinct) for name in jobs or JOBS}
    rows = [row for name, of_job in died.items() for row in _rows(name, of_job)]
    page.print(table(("Job", "Operation", "File", "Kills", "As without"), rows), markup=False)
    every = [one for of_job in died.values() for one in of_job]
    for one in every:
        if one.problem:
            page.print(f"{one.operation} torn={one.torn}: {one.problem}", markup=False)
    met = sum(not one.problem for one in every)
    page.print(f"bars met: {met} of {len(every)}", highlight=False)
    raise typer.Exit(met < len(every))


def quiet(folder: Path) -> None:
    """No display, and what folders are known is kept apart from the user's own."""
    os.environ |= {"INSPECT_DISPLAY": "none", "XDG_STATE_HOME": str(folder / "state")}


def _all(name: str, begin: int, *, distinct: bool) -> list[Died]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).resolve()
        quiet(place)
        os.chdir(place)
        return list(kills(JOBS[name], place, begin, distinct=distinct))


def _rows(job: str, died: Sequence[Died]) -> Iterator[list[str]]:
    by_operation: dict[Operation, list[Died]] = {}
    for one in died:
        by_operation.setdefault(one.operation, []).append(one)
    for operation, of_it in by_operation.items():
        good = sum(not one.problem for one in of_it)
        yield [job, operation.what, operation.name, str(len(of_it)), str(good)]


if __name__ == "__main__":
    typer.run(main)
