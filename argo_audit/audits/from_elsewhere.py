"""What an audit was asked for, as seen from where its folder lies now and where it is read.

    seen_from_here(request, Path("/cluster/work"), Path("laptop/out"), Again(pairs="pairs.jsonl"))

From the cluster to the laptop is the commonest way of all. A place inside the audit's folder went
with it; any other counts from the folder in which the audit was begun, and is pointed to again
where that is another machine's. What was recorded stays as it was: runs and labels are known by it
(`AuditRequest.as_begun`), pairs by their content, and a reward model by what it pays.
"""

import os
from pathlib import Path
from typing import NamedTuple

from argo_audit.audits.found_folder import is_here
from argo_audit.audits.request import AuditRequest
from argo_audit.errors import InputError
from argo_audit.files import is_url, on_disk
from argo_audit.outside.credentials import put_aside
from argo_audit.pairs.pair_file import HUB
from argo_audit.reward_models.by_name import SCORES, names_reward_model, path_in

POINT_AGAIN = ". Pairs and reward models that lie elsewhere by now: --pairs FILE, --rm MODEL"


class Again(NamedTuple):
    """What is pointed to again: the pairs, and the reward models in the order of the labels."""

    pairs: str | None = None
    reward_models: tuple[str, ...] = ()

    @property
    def places(self) -> set[str]:
        """These as records are said to name them: who points to something has asked for it."""
        paths = [self.pairs, *(spec.partition(":")[2] for spec in self.reward_models)]
        real = {os.path.realpath(on_disk(p)) for p in paths if p and not is_url(p)}
        return {*self.reward_models, *([self.pairs] if self.pairs else []), *real}


NOTHING = Again()


def seen_from_here(
    request: AuditRequest, base: Path, out: Path, again: Again = NOTHING
) -> AuditRequest:
    """The request of the audit in `out`, which was begun in the folder `base`.

    One that is where it was, and is read from there, is as it was typed. Raises InputError when
    other reward models are pointed to than it had.
    """
    seen = request
    if not _is_where_it_was(request, base, out):
        seen = _Elsewhere(base, request.out, out).request(request)
    if again != NOTHING:
        seen = _pointed(seen, out, again)
    seen.keep_as_begun(request)
    return seen


def _is_where_it_was(request: AuditRequest, base: Path, out: Path) -> bool:
    """By real paths, and by no folder that looks at what reads it, such as /proc/self/cwd."""
    return is_here(base) and (base / request.out).resolve() == out.resolve()


class _Elsewhere(NamedTuple):
    """The folder that places count from, that of the audit as it was typed, and where it is."""

    base: Path
    typed: Path
    out: Path

    def request(self, request: AuditRequest) -> AuditRequest:
        """The whole request; a place that is none, or a URL, stays."""
        return request.model_copy(
            update={
                "out": self.out,
                "pairs": request.pairs if _is_far(request.pairs) else Path(self.at(request.pairs)),
                "labels": tuple(map(self.label, request.labels)),
                "policy": self.where_there_is_one(request.policy),
                "store": request.store and self.at(request.store),
                "logs": request.logs and self.at(request.logs),
                "answer_key": request.answer_key and Path(self.at(request.answer_key)),
                "intent": request.intent and Path(self.at(request.intent)),
                "prices": request.prices and Path(self.at(request.prices)),
            }
        )

    def at(self, place: Path | str) -> str:
        """In the audit's folder where it was there, else from the folder it was begun in."""
        if _is_far(place):
            return str(place)
        then = Path(os.path.normpath(self.base / place))
        was = Path(os.path.normpath(self.base / self.typed))
        inside = then.is_relative_to(was)
        return str(self.out / then.relative_to(was)) if inside else os.path.realpath(then)

    def where_there_is_one(self, path: str) -> str:
        """A path, if something is there: what is called like one may be an id of the hub."""
        there = self.at(path)
        return there if path and Path(there).exists() else path

    def label(self, spec: str) -> str:
        """A label source with its path."""
        before, path = path_in(spec) or (spec, "")
        if not path or not names_reward_model(spec):
            return spec
        return before + (self.at(path) if before == f"{SCORES}:" else self.where_there_is_one(path))


def _is_far(place: Path | str) -> bool:
    return isinstance(place, str) and (place.startswith(HUB) or is_url(place))


def _pointed(request: AuditRequest, out: Path, again: Again) -> AuditRequest:
    labels, models = request.labels, again.reward_models
    if models:
        places = [i for i, spec in enumerate(labels) if names_reward_model(spec)]
        if len(models) != len(places):
            problem = f"{len(models)} reward models, and the audit had {len(places)}"
            had = ", ".join(labels[i] for i in places) or "none"
            raise InputError("--rm", problem, f"name each of these again, in order: {had}")
        new = dict(zip(places, map(put_aside, models), strict=True))
        labels = tuple(new.get(i, spec) for i, spec in enumerate(labels))
    pairs = again.pairs or request.pairs
    pairs = pairs if _is_far(pairs) else on_disk(pairs)
    return request.model_copy(update={"labels": labels, "pairs": pairs})
