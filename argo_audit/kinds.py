"""What kinds of parts there are: the built-in ones, those of installed packages, and objects given.

    class Brief:                                          # exactly roles.RewardModel
        name = "brief"

        def reward(self, conversations):
            return [-float(len(c[-1].content)) for c in conversations]

    given("reward_models", Brief())                       # "given:brief", as good as a name
    opened("reward_models", "mine:v3", settings, pairs)   # by the package that knows `mine`

A part is named by a spec, `KIND:WHAT`. A package adds kinds by entry points; the entry's name is
the kind, its object is called with WHAT and with what the room says beside it.

| group | called with | returns |
|---|---|---|
| argo_audit.reward_models | WHAT, RewardModelSettings, pairs to be scored | a RewardModel |
| argo_audit.judges | WHAT, JudgeSettings, URLs of servers | a Judge |
| argo_audit.policies | WHAT | a callable: prompt variants, folder, PolicySettings -> Policy |
| argo_audit.writers | WHAT | a Writer |
| argo_audit.searches | WHAT | a search, as in `search.optimisers` |

The kinds of this package are entries like any other, read from a table here, so that they do not
depend on how it was installed.

A given object lives in this process alone, and one that a call of `argo_audit` was given for that
call alone (`lent`): an audit that was begun with one is resumed by giving the object again.
"""

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from types import FunctionType
from typing import Literal, get_args

from argo_audit.errors import InputError
from argo_audit.roles import Judge, Named, Policy, RewardModel, Writer

Role = Literal["reward_models", "judges", "policies", "writers", "searches"]
"""The rooms with a door for strangers; `argo_audit.<role>` is the group of its entry points."""

GIVEN = "given"
"""The kind of the objects given in this process: `given:NAME`."""

_BUILT_IN: Mapping[Role, Mapping[str, str]] = {
    "reward_models": {
        "rm": "argo_audit.reward_models.by_name:open_classifier",
        "served": "argo_audit.reward_models.by_name:open_served",
        "dpo": "argo_audit.reward_models.by_name:open_dpo",
        "scores": "argo_audit.reward_models.by_name:open_recorded",
    },
    "judges": {
        "argo/surface": "argo_audit.judges.opening:open_surface",
        "argo/meaning": "argo_audit.judges.opening:open_meaning",
        "inspect": "argo_audit.judges.opening:open_inspect",
    },
    "policies": {
        "embedded": "argo_audit.policies.policy_opening:open_embedded",
        "sample": "argo_audit.policies.policy_opening:open_sampled",
        "trained": "argo_audit.policies.policy_opening:open_trained",
    },
    "writers": {"inspect": "argo_audit.policies.policy_opening:open_inspect_writer"},
    "searches": {
        "argo": "argo_audit.search.optimisers:open_argo",
        "best-of-n": "argo_audit.search.optimisers:open_best_of_n",
        "gepa": "argo_audit.search.optimisers:open_gepa",
        "lead": "argo_audit.search.optimisers:open_lead",
        "logistic": "argo_audit.search.optimisers:open_logistic",
    },
}
"""As a package writes its entry points: the kind, and the module and name of what opens it."""

_PROTOCOLS: Mapping[Role, type] = {
    "reward_models": RewardModel,
    "judges": Judge,
    "policies": Policy,
    "writers": Writer,
}
_CALLED: Mapping[Role, str] = {
    "reward_models": "reward model",
    "judges": "judge",
    "policies": "policy",
    "writers": "writer",
    "searches": "search",
}
_HALF = re.compile("[\ud800-\udfff]")  # half of a character, which no file can hold
_MODULE = re.compile(r"\b(?:\w+\.)+(?=\w)")
_given: dict[Role, dict[str, object]] = {role: {} for role in get_args(Role)}


def given(role: Role, part: object) -> str:
    """The spec under which every door of this process opens `part`: "given:" and its name.

    Given once more, the same object has the same spec. Raises InputError for an object that lacks
    what its Protocol in `roles` asks for, and for one of a name that another object has.
    """
    if missing := lacking(role, part):
        raise missing
    name = _name(part)
    if _given[role].setdefault(name, part) is not part:
        raise InputError(
            f"{GIVEN}:{name}",
            f"another {_CALLED[role]} of this name was given before",
            f"give one of them another name, or take the first back: "
            f"argo_audit.kinds.take_back({role!r}, {name!r})",
        )
    return f"{GIVEN}:{name}"


def take_back(role: Role, name: str) -> None:
    """Forget the object given under that name; its name is free for another."""
    _given[role].pop(name, None)


@contextmanager
def lent() -> Iterator[None]:
    """What is given within is taken back at the end, and what was given before stands again."""
    before = {role: dict(parts) for role, parts in _given.items()}
    try:
        yield
    finally:
        _given.update(before)


def known(role: Role) -> tuple[str, ...]:
    """The kinds of a role, `given` first."""
    return (GIVEN, *dict.fromkeys(entry.name for entry in _entries(role)))


def split(role: Role, spec: str, bare: str) -> tuple[str, str]:
    """The kind that a spec names, and what stands behind its colon.

    One that names no kind is whole of the kind `bare`.
    """
    kind, _, rest = spec.partition(":")
    return (kind, rest) if kind in known(role) else (bare, spec)


def opened(role: Role, spec: str, *how: object, bare: str = "") -> object:
    """What a spec names: the object that was given, or what the opener of its kind makes of it.

    The caller checks that it is what the role asks for (`lacking` says what is missing). Raises
    InputError for a kind that nobody knows, that two packages claim, or that cannot be imported,
    and for an object that was not given in this process; what an opener raises passes through.
    """
    kind, rest = split(role, spec, bare)
    if kind == GIVEN:
        return _given_part(role, spec, rest)
    try:
        opener = _entry(role, kind, spec).load()
    except (ImportError, AttributeError) as error:
        raise InputError(
            spec, f"the kind {kind!r} cannot be imported ({error})", "mend the package it is of"
        ) from error
    part: object = opener(rest, *how)
    return part


def check_given(role: Role, spec: str) -> None:
    """Raise InputError when a spec names an object that was not given in this process."""
    kind, _, name = spec.partition(":")
    if kind == GIVEN:
        _given_part(role, spec, name)


def is_missing(role: Role, spec: str) -> bool:
    """Whether a spec names an object that was not given in this process."""
    kind, _, name = spec.partition(":")
    return kind == GIVEN and name not in _given[role]


def lacking(role: Role, part: object) -> InputError | None:
    """What keeps an object from playing a role: each missing method with its signature.

    None where nothing does.
    """
    if isinstance(part, type):
        problem = f"is a class, where a {_CALLED[role]} is an object of one"
        return InputError(part.__name__, problem, f"give {part.__name__}(...)")
    absent = _absent(role, part)
    if not absent:
        return None
    problem = f"is no {_CALLED[role]}: it has no {' and no '.join(absent)}"
    remedy = "add what is missing; argo_audit.roles says what each is for"
    return InputError(type(part).__name__, problem, remedy)


def refused(role: Role, part: object) -> InputError:
    """What to raise when an opener has made something that cannot play the role."""
    what = type(part).__name__
    problem = f"is no {_CALLED[role]}"
    return lacking(role, part) or InputError(what, problem, "see argo_audit.roles")


def _absent(role: Role, part: object) -> list[str]:
    """What is missing, as one would write it."""
    if role not in _PROTOCOLS:  # a search is a function, or whatever can be called by its name
        named = isinstance(part, FunctionType | Named)
        return [] if callable(part) and named else ["`name` and `__call__`, nor is it a function"]
    protocol = _PROTOCOLS[role]
    absent = [name for name in _members(protocol) if name not in dir(part)]
    if not absent and not (isinstance(part, Named) and _can_be_a_name(part.name)):
        return ["`name` that is a text, with more in it than blanks"]
    return [_written(protocol, name) for name in absent]


def _can_be_a_name(given: object) -> bool:
    """Names are shown, and written in UTF-8."""
    return isinstance(given, str) and bool(given.strip()) and not _HALF.search(given)


def _given_part(role: Role, spec: str, name: str) -> object:
    if name in _given[role]:
        return _given[role][name]
    raise InputError(
        spec,
        f"no {_CALLED[role]} of this name was given in this process",
        "give the object again from Python, as in argo_audit.resume(FOLDER, given=[...]) and "
        "argo_audit.evaluate([FOLDER], OUT, given=[...]): it cannot be named from a shell",
    )


def _entry(role: Role, kind: str, spec: str) -> EntryPoint:
    found = {entry.value: entry for entry in _entries(role) if entry.name == kind}
    if not found:
        names = ", ".join(known(role))
        raise InputError(spec, f"no {_CALLED[role]} of the kind {kind!r}", f"known are {names}")
    if len(found) > 1:
        problem = f"the kind {kind!r} is claimed by several: {', '.join(sorted(found))}"
        raise InputError(spec, problem, "uninstall all but one of these packages")
    return next(iter(found.values()))


def _entries(role: Role) -> tuple[EntryPoint, ...]:
    group = f"argo_audit.{role}"
    own = (EntryPoint(name, value, group) for name, value in _BUILT_IN[role].items())
    return (*own, *_installed(group, tuple(sys.path)))


@lru_cache
def _installed(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Those of a group, looked for once for each search path: it reads a file of every package."""
    return tuple(entry_points(group=group))


def _members(protocol: type) -> list[str]:
    return [name for name in vars(protocol) if not name.startswith("_")]


def _written(protocol: type, name: str) -> str:
    """A member as one would write it: `name`, or a method with its parameters and result."""
    member = vars(protocol)[name]
    if not isinstance(member, FunctionType):
        return f"`{name}`"
    begun = "async def" if inspect.iscoroutinefunction(member) else "def"
    signature = _MODULE.sub("", str(inspect.signature(member))).replace("(self, ", "(")
    return f"`{begun} {name}{signature}`"


def _name(part: object) -> str:
    """The name of an object that lacks nothing; a function's is the one it was defined by."""
    if isinstance(part, FunctionType):
        return part.__name__
    return part.name if isinstance(part, Named) else type(part).__name__
