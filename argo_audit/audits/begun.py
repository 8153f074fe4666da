"""An audit that has begun: what was asked of it, so that it can be resumed as it was.

    check_unused(request)             # RunFolderError says how to resume it, or what differs
    write_request(request)            # out/audit.json
    read_request(Path("out"))         # the same request, in the same folder

Paths are on record as they were typed, with the folder that they count from; read from another
folder, or of an audit that was moved, they are as seen from there (`from_elsewhere`).
"""

import shlex
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from argo_audit.audits.found_folder import Allowed, Named, check_named, enter, remember, unasked
from argo_audit.audits.from_elsewhere import NOTHING, POINT_AGAIN, Again, seen_from_here
from argo_audit.audits.named_by_request import (
    Seen,
    Uses,
    intent_alone,
    named_by,
    recorded_by,
    reward_models_of,
)
from argo_audit.audits.request import AuditRequest
from argo_audit.errors import InputError, RunFolderError, brief
from argo_audit.files import Folder, check_free, check_writable, write_whole
from argo_audit.outside.caps import RECORD, read_whole
from argo_audit.outside.credentials import command_line, redacted
from argo_audit.records import Record, Run
from argo_audit.reward_models.by_name import names_reward_model
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.search.run_folder import check_same
from argo_audit.search.search_settings import ARGO

REQUEST_FILE = "audit.json"
GIVEN_PAIRS = "given-pairs.jsonl.gz"
"""Pairs that were given as objects lie in the audit's folder, so that it can be resumed."""


class _Begun(Record):
    """The file of an audit that has begun: what was asked, in which folder, by which command."""

    request: AuditRequest
    folder: Path
    command: str


def check_unused(request: AuditRequest) -> None:
    """Raise RunFolderError unless the output folder is free for this audit.

    Of an audit that was begun there, the message says how to go on with it or what differs.
    """
    begun = request.out / REQUEST_FILE
    if not begun.is_file():
        check_free(request.out, but=(GIVEN_PAIRS,))
        _check_no_logs(request.log_root)
        return
    check_same(request.out, _asked(_begun(request.out).request), _asked(request))
    raise RunFolderError(
        f"{request.out} holds this very audit, begun before; nothing in it was touched.\n"
        f"  Remedy: argo-audit resume {shlex.quote(str(request.out))}"
    )


def _check_no_logs(place: str) -> None:
    """Logs are read by folder: those of another audit must not be among them."""
    check_writable(place)
    if Folder(place).entries():
        remedy = "name a new place below it; `inspect view` shows the logs of all of them"
        raise InputError(place, "holds files: logs are read by folder", remedy)


def write_request(request: AuditRequest, command: str = "") -> None:
    """Put on record what is asked of an audit that begins; one that has begun keeps its record.

    `command` is what asks for it, without one the command line of this process.
    """
    request.out.mkdir(parents=True, exist_ok=True)
    path = request.out / REQUEST_FILE
    if not path.is_file():
        typed = redacted(command) or command_line(["argo-audit", *sys.argv[1:]])
        begun = _Begun(request=request, folder=Path.cwd(), command=typed)
        # only what was set: what was not is up to the policy's own settings
        remember(request.out, named_by(request, Seen(Path.cwd(), request.out)))
        write_whole(path, begun.model_dump_json(indent=1, exclude_unset=True) + "\n")


def read_request(
    out: Path, allow: Allowed = (), uses: Uses = named_by, again: Again = NOTHING
) -> AuditRequest:
    """What was asked of the audit in `out`, wherever it lies now; its paths are as seen from here.

    `uses` is what of it is going to be used, `again` what is pointed to again. Raises
    RunFolderError when no audit was begun there, and InputError for what has to be asked for again.
    """
    enter(out, allow)
    begun = _begun(out)
    request = seen_from_here(begun.request, begun.folder, out, again)
    named = (n for n in uses(request, Seen(Path.cwd(), out)) if n.it not in again.places)
    check_named(out, REQUEST_FILE, named, allow, POINT_AGAIN)
    return request


def has_moved(out: Path) -> bool:
    """Whether an audit lies elsewhere than where it was begun."""
    begun = _begun(out)
    return (begun.folder / begun.request.out).resolve() != out.resolve()


def is_anothers(out: Path, allow: Allowed = ()) -> bool:
    """Whether an audit that is where it was begun names what this user never asked for."""
    begun = _begun(out)
    request = seen_from_here(begun.request, begun.folder, out)
    return bool(unasked(out, named_by(request, Seen(Path.cwd(), out)), allow))


def was_asked(out: Path, run: Run) -> bool:
    """Whether the request on record in `out` is the one that a run of it has on record.

    What was left open there was settled when the run began.
    """
    asked = _begun(out).request.model_dump(mode="json")
    recorded = run.config.get("request", {})
    return all(value in (None, recorded.get(name, value)) for name, value in asked.items())


def pointed_again(outs: Sequence[Path], models: Sequence[str]) -> list[Again]:
    """Reward models that are pointed to again, for each of several audits those that it had."""
    if not models:
        return [NOTHING] * len(outs)
    counts = [sum(map(names_reward_model, label_specs(out))) for out in outs]
    if sum(counts) != len(models):
        problem = f"{len(models)} reward models, and there were {sum(counts)}"
        raise InputError("--rm", problem, "name each again, in the order of audits and labels")
    left = iter(models)
    return [Again(reward_models=tuple(islice(left, count))) for count in counts]


def label_specs(out: Path) -> tuple[str, ...]:
    """What the audit in `out` learned from, by the names that it was asked with."""
    return _begun(out).request.labels


def asked_labels(out: Path, allow: Allowed = ()) -> tuple[str, ...]:
    """The label sources that the audit in `out` was asked for; their paths are as seen from here.

    Raises InputError for reward models that have to be asked for again.
    """
    return read_request(out, allow, _labelling).labels


def _labelling(request: AuditRequest, seen: Seen) -> Iterator[Named]:
    yield from reward_models_of(request, seen)
    yield from recorded_by(request, seen)


def intent_of(out: Path, allow: Allowed = ()) -> Path | None:
    """The file of what the audit in `out` was told should be rewarded, if it was told.

    Raises InputError for one elsewhere that has to be asked for again.
    """
    return read_request(out, allow, intent_alone).intent


def asked_reward_model(out: Path) -> tuple[RewardModelSettings, bool]:
    """How the audit in `out` asked its reward models, and whether one that fails was accepted."""
    request = _begun(out).request
    return request.reward_model, request.accept_failing_rm


def command_of(out: Path) -> str:
    """The command line by which the audit in `out` was begun."""
    return _begun(out).command


def _begun(out: Path) -> _Begun:
    path = out / REQUEST_FILE
    try:
        begun = _Begun.model_validate_json(read_whole(path, RECORD))
    except (OSError, ValidationError) as error:
        raise RunFolderError(
            f"{path}: no audit was begun here ({brief(error)})\n"
            "  Remedy: name the folder (out) of an audit, as it was typed"
        ) from error
    if begun.request.optimiser is not None:
        return begun
    request = begun.request.model_copy(update={"optimiser": ARGO})  # there was no other default
    return begun.model_copy(update={"request": request})


def _asked(request: AuditRequest) -> dict[str, Any]:
    return request.decided().model_dump(mode="json", exclude={"budget", "prices", "out"})
