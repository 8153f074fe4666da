"""The policy under TRL: prompts are fresh, rewards reach the weights, a seed repeats the run."""

from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="policies need the train extra")

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from argo_audit.organism.writer import train_tokenizer
from argo_audit.policies.grpo import GRPOPolicy, trainer_arguments
from argo_audit.policies.settings import SETTINGS_FILE, PolicySettings, settings_of
from argo_audit.roles import Proposal

SETTINGS = PolicySettings(
    rubrics_per_prompt=4,
    max_rubric_tokens=8,
    learning_rate=1e-2,
    kl_to_start=0.0,
    lora_rank=0,
    seed=3,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random causal LM of a few thousand weights."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("model")
    tokenizer = train_tokenizer(["- rewards lists\n", "- penalises lists\n"] * 5, 300)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=256,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


class Watched:
    """Prompts that carry the step's number; pays for ASCII letters."""

    def __init__(self, variants: int = 2):
        self.variants, self.step = variants, 0
        self.asked: list[list[str]] = []
        self.paid: list[list[Proposal]] = []
        self.rewards: list[float] = []

    def next_prompts(self) -> list[str]:
        self.asked.append([f"step {len(self.paid)} variant {v}" for v in range(self.variants)])
        return self.asked[-1]

    def policy_reward(self, proposals: Sequence[Proposal]) -> list[float]:
        self.paid.append(list(proposals))
        paid = [sum(c.isascii() for c in p.text) / max(len(p.text), 1) for p in proposals]
        self.rewards.append(sum(paid) / len(paid))
        return paid


def train(model: str, folder: Path, steps: int, settings: PolicySettings = SETTINGS) -> Watched:
    watched = Watched()
    policy = GRPOPolicy(model, watched.variants, folder, settings)
    policy.train(watched.next_prompts, watched.policy_reward, steps)
    return watched


@pytest.mark.parametrize("updates", [1, 2])
def test_prompts_are_of_the_step_they_are_answered_in(
    model: str, tmp_path: Path, updates: int
) -> None:
    """Rewards of step n are known when the prompts of step n + 1 are written: no stale batch."""
    settings = SETTINGS.model_copy(update={"updates_per_step": updates})
    watched = train(model, tmp_path, 3, settings)
    assert watched.asked == [[f"step {n} variant {v}" for v in range(2)] for n in range(3)]
    assert len(watched.paid) == 3


def test_proposals_come_grouped_by_prompt_variant(model: str, tmp_path: Path) -> None:
    watched = train(model, tmp_path, 1)
    assert [p.prompt_variant for p in watched.paid[0]] == [0, 0, 0, 0, 1, 1, 1, 1]


def test_the_policy_learns_what_it_is_paid_for_and_is_saved(model: str, tmp_path: Path) -> None:
    watched = train(model, tmp_path, 25)
    assert sum(watched.rewards[-5:]) > sum(watched.rewards[:5]) + 0.2
    assert (tmp_path / "model.safetensors").is_file()


def test_the_same_seed_writes_the_same_rubrics(model: str, tmp_path: Path) -> None:
    first, second = (train(model, tmp_path / name, 2) for name in ("a", "b"))
    assert first.paid == second.paid


def test_another_number_of_prompts_is_refused(model: str, tmp_path: Path) -> None:
    watched = Watched(variants=3)
    with pytest.raises(ValueError, match="2 prompt variants a step and was handed 3"):
        GRPOPolicy(model, 2, tmp_path, SETTINGS).train(
            watched.next_prompts, watched.policy_reward, 1
        )


def test_lora_trains_adapters_only(model: str, tmp_path: Path) -> None:
    train(model, tmp_path, 1, SETTINGS.model_copy(update={"lora_rank": 2}))
    assert (tmp_path / "adapter_model.safetensors").is_file()


def test_one_generation_batch_is_one_argo_step(tmp_path: Path) -> None:
    arguments = trainer_arguments(SETTINGS, 3, tmp_path, steps=5)
    assert arguments.generation_batch_size == 12
    assert arguments.max_steps == 5
    assert arguments.beta == SETTINGS.kl_to_start


def test_a_folder_may_carry_its_own_settings(tmp_path: Path) -> None:
    assert settings_of(tmp_path) == PolicySettings()
    (tmp_path / SETTINGS_FILE).write_text(SETTINGS.model_dump_json())
    assert settings_of(tmp_path) == SETTINGS
