"""The reward that DPO leaves implicit: it is the log-ratio of the response, and nothing else."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from argo_audit.errors import RewardModelError
from argo_audit.records import Message
from argo_audit.reward_models.checks.conformance import check_reward_model
from argo_audit.reward_models.reward_model_settings import RewardModelSettings

if TYPE_CHECKING:
    from argo_audit.reward_models.dpo import DPORewardModel

pytestmark = pytest.mark.usefixtures("train")

TALK = (
    Message(role="user", content="say hello"),
    Message(role="assistant", content="hello to you"),
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two causal LMs with random weights and one vocabulary, and one with another."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from argo_audit.reward_models.tiny import build_tokenizer
    from argo_audit.reward_models.training_settings import TinyConfig

    root = tmp_path_factory.mktemp("dpo")
    texts = {"policy": "say hello to me", "reference": "say hello to me", "other": "goodbye"}
    for seed, (name, text) in enumerate(texts.items()):
        torch.manual_seed(seed)
        tokenizer = build_tokenizer([text] * 20, TinyConfig(vocabulary=400), 512)
        config = LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=512,
            initializer_range=0.5,
        )
        for part in (tokenizer, LlamaForCausalLM(config)):
            part.save_pretrained(root / name)
    return root


def open_dpo(models: Path, *names: str, **settings: object) -> "DPORewardModel":
    from argo_audit.reward_models.dpo import DPORewardModel

    given = RewardModelSettings.model_validate(settings)
    policy, reference = (models / name for name in names)
    return DPORewardModel(policy, reference, given)


def log_likelihood(folder: Path, ids: list[int], start: int) -> float:
    """By hand: log p of ids[start:] given those before."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        logs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    return sum(float(logs[i - 1, ids[i]]) for i in range(start, len(ids)))


def test_it_is_beta_times_the_log_ratio_of_the_response(models: Path) -> None:
    model = open_dpo(models, "policy", "reference", beta=0.3)
    (ids,) = model.reader.full([TALK])
    prompt = model.reader.tokenizer(
        "<|im_start|>user\nsay hello<|im_end|>\n<|im_start|>assistant\n"
    )
    start = len(prompt["input_ids"])
    ratio = log_likelihood(models / "policy", ids, start)
    ratio -= log_likelihood(models / "reference", ids, start)
    assert model.reward([TALK]) == pytest.approx([0.3 * ratio], rel=1e-4)


def test_a_policy_over_itself_is_worth_nothing(models: Path) -> None:
    assert open_dpo(models, "policy", "policy").reward([TALK, TALK]) == [0.0, 0.0]


def test_exchanging_policy_and_reference_changes_the_sign(models: Path) -> None:
    (there,) = open_dpo(models, "policy", "reference").reward([TALK])
    (back,) = open_dpo(models, "reference", "policy").reward([TALK])
    assert there == pytest.approx(-back)
    assert there != 0


def test_it_passes_the_checks_of_reward_models(models: Path) -> None:
    assert check_reward_model(open_dpo(models, "policy", "reference")).failed == ()


def test_a_long_response_is_cut_and_counted(models: Path) -> None:
    model = open_dpo(models, "policy", "reference", max_length=8)
    assert len(model.reward([TALK])) == 1
    assert (model.reader.read, model.reader.truncated) == (1, 1)


def test_name_and_fingerprint_are_of_both_and_of_beta(models: Path) -> None:
    model = open_dpo(models, "policy", "reference")
    assert model.name == "policy-over-reference"
    others = (
        open_dpo(models, "reference", "policy"),
        open_dpo(models, "policy", "reference", beta=1),
    )
    assert len({m.fingerprint() for m in (model, *others)}) == 3


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (("policy", "other"), "different vocabularies"),
        (("policy", "absent"), "no such folder"),
    ],
)
def test_what_is_no_pair_of_models_is_refused(
    models: Path, names: tuple[str, str], problem: str
) -> None:
    with pytest.raises(RewardModelError, match=rf"{problem}(.|\n)*Remedy"):
        open_dpo(models, *names)


def test_a_conversation_without_a_response_is_refused(models: Path) -> None:
    with pytest.raises(RewardModelError, match=r"does not end with a response(.|\n)*Remedy"):
        open_dpo(models, "policy", "reference").reward([TALK[:1]])
