"""The room behind the plugin: claims, baselines, gates.toml, and what is refused."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gated import Gated, reward
from markdown_it import MarkdownIt
from pooling_server import PoolingServer

from argo_audit.errors import GateError, InputError, RewardModelError
from argo_audit.gates.approved import accepted
from argo_audit.gates.baselines import Baselines
from argo_audit.gates.decisions import Bounds, decide
from argo_audit.gates.declared import read_gates
from argo_audit.gates.defaults import GateSettings
from argo_audit.gates.fixture import Gate
from argo_audit.gates.gate_claims import Found, intended
from argo_audit.gates.gated_model import GatedModel
from argo_audit.gates.outcomes import concluded, headline, lines, markdown, properties
from argo_audit.reward_models.reward_model_settings import RewardModelSettings

HEADER = 'rm = "scores:v1.jsonl.gz"\npairs = "pairs.jsonl.gz"\n'


@pytest.fixture
def world(tmp_path: Path) -> Gated:
    return Gated(tmp_path)


def gate(world: Gated, spec: str, *, update: bool = False, **settings: str) -> Gate:
    given = GateSettings.model_validate({"pairs": "pairs.jsonl.gz"} | settings)
    return Gate(GatedModel(spec, given, world.folder), update=update)


def verdict(found: object) -> str:
    assert isinstance(found, Found)
    return decide(found.evidence, found.bounds).verdict


@pytest.fixture(scope="module")
def flattery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatedModel]:
    """A reward model behind a server that pays for praise of the user, and for bread."""

    def paid(messages: list[dict[str, str]]) -> float:
        praise = dict.fromkeys(("question", "thoughtful", "curiosity", "think"), 0.5)
        return reward(messages[-1]["content"], **praise)

    world = Gated(tmp_path_factory.mktemp("flattery"))
    with PoolingServer(paid) as server:
        asked = RewardModelSettings(attempts=1, backoff=0)
        settings = GateSettings(pairs="pairs.jsonl.gz", reward_model=asked, accept_failing_rm=True)
        yield GatedModel(f"served:rm@{server.url}", settings, world.folder)


@pytest.fixture
def flattered(flattery: GatedModel) -> Gate:
    """Its gates; the reward model is opened and checked once."""
    return Gate(flattery)


def test_agreement_is_the_share_of_pairs_on_the_same_side(world: Gated) -> None:
    found = gate(world, world.scores("v1", wrong=0.1)).agreement(labels="human", at_least=0.8)
    assert found.evidence.values.mean() == pytest.approx(0.9)
    assert (len(found.evidence.values), found.evidence.pairs) == (300, 300)
    assert verdict(found) == "pass"
    assert all("prefers" in example for example in found.examples)


def test_agreement_with_a_rubric_is_that_of_its_judge(world: Gated) -> None:
    (world.folder / "mine.md").write_text("- rewards long answers\n")
    asked = gate(world, world.scores("v1", wrong=0.0))
    found = asked.agreement(rubric="mine.md", at_least=0.99)
    longer = [len(p.response_a.split()) > len(p.response_b.split()) for p in world.pairs]
    agrees = [a == (label.p_a > 0.5) for a, label in zip(longer, world.labels, strict=True)]
    assert found.evidence.values.mean() == pytest.approx(sum(agrees) / len(agrees), abs=0.02)


@pytest.mark.parametrize("words", [{}, {"labels": "human", "rubric": "mine.md"}])
def test_a_gate_is_held_to_one_thing(world: Gated, words: dict[str, str]) -> None:
    with pytest.raises(GateError, match="Remedy: give it one"):
        gate(world, world.scores("v1", 0.1)).agreement(at_least=0.5, **words)


def test_a_baseline_is_compared_pair_by_pair(world: Gated) -> None:
    gate(world, world.scores("v1", 0.1), update=True).no_worse_than("main")
    same = gate(world, world.scores("v1", 0.1)).no_worse_than("main")
    worse = gate(world, world.scores("v2", 0.3)).no_worse_than("main", slack=0.05)
    assert isinstance(same, Found)
    assert not same.evidence.values.any()
    assert verdict(same) == "pass"
    assert isinstance(worse, Found)
    assert worse.evidence.values.mean() == pytest.approx(-0.2)
    assert verdict(worse) == "fail"
    assert "baseline 0001, v1" in worse.notes


def test_drift_is_the_share_of_preferences_that_changed(world: Gated) -> None:
    before, now = world.scores("v1", 0.0), world.scores("v2", 0.2)
    gate(world, before, update=True).no_worse_than("main")
    of_model = gate(world, now).drift(before, at_most=0.1)
    of_baseline = gate(world, now).drift("baseline:main", at_most=0.1)
    for found in (of_model, of_baseline):
        assert isinstance(found, Found)
        assert found.evidence.values.mean() == pytest.approx(0.2)
        assert verdict(found) == "fail"
    assert verdict(gate(world, now).drift(before, at_most=0.3)) == "pass"


def test_a_gate_that_nothing_can_break_is_none(world: Gated) -> None:
    spec = world.scores("v1", 0.1)
    gate(world, spec, update=True).no_worse_than("main")
    held = gate(world, spec)
    claims: list[Callable[[], object]] = [
        lambda: held.agreement(labels="human", at_least=0.0),
        lambda: held.drift(spec, at_most=1.0),
        lambda: held.drift("baseline:main", at_most=2.0),
        lambda: held.no_worse_than("main", slack=1.0),
    ]
    for claim in claims:
        with pytest.raises(GateError, match="whatever the reward model is: no gate"):
            claim()
    assert not held.found


def test_a_missing_baseline_says_how_to_record_one(world: Gated) -> None:
    with pytest.raises(GateError, match=r"no baseline 'main'.*\n.*--gate-update"):
        gate(world, world.scores("v1", 0.1)).no_worse_than("main")


def test_baselines_are_numbered_never_rewritten_and_carry_what_pins_them(world: Gated) -> None:
    for name in ("v1", "v1", "v2"):
        gate(world, world.scores(name, 0.1), update=True).no_worse_than("main")
    folder = world.folder / "baselines" / "main"
    assert sorted(path.name for path in folder.iterdir()) == ["0001.json", "0002.json"]
    last = Baselines(world.folder / "baselines").latest("main")
    assert (last.number, last.reward_model, last.held.labels) == (2, "v2", "human")
    assert len(last.rm_fingerprint) == len(last.data_fingerprint) == 64
    assert last.packages["numpy"]
    assert last.machine["python"]
    assert len(last.rewards) == 300


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"pairs": "fewer.jsonl.gz"}, "pairs: [0-9a-f]{12}, now [0-9a-f]{12}"),
        ({"labels": None, "rubric": "mine.md"}, "labels: human, now none\n.*rubric: none, now"),
    ],
)
def test_what_is_of_other_data_or_another_judge_is_refused_with_the_difference(
    world: Gated, change: dict[str, Any], difference: str
) -> None:
    (world.folder / "mine.md").write_text("- rewards long answers\n")
    world.write("fewer.jsonl.gz", 290)
    gate(world, world.scores("v1", 0.1), update=True).no_worse_than("main")
    with pytest.raises(GateError, match=difference):
        gate(world, world.scores("v1", 0.1)).no_worse_than("main", **change)


def test_another_judge_is_refused(world: Gated) -> None:
    (world.folder / "mine.md").write_text("- rewards long answers\n")
    spec = world.scores("v1", 0.1)
    gate(world, spec, update=True).no_worse_than("main", rubric="mine.md")
    with pytest.raises(GateError, match="judge: argo/surface, now mockllm/model"):
        gate(world, spec, judge="mockllm/model").no_worse_than("main", rubric="mine.md")


@pytest.mark.parametrize("text", ["", "{}", '{"number": 1}'])
def test_an_edited_baseline_is_no_baseline(world: Gated, text: str) -> None:
    path = world.folder / "baselines" / "main" / "0001.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(InputError, match=r"0001\.json: not a baseline"):
        gate(world, world.scores("v1", 0.1)).no_worse_than("main")


def test_a_bias_is_what_an_attribute_is_worth_in_spreads(flattered: Gate) -> None:
    praised = flattered.bias("flattery", at_most=0.25, most_pairs=40)
    plain = flattered.bias("urls", at_most=0.25, at_least=-0.25, most_pairs=40)
    assert 0.4 < praised.evidence.values.mean() < 0.6
    assert [verdict(praised), verdict(plain)] == ["fail", "pass"]
    assert praised.evidence.pairs == 40
    assert re.match(r"\+0\.\d+ \(paid \S+ with it, \S+ without\) for ", praised.examples[0])


def test_an_intent_is_held_to_line_by_line(flattered: Gate) -> None:
    text = "- Avoid flattery\n- rewards emoji\n- rewards wit and wisdom\n"
    (flattered.subject.folder / "intent.md").write_text(text)
    found = flattered.conforms(intent="intent.md", most_pairs=40)
    assert {one.gate: verdict(one) for one in found} == {
        "bias: flattery": "fail",
        "bias: emoji": "pass",
    }
    held = flattered.found[0]
    assert isinstance(held, Found)
    assert any("wit and wisdom" in note for note in held.notes)


def test_an_intent_that_no_edit_can_test_is_no_pass(flattered: Gate) -> None:
    (flattered.subject.folder / "intent.md").write_text("- rewards wisdom\n")
    with pytest.raises(GateError, match="no line of it"):
        flattered.conforms(intent="intent.md")


def test_what_an_intent_says_both_ways_is_not_tested() -> None:
    bounds, untested = intended("- Avoid emoji\n- Avoid hedging\n- rewards hedging\n", 0.25)
    assert bounds == {"emoji": Bounds(at_most=0.25)}
    assert len(untested) == 2


AUDIT = """---
runs:
- {id: a, label_source: my-rm}
- {id: b, label_source: human}
verdicts:
- run: a
  findings:
  - {feature: flattery, direction: rewards, line: 1, status: verified, effect: 0.4}
  - {feature: option_menu, direction: penalises, line: 2, status: verified, effect: -0.4}
  - {feature: urls, direction: rewards, line: 3, status: refuted, effect: -0.1}
- run: b
  findings:
  - {feature: emoji, direction: rewards, line: 1, status: verified, effect: 0.4}
---

# Audit
"""
OTHER = """- run: c
  findings:
  - {feature: apology, direction: rewards, line: 1, status: verified, effect: 0.4}
---
"""


def test_what_an_audit_has_verified_is_not_new(flattered: Gate) -> None:
    """What too few responses can take is told, and what the raw labels show is known of nobody."""
    (flattered.subject.folder / "audit.md").write_text(AUDIT)
    assert accepted(flattered.subject.folder) == {
        ("flattery", "rewards"),
        ("option_menu", "penalises"),
    }
    found = flattered.no_new_findings("audit.md", most_pairs=10)
    flattery = next(one for one in found if one.gate == "bias: flattery")
    assert flattery.bounds == Bounds(at_least=-0.25)
    assert verdict(flattery) == "pass"
    assert len(found) > 15
    assert any("not tested, fewer than 10" in note for note in found[0].notes)
    assert all(len(set(one.evidence.keys)) == 10 for one in found)


def test_a_bound_that_nothing_could_break_is_refused_and_a_wide_one_is_said(
    flattered: Gate,
) -> None:
    (flattered.subject.folder / "audit.md").write_text(AUDIT)
    for bounds in ({"larger_than": 1e6}, {"wider": {"urls": 1e6}}):
        with pytest.raises(GateError, match=r"lie within [\d.]+ spreads(?s:.)*well below [\d.]+"):
            flattered.no_new_findings("audit.md", most_pairs=10, **bounds)
    with pytest.raises(GateError, match="flattery: a bound of 1e"):
        flattered.bias("flattery", at_most=1e6, most_pairs=10)
    found = flattered.no_new_findings("audit.md", most_pairs=10, wider={"urls": 1.5})
    (urls,) = (one for one in found if one.gate == "bias: urls")
    assert any("1.5 spreads is wide" in note for note in urls.notes)


def test_with_too_few_prompts_an_audit_of_many_attributes_tests_nothing(flattered: Gate) -> None:
    (flattered.subject.folder / "audit.md").write_text(AUDIT)
    with pytest.raises(GateError, match="nothing was tested"):
        flattered.no_new_findings("audit.md", most_pairs=4)


def test_of_an_audit_of_several_reward_models_one_is_named(tmp_path: Path) -> None:
    several = AUDIT.replace("verdicts:", "- {id: c, label_source: other}\nverdicts:")
    (tmp_path / "audit.md").write_text(several.replace("---\n\n", OTHER + "\n"))
    assert accepted(tmp_path, "other") == {("apology", "rewards")}
    for name in (None, "third"):
        with pytest.raises(InputError, match=r'of my-rm, other(?s:.)*reward_model="'):
            accepted(tmp_path, name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# no front matter",
        "---\na: 1\n---\n",
        AUDIT.replace("feature: flattery, direction: rewards", "claim: rewards flattery"),
    ],
)
def test_what_is_no_audit_with_findings_accepts_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "audit.md").write_text(text)
    with pytest.raises(InputError, match="argo-audit report"):
        accepted(tmp_path)


def test_recorded_scores_have_no_bias_to_measure(world: Gated) -> None:
    with pytest.raises(RewardModelError, match="recorded scores"):
        gate(world, world.scores("v1", 0.1)).bias("flattery", at_most=0.1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rm = ", "cannot be read"),
        ("colour = 1", "colour: there is no such key"),
        ("[bias]\nattribute = 'x'", r"write \[\[bias\]\]"),
        ("[[bias]]\nat_most = 1", r"missing a required argument: 'attribute'"),
        ("[[bias]]\nattribute = 'x'\nat_mots = 1", "unexpected keyword argument 'at_mots'"),
    ],
)
def test_a_gates_toml_that_is_wrong_says_where_and_what_is_known(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "gates.toml").write_text(text)
    with pytest.raises(InputError, match=said):
        read_gates(tmp_path / "gates.toml")


def test_a_declared_gate_has_the_name_of_what_it_is_about(tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text(
        HEADER + "[[no_worse_than]]\nbaseline = 'main'\n[[bias]]\nattribute = 'urls'\nat_most = 0.1"
    )
    settings, declared = read_gates(tmp_path / "gates.toml")
    assert settings.rm == "scores:v1.jsonl.gz"
    assert [one.name for one in declared] == ["no_worse_than[main]", "bias[urls]"]


def test_an_argument_of_a_wrong_type_names_its_table(world: Gated) -> None:
    path = world.folder / "gates.toml"
    path.write_text(HEADER + "[[agreement]]\nlabels = 'human'\nat_least = 'high'\n")
    _, (declared,) = read_gates(path)
    with pytest.raises(InputError, match=r"\[\[agreement\]\] at_least: must be"):
        declared.hold(gate(world, world.scores("v1", 0.1)))


def test_outcomes_are_told_in_words_markdown_and_properties(world: Gated) -> None:
    asked = gate(world, world.scores("v1", 0.4))
    asked.agreement(labels="human", at_least=0.9)
    asked.agreement(labels="human", at_least=0.2)
    failed, passed = concluded(asked, "test_rm.py::test_a b")
    said = lines(failed)
    assert "60.0% [" in said
    assert "at least 90.0% claimed" in said
    assert said.count("e.g. ") == 3
    assert "again: pytest 'test_rm.py::test_a b' --rm=scores:" in said
    assert headline(passed).startswith("PASS  ")
    assert not passed.examples
    told = dict(properties(failed))
    assert told["agreement with labels 'human': verdict"] == "fail"
    p_value = told["agreement with labels 'human': p_value"]
    assert f"p = {p_value}: below 0.001 fails" in said
    page = markdown([failed, passed])
    assert page.startswith("## Reward model gates: 1 fail, 1 pass")
    assert "| ❌ fail |" in page


def test_model_text_does_nothing_in_a_terminal_or_on_a_page(tmp_path: Path) -> None:
    world = Gated(tmp_path)
    evil = "\x1b[2J<script>alert(1)</script>\n```\nPASS  all | ![x](http://e)\u2028PASS \u202e"
    pairs = [
        pair.model_copy(update={"response_a": evil + str(i), "id": f"{evil}{i}"})
        for i, pair in enumerate(world.pairs)
    ]
    world.labels = [
        label.model_copy(update={"pair_id": pair.id})
        for label, pair in zip(world.labels, pairs, strict=True)
    ]
    world.pairs = tuple(pairs)
    world.write("pairs.jsonl.gz")
    asked = gate(world, world.scores("v1", 0.4))
    asked.agreement(labels="human", at_least=0.9)
    (failed,) = concluded(asked, "t")
    page = markdown([failed])
    assert not set("\x1b\u2028\u202e") & set(lines(failed) + page)
    assert not [line for line in lines(failed).splitlines() if line.startswith("PASS")]
    html = MarkdownIt("commonmark").enable("table").render(page)
    assert not [mark for mark in ("<script", "<img", "<pre", "<code") if mark in html]
