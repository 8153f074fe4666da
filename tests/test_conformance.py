"""The checks of reward models: a sound one passes all, each way of being wrong fails one."""

import json
import math
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

from argo_audit.errors import RewardModelError
from argo_audit.findings.inputs import AuditInputs
from argo_audit.records import Conformance, Label, Message, Pair
from argo_audit.report.material import Material
from argo_audit.report.sections import reward_model_checks
from argo_audit.reward_models.checks.conformance import CHECKS, check_reward_model, refuse_failing
from argo_audit.reward_models.checks.probe_texts import PROBES, REAL_TURNS
from argo_audit.reward_models.checks.told import remedies, soundness
from argo_audit.reward_models.checks.tolerance import CheckedModel
from argo_audit.reward_models.recorded import RecordedRewardModel, conversation_key
from argo_audit.reward_models.reward_model_settings import RewardModelSettings
from argo_audit.roles import Conversation

if TYPE_CHECKING:
    from argo_audit.reward_models.classifier import ClassifierRewardModel

Load: TypeAlias = "Callable[..., ClassifierRewardModel]"


def failed(report: Conformance) -> set[str]:
    return {check.name for check in report.failed}


class Formula:
    """Pays what a formula says of the response; `asked` counts calls (RewardModel)."""

    name = "formula"
    dtype = "float32"

    def __init__(self, pay: Callable[["Formula", str], float]) -> None:
        self._pay = pay
        self.asked = 0
        self.batch = 0

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        self.asked += 1
        self.batch = len(conversations)
        return [self._pay(self, c[-1].content) + len(c) for c in conversations]


def plain(_: Formula, text: str) -> float:
    return math.sin(len(text))


def test_a_model_known_by_its_rewards_alone_passes() -> None:
    report = check_reward_model(Formula(plain))
    assert failed(report) == set()
    assert report.pairs == len(PROBES)
    assert report.spread is not None
    assert report.spread > 0


@pytest.mark.parametrize(
    ("pay", "problems"),
    [
        (lambda *_: 1.0, {"rewards differ"}),
        (lambda model, text: plain(model, text) + 0.1 * model.asked, {"same call twice"}),
        (lambda model, text: plain(model, text) + 0.1 * (model.batch == 1), {"batch against"}),
    ],
)
def test_each_way_of_being_wrong_fails_its_check(
    pay: Callable[[Formula, str], float], problems: set[str]
) -> None:
    found = failed(check_reward_model(Formula(pay)))
    assert all(any(name.startswith(problem) for name in found) for problem in problems)


def test_two_ways_of_asking_one_model_must_agree() -> None:
    model = Formula(plain)
    agrees = check_reward_model(model, served=Formula(lambda m, t: plain(m, t) + 0.001))
    assert failed(agrees) == set()
    differs = check_reward_model(model, served=Formula(lambda m, t: plain(m, t) + 1))
    assert failed(differs) == {"served against local"}
    with pytest.raises(RewardModelError, match=r"served against local: 1,(.|\n)*Remedy"):
        refuse_failing(differs)


def test_how_recorded_scores_were_computed_is_not_checked() -> None:
    report = check_reward_model(RecordedRewardModel("file", {}, digest="d" * 64))
    assert not [check for check in report.checks if check.outcome in ("pass", "fail")]
    assert len(report.unchecked) == len(CHECKS)
    assert [check.name for check in report.checks] == list(CHECKS)
    assert report.fingerprint == "d" * 64
    refuse_failing(report)


class Wrong(Formula):
    """Pays by conversations, as a server or a class that reads them wrongly would."""

    def __init__(self, shown: Callable[[Conversation], Conversation]) -> None:
        super().__init__(plain)
        self._shown = shown

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        texts = [" ".join(m.role + m.content for m in self._shown(c)) for c in conversations]
        return [math.sin(len(text)) + len(text.split()) / 7 for text in texts]


def first_turns(conversation: Conversation) -> Conversation:
    """As when the end of a turn is taken for padding: what stands before the first one is read."""
    return conversation[:2]


def without_middle(conversation: Conversation) -> Conversation:
    """As a server that keeps the beginning and the end of what is too long for it."""
    words = " ".join(f"{m.role} {m.content}" for m in conversation).split()
    kept = words if len(words) <= 512 else words[:256] + words[-256:]
    return [Message(role="user", content=" ".join(kept))]


class Moving(Wrong):
    """As `Wrong`, with rewards that move by themselves, as those of a server in 16 bits."""

    def __init__(self, shown: Callable[[Conversation], Conversation], by: float) -> None:
        super().__init__(shown)
        self._by, self._random = by, random.Random(0)

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        return [paid + self._random.gauss(0, self._by) for paid in super().reward(conversations)]


def cut_at(conversation: Conversation, start: int, stop: int | None) -> Conversation:
    """By words, over all turns: what a tokenizer that truncates in silence leaves of them."""
    words = " ".join(f"{m.role} {m.content}" for m in conversation).split()
    return [Message(role="user", content=" ".join(words[start:stop]))]


@pytest.mark.parametrize(
    ("shown", "problem"),
    [
        (first_turns, "last turn is read"),
        (lambda c: cut_at(c, 0, 512), "long texts are whole"),
        (lambda c: cut_at(c, -512, None), "long texts are whole"),
        (without_middle, "long texts are whole"),
        (lambda c: c, None),
    ],
)
@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_what_does_not_reach_the_model_is_found(
    shown: Callable[[Conversation], Conversation], problem: str | None, noise: float
) -> None:
    """Noise hides nothing: what is alike but for noise did not arrive."""
    model = Moving(shown, noise) if noise else Wrong(shown)
    assert failed(check_reward_model(model)) == ({problem} if problem else set())


def test_where_rewards_move_too_much_it_is_not_known_what_arrives() -> None:
    report = check_reward_model(Moving(lambda c: c, 1.0))
    assert "long texts are whole" in {check.name for check in report.unchecked}
    assert "long texts are whole" not in failed(report)


def test_texts_as_long_as_the_longest_pair_are_tried() -> None:
    """What is cut beyond all that is made up is found where the pairs are as long."""
    (prompt,) = REAL_TURNS[:1]
    pair = Pair(id="long", prompt=(prompt,), response_a="so " * 4000, response_b="so " * 3999)
    model = Wrong(lambda c: cut_at(c, 0, 3500))
    assert "long texts are whole" not in failed(check_reward_model(model))
    assert "long texts are whole" in failed(check_reward_model(model, [pair]))


def test_what_could_not_be_looked_at_is_not_checked() -> None:
    """Whose rewards are all within [0, 1], and that nobody knows the side of, is not believed."""
    report = check_reward_model(
        Formula(lambda model, text: plain(model, text) / 2 - 1.5), graded(12)
    )
    assert "raw output" not in {check.name for check in report.unchecked}
    squashed = check_reward_model(Squashed(plain), graded(12))
    assert {"raw output", "sides with people"} <= {check.name for check in squashed.unchecked}


def test_what_could_not_look_counts_and_what_would_let_it_is_named() -> None:
    """Nobody sees the weights or tokens of an object: it is not asked for them."""
    report = check_reward_model(Formula(plain))
    assert soundness(report) == f"sound as far as looked: {len(report.unchecked)} of 18 not checked"
    assert {"BOS", "dtype", "all weights are used"} <= {c.name for c in report.unchecked}
    assert [line.partition(":")[0] for line in remedies(report.missed)] == [
        "labels beyond 0.99",
        "sides with people",
    ]
    labelled = graded(40)
    given = check_reward_model(Formula(plain), labelled, people=of_people(labelled))
    assert given.missed == ()
    failing = check_reward_model(Formula(lambda *_: 1.0))
    assert soundness(failing).startswith("not sound, and ")
    alone = check_reward_model(RecordedRewardModel("file", {}, digest="d" * 64))
    assert soundness(alone) == "nothing is known: 18 of 18 not checked"


class Squashed(Formula):
    """Pays through a sigmoid."""

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        return [1 / (1 + math.exp(-reward)) for reward in super().reward(conversations)]


def test_who_reads_the_response_alone_or_its_beginning_is_not_accused() -> None:
    """It would pay alike for short texts too: that is its taste, and nothing was cut."""
    assert "long texts are whole" not in failed(check_reward_model(Formula(plain)))
    opening = check_reward_model(Formula(lambda _, text: math.sin(len(text[:3]))))
    assert "long texts are whole" in {check.name for check in opening.unchecked}


def graded(count: int) -> list[Pair]:
    prompts = ((Message(role="user", content=f"Question {n}?"),) for n in range(count))
    texts = [("a" * (n + 3), "b") for n in range(count)]
    return [
        Pair(id=f"p{n}", prompt=prompt, response_a=texts[n][n % 2], response_b=texts[n][1 - n % 2])
        for n, prompt in enumerate(prompts)
    ]


def of_people(pairs: Sequence[Pair]) -> list[Label]:
    """People like the longer response."""
    longer = [len(p.response_a) > len(p.response_b) for p in pairs]
    found = zip(pairs, longer, strict=True)
    return [Label(pair_id=pair.id, p_a=float(a), source="human") for pair, a in found]


@pytest.mark.parametrize("kind", ["live", "recorded"])
def test_rewards_of_which_lower_is_better_are_told_and_stop_nobody(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    pairs = graded(40)
    live = Formula(lambda _, text: -0.1 * len(text))
    rewards = {conversation_key(c): live.reward([c])[0] for p in pairs for c in p.conversations()}
    model = live if kind == "live" else RecordedRewardModel("losses", rewards)
    report = check_reward_model(model, pairs, people=of_people(pairs))
    assert failed(report) == {"sides with people"}
    (check,) = report.failed
    assert "on the other side of 100% of 40 pairs" in check.detail
    assert "sign-flipped; perhaps lower is better" in check.detail
    refuse_failing(report)
    assert "lower is better" in caplog.text
    up = check_reward_model(Formula(lambda _, t: 0.1 * len(t)), pairs, people=of_people(pairs))
    assert failed(up) == set()
    few = check_reward_model(live, pairs[:8], people=of_people(pairs))
    assert failed(few) == set()


def test_labels_without_a_strength_are_told_with_their_share() -> None:
    pairs = graded(40)
    report = check_reward_model(Formula(lambda _, text: 50.0 * len(text)), pairs)
    (check,) = report.failed
    assert (check.name, check.measured) == ("labels beyond 0.99", 1.0)
    assert "--rm-temperature fit" in check.detail
    assert check.detail.endswith("on these pairs 979")
    refuse_failing(report)


# Checkpoints


@pytest.fixture(scope="module")
def load(train: None) -> Load:
    from argo_audit.reward_models.classifier import ClassifierRewardModel

    return ClassifierRewardModel


@pytest.fixture(scope="module")
def checkpoint(load: Load, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny reward model with random weights: its rewards mean nothing, and are its own."""
    import torch

    from argo_audit.reward_models.tiny import build_model, build_tokenizer
    from argo_audit.reward_models.training_settings import TinyConfig

    folder = tmp_path_factory.mktemp("conformance") / "rm"
    torch.manual_seed(0)
    tokenizer = build_tokenizer(["say hello to me"] * 20, TinyConfig(vocabulary=400), 512)
    model = build_model(tokenizer, TinyConfig(vocabulary=400), 512)
    for weight in (model.score.weight, model.model.embed_tokens.weight):
        torch.nn.init.normal_(weight)
    for layer in model.model.layers:
        torch.nn.init.normal_(layer.self_attn.o_proj.weight)
    for part in (tokenizer, model):
        part.save_pretrained(folder)
    return folder


def test_a_sound_checkpoint_passes_and_its_counters_stay(load: Load, checkpoint: Path) -> None:
    model = load(checkpoint)
    report = check_reward_model(model)
    assert failed(report) == set()
    outcomes = {check.name: check.outcome for check in report.checks}
    assert outcomes["padding side"] == outcomes["BOS"] == outcomes["template"] == "pass"
    assert outcomes["dtype"] == "not applicable"
    assert report.max_length == 512
    assert (model.reader.read, model.reader.truncated) == (0, 0)


def test_what_the_pairs_have_beyond_the_longest_length_is_a_share(
    load: Load, checkpoint: Path
) -> None:
    prompt = (Message(role="user", content="Hi"),)
    pairs = [
        Pair(id=f"p{n}", prompt=prompt, response_a="a" * (900 if n < 3 else 9), response_b="b")
        for n in range(10)
    ]
    report = check_reward_model(load(checkpoint), pairs)
    (share,) = [check for check in report.checks if check.name == "truncated share"]
    assert (share.outcome, share.measured) == ("fail", 3 / 20)
    assert "20 conversations beyond 512 tokens" in share.detail


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{{ bos_token }}{{ bos_token }}ROLES", "BOS"),
        ("ROLES<|im_start|>assistant\n", "template"),
        ("{% for m in messages %}{{ '<|im_start|>x' + m['content'] }}{% endfor %}", "template"),
        ("{{ '<|im_start|>' + messages[0]['role'] + messages[-1]['content'] }}", "template"),
        ("{{ strftime_now('%d %b %Y') }}ROLES", "template stands still"),
        ("{{ range(1, 90000) | random }}ROLES", "template stands still"),
    ],
)
def test_a_wrong_template_is_found(
    load: Load, checkpoint: Path, template: str, problem: str
) -> None:
    roles = (
        "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + "
        "'<|im_end|>\n' }}{% endfor %}"
    )
    model = load(checkpoint)
    model.reader.tokenizer.chat_template = template.replace("ROLES", roles)
    assert problem in failed(check_reward_model(model))


def test_a_model_that_reads_padding_is_found(load: Load, checkpoint: Path) -> None:
    """Positions counted from the padding's start, and a mask that hides nothing."""

    class Careless(load):  # type: ignore[misc, valid-type]
        def reward_tokens(self, tokens: list[list[int]], *, left: bool = False) -> list[float]:
            width = max(map(len, tokens))
            padded = [[0] * (width - len(ids)) + ids for ids in tokens] if left else tokens
            found: list[float] = super().reward_tokens(padded)
            return found

    assert failed(check_reward_model(Careless(checkpoint))) == {"padding side"}


def test_weights_that_nothing_uses_are_found(load: Load, checkpoint: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(checkpoint, tmp_path / "gated")
    weights = load_file(folder / "model.safetensors")
    weights["gate.weight"] = weights["score.weight"].clone()
    weights["lm_head.weight"] = weights["score.weight"].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    report = check_reward_model(load(folder))
    assert failed(report) == {"all weights are used"}
    assert "first gate.weight" in report.failed[0].detail


def variant(checkpoint: Path, folder: Path, **config: object) -> Path:
    """A copy of a checkpoint with another configuration."""
    shutil.copytree(checkpoint, folder)
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | config))
    return folder


@pytest.mark.parametrize("name", ["value_head.safetensors", "value_head.bin"])
def test_a_head_in_a_file_that_nothing_opens_is_found(
    load: Load, checkpoint: Path, tmp_path: Path, name: str
) -> None:
    folder = variant(checkpoint, tmp_path / "headed")
    (folder / name).write_bytes(b"")
    (folder / "training_args.bin").write_bytes(b"")
    assert load(folder).unused == (name,)


def test_a_class_that_was_not_loaded_is_not_checked(
    load: Load, checkpoint: Path, tmp_path: Path
) -> None:
    model = load(variant(checkpoint, tmp_path / "named", architectures=["LlamaForScore"]))
    check = CHECKS["all weights are used"]("name", CheckedModel(model, (), None))
    assert check.outcome == "not checked"
    assert "LlamaForScore" in check.detail


@pytest.mark.parametrize("pad", [99_999, -1, 2])
def test_a_padding_token_outside_the_vocabulary_or_of_another_use_pads_nothing(
    load: Load, checkpoint: Path, tmp_path: Path, pad: int
) -> None:
    """2 is the end of a turn: the place that is read stays that of the last turn."""
    model = load(variant(checkpoint, tmp_path / "padded", pad_token_id=pad))
    probes = [c for pair in PROBES for c in pair.conversations()]
    assert model.reward(probes) == pytest.approx(load(checkpoint).reward(probes), abs=1e-5)


def test_a_turn_of_blanks_can_be_read_back(load: Load, checkpoint: Path) -> None:
    pairs = [Pair(id="p", prompt=REAL_TURNS[:1], response_a=" \n", response_b="b")]
    assert "template" not in failed(check_reward_model(load(checkpoint), pairs))


def test_weights_saved_in_16_bits_are_compared_with_32(
    load: Load, checkpoint: Path, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    half = tmp_path / "half"
    AutoTokenizer.from_pretrained(checkpoint).save_pretrained(half)
    model = AutoModelForSequenceClassification.from_pretrained(checkpoint, dtype=torch.bfloat16)
    model.save_pretrained(half)
    report = check_reward_model(load(half))
    (dtype,) = [check for check in report.checks if check.name == "dtype"]
    assert dtype.outcome == "pass", dtype
    assert dtype.measured is not None
    assert dtype.measured > 0
    assert load(half).dtype == "float32"
    assert load(half, RewardModelSettings(dtype="bfloat16")).dtype == "bfloat16"


def test_a_device_map_places_the_model(load: Load, checkpoint: Path) -> None:
    probe = PROBES[0].conversations()
    placed = load(checkpoint, RewardModelSettings(device_map="cpu"))
    assert placed.reward(probe) == pytest.approx(load(checkpoint).reward(probe))


def test_a_report_says_first_what_of_a_reward_model_nobody_looked_at(tmp_path: Path) -> None:
    """Where it could be mended; what nobody can see in an object is told beside the checks."""
    pairs = graded(40)
    longer = Formula(lambda _, text: 0.1 * len(text))
    seen = check_reward_model(longer, pairs, people=of_people(pairs))
    alone = check_reward_model(longer)
    for report, first in ((seen, 0), (alone, 1)):
        facts = Material(AuditInputs("Audit", (), conformance={"A": (report,)}), tmp_path, ())
        assert len(reward_model_checks.warnings(facts)) == first
        told = "\n".join(reward_model_checks.blocks(facts))
        assert f"- formula: {soundness(report)}." in told
        assert ("labels of people" in told) is bool(first)
