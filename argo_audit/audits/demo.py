"""The whole main job on the embedded world: what `make demo` runs.

Two populations with planted preferences are built; for each a reward model is trained on noisy raw
labels and audited twice, on the reward model's labels and on the raw ones; one report sets them
side by side. Each search begins by line (`lead`) and goes on by RL (`argo`) from the rubric found,
so that the report shows what either reaches, and for how many calls. The two populations share
nothing, so each runs in a process of its own with one torch thread: two such processes are faster
on two cores than one with two threads.
"""

import gc
import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.context import BaseContext
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import NamedTuple, TypeAlias

from argo_audit.audits.audit_facts import AuditFacts
from argo_audit.audits.demo_settings import DemoConfig
from argo_audit.audits.reporting import Origin, report
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import Event, Watch, audit
from argo_audit.audits.workers import ONE_THREAD
from argo_audit.errors import needs_train
from argo_audit.files import check_free
from argo_audit.organism.populations import PopulationName
from argo_audit.organism.world import build, write_population
from argo_audit.pairs.pair_file import read
from argo_audit.pairs.splits import split
from argo_audit.records import HUMAN
from argo_audit.report.spec import AuditFiles

PHASES = ("train", "read", "search", "search", "evaluate", "probe")
Events: TypeAlias = "Queue[tuple[PopulationName, Event]]"
_events: Events
_NEEDED = (
    "argo_audit.audits.demo",
    "argo_audit.policies.grpo",
    "argo_audit.reward_models.training",
)
Lane: TypeAlias = Callable[[str, tuple[str, ...]], Watch]
"""Where one audit tells of its progress, by its name and the phases it will go through."""


class Finished(NamedTuple):
    """What the demo leaves behind."""

    facts: Mapping[PopulationName, AuditFacts]
    files: AuditFiles


def new_processes() -> BaseContext:
    """Forks of one process that has imported what a population needs; elsewhere, new ones.

    Linux alone: on a Mac, what has been imported may not bear to be forked.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_NEEDED))
    return context


def demo(out: Path, config: DemoConfig, lane: Lane, context: BaseContext | None = None) -> Finished:
    """Run the demo into a new folder, with a `lane` of progress for each of its parts.

    `context` starts the processes, new_processes() unless given. Raises RunFolderError when `out`
    holds anything.
    """
    check_free(out)
    with needs_train("the demo"):
        pass
    names: tuple[PopulationName, ...] = ("A", "B")
    os.environ.update(ONE_THREAD)
    context = context or new_processes()
    events: Events = context.Queue()
    with ProcessPoolExecutor(config.workers, context, _start, (events,)) as pool:
        lanes = {name: lane(f"population {name}", PHASES) for name in names}
        jobs = {name: pool.submit(_work, name, out, config) for name in names}
        _relay(events, lanes, list(jobs.values()))
        facts = {name: job.result() for name, job in jobs.items()}
    last = lane("both", ("report",))
    last(Event("report", 0, 1))
    command = (
        f"argo-audit demo --seed {config.seed} --pairs {config.pairs} --steps {config.search.steps}"
    )
    title = "What two populations' reward models reward"
    files = report(Origin(tuple(out / name for name in names), title, (command,)), out / "audit")
    last(Event("report", 1, 1))
    return Finished(facts, files)


def audit_population(
    name: PopulationName, out: Path, config: DemoConfig, watch: Watch
) -> AuditFacts:
    """One population from its making to its evaluation; runs in a process of its own."""
    from argo_audit.reward_models.training import train_reward_model
    from argo_audit.reward_models.training_settings import TrainingConfig

    world = out / "organism" / name
    population = build(name, config.pairs, config.seed, config.label_agreement)
    write_population(population, world)
    file = read(world / "pairs.jsonl.gz")
    train = split(file.pairs, config.seed, config.share, config.share)["train"]
    ids = {pair.id for pair in train}
    model = out / "reward_models" / population.name
    train_reward_model(
        train,
        [label for label in population.raw if label.pair_id in ids],
        model,
        config=TrainingConfig(seed=config.seed),
        progress=lambda share: watch(Event("train a reward model", round(100 * share), 100)),
    )
    request = AuditRequest(
        pairs=world / "pairs.jsonl.gz",
        labels=(f"rm:{model}", HUMAN),
        out=out / name,
        store=str(out / "rubric_store"),
        search=config.search,
        dev=config.share,
        held_out=config.share,
        seed=config.seed,
        answer_key=world,
        probed_pairs=config.probed_pairs,
    )
    return audit(request, watch)


def _start(events: Events) -> None:
    """Where a worker's progress goes; a queue can only be handed over as a process starts.

    What has been imported by then is never garbage: Python need not look through it again and
    again, which took an eighth of a worker's time.
    """
    global _events  # noqa: PLW0603 - set once per process
    _events = events
    gc.freeze()


def _work(name: PopulationName, out: Path, config: DemoConfig) -> AuditFacts:
    return audit_population(name, out, config, lambda event: _events.put((name, event)))


def _relay(
    events: Events, lanes: Mapping[PopulationName, Watch], jobs: list[Future[AuditFacts]]
) -> None:
    """Show events until every job has ended and none is left."""
    while True:
        try:
            name, event = events.get(timeout=0.2)
        except Empty:
            if all(job.done() for job in jobs):
                return
        else:
            lanes[name](event)
