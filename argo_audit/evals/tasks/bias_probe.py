r"""The task `bias_probe`: what does a reward model pay for an attribute, all else held equal?

    inspect eval argo_audit/bias_probe --model none -T rm=runs/my-rm/reward_model -T pairs=p.jsonl
    inspect eval argo_audit/bias_probe --model none -T rm=served:my-rm@http://gpu1:8000 \
        -T pairs=p.jsonl -T attributes=flattery,hedging --model-role rewriter=openai/gpt-5-mini

    for effect in read_effects("logs"):
        print(effect.attribute, effect.direction, effect.scaled, effect.q_value)

A sample is one response. Each attribute is added or removed, by program and, where one is given, by
a rewriting model, and the reward model is asked what it pays before and after. The log's metrics
are means with standard errors; `results` reads the same rewards with intervals over
prompts and the correction for the number of probes of `argo_audit.probes.effects`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset
from pydantic import BaseModel

from argo_audit.errors import InputError
from argo_audit.evals.batching import BatchedRewards
from argo_audit.evals.labelled_pairs import Names, found_from_here, names, open_checked, rm_use
from argo_audit.evals.probe_scoring import (
    PROBED,
    probe_response,
    reward_change,
    sample_of,
    win_rate,
)
from argo_audit.evals.reading import (
    SUBJECT,
    FoundLog,
    LogHeader,
    TaskLog,
    find_logs,
    read_log,
    read_logs,
)
from argo_audit.evals.results import About, ResultRow, shortfall
from argo_audit.evals.task_arguments import typed
from argo_audit.pairs.pair_file import read
from argo_audit.probes.edits.counterfactuals import PROGRAM, chosen
from argo_audit.probes.effects import ALL, Effect, effects
from argo_audit.probes.probe import Probed, check_live, responses_of
from argo_audit.records import Pair
from argo_audit.roles import RewardModel
from argo_audit.stats.estimates import Estimate

VERSION = 1
"""Of what the numbers mean; raised whenever the same reward model would get another number."""

_TASK = "bias_probe"
_FIELDS = {
    "reward change": "change",
    "win rate": "win_rate",
    "unadjusted change": "unadjusted",
    "change beyond length": "beyond_length",
}
MEASURES = tuple(_FIELDS)
"""What rows are of, first the effect itself; see `effects.Effect`."""


class Probing(NamedTuple):
    """How responses are probed: which attributes (all without any), by whom, with what seed."""

    attributes: tuple[str, ...] = ()
    programs: bool = True
    seed: int = 0


class LoggedEffect(NamedTuple):
    """An effect, and the reward model and populations of the log that it was read from.

    `note` says what is missing from the log, "" where nothing is.
    """

    reward_model: str
    populations: str
    effect: Effect
    note: str


@task
@typed
def bias_probe(  # noqa: PLR0913 - a task's parameters are its command line
    rm: str | None = None,
    pairs: str | None = None,
    attributes: Names = None,
    programs: bool = True,
    rm_settings: dict[str, Any] | None = None,
    most_pairs: int | None = None,
    seed: int = 0,
) -> Task:
    """What a reward model pays for adding or removing one attribute of a response.

    Per attribute and direction: `reward_change` is the mean of r(edited) - r(edited back), in
    rewards, over the responses to which the edit applies, and `win_rate` how often the edited one
    is paid more (0.5 is chance). Above 0 the reward model pays for what the edit does. Both texts
    went through the editor, so its side effects cancel (RATE). Add and remove are measured on
    different responses: those without the attribute, and those with it.

    No judge is asked: give `--model none`. Edits are programs; a model with the role "rewriter"
    edits as well, with two calls an edit.

    Args:
        rm: The reward model: rm:MODEL (a folder or hub id), served:NAME@URL, dpo:POLICY|REFERENCE.
            Recorded scores are refused: nobody has scored an edited response.
        pairs: File of pairs; both responses of each are edited.
        attributes: Names with commas between; by default all of edits/attributes.toml.
        programs: Whether the programs edit; False leaves the rewriting model alone.
        rm_settings: How the reward model is asked; see `reward_models.by_name.RewardModelUse`.
        most_pairs: How many pairs at most, drawn by `seed`; each pair is some 150 texts to reward.
        seed: Draws phrases and places, and the order, so that `--limit` takes a random part.
    """
    if not rm or not pairs:
        remedy = "Give -T rm=rm:MODEL and -T pairs=FILE."
        raise InputError("bias_probe", "it needs a reward model and pairs", remedy)
    probing = Probing(names(attributes), programs, seed)
    chosen(probing.attributes)
    place = found_from_here(pairs)
    file, use = read(place), rm_use(rm_settings)
    model = open_checked(rm, file.pairs, use)
    facts = {"pairs_file": str(place), "pairs_fingerprint": file.fingerprint}
    return probe_task(model, _drawn(file.pairs, most_pairs, seed), probing, facts)


def probe_task(
    model: RewardModel,
    pairs: Sequence[Pair],
    probing: Probing,
    facts: Mapping[str, str] | None = None,
) -> Task:
    """The task on a reward model that is open and trusted; `facts` are logged beside."""
    check_live(model)
    samples = [sample_of(response) for response in responses_of(pairs)]
    Random(probing.seed).shuffle(samples)
    return Task(
        name=_TASK,
        dataset=MemoryDataset(samples, name="responses", location=(facts or {}).get("pairs_file")),
        solver=probe_response(
            BatchedRewards(model), list(probing.attributes), probing.programs, probing.seed
        ),
        scorer=[reward_change(), win_rate()],
        version=VERSION,
        metadata={
            SUBJECT: {"reward_model": model.name, **probing._asdict(), **(facts or {})},
        },
    )


def _drawn(pairs: Sequence[Pair], most: int | None, seed: int) -> Sequence[Pair]:
    return pairs if most is None or most >= len(pairs) else Random(seed).sample(pairs, most)


def read_effects(log_dir: str | Path) -> list[LoggedEffect]:
    """Every effect of every log of this task under a folder or URL, oldest log first.

    Raises InputError as `read_logs`.
    """
    return [found for log in read_logs(log_dir, _TASK) for found in _effects(log)]


def find_probes(log_dir: str | Path) -> dict[str, list[FoundLog]]:
    """The logs of this task by the name of their reward model, oldest first; only headers are read.

    Raises InputError as `read_logs`.
    """
    found: dict[str, list[FoundLog]] = {}
    for log in find_logs(log_dir, _TASK):
        found.setdefault(_of_model(log.header), []).append(log)
    return found


def read_probed(logs: Iterable[FoundLog]) -> tuple[Probed, ...]:
    """The edited responses in logs of one reward model, each once: the newest counts.

    Raises InputError when a log cannot be read.
    """
    found: dict[str, Probed] = {}
    for log in logs:
        found.update({probed.response_id: probed for probed in _probed(read_log(log))})
    return tuple(found.values())


def results(log_dir: str | Path, measures: Sequence[str] = MEASURES) -> list[ResultRow]:
    """A row per edit and measure of every log, with rows of populations as slices.

    The subject is the edit ("flattery, add"). The note of "reward change" has the q-value, the
    change in units of the reward model's spread, the words that the edit adds, and why responses
    have no edit; an edit that applies to no response has that row alone.
    """
    return [
        row
        for log in read_logs(log_dir, _TASK)
        for found in _effects(log)
        for row in _rows(found, measures)
    ]


def _effects(log: TaskLog) -> Iterator[LoggedEffect]:
    probed = _probed(log)
    populations = sorted({one.population for one in probed} - {""})
    reward_model = _of_model(log)
    for effect in effects(probed):
        yield LoggedEffect(reward_model, ", ".join(populations), effect, shortfall(log))


class _OfModel(BaseModel):
    """What a log of this task is about, among other things."""

    reward_model: str


def _of_model(log: LogHeader) -> str:
    return log.told(SUBJECT, _OfModel).reward_model


def _probed(log: TaskLog) -> list[Probed]:
    noted = [pair.noted[PROBED] for pair in log.pairs if PROBED in pair.noted]
    return [log.read_as(Probed, PROBED, said) for said in noted]


def _rows(found: LoggedEffect, measures: Sequence[str]) -> Iterator[ResultRow]:
    effect = found.effect
    by = "" if effect.editor == PROGRAM else f", {effect.editor}"
    for measure in measures if effect.unadjusted.n else measures[:1]:
        estimate: Estimate = getattr(effect, _FIELDS[measure])
        if estimate.n or measure == MEASURES[0]:
            about = About(
                task=_TASK,
                population=found.populations,
                subject=f"{effect.attribute}, {effect.direction}{by}",
                label_source=found.reward_model,
                slice="" if effect.population == ALL else f"population={effect.population}",
                method=f"edited by {effect.editor}",
                note=_note(found) if measure == MEASURES[0] else "",
            )
            yield about.row(measure, estimate, effect.responses - estimate.n)


def _note(found: LoggedEffect) -> str:
    effect = found.effect
    parts = [found.note] if found.note else []
    if effect.q_value is not None:
        parts.append(f"q = {effect.q_value:.2g}")
    if effect.scaled is not None:
        parts.append(f"{effect.scaled:+.2f} spreads")
    if effect.words_added is not None:
        parts.append(f"{effect.words_added:+.1f} words")
    parts += [f"{count} x {reason}" for reason, count in effect.unscored.items()]
    return "; ".join(parts)
