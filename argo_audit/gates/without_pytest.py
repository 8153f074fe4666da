"""Gates without pytest: in a notebook, a training loop, or a script that decides what ships.

gate = open_gate(my_reward_model, "pairs.jsonl")
gate.agreement(at_least=0.6, labels="human")
gate.bias("flattery", at_most=0.25)
[outcome.state for outcome in decided(gate)]        # ["pass", "inconclusive"]
"""

from os import PathLike, fspath
from pathlib import Path

from argo_audit.audits.given_pairs import GivenPairs, read_given
from argo_audit.audits.given_parts import spec_of
from argo_audit.audits.record_list import RecordList
from argo_audit.gates.defaults import GateSettings, located
from argo_audit.gates.fixture import Gate
from argo_audit.gates.gated_model import Data, GatedModel
from argo_audit.gates.outcomes import Outcome, concluded
from argo_audit.kinds import lent
from argo_audit.roles import Judge, RewardModel

_GIVEN = "given pairs"


def open_gate(
    model: str | RewardModel,
    pairs: GivenPairs,
    *,
    judge: str | Judge = "argo/surface",
    settings: GateSettings | None = None,
    update: bool = False,
) -> Gate:
    """Gates of a reward model; each method of what is returned holds it to one claim.

    Args:
        model: A reward model, or its name ("rm:MODEL", "served:NAME@URL", …).
        pairs: A file of pairs, a list or a DataFrame, for every gate that names no other.
        judge: Who applies a rubric that the reward model is held to.
        settings: What else a gates.toml could say.
        update: Record baselines and compare with none.

    Paths count from the working folder. The reward model is checked when it is first asked; one
    that fails raises RewardModelError.
    """
    said = settings or GateSettings()
    with lent():
        place = _GIVEN if not isinstance(pairs, str | PathLike) else fspath(pairs)
        known = {"pairs": place, "judge": spec_of("judges", judge)}
        spec = located(spec_of("reward_models", model), Path())
    given = [part for part in (model, judge) if not isinstance(part, str)]
    read = {place: Data(read_given(pairs), place)} if place == _GIVEN else {}
    subject = GatedModel(spec, said.model_copy(update=known), Path(), given, read)
    return Gate(subject, update=update)


def decided(gate: Gate, test: str = "gates") -> RecordList[Outcome]:
    """What became of the gates so far, each decided as in any session of pytest.

    `state` is "pass", "fail" or "inconclusive" ("written" where a baseline was recorded); the
    decision holds the mean, its 95% interval over prompts and the p-value of the claim.
    """
    return RecordList(concluded(gate, test))
