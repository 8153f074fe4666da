"""A judge is checked before it is believed: what it is, it is measured as."""

from collections.abc import Callable, Sequence
from pathlib import Path

import anyio
import numpy as np
import pytest
from audit_world import bare_run
from fakes import Shown, fake_judge
from typer.testing import CliRunner

from argo_audit.audits.judge_checking import (
    check_judge,
    completed,
    ensure_obedient,
    is_checked,
    read_judge_checks,
    readings,
)
from argo_audit.audits.request import AuditRequest
from argo_audit.cli.commands import app
from argo_audit.errors import InputError, JudgeError
from argo_audit.files import write_whole
from argo_audit.findings.inputs import AuditInputs, RunRecord
from argo_audit.judges.inspect_judge import InspectJudge
from argo_audit.judges.judge_checks import (
    ABSENCE,
    FIRST,
    FLIPS,
    ITSELF,
    LEAST,
    NEGATED,
    TOGETHER,
    AskedJudges,
    JudgeFound,
    calls_a_probe,
    check,
)
from argo_audit.judges.judge_probes import ABSENT, MOST, Probe, judge_probes
from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.kinds import given, lent
from argo_audit.records import Judgment, Pair, Rubric, Usage, fingerprint
from argo_audit.report.material import Material
from argo_audit.report.sections import judge_check
from argo_audit.roles import LineAnswers
from argo_audit.rubrics.unsigned import unsigned

PROBES = judge_probes(MOST)
Says = Callable[[float, str], float]


def truth(line: str, pair: Pair) -> float:
    """P(A shows more), as the program that wrote the probes knows it."""
    probe = next(probe for probe in PROBES if probe.pair.id == pair.id)
    if line in ABSENT:
        return 0.5
    has = 0.9 if probe.has_it == "A" else 0.1
    return has if line == probe.line else 1 - has


def obeying(share: float) -> Says:
    """It says the truth in that share of its answers, else the contrary; drawn by hash."""
    return lambda p, key: p if int(fingerprint(key, 8), 16) / 16**8 < share else 1 - p


class Scripted:
    """Roles Judge and LineJudge: the truth, as `says` has it; `first` is a bias for the place."""

    def __init__(self, says: Says, first: float = 0.0, seed: str = "", pull: float = 0.0):
        self.name = "scripted"
        self._says, self._first, self._seed, self._pull = says, first, seed, pull

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        line = unsigned(rubric.text.removeprefix("- "))
        sign = -1 if "Penalizes" in rubric.text else 1
        return [self._judgment(rubric, line, sign, pair) for pair in pairs]

    def _judgment(self, rubric: Rubric, line: str, sign: int, pair: Pair) -> Judgment:
        wanted = 0.5 + sign * (truth(line, pair) - 0.5)
        first, second = (self._p(wanted, rubric.text, pair, order) for order in (0, 1))
        return Judgment(
            pair_id=pair.id,
            rubric_id=rubric.id,
            p_a=(first + second) / 2,
            p_a_first=first,
            p_a_second=second,
            estimator="votes",
            usage=Usage(calls=2, input_tokens=200),
        )

    async def line_answers(self, lines: Sequence[str], pairs: Sequence[Pair]) -> LineAnswers:
        said = [
            [
                [self._p(truth(line, pair), f"{line} {len(lines)}", pair, o) for o in (0, 1)]
                for line in lines
            ]
            for pair in pairs
        ]
        p_a = np.array(said)
        if len(lines) > 1:
            p_a = np.clip(p_a - self._pull, 0.01, 0.99)
        return LineAnswers(p_a, Usage(calls=2 * len(pairs)))

    def _p(self, p: float, text: str, pair: Pair, order: int) -> float:
        said = self._says(p, f"{self._seed} {text} {pair.id} {order}")
        return min(0.99, max(0.01, said + self._first * (1 if order == 0 else -1)))


class Unreadable(Scripted):
    """Its replies about lines cannot be read: some of them, or all, or it only cannot tell."""

    def __init__(self, unread: float, *, says_so: bool = True):
        super().__init__(obeying(1.0))
        self._unread, self._says_so = unread, says_so

    async def line_answers(self, lines: Sequence[str], pairs: Sequence[Pair]) -> LineAnswers:
        said = await super().line_answers(lines, pairs)
        lost = np.zeros(said.p_a.shape, dtype=np.bool_)
        for row, pair in enumerate(pairs):
            lost[row] = int(fingerprint(pair.id, 8), 16) / 16**8 < self._unread
        p_a = np.where(lost, np.nan, said.p_a)
        return said._replace(p_a=p_a, unread=lost if self._says_so else np.zeros_like(lost))


@pytest.mark.parametrize(("unread", "says_so", "absence"), [(0.3, True, 1.0), (1.0, True, None)])
def test_a_reply_about_absent_things_that_was_not_read_measures_nothing(
    unread: float, says_so: bool, absence: float | None
) -> None:
    judge = Unreadable(unread, says_so=says_so)
    found = anyio.run(check, AskedJudges(judge, judge, judge, judge), PROBES).share(ABSENCE)
    assert found.mean == absence
    assert found.unread == pytest.approx(2 * MOST * unread, abs=30)
    assert found.n + found.unread == 2 * MOST


def test_cannot_tell_is_right_of_what_is_absent_and_a_tie_of_what_is_there() -> None:
    judge = Unreadable(1.0, says_so=False)
    found = anyio.run(check, AskedJudges(judge, judge, judge, judge), PROBES)
    assert found.share(ABSENCE).mean == 1.0
    assert found.obedience("lines").mean == 0.5
    assert found.share(ABSENCE).unread == 0


def test_a_judge_is_asked_as_it_is_relied_on_and_a_check_says_what_it_covers() -> None:
    judge = Unreadable(1.0)
    asked = AskedJudges(judge, judge, judge, judge)
    whole = anyio.run(check, asked, PROBES[:6], ("whole",))
    lines = anyio.run(check, asked, PROBES[:6], ("lines",))
    assert whole.obeys(["whole"])
    assert (whole.covers, lines.covers) == (("whole",), ("lines",))
    assert not lines.obeys(["lines"])
    both = whole.completed(lines)
    assert both.covers == ("whole", "lines")
    assert both.usage.calls == whole.usage.calls + lines.usage.calls
    assert calls_a_probe(JudgeSettings(), 3) == sum(
        calls_a_probe(JudgeSettings(), 3, (one,)) for one in both.covers
    )


def test_a_check_of_whole_rubrics_is_completed_where_a_search_asks_for_lines(
    tmp_path: Path,
) -> None:
    with lent():
        spec = given("judges", Scripted(obeying(1.0)))
        request = a_request(tmp_path, judge=spec)
        whole = check_judge(spec, probes=6, readings=("whole",))
        assert completed(request, whole, ("whole",)) is whole
        both = completed(request, whole, ("whole", "lines"))
    assert whole.covers == ("whole",)
    assert both.covers == ("whole", "lines")
    assert both.share(ITSELF) == whole.share(ITSELF)


@pytest.mark.parametrize(
    ("more", "relied_on"),
    [
        ({"optimiser": "best-of-n"}, ("whole",)),
        ({"optimiser": "argo"}, ("whole",)),
        ({"optimiser": "argo", "search": {"warm_start": True}}, ("whole", "lines")),
        ({"optimiser": "logistic"}, ("whole", "lines")),
        ({"optimiser": "lead"}, ("whole", "lines")),
        ({"optimiser": "argo", "judge_settings": {"reads": "lines"}}, ("lines",)),
    ],
)
def test_a_judge_is_held_to_what_the_search_asks_of_it(
    more: dict[str, object], relied_on: tuple[str, ...], tmp_path: Path
) -> None:
    assert readings(a_request(tmp_path, **more)) == relied_on


def measured(says: Says, probes: Sequence[Probe] = PROBES, **more: float) -> JudgeFound:
    judge, again = (Scripted(says, seed=seed, **more) for seed in ("", "again"))
    alone = Scripted(says)
    return anyio.run(check, AskedJudges(judge, judge, alone, again), probes)


@pytest.mark.parametrize("share", [1.0, 0.9, 0.7, 0.5])
def test_a_judge_of_known_obedience_is_measured_as_what_it_is(share: float) -> None:
    found = measured(obeying(share))
    for one in (found.obedience("whole"), found.obedience("lines")):
        assert one.n == 4 * MOST
        assert one.mean == pytest.approx(share, abs=0.05)
        assert one.interval is not None
        assert one.interval.low - 1e-9 <= share <= one.interval.high + 1e-9
    assert found.obeys(["whole", "lines"]) == (share >= LEAST)
    alike = share**2 + (1 - share) ** 2
    assert found.share(ITSELF).mean == pytest.approx(alike, abs=0.08)
    assert found.share(FLIPS).mean == pytest.approx(alike, abs=0.08)
    assert found.share(NEGATED).mean == pytest.approx(share, abs=0.08)


def test_the_probes_of_an_audit_are_enough_to_tell_a_good_judge_from_a_coin() -> None:
    good, coin = (measured(obeying(share), judge_probes(24)) for share in (0.95, 0.5))
    bounds = [found.obedience("whole").interval for found in (good, coin)]
    assert all(bounds)
    assert good.obeys(["whole", "lines"])
    assert not coin.obeys(["whole"])
    assert bounds[0] is not None
    assert bounds[0].low > 0.5


def test_who_always_says_a_obeys_nobody() -> None:
    found = measured(lambda p, key: 0.5, first=0.4)
    assert found.obedience("whole").mean == 0.5
    assert found.share(FIRST).mean == 1.0
    assert found.share(ABSENCE).mean == 0.0


def test_lines_that_disturb_one_another_show_and_absent_things_are_seen_nowhere() -> None:
    clean, disturbed = measured(obeying(1.0)), measured(obeying(1.0), pull=0.45)
    assert clean.share(TOGETHER).mean == 1.0
    assert clean.share(ABSENCE).mean == 1.0
    assert (disturbed.share(TOGETHER).mean or 1) < 0.6


def test_the_truth_of_every_probe_is_in_its_texts() -> None:
    for probe in PROBES:
        has, lacks = probe.pair.response_a, probe.pair.response_b
        if probe.has_it == "B":
            has, lacks = lacks, has
        assert has != lacks
        signs = {"bulleted lists": "- ", "exclamation marks": "!", "digits": "3", "bold text": "**"}
        if sign := signs.get(probe.line):
            assert sign in has
            assert sign not in lacks
    sides = [probe.has_it for probe in PROBES]
    assert sides.count("A") == MOST / 2
    assert len({(probe.pair.prompt, probe.line) for probe in PROBES}) == MOST


def a_request(out: Path, **more: object) -> AuditRequest:
    return AuditRequest.model_validate(
        {"pairs": "pairs.jsonl", "labels": ("human",), "out": out, "judge": "openai/x", **more}
    )


def kept(out: Path, share: float) -> None:
    found = measured(obeying(share), judge_probes(24))
    (out / "judge").mkdir(parents=True)
    write_whole(out / "judge" / "openai--x.json", found.model_dump_json())


def test_an_audit_by_a_judge_that_does_not_read_is_refused_unless_it_is_accepted(
    tmp_path: Path,
) -> None:
    kept(tmp_path, 0.5)
    with pytest.raises(JudgeError, match="an audit by a judge that does not read is fiction"):
        ensure_obedient(a_request(tmp_path))
    accepted = ensure_obedient(a_request(tmp_path, accept_disobedient_judge=True))
    assert read_judge_checks(tmp_path) == (accepted,)


@pytest.mark.parametrize(("share", "said"), [(0.5, 1), (1.0, 0)])
def test_an_accepted_judge_is_said_first_and_what_was_measured_in_section_2(
    share: float, said: int, tmp_path: Path
) -> None:
    found = measured(obeying(share), judge_probes(24))
    found = found.model_copy(update={"relied_on": ("whole",)})
    facts = Material(AuditInputs("Audit", (), judge_checks={"A": (found,)}), tmp_path, ())
    warned = judge_check.warnings(facts)
    assert len(warned) == said
    assert all("fiction" in text and "n = 96" in text for text in warned)
    [_, _, shown] = judge_check.blocks(facts)
    assert "obedience, whole rubrics" in shown


@pytest.mark.parametrize(
    ("judge", "checked", "said"),
    [("given:coin", False, 1), ("openai/x", True, 0), ("argo/surface", False, 0)],
)
def test_a_judge_that_nobody_checked_is_said_first(
    judge: str, checked: bool, said: int, tmp_path: Path
) -> None:
    run = bare_run().model_copy(update={"judge": judge})
    found = (measured(obeying(1.0), judge_probes(12)),) if checked else ()
    record = RunRecord(run, (), (), tmp_path)
    inputs = AuditInputs("Audit", (record,), judge_checks={run.population: found})
    warned = judge_check.warnings(Material(inputs, tmp_path, ()))
    assert len(warned) == said
    assert all("was not checked" in text and "coin" in text for text in warned)


def test_a_judge_that_reads_is_checked_once(tmp_path: Path) -> None:
    kept(tmp_path, 1.0)  # nobody is asked: there is no such model
    assert ensure_obedient(a_request(tmp_path)) is not None
    (tmp_path / "judge" / "openai--x.json").write_text("no check")
    with pytest.raises(InputError, match="the judge is checked again"):
        ensure_obedient(a_request(tmp_path))


@pytest.mark.parametrize(
    ("judge", "checked"),
    [("argo/surface", False), ("mockllm/x", False), ("openai/x", True), ("argo-hf/x", True)],
)
def test_models_are_checked_and_what_needs_no_weights_is_not(
    judge: str, checked: bool, tmp_path: Path
) -> None:
    assert is_checked(a_request(tmp_path, judge=judge)) == checked


def test_an_acceptance_that_was_not_asked_for_is_not_on_record(tmp_path: Path) -> None:
    assert "accept_disobedient_judge" not in a_request(tmp_path).model_dump()


@pytest.mark.parametrize("logprobs", [True, False])
def test_each_request_of_a_check_is_counted_and_no_more_than_planned(logprobs: bool) -> None:
    requests = 0

    def says(shown: Shown) -> float:
        nonlocal requests
        requests += 1
        return 0.8

    judge = InspectJudge(fake_judge(says, logprobs=logprobs))
    found = anyio.run(check, AskedJudges(judge, judge, judge, judge), judge_probes(6))
    settings = JudgeSettings()
    assert found.usage.calls == requests
    assert requests <= 6 * calls_a_probe(settings, 1 if logprobs else settings.votes)
    assert (requests > 6 * calls_a_probe(settings)) != logprobs


def test_the_command_shows_what_was_measured_and_ends_with_two_for_a_judge_that_does_not_read(
    tmp_path: Path,
) -> None:
    out = tmp_path / "found.json"
    said = CliRunner().invoke(app, ["check-judge", "argo/surface", "--out", str(out)])
    assert said.exit_code == 0, said.output
    assert "obedience, whole rubrics" in said.output
    assert JudgeFound.model_validate_json(out.read_text()).obeys(["whole"])
    with lent():
        spec = given("judges", Scripted(obeying(0.5)))
        refused = CliRunner().invoke(app, ["check-judge", spec])
    assert refused.exit_code == 2
    assert "fiction" in refused.output
