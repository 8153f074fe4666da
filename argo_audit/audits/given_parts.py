"""Objects where names could stand: what Python gives to the doors that the command line names.

    spec_of("judges", "argo/surface")       # "argo/surface"
    spec_of("reward_models", MyModel())     # "given:my-model": every door opens it

Of two objects of one name the one given last is meant, so that a cell of a notebook can be run
again. What a call was given is known for that call (`kinds.lent`): an object of the same name that
was shown to another call is never taken for it.
"""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from types import FunctionType

from argo_audit.errors import InputError
from argo_audit.files import on_disk
from argo_audit.kinds import Role, given, take_back
from argo_audit.policies.policy_settings import SAMPLE
from argo_audit.roles import Judge, Named, Policy, RewardModel, Writer

Place = str | PathLike[str]
Part = RewardModel | Judge | Policy | Writer


def spec_of(role: Role, part: object) -> str:
    """The name of a part that is named, or the one under which an object is given.

    Raises InputError for an object that is no such part, and says what it lacks.
    """
    if isinstance(part, str):
        return part
    if isinstance(part, FunctionType):
        take_back(role, part.__name__)
    elif isinstance(part, Named):
        take_back(role, part.name)
    return given(role, part)


def policy_spec(policy: str | Policy | Writer) -> str:
    """The name of a policy; a writer writes rubrics as a policy that is not trained."""
    if isinstance(policy, Writer) and not isinstance(policy, Policy):
        return SAMPLE + spec_of("writers", policy)
    return spec_of("policies", policy)


def folders(given: Place | Sequence[Place]) -> list[Path]:
    """Places on this machine, of several or of one."""
    several = [given] if isinstance(given, str | PathLike) else given
    return [on_disk(one) for one in several]


def give(part: object) -> None:
    """Give an object in every role that it can play. Raises InputError for one that plays none."""
    roles: dict[Role, type] = {
        "reward_models": RewardModel,
        "judges": Judge,
        "policies": Policy,
        "writers": Writer,
    }
    played: list[Role] = [role for role, protocol in roles.items() if isinstance(part, protocol)]
    if not played:
        problem = "plays no role: it is no reward model, judge, policy or writer"
        remedy = "see argo_audit.RewardModel, Judge, Policy and Writer for what they have"
        raise InputError(type(part).__name__, problem, remedy)
    for role in played:
        spec_of(role, part)
