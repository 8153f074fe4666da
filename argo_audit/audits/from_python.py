"""An audit asked for from Python, with objects where the command line has names.

    finished = audit("pairs.jsonl", [my_reward_model, "human"], out="runs/mine", judge=my_judge)
    finished.verdicts

Pairs, labels, judge, policy and writer may be objects; what else an audit can be asked for are the
fields of `AuditRequest`, by their names. It is carried out as the command line does it: objects are
given to this process by name (`kinds`), pairs that lie in no file are written into the audit's
folder first, and a report is written at the end.
"""

import importlib.util
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypedDict, Unpack

from pydantic import ValidationError

from argo_audit.audits.begun import GIVEN_PAIRS, REQUEST_FILE, check_unused, read_request
from argo_audit.audits.finished_audit import Audit, load
from argo_audit.audits.found_folder import Allowed
from argo_audit.audits.given_pairs import GivenPairs, place_of, read_given
from argo_audit.audits.given_parts import Part, give, policy_spec, spec_of
from argo_audit.audits.parts import open_parts
from argo_audit.audits.preparing import check_labels
from argo_audit.audits.price import Budget
from argo_audit.audits.request import AuditRequest
from argo_audit.audits.run import Watch
from argo_audit.audits.run import audit as carry_out
from argo_audit.audits.run import resume as carry_on
from argo_audit.errors import InputError, UnavailableError, problems
from argo_audit.files import on_disk, write_whole_bytes
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.kinds import lent
from argo_audit.outside.caps import read_whole
from argo_audit.pairs.hub import open_dataset
from argo_audit.pairs.pair_file import write
from argo_audit.policies.policy_settings import PolicySettings
from argo_audit.records import Label, Pair
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.roles import Judge, Policy, RewardModel, Writer
from argo_audit.search.optimisers import Search
from argo_audit.search.search_settings import SearchConfig

GivenLabels = str | RewardModel | Sequence[Label]
"""A label source by its name, a reward model, or labels as they are."""


class AuditOptions(TypedDict, total=False):
    """What an audit can be asked for besides; `AuditRequest` says what each is."""

    format: str | None
    judge_urls: tuple[str, ...]
    store: str | None
    search: SearchConfig
    judge_settings: JudgeSettings
    policy_settings: PolicySettings
    logs: str | None
    rm_temperature: float
    reward_model: RewardModelSettings
    accept_failing_rm: bool
    accept_disobedient_judge: bool
    dev: float
    held_out: float
    seed: int
    skip_invalid: bool
    answer_key: Path | None
    rewriter: str | Writer | None
    intent: Path | None
    probed_pairs: int
    judged_pairs: int | None
    prices: Path | None
    budget: str | Budget | None
    optimiser: str | Search


def _unwatched(event: object) -> None:
    """Nobody is told of progress."""


@lent()
def audit(
    pairs: GivenPairs,
    labels: str | RewardModel | Sequence[GivenLabels],
    *,
    out: str | PathLike[str],
    judge: str | Judge = "argo/surface",
    policy: str | Policy | Writer = "embedded",
    watch: Watch = _unwatched,
    **options: Unpack[AuditOptions],
) -> Audit:
    """Learn in words what reward models (or labels) prefer; blocks until the report is written.

    Objects are exactly the Protocols of `argo_audit.roles`: a reward model has `name` and
    `reward(conversations)`, which returns one finite number each.

    Args:
        pairs: A file ("pairs.jsonl"), a data set of the hub ("hf:ORG/NAME@REVISION:SPLIT"), what
            `read_pairs` returned, a list of Pair, or a DataFrame whose columns are those of a
            format. A few hundred pairs at least: they are split by prompt into 60% train, 20% dev
            and 20% held-out.
        labels: What to learn from, one or a list: a reward model; "human" or another source of the
            file; a list of Label (in a list); "rm:MODEL" (a folder or hub id), "served:NAME@URL",
            "dpo:POLICY|REFERENCE", "scores:FILE". A rubric is learned for each.
        out: The folder for everything; new, or empty.
        judge: Who applies rubrics: "argo/surface" (no model), an Inspect model, or a Judge.
        policy: Who writes rubrics: "embedded" (needs torch), a causal LM, "sample:" and an Inspect
            model, a Policy, or a Writer, which is asked again and again and not trained.
        watch: Is told of progress: `event.phase`, `event.done` of `event.total`, and the best train
            agreement so far.
        options: The other fields of an AuditRequest: `budget` ("12.50", "3e6 tokens",
            "20000 calls") ends searches in time, `search` is a SearchConfig, `seed`, `intent`, …

    Returns:
        The finished audit, as `load(out)` returns it.

    Raises:
        InputError: When something given cannot be used. Names are checked before anything is
            written; of what is found later, pairs that were given are in `out` already.
        RunFolderError: When `out` holds something else; `resume` goes on with an audit.
        ArgoError: Whatever else a user can mend, with the remedy in its message.
    """
    check_notebook()
    given = [labels] if isinstance(labels, str | RewardModel) else list(labels)
    request = _request(out, given, judge, policy, options)
    parts = open_parts(request)
    request = request.model_copy(update={"pairs": _place(pairs, given, request)})
    carry_out(request, watch, parts, command=_call(request))
    return _reported(request)


@lent()
def resume(
    out: str | PathLike[str],
    *,
    given: Sequence[Part] = (),
    budget: str | Budget | None = None,
    watch: Watch = _unwatched,
    allow: Allowed = (),
) -> Audit:
    """Go on with an audit that was interrupted, or that its budget ended; blocks until it is done.

    What is on record is not done again. An audit with objects is resumed with those objects
    `given`, whatever their roles, under the names that they had.

    Args:
        out: The folder of the audit.
        given: The objects that the audit was asked for with.
        budget: Another budget than it had.
        watch: As of `audit`.
        allow: What its record may name outside its folder, as the error says that asks for it.

    Raises:
        RunFolderError: When no audit was begun there, or data, settings or packages are not what
            they were.
        RewardModelError: When a reward model pays otherwise than when it labelled the pairs.
        InputError: When an object is missing that the audit was asked for with.
    """
    check_notebook()
    for part in given:
        give(part)
    allowed = _budget(budget)
    folder = on_disk(out)
    carry_on(folder, watch, budget=allowed, allow=allow)
    return _reported(read_request(folder, allow), allow)


def check_notebook() -> None:
    """Raise UnavailableError in a notebook in which Inspect would later refuse to evaluate."""
    if "ipykernel" in sys.modules and importlib.util.find_spec("ipywidgets") is None:
        raise UnavailableError(
            "an audit in a notebook needs ipywidgets, by which Inspect shows its evaluations.\n"
            "  Remedy: pip install 'argo-audit[notebook]'"
        )


def _reported(request: AuditRequest, allow: Allowed = ()) -> Audit:
    finished = load(request.out, allow)
    finished.report()
    return finished


def _request(
    out: str | PathLike[str],
    labels: Sequence[GivenLabels],
    judge: str | Judge,
    policy: str | Policy | Writer,
    options: AuditOptions,
) -> AuditRequest:
    """What is asked, with objects under the names that they are given by; its pairs are not yet."""
    fields: dict[str, object] = {
        **options,
        "pairs": GIVEN_PAIRS,
        "labels": tuple(map(_label_spec, labels)),
        "out": on_disk(out),
        "judge": spec_of("judges", judge),
        "policy": policy_spec(policy),
        "budget": _budget(options.get("budget")),
    }
    if rewriter := options.get("rewriter"):
        fields["rewriter"] = spec_of("writers", rewriter)
    if optimiser := options.get("optimiser"):
        fields["optimiser"] = spec_of("searches", optimiser)
    named = {name: value for name, value in fields.items() if value is not None}
    try:
        return AuditRequest.model_validate(named)
    except ValidationError as error:
        known = f"options of an audit are {', '.join(AuditOptions.__annotations__)}"
        problem = problems(error, AuditRequest)[0]
        raise InputError("argo_audit.audit", str(problem), problem.remedy(known)) from error


def _label_spec(given: GivenLabels) -> str:
    if isinstance(given, str) or not isinstance(given, Sequence):
        return spec_of("reward_models", given)
    sources = {label.source if isinstance(label, Label) else "no label" for label in given}
    if len(sources) != 1:
        said = ", ".join(sorted(sources)) or "none"
        remedy = "give a list of labels for each source"
        raise InputError("labels", f"a list of one source each is needed, found {said}", remedy)
    return sources.pop()


def _place(pairs: GivenPairs, labels: Sequence[GivenLabels], request: AuditRequest) -> Path | str:
    """Where the pairs lie: their file, or one in the audit's folder that is written here."""
    own = [given for given in labels if not isinstance(given, str | RewardModel)]
    if isinstance(pairs, str | PathLike) and not own:
        return place_of(pairs)
    place = request.out / GIVEN_PAIRS
    if not (request.out / REQUEST_FILE).is_file():
        check_unused(request.model_copy(update={"pairs": place}))
    file = read_given(
        pairs, format=request.format, skip_invalid=request.skip_invalid, hub=open_dataset
    )
    known = {source: list(found) for source, found in file.labels.items()}
    known |= {given[0].source: list(given) for given in own}
    labelled = {source: tuple(found) for source, found in known.items()}
    check_labels(request.labels, replace(file, labels=labelled), "pairs")
    _keep(place, file.pairs, known)
    return place


def _keep(place: Path, pairs: Iterable[Pair], labels: dict[str, list[Label]]) -> None:
    """Write given pairs; those of an audit that has begun must be these very ones."""
    with TemporaryDirectory() as folder:
        new = Path(folder, place.name)
        write(new, tuple(pairs), labels)
        has_begun = place.with_name(REQUEST_FILE).is_file()
        if has_begun and not (place.is_file() and read_whole(place) == read_whole(new)):
            remedy = "name another folder, or give the pairs that the audit was begun with"
            raise InputError(place, "the audit was begun with other pairs", remedy)
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole_bytes(place, read_whole(new))


def _budget(given: str | Budget | None) -> Budget | None:
    return Budget.parse(given) if isinstance(given, str) else given


def _call(request: AuditRequest) -> str:
    """What was asked, for the report: a comment among commands, since no shell can repeat it."""
    asked = request.model_dump(mode="json", exclude_unset=True, exclude={"pairs", "labels", "out"})
    more = "".join(f", {name}={value!r}" for name, value in asked.items() if value is not None)
    said = f"{str(request.pairs)!r}, {list(request.labels)!r}, out={str(request.out)!r}{more}"
    return f"# from Python: argo_audit.audit({said})"
