"""A judge checked before it is believed: by itself, and before the searches of an audit.

    found = check_judge("openai/gpt-5-mini")
    ensure_obedient(request)         # checks, keeps what was found, and refuses a judge below LEAST

The judge is asked as the search will have it read: whole rubrics, lines, or both. What was found is
kept in the audit's folder, `judge/NAME.json`, and not measured again when the audit goes on; what a
search asks for and it lacks is measured then. A judge that runs here without weights
(`argo/surface`, fakes) is not checked before a search: it costs nothing to know what it reads
(`argo-audit read`). Nor is an object from Python or from an installed package, which the report
says first; `check_judge` checks any by name.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from argo_audit.audits.request import AuditRequest
from argo_audit.errors import InputError, brief
from argo_audit.files import write_whole
from argo_audit.judges.event_loop import open_loop
from argo_audit.judges.judge_checks import (
    PROBES,
    READINGS,
    WITHOUT_WEIGHTS,
    AskedJudges,
    JudgeFound,
    Reads,
    check,
    disobedient,
)
from argo_audit.judges.judge_probes import judge_probes
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.judges.opening import is_inspects, line_judge_of, open_judge
from argo_audit.outside.caps import RECORD, read_whole
from argo_audit.roles import Judge
from argo_audit.search.search_settings import LEAD, LOGISTIC
from argo_audit.store import slug

FOLDER = "judge"


def check_judge(
    judge: str,
    settings: JudgeSettings | None = None,
    urls: Sequence[str] = (),
    *,
    probes: int = PROBES,
    readings: Sequence[Reads] = READINGS,
) -> JudgeFound:
    """What a judge does with pairs whose truth is known; each call is made, none is kept.

    Args:
        judge: Its name, as an audit takes it.
        settings: How it is asked.
        urls: Its servers.
        probes: How many pairs it is asked about, 10 calls each, or 22 where three votes take the
            place of log-probabilities.
        readings: With whole rubrics, line by line, or both.

    Returns:
        `obedience("whole")` and `obedience("lines")`, in [0, 1], with n and 95% interval, and
        whatever else was measured in `shares`.

    Raises:
        InputError, JudgeError: When there is no such judge, or it cannot be asked.
    """
    settings = settings or JudgeSettings()
    asked = _opened(judge, settings, urls)
    with open_loop() as loop:
        found = loop.call(check, asked, judge_probes(probes), tuple(readings))
    how = settings.model_dump(mode="json", exclude={"reads"}, exclude_unset=True)
    return found.model_copy(update={"how": how})


def _opened(spec: str, settings: JudgeSettings, urls: Sequence[str]) -> AskedJudges:
    """The judge as the settings say, one that is asked line by line, and one of another seed."""

    def one(**other: object) -> Judge:
        changed = settings.model_copy(update={"reads": "whole", "cache": False, **other})
        return open_judge(spec, changed, urls)

    whole = one()
    return AskedJudges(
        whole,
        line_judge_of(whole),
        line_judge_of(one(lines_per_call=1)),
        one(seed=settings.seed + 1),
    )


def is_checked(request: AuditRequest) -> bool:
    """Whether the judge of an audit is a model that may not read."""
    free = request.judge.startswith(WITHOUT_WEIGHTS)
    return is_inspects(request.judge) and not free


def readings(request: AuditRequest) -> tuple[Reads, ...]:
    """How an audit has its judge read: a search by line asks it both ways."""
    if request.judge_settings.reads == "lines":
        return ("lines",)
    by_line = request.search_name in (LEAD, LOGISTIC) or request.search.warm_start
    return READINGS if by_line else ("whole",)


def ensure_obedient(request: AuditRequest) -> JudgeFound | None:
    """The check of an audit's judge, made once and kept; None where it is not checked.

    Raises JudgeError for a judge that does not obey, unless the request accepts it.
    """
    if not is_checked(request):
        return None
    place = request.out / FOLDER / f"{slug(request.judge)}.json"
    asked = readings(request)
    found = completed(request, _read(place) if place.is_file() else None, asked)
    relied_on = tuple(one for one in READINGS if one in (*found.relied_on, *asked))
    found = found.model_copy(update={"relied_on": relied_on})
    place.parent.mkdir(parents=True, exist_ok=True)
    write_whole(place, found.model_dump_json(indent=1) + "\n")
    if not found.obeys(asked) and not request.accept_disobedient_judge:
        raise disobedient(found, asked)
    return found


def completed(
    request: AuditRequest, known: JudgeFound | None, asked: Sequence[Reads]
) -> JudgeFound:
    """What is known of the judge, and what it lacks of what is asked, which is measured now."""
    lacking = tuple(one for one in asked if known is None or one not in known.covers)
    if known and not lacking:
        return known
    found = check_judge(request.judge, request.judge_settings, request.judge_urls, readings=lacking)
    return known.completed(found) if known else found


def read_judge_checks(folder: Path) -> tuple[JudgeFound, ...]:
    """What the audit in a folder has found of its judge. Raises InputError for another file."""
    return tuple(map(_read, judge_check_files(folder)))


def judge_check_files(folder: Path) -> list[Path]:
    """The files of what was found."""
    return sorted((folder / FOLDER).glob("*.json"))


def _read(place: Path) -> JudgeFound:
    try:
        return JudgeFound.model_validate_json(read_whole(place, RECORD))
    except (OSError, ValidationError) as error:
        problem = f"not the check of a judge ({brief(error)})"
        raise InputError(place, problem, "remove it: the judge is checked again") from error
