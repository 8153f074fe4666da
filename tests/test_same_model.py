"""An object of the same name is not the same reward model: it is asked before it is believed."""

from collections.abc import Sequence
from pathlib import Path

import pytest

import argo_audit as aa
from argo_audit import kinds
from argo_audit.audits.given_parts import spec_of
from argo_audit.errors import RewardModelError
from argo_audit.roles import Conversation

WORLD = aa.build_organism("A", pairs=120, seed=3)


class Brief:
    """Pays for short answers."""

    name = "brief"
    sign = -1.0

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        return [self.sign * len(c[-1].content) for c in conversations]


class Wordy(Brief):
    """Another model under the same name."""

    sign = 1.0


class Lines:
    """A writer that stops once."""

    name = "lines"
    stops = True

    async def write(self, prompts: Sequence[str], seed: int) -> list[aa.Written]:
        if self.stops and seed:
            self.stops = False
            raise ConnectionError("stopped")
        text = "- Rewards short answers.\n- Penalises bullet lists."
        return [aa.Written(text, True, aa.Usage(calls=1)) for _ in prompts]


class Fair:
    """A judge that prefers shorter answers."""

    name = "fair"

    async def judge(self, rubric: aa.Rubric, pairs: Sequence[aa.Pair]) -> list[aa.Judgment]:
        return [self._said(rubric, pair) for pair in pairs]

    def _said(self, rubric: aa.Rubric, pair: aa.Pair) -> aa.Judgment:
        p_a = 0.9 if len(pair.response_a) < len(pair.response_b) else 0.1
        known = {"pair_id": pair.id, "rubric_id": rubric.id}
        return aa.Judgment(**known, p_a=p_a, p_a_first=p_a, p_a_second=p_a)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> aa.Audit:
    out, writer = tmp_path_factory.mktemp("same") / "brief", Lines()
    small = aa.SearchConfig(steps=1, minibatch=8, windows=3, top=2)
    with pytest.raises(ConnectionError, match="stopped"):
        aa.audit(
            WORLD.pairs,
            Brief(),
            out=out,
            judge=Fair(),
            policy=writer,
            search=small,
            probed_pairs=2,
        )
    with pytest.raises(RewardModelError, match="brief: it is not the reward model that labelled"):
        aa.resume(out, given=[Wordy(), writer, Fair()])
    return aa.resume(out, given=[Brief(), writer, Fair()])


def test_an_audit_goes_on_with_the_model_that_labelled_its_pairs(finished: aa.Audit) -> None:
    assert finished.verdicts[0].label_source == "brief"


def test_what_one_call_was_given_no_other_takes_for_its_own(finished: aa.Audit) -> None:
    aa.check_reward_model(Wordy(), WORLD.pairs[:4])
    aa.bias_probe(Wordy(), WORLD.pairs[:2], ["flattery"])
    gate = aa.open_gate(Wordy(), finished.folder / "held-out.jsonl.gz", judge=Fair())
    assert kinds.is_missing("reward_models", "given:brief")
    gate.bias("flattery", at_most=0.25)
    assert kinds.is_missing("reward_models", "given:brief")
    assert kinds.is_missing("judges", "given:fair")


def test_tasks_that_ask_what_was_not_given_are_left_out(finished: aa.Audit, tmp_path: Path) -> None:
    found = aa.evaluate(finished, tmp_path / "none", suite=["rubric_agreement", "rm_accuracy"])
    assert len(found) == 0  # of rm_accuracy either: there are no raw labels
    assert [line.partition(":")[0] for line in found.left_out] == ["rubric_agreement"]
    assert "given=[...]" in found.left_out[0]
    with pytest.raises(aa.InputError, match="rubric_agreement: without the judge given:fair"):
        aa.evaluate(finished, tmp_path / "empty", suite="rubric_agreement")
    some = aa.evaluate(
        finished, tmp_path / "judged", suite=["rubric_agreement", "bias_probe"], given=[Fair()]
    )
    assert {row.task for row in some} == {"rubric_agreement"}
    (line,) = some.left_out
    assert line.startswith("bias_probe: without the reward model given:brief")


def test_an_evaluation_asks_the_model_that_it_names(finished: aa.Audit, tmp_path: Path) -> None:
    with pytest.raises(RewardModelError, match=r"were paid -.*, and are paid "):
        aa.evaluate(finished, tmp_path, suite="bias_probe", given=[Wordy()])
    rows = aa.evaluate(str(finished.folder), tmp_path, suite=["bias_probe"], given=[Brief()])
    assert rows
    assert rows.left_out == ()


def test_audits_are_compared_with_and_without_their_objects(
    finished: aa.Audit, tmp_path: Path
) -> None:
    Path(tmp_path, "wanted.md").write_text("- Reward short answers.\n", encoding="utf-8")
    names = [str(finished.folder), str(tmp_path / "wanted.md")]
    options = aa.CompareOptions(logs=tmp_path / "crossed", judge="argo/surface")
    sheets = aa.compare(names, options)
    assert sheets[-1].title == "Left out"
    assert "given:brief" in sheets[-1].note
    assert "Left out" not in [sheet.title for sheet in aa.compare(names, options, given=[Brief()])]
    with pytest.raises(aa.InputError, match="one is not enough"):
        aa.compare(finished)


def test_an_object_given_to_this_process_stays_until_it_is_taken_back() -> None:
    spec = spec_of("reward_models", Brief())
    assert aa.check_reward_model(spec).reward_model == "brief"
    kinds.take_back("reward_models", "brief")
    with pytest.raises(aa.InputError, match="give the object again"):
        aa.check_reward_model(spec)
