"""Reward models: recorded scores, labelling, training a tiny one, and loading checkpoints.

One tiny reward model is trained per module; whatever needs torch is skipped without it.
"""

import gzip
import json
import logging
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from statistics import median
from types import ModuleType
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_audit.errors import InputError, RewardModelError, RunFolderError
from argo_audit.pairs.pair_file import read
from argo_audit.records import Label, Message, Pair
from argo_audit.reward_models.by_name import RewardModelUse, labelled
from argo_audit.reward_models.fitting import at_temperature, fitted_temperature
from argo_audit.reward_models.recorded import (
    RecordedRewardModel,
    conversation_key,
    write_scores,
)
from argo_audit.reward_models.reward_model_settings import RewardModelSettings, Temperature
from argo_audit.reward_models.soft_labels import label_pairs
from argo_audit.reward_models.training_settings import TrainingConfig
from argo_audit.roles import Conversation

if TYPE_CHECKING:
    from argo_audit.reward_models.classifier import ClassifierRewardModel
    from argo_audit.reward_models.training import TrainingRecord

WORDS = [
    "soup",
    "bread",
    "piano",
    "garden",
    "chess",
    "train",
    "coffee",
    "novel",
    "hiking",
    "budget",
    "sleep",
    "vaccine",
]


def words(rng: Random, count: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(count))


def list_or_prose(n: int) -> Pair:
    """A list against prose, in either order."""
    rng = Random(n)
    listed = "\n".join(f"- {words(rng, 3)}" for _ in range(3))
    sides = [listed, f"I think that {words(rng, 9)}."]
    rng.shuffle(sides)
    prompt = (Message(role="user", content=f"Tell me about {words(rng, 2)} ({n})."),)
    return Pair(id=f"p{n}", prompt=prompt, response_a=sides[0], response_b=sides[1])


def prefers_lists(pair: Pair) -> Label:
    return Label(pair_id=pair.id, p_a=float(pair.response_a.startswith("-")), source="human")


PAIRS = tuple(list_or_prose(n) for n in range(140))
LABELS = tuple(prefers_lists(pair) for pair in PAIRS)


class LengthModel:
    """Pays a conversation's length in characters, and counts what it was asked (RewardModel)."""

    name = "length@1"

    def __init__(self) -> None:
        self.asked = 0

    def reward(self, conversations: Sequence[Conversation]) -> list[float]:
        self.asked += len(conversations)
        return [float(sum(len(m.content) for m in c)) for c in conversations]


# Labelling


def test_labels_are_soft_and_keep_the_rewards() -> None:
    pair = PAIRS[0].model_copy(update={"response_a": "abc", "response_b": "a"})
    (label,) = label_pairs(LengthModel(), [pair], temperature=2.0)
    assert label.source == "length@1"
    assert label.rewards is not None
    assert label.rewards[0] - label.rewards[1] == 2
    assert label.p_a == pytest.approx(1 / (1 + math.exp(-1)))


def test_exchanging_the_letters_mirrors_the_label() -> None:
    labels = label_pairs(LengthModel(), PAIRS, temperature=50.0)
    mirrored = label_pairs(LengthModel(), [pair.swapped() for pair in PAIRS], temperature=50.0)
    assert [m.p_a for m in mirrored] == pytest.approx([1 - label.p_a for label in labels])


def test_a_conversation_is_scored_once_and_identical_responses_tie() -> None:
    same = PAIRS[0].model_copy(update={"id": "same", "response_b": PAIRS[0].response_a})
    model = LengthModel()
    labels = label_pairs(model, [same, PAIRS[0], PAIRS[0].swapped()])
    assert labels[0].p_a == 0.5
    assert model.asked == 2


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_rewards_that_are_not_finite_are_refused(bad: float) -> None:
    class Broken(LengthModel):
        def reward(self, conversations: Sequence[Conversation]) -> list[float]:
            return [bad] * len(conversations)

    with pytest.raises(RewardModelError, match=r"2 of 2 rewards are NaN or infinite\n  Remedy"):
        label_pairs(Broken(), PAIRS[:1])


def test_too_few_rewards_are_refused() -> None:
    class Short(LengthModel):
        def reward(self, conversations: Sequence[Conversation]) -> list[float]:
            return [0.0]

    with pytest.raises(RewardModelError, match="1 rewards for 2 conversations"):
        label_pairs(Short(), PAIRS[:1])


def scaled(count: int, scale: float) -> tuple[list[Label], list[Label]]:
    """Labels of rewards that are `scale` logits of people apart, and what people said."""
    rng = Random(count)
    labels, people = [], []
    for n in range(count):
        logit = rng.gauss(0, 1.5)
        rewards = (scale * logit, 0.0)
        labels.append(Label(pair_id=f"p{n}", p_a=float(logit > 0), source="rm", rewards=rewards))
        said = float(rng.random() < 1 / (1 + math.exp(-logit)))
        people.append(Label(pair_id=f"p{n}", p_a=said, source="human"))
    return labels, people


@pytest.mark.parametrize("scale", [0.2, 20.0])
def test_a_fitted_temperature_makes_labels_as_sure_as_people_are(scale: float) -> None:
    labels, people = scaled(1500, scale)
    assert fitted_temperature(labels, people) == pytest.approx(scale, rel=0.2)


def test_where_people_say_nothing_of_strength_the_median_pair_is_three_in_four() -> None:
    """Nobody said anything, too few did, they agree with every reward, or with as many as not."""
    labels, people = scaled(400, 20.0)
    sure = [label.model_copy(update={"source": "human"}) for label in labels]
    turned = [label.model_copy(update={"p_a": 1 - label.p_a}) for label in sure]
    for said in ([], people[:20], sure, turned):
        found = at_temperature(labels, fitted_temperature(labels, said))
        assert median(max(one.p_a, 1 - one.p_a) for one in found) == pytest.approx(0.75)
    tied = [label.model_copy(update={"rewards": (1.0, 1.0)}) for label in labels]
    assert fitted_temperature(tied, people) == 1.0


def test_the_temperature_of_labels_is_on_record() -> None:
    texts = [conversation for pair in PAIRS for conversation in pair.conversations()]
    rewards = {conversation_key(c): 100.0 * len(c[-1].content) for c in texts}
    model = RecordedRewardModel("lengths", rewards)
    asked: tuple[tuple[Temperature, float], ...] = ((1.0, 1.0), (50.0, 1.0), ("fit", 0.75))
    for temperature, sure in asked:
        found = labelled(model, PAIRS, RewardModelUse(temperature))
        assert found.conformance.temperature == (None if temperature == 1.0 else found.temperature)
        median_label = median(max(one.p_a, 1 - one.p_a) for one in found.labels)
        assert median_label == pytest.approx(sure, abs=0.01)


# Recorded scores

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=20), st.sampled_from(["", ".gz"]))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rewards: list[tuple[float, float]], suffix: str
) -> None:
    path = tmp_path_factory.mktemp("scores") / f"my-rm.jsonl{suffix}"
    pairs = PAIRS[: len(rewards)]
    write_scores(path, pairs, rewards)
    model = RecordedRewardModel.read(path, pairs)
    assert model.name == "my-rm"
    assert [label.rewards for label in label_pairs(model, pairs)] == rewards
    assert model.unused == 0


def test_the_same_scores_give_the_same_bytes_and_fingerprint(tmp_path: Path) -> None:
    paths = [tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz"]
    for path in paths:
        write_scores(path, PAIRS[:2], [(1.0, 0.0), (2.0, 3.0)])
    first, second = (RecordedRewardModel.read(path, PAIRS[:2]) for path in paths)
    assert first.fingerprint() == second.fingerprint()
    assert len(first.fingerprint()) == 64


def test_scores_may_speak_of_conversations(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    lines = [
        {"conversation": [m.model_dump() for m in conversation], "reward": float(i)}
        for i, conversation in enumerate(PAIRS[0].conversations())
    ]
    # U+2028 ends a line for str.splitlines, but not in JSONL
    lines.append({"conversation": [{"role": "user", "content": "a\u2028b"}], "reward": 7.0})
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path.write_text(text + "\n", encoding="utf-8")
    model = RecordedRewardModel.read(path)
    assert model.reward(PAIRS[0].conversations()) == [0.0, 1.0]
    assert model.reward([[Message(role="user", content="a\u2028b")]]) == [7.0]


def test_scores_may_speak_of_chosen_and_rejected(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    rows = [
        {"pair_id": pair.id, "reward_chosen": float(n + 1), "reward_rejected": -1.0}
        for n, pair in enumerate(PAIRS[:2])
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    letters: dict[str, Literal["A", "B"]] = {PAIRS[0].id: "A", PAIRS[1].id: "B"}
    model = RecordedRewardModel.read(path, PAIRS[:2], chosen=letters)
    assert model.reward(PAIRS[0].conversations()) == [1.0, -1.0]
    assert model.reward(PAIRS[1].conversations()) == [-1.0, 2.0]
    with pytest.raises(InputError, match="line 1: no label says which response"):
        RecordedRewardModel.read(path, PAIRS[:2])


def test_a_file_knows_which_letter_was_chosen(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    rows = [{"prompt": f"{n}?", "chosen": "Yes.", "rejected": "No."} for n in range(8)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = read(path)
    assert set(file.chosen.values()) == {"A", "B"}
    for pair in file.pairs:
        responses = {"A": pair.response_a, "B": pair.response_b}
        assert responses[file.chosen[pair.id]] == "Yes."
    assert any("A was drawn" in sentence for sentence in file.told)


def test_scores_of_other_pairs_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    write_scores(path, PAIRS[:3], [(1.0, 0.0)] * 3)
    assert RecordedRewardModel.read(path, PAIRS[:1]).unused == 2


def test_an_unknown_conversation_has_no_reward(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    write_scores(path, PAIRS[:1], [(1.0, 0.0)])
    with pytest.raises(RewardModelError, match=r"no recorded score for 1 of 1.*\n  Remedy"):
        RecordedRewardModel.read(path, PAIRS[:1]).reward([PAIRS[1].conversations()[0]])


GOOD = '{"pair_id": "p0", "reward_a": 1.0, "reward_b": 0.0}\n'
CONFLICT = json.dumps(
    {"conversation": [m.model_dump() for m in PAIRS[0].conversations()[0]], "reward": 9.0}
)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (GOOD + "{not json", 2, "JSON"),
        (GOOD.replace("1.0", "NaN"), 1, "reward_a: must be a finite number"),
        (GOOD.replace("1.0", "1e999"), 1, "reward_a: must be a finite number"),
        (GOOD.replace("reward_b", "reward_c"), 1, "reward_b: is missing"),
        ("\n" + GOOD + GOOD, 3, "pair_id 'p0' appears twice"),
        (GOOD + CONFLICT, 2, "scored 1.0 before is scored 9.0 here"),
        ("[" * 5000, 1, "JSON"),
        ('{"pair_id": "p7", "reward_a": 1.0, "reward_b": 0.0}', None, "no score for 1 of 1 pairs"),
        ("", None, "no score for 1 of 1 pairs"),
    ],
)
def test_a_bad_line_is_refused_with_its_place(
    tmp_path: Path, text: str, line: int | None, problem: str
) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as raised:
        RecordedRewardModel.read(path, PAIRS[:1])
    assert raised.value.line == line
    assert problem in raised.value.problem
    assert raised.value.remedy


def test_a_conversation_that_was_scored_in_several_batches_has_one_reward(tmp_path: Path) -> None:
    """Its scores differ as arithmetic does; by more they are two rewards."""
    shared = [PAIRS[1].model_copy(update={"id": f"s{n}", "response_b": f"No {n}."}) for n in (0, 1)]
    path = tmp_path / "scores.jsonl"
    write_scores(path, shared, [(1.2300001, 0.5), (1.2299998, -0.25)])
    model = RecordedRewardModel.read(path, shared)
    assert model.reward(shared[1].conversations()) == [1.2300001, -0.25]
    write_scores(path, shared, [(1.23, 0.5), (1.41, -0.25)])
    with pytest.raises(InputError, match=r"line 2: .*scored 1.23 before is scored 1.41 here"):
        RecordedRewardModel.read(path, shared)


@pytest.mark.parametrize(
    "data",
    [gzip.compress(GOOD.encode())[:-9], b"\x1f\x8bgarbage", b"\xff"],
    ids=["cut short", "no gzip", "no UTF-8"],
)
def test_a_damaged_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "scores.jsonl.gz"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"cannot be read.*\n  Remedy"):
        RecordedRewardModel.read(path, PAIRS[:1])


def test_a_missing_file_and_scores_without_pairs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    with pytest.raises(InputError, match="cannot be read"):
        RecordedRewardModel.read(path)
    path.write_text(GOOD, encoding="utf-8")
    with pytest.raises(InputError, match="no usable score"):
        RecordedRewardModel.read(path)


# Training


class Trained(NamedTuple):
    folder: Path
    record: "TrainingRecord"
    progress: list[float]


def small_config(**changes: object) -> TrainingConfig:
    fields = {"tiny": {"vocabulary": 400}, "epochs": 4, "learning_rate": 5e-3, "max_length": 96}
    return TrainingConfig.model_validate(fields | changes)


@pytest.fixture(scope="module")
def training(train: None) -> ModuleType:
    """The training module; skips without the extra `train`."""
    from argo_audit.reward_models import training

    return training


@pytest.fixture(scope="module")
def trained(training: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A reward model of lists, trained on 98 of 100 pairs: one is a tie, one too long."""
    folder = tmp_path_factory.mktemp("models") / "tiny-rm"
    tie = LABELS[0].model_copy(update={"p_a": 0.5})
    long = PAIRS[1].model_copy(update={"response_a": "- soup " * 200})
    progress: list[float] = []
    record = training.train_reward_model(
        [PAIRS[0], long, *PAIRS[2:100]],
        [tie, *LABELS[1:100]],
        folder,
        config=small_config(),
        held_out=(PAIRS[100:], LABELS[100:]),
        progress=progress.append,
    )
    return Trained(folder, record, progress)


def test_it_learns_what_the_labels_prefer(trained: Trained) -> None:
    assert trained.record.held_out_accuracy is not None
    assert trained.record.held_out_accuracy >= 0.9


def test_what_was_left_out_is_counted(trained: Trained) -> None:
    counts = trained.record.pairs, trained.record.ties, trained.record.over_length
    assert counts == (100, 1, 1)
    assert trained.record.trained_on == 98


def test_the_folder_holds_safetensors_a_tokenizer_and_the_record(trained: Trained) -> None:
    names = {path.name for path in trained.folder.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "training.json"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl"))]
    saved = (trained.folder / "training.json").read_text(encoding="utf-8")
    assert type(trained.record).model_validate_json(saved) == trained.record


def test_progress_rises_to_one(trained: Trained) -> None:
    assert trained.progress == sorted(trained.progress)
    assert trained.progress[-1] == 1.0


def test_the_same_seed_gives_the_same_weights_in_silence(
    training: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder, seed in zip(folders, (1, 1, 2), strict=True):
        config = small_config(epochs=1, seed=seed)
        training.train_reward_model(PAIRS[:20], LABELS[:20], folder, config=config)
    a, b, c = ((folder / "model.safetensors").read_bytes() for folder in folders)
    assert a == b
    assert a != c
    assert capfd.readouterr() == ("", "")


def test_training_goes_on_from_a_checkpoint(
    training: ModuleType, trained: Trained, tmp_path: Path
) -> None:
    config = small_config(base=str(trained.folder), epochs=1, learning_rate=1e-5)
    record = training.train_reward_model(
        PAIRS[:20], LABELS[:20], tmp_path / "next", config=config, held_out=(PAIRS, LABELS)
    )
    assert record.held_out_accuracy >= 0.9


def test_adapters_on_a_language_model_become_an_ordinary_reward_model(
    training: ModuleType, trained: Trained, load: "Load", tmp_path: Path
) -> None:
    """The base is a causal LM; what is saved holds its weights, merged, and a new head."""
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base, out = tmp_path / "base", tmp_path / "rm"
    AutoTokenizer.from_pretrained(trained.folder).save_pretrained(base)
    AutoModelForCausalLM.from_pretrained(trained.folder).save_pretrained(base)
    config = small_config(base=str(base), lora_rank=2, epochs=6, batch_size=8)
    record = training.train_reward_model(
        PAIRS[:100], LABELS[:100], out, config=config, held_out=(PAIRS[100:], LABELS[100:])
    )
    before, after = (load_file(folder / "model.safetensors") for folder in (base, out))
    assert not [name for name in after if "lora" in name or "modules_to_save" in name]
    assert set(after) - set(before) == {"score.weight"}
    moved = {name for name in set(after) & set(before) if not before[name].equal(after[name])}
    assert moved
    assert all("proj" in name for name in moved)
    assert record.held_out_accuracy > 0.8
    assert load(out).reward(PAIRS[0].conversations())


def test_what_a_base_changes_about_the_defaults_is_recorded() -> None:
    tuned = TrainingConfig(base="org/lm")
    adapted = TrainingConfig(base="org/lm", lora_rank=8)
    rates = [c.learning_rate for c in (TrainingConfig(), adapted, tuned)]
    assert rates == sorted(rates, reverse=True)
    assert tuned.weight_decay < TrainingConfig().weight_decay
    assert TrainingConfig(base="org/lm", learning_rate=3.0).learning_rate == 3.0
    with pytest.raises(ValueError, match="lora_rank needs a base"):
        TrainingConfig(lora_rank=8)


def test_padding_is_a_token_that_ends_no_conversation(
    training: ModuleType, trained: Trained, tmp_path: Path
) -> None:
    """Where EOS serves as padding, a template that ends with EOS would move the reward."""
    base = shutil.copytree(trained.folder, tmp_path / "eos-pads")
    edit(base / "tokenizer_config.json", {"pad_token": "<|im_end|>"})
    config = small_config(base=str(base), epochs=1)
    training.train_reward_model(PAIRS[:8], LABELS[:8], tmp_path / "rm", config=config)
    saved = json.loads((tmp_path / "rm" / "config.json").read_text(encoding="utf-8"))
    assert saved["pad_token_id"] == 0


@pytest.mark.parametrize(
    ("labels", "changes", "problem"),
    [
        ([LABELS[0].model_copy(update={"p_a": 0.5})], {}, "no label takes a side"),
        ([LABELS[0].model_copy(update={"pair_id": "who"})], {}, "'who'"),
        (LABELS[:1], {"max_length": 8}, "more than 8 tokens"),
        (LABELS[:1], {"base": "no/such"}, "no such folder"),
    ],
)
def test_nothing_is_written_when_training_cannot_start(
    training: ModuleType,
    tmp_path: Path,
    labels: Sequence[Label],
    changes: dict[str, object],
    problem: str,
) -> None:
    with pytest.raises(RewardModelError, match=rf"{problem}(.|\n)*Remedy"):
        training.train_reward_model(
            PAIRS[:1], labels, tmp_path / "out", config=small_config(**changes)
        )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_left_alone(training: ModuleType, trained: Trained) -> None:
    before = (trained.folder / "training.json").read_bytes()
    with pytest.raises(RunFolderError):
        training.train_reward_model(PAIRS[:9], LABELS[:9], trained.folder)
    assert (trained.folder / "training.json").read_bytes() == before


# Loading a checkpoint

Load: TypeAlias = "Callable[..., ClassifierRewardModel]"


@pytest.fixture(scope="module")
def load(training: ModuleType) -> Load:
    from argo_audit.reward_models.classifier import ClassifierRewardModel

    return ClassifierRewardModel


CONVERSATIONS = [c for pair in PAIRS[:12] for c in pair.conversations()]


def test_rewards_depend_on_neither_order_nor_batch(trained: Trained, load: Load) -> None:
    alone = load(trained.folder, RewardModelSettings(batch_size=1)).reward(CONVERSATIONS)
    together = load(trained.folder, RewardModelSettings(batch_size=7)).reward(CONVERSATIONS[::-1])
    together.reverse()
    assert together == pytest.approx(alone, abs=1e-5)
    assert load(trained.folder).reward([]) == []


def test_name_and_fingerprint_are_the_folders(trained: Trained, load: Load, tmp_path: Path) -> None:
    copy = shutil.copytree(trained.folder, tmp_path / "copy")
    (copy / "training.json").unlink()
    model, copied = load(trained.folder), load(copy)
    assert (model.name, copied.name) == ("tiny-rm", "copy")
    assert model.fingerprint() == copied.fingerprint()
    with (copy / "chat_template.jinja").open("a", encoding="utf-8") as template:
        template.write(" ")
    assert model.fingerprint() != copied.fingerprint()


def test_long_conversations_are_cut_counted_and_logged(
    trained: Trained, load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    model = load(trained.folder, RewardModelSettings(max_length=40))
    long = PAIRS[0].model_copy(update={"response_a": "- soup " * 200}).conversations()[0]
    with caplog.at_level(logging.WARNING, logger="argo_audit"):
        model.reward([long, [Message(role="user", content="Hi")]])
    assert (model.reader.truncated, model.reader.read) == (1, 2)
    assert "tiny-rm: 1 of 2 conversations (50.0%) were cut to 40 tokens" in caplog.text


def test_special_tokens_come_from_the_template_alone(trained: Trained, load: Load) -> None:
    from argo_audit.reward_models.checkpoint import load_tokenizer
    from argo_audit.reward_models.encoding import encode

    tokenizer = load_tokenizer(trained.folder)
    (ids,) = encode(tokenizer, [PAIRS[0].conversations()[0]])
    assert ids.count(tokenizer.bos_token_id) == 2  # one opens each turn of this template
    assert ids[0] == tokenizer.bos_token_id


def test_without_a_padding_token_conversations_go_one_by_one(
    trained: Trained, load: Load, tmp_path: Path
) -> None:
    folder = shutil.copytree(trained.folder, tmp_path / "no-pad")
    for name, field in (("config.json", "pad_token_id"), ("tokenizer_config.json", "pad_token")):
        edit(folder / name, {field: None})
    expected = load(trained.folder).reward(CONVERSATIONS)
    assert load(folder).reward(CONVERSATIONS) == pytest.approx(expected, abs=1e-5)


CLASSIFIER = "AutoModelForSequenceClassification"
OWN_REWARD = """
from transformers import LlamaForSequenceClassification


class OwnReward(LlamaForSequenceClassification):
    def forward(self, *words, **named):
        found = super().forward(*words, **named)
        found.logits = -found.logits
        return found
"""


def edit(path: Path, changes: dict[str, object]) -> None:
    fields = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(fields | changes), encoding="utf-8")


def two_outputs(folder: Path) -> None:
    edit(folder / "config.json", {"id2label": {"0": "bad", "1": "good"}})


def generative(folder: Path) -> None:
    """What a causal language model saves: no reward head among the weights."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["score.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def gated(folder: Path) -> None:
    """Weights that the built-in class has no use of."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights["gate.weight"] = weights["score.weight"][:, :1] * 0 - 1
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def own_code(folder: Path) -> None:
    """As its authors run it: a class of the checkpoint's own."""
    edit(folder / "config.json", {"auto_map": {CLASSIFIER: "modeling_own.OwnReward"}})
    (folder / "modeling_own.py").write_text(OWN_REWARD, encoding="utf-8")


def gated_by_own_code(folder: Path) -> None:
    """It names its class for another task, and the weights say that it is left out."""
    gated(folder)
    edit(folder / "config.json", {"auto_map": {"AutoModel": "modeling_own.OwnReward"}})


def not_a_number(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights["score.weight"][:] = math.nan
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def causal(folder: Path) -> None:
    edit(folder / "config.json", {"architectures": ["LlamaForCausalLM"]})


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def cut_off(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])


def untemplated(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


def refusing(folder: Path) -> None:
    template = "{{ raise_exception('no such turn') }}"
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")


def removed(folder: Path) -> None:
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (two_outputs, "with 2 outputs(.|\n)*Remedy: combine the outputs"),
        (causal, "LlamaForCausalLM; expected(.|\n)*can be the judge"),
        (generative, "1 weights are absent and would be random, first score.weight"),
        (own_code, r"modeling_own.OwnReward\), which was not run(.|\n)*trust_remote_code = true"),
        (gated_by_own_code, "which was not run.*1 weights without it, first gate.weight"),
        (not_a_number, "no finite reward"),
        (pickled, "cannot be loaded"),
        (cut_off, "cannot be loaded"),
        (untemplated, "no chat template"),
        (refusing, "the chat template refuses a conversation: no such turn"),
        (removed, "no such folder"),
    ],
)
def test_what_is_not_a_sound_reward_model_is_refused(
    trained: Trained, load: Load, tmp_path: Path, damage: Callable[[Path], None], problem: str
) -> None:
    folder = shutil.copytree(trained.folder, tmp_path / "broken")
    damage(folder)
    with pytest.raises(RewardModelError, match=rf"{problem}"):
        load(folder).reward(CONVERSATIONS)


def test_code_of_a_checkpoint_runs_where_it_is_asked_for(
    trained: Trained, load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "hf"))
    folder = shutil.copytree(trained.folder, tmp_path / "own")
    own_code(folder)
    rewards = load(folder, RewardModelSettings(trust_remote_code=True)).reward(CONVERSATIONS)
    expected = load(trained.folder).reward(CONVERSATIONS)
    assert rewards == pytest.approx([-reward for reward in expected], abs=1e-5)


def test_weights_that_nothing_uses_are_named(trained: Trained, load: Load, tmp_path: Path) -> None:
    folder = shutil.copytree(trained.folder, tmp_path / "gated")
    gated(folder)
    assert load(folder).unused == ("gate.weight",)
    assert load(trained.folder).unused == ()


@pytest.mark.parametrize("pad", [-1, 5_000_000])
def test_a_padding_id_that_the_table_lacks_is_none(
    trained: Trained, load: Load, tmp_path: Path, pad: int
) -> None:
    folder = shutil.copytree(trained.folder, tmp_path / "pad")
    edit(folder / "config.json", {"pad_token_id": pad})
    expected = load(trained.folder).reward(CONVERSATIONS)
    assert load(folder).reward(CONVERSATIONS) == pytest.approx(expected, abs=1e-5)


def test_positions_that_begin_behind_the_padding_are_not_all_there(
    trained: Trained, load: Load, tmp_path: Path
) -> None:
    """Of RoBERTa's table; also where a longer length is asked for."""
    from transformers import RobertaConfig, RobertaForSequenceClassification

    folder = shutil.copytree(trained.folder, tmp_path / "roberta")
    sized = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    config = RobertaConfig(
        vocab_size=5000, num_attention_heads=1, max_position_embeddings=66, num_labels=1,
        pad_token_id=1, **sized,
    )  # fmt: skip
    RobertaForSequenceClassification(config).save_pretrained(folder)
    long = PAIRS[0].model_copy(update={"response_a": "- soup " * 200}).conversations()
    for length in (None, 500):
        model = load(folder, RewardModelSettings(max_length=length))
        assert model.reader.max_length == 64
        assert len(model.reward(long)) == 2
        assert model.reader.truncated == 1


def test_a_token_outside_the_table_is_told_in_a_sentence(
    trained: Trained, load: Load, tmp_path: Path
) -> None:
    model = load(trained.folder)
    with pytest.raises(RewardModelError, match="cannot be computed: index out of range"):
        model.reward_tokens([[1, 10_000_000]])
