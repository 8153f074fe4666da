"""The policy under TRL: prompts are fresh, rewards reach the weights, a killed run goes on."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_audit.errors import InputError, RunFolderError
from argo_audit.policies.arguments import shares, trainer_arguments
from argo_audit.policies.checkpoints import seal
from argo_audit.policies.policy_names import policy_model
from argo_audit.policies.policy_settings import SETTINGS_FILE, PolicySettings, settings_of
from argo_audit.roles import Proposal

if TYPE_CHECKING:
    import torch

    from argo_audit.policies.grpo import GRPOPolicy

pytestmark = pytest.mark.usefixtures("train")

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
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from argo_audit.organism.writer import train_tokenizer

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


def policy_of(
    model: str, folder: Path, settings: PolicySettings = SETTINGS, variants: int = 2
) -> "GRPOPolicy":
    from argo_audit.policies.grpo import GRPOPolicy

    return GRPOPolicy(model, variants, folder, settings)


def train(model: str, folder: Path, steps: int, settings: PolicySettings = SETTINGS) -> Watched:
    watched = Watched()
    policy = policy_of(model, folder, settings, watched.variants)
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
        policy_of(model, tmp_path).train(watched.next_prompts, watched.policy_reward, 1)


def test_lora_trains_adapters_only(model: str, tmp_path: Path) -> None:
    train(model, tmp_path, 1, SETTINGS.model_copy(update={"lora_rank": 2}))
    assert (tmp_path / "adapter_model.safetensors").is_file()


# Stopping and going on


class KilledError(Exception):
    """Stands for kill -9: nothing after it is written."""


class Remembering(Watched):
    """Prompts that depend on all that was written before; killed while it pays step `killed`."""

    def __init__(self, paid: Sequence[list[Proposal]] = (), killed: int | None = None):
        super().__init__()
        self.paid, self.killed = list(paid), killed

    def next_prompts(self) -> list[str]:
        last = self.paid[-1][0].text if self.paid else ""
        self.asked.append([f"step {len(self.paid)} variant {v} {last}" for v in range(2)])
        return self.asked[-1]

    def policy_reward(self, proposals: Sequence[Proposal]) -> list[float]:
        if len(self.paid) == self.killed:
            raise KilledError
        return super().policy_reward(proposals)


def run_to(steps: int, policy: "GRPOPolicy", watched: Remembering) -> Remembering:
    if watched.killed is None:
        policy.train(watched.next_prompts, watched.policy_reward, steps)
    else:
        with pytest.raises(KilledError):
            policy.train(watched.next_prompts, watched.policy_reward, steps)
    return watched


def weights(folder: Path) -> dict[str, "torch.Tensor"]:
    from safetensors.torch import load_file

    (file,) = folder.glob("*.safetensors")
    return dict(load_file(file))


def equal(first: dict[str, "torch.Tensor"], second: dict[str, "torch.Tensor"]) -> bool:
    return first.keys() == second.keys() and all(w.equal(second[k]) for k, w in first.items())


@pytest.mark.parametrize(
    "change",
    [{"updates_per_step": 2}, {"lora_rank": 2, "kl_to_start": 0.1}, {"device_batch": 2}],
    ids=str,
)
def test_a_killed_run_goes_on_as_if_it_had_not_been(
    model: str, tmp_path: Path, change: dict[str, object]
) -> None:
    settings = SETTINGS.model_copy(update=change)
    whole = run_to(4, policy_of(model, tmp_path / "whole", settings), Remembering())
    folder = tmp_path / "killed"
    before = run_to(4, policy_of(model, folder, settings), Remembering(killed=2))
    again = policy_of(model, folder, settings)
    assert again.resume(2) == 2
    after = run_to(4, again, Remembering(before.paid))
    assert after.asked == whole.asked[2:]
    assert after.paid == whole.paid
    assert equal(weights(folder), weights(tmp_path / "whole"))


def test_the_embedded_writer_goes_on_as_if_it_had_not_been_killed(tmp_path: Path) -> None:
    model = policy_model("embedded")
    settings = settings_of(model).model_copy(
        update={"rubrics_per_prompt": 2, "max_rubric_tokens": 24, "checkpoint_every": 2}
    )
    whole = run_to(6, policy_of(model, tmp_path / "whole", settings), Remembering())
    folder = tmp_path / "killed"
    before = run_to(6, policy_of(model, folder, settings), Remembering(killed=3))
    again = policy_of(model, folder, settings)
    assert again.resume(3) == 2
    after = run_to(6, again, Remembering(before.paid[:2]))
    assert after.asked == whole.asked[2:]
    assert after.paid == whole.paid
    assert equal(weights(folder), weights(tmp_path / "whole"))


def test_a_checkpoint_that_was_being_written_is_passed_over(model: str, tmp_path: Path) -> None:
    before = run_to(6, policy_of(model, tmp_path), Remembering(killed=3))
    (tmp_path / "checkpoint-3" / "optimizer.pt").unlink()
    again = policy_of(model, tmp_path)
    assert again.resume(3) == 2
    after = run_to(4, again, Remembering(before.paid[:2]))
    assert after.paid[2] == before.paid[2]
    shutil.rmtree(tmp_path)
    assert policy_of(model, tmp_path).resume(3) == 0


def test_a_trained_policy_has_no_checkpoints_and_nothing_left_to_train(
    model: str, tmp_path: Path
) -> None:
    train(model, tmp_path, 2)
    assert not list(tmp_path.glob("checkpoint-*"))
    policy, watched = policy_of(model, tmp_path), Watched()
    assert policy.resume(2) == 2
    policy.train(watched.next_prompts, watched.policy_reward, 2)
    assert watched.asked == []


def test_one_killed_between_its_last_step_and_the_end_is_saved(model: str, tmp_path: Path) -> None:
    run_to(3, policy_of(model, tmp_path), Remembering(killed=2))
    policy, watched = policy_of(model, tmp_path), Watched()
    assert policy.resume(2) == 2
    policy.train(watched.next_prompts, watched.policy_reward, 2)
    assert watched.asked == []
    assert (tmp_path / "model.safetensors").is_file()


def test_without_prompts_training_ends_and_can_go_on(model: str, tmp_path: Path) -> None:
    class Brief(Watched):
        def next_prompts(self) -> list[str]:
            return [] if len(self.paid) == 2 else super().next_prompts()

    brief, policy = Brief(), policy_of(model, tmp_path)
    policy.train(brief.next_prompts, brief.policy_reward, 5)
    assert len(brief.paid) == 2
    assert (tmp_path / "model.safetensors").is_file()
    assert policy_of(model, tmp_path).resume(2) == 2
    assert policy.used.calls == 2 * 8
    assert policy.used.input_tokens > policy.used.calls
    assert 0 < policy.used.output_tokens <= policy.used.calls * SETTINGS.max_rubric_tokens


def test_a_prompt_beyond_the_context_is_cut_and_said_to_be(
    model: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Long(Watched):
        def next_prompts(self) -> list[str]:
            return ["lists " * 1000, "short"]

    policy, long = policy_of(model, tmp_path), Long()
    policy.train(long.next_prompts, long.policy_reward, 1)
    assert policy.used.input_tokens <= 4 * 248 + 4 * 30
    assert caplog.text.count("there is room for 248") == 1


def test_what_is_no_chat_model_is_refused(model: str, tmp_path: Path) -> None:
    watched = Watched()
    base = shutil.copytree(model, tmp_path / "base")
    (base / "chat_template.jinja").unlink()
    for folder, problem in ((base, "no chat template"), (tmp_path / "absent", "cannot be loaded")):
        policy = policy_of(str(folder), tmp_path / "policy")
        with pytest.raises(InputError, match=problem):
            policy.train(watched.next_prompts, watched.policy_reward, 1)


# What TRL is told


@pytest.mark.parametrize("mode", ["colocate", "server"])
def test_generation_with_vllm(tmp_path: Path, mode: str) -> None:
    settings = SETTINGS.model_copy(
        update={
            "use_vllm": mode,
            "vllm_server_base_url": "http://gpu-7:8000",
            "vllm_gpu_memory_utilization": 0.5,
            "vllm_max_model_length": 4096,
            "gradient_checkpointing": True,
        }
    )
    arguments = trainer_arguments(settings, 3, tmp_path, steps=5)
    assert (arguments.use_vllm, arguments.vllm_mode) == (True, mode)
    assert arguments.vllm_server_base_url == "http://gpu-7:8000"
    assert arguments.vllm_gpu_memory_utilization == 0.5
    assert arguments.vllm_max_model_length == 4096
    assert arguments.activation_checkpointing
    assert arguments.generation_batch_size == 12


@pytest.mark.parametrize("most", [None, 12, 5, 1])
@pytest.mark.parametrize("updates", [1, 3])
def test_one_step_is_one_generation_batch(tmp_path: Path, most: int | None, updates: int) -> None:
    """Also when it is trained on in several parts; tests/test_follow.py has several processes."""
    settings = SETTINGS.model_copy(update={"device_batch": most, "updates_per_step": updates})
    arguments = trainer_arguments(settings, 3, tmp_path, steps=5)
    assert arguments.generation_batch_size == 12
    assert arguments.steps_per_generation == arguments.gradient_accumulation_steps
    assert arguments.per_device_train_batch_size <= (most or 12)
    assert (arguments.max_steps, arguments.save_steps) == (5 * updates, updates)


@given(st.integers(1, 60), st.integers(1, 12), st.none() | st.integers(1, 60))
def test_shares_use_every_rubric_once(rubrics: int, processes: int, most: int | None) -> None:
    if rubrics % processes:
        with pytest.raises(InputError, match="dealt evenly"):
            shares(rubrics, processes, most)
        return
    batch, accumulated = shares(rubrics, processes, most)
    assert batch * accumulated * processes == rubrics
    assert batch <= (most or rubrics)


def test_a_folder_may_carry_its_own_settings(tmp_path: Path) -> None:
    assert settings_of(tmp_path) == PolicySettings()
    (tmp_path / SETTINGS_FILE).write_text(SETTINGS.model_dump_json())
    assert settings_of(tmp_path) == SETTINGS


class Acts:
    """What a stranger may put where numbers were."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("file", ["optimizer.pt", "scheduler.pt", "rng_state.pth"])
def test_a_checkpoint_runs_no_code(model: str, tmp_path: Path, file: str) -> None:
    """Of a found folder a checkpoint is numbers; what is more is not loaded."""
    import torch

    from argo_audit.policies.grpo import GRPOPolicy

    folder, mark = tmp_path / "policy", tmp_path / "acted"
    before = run_to(6, GRPOPolicy(model, 2, folder, SETTINGS), Remembering(killed=2))
    (whole,) = [path for path in folder.glob("checkpoint-*") if path.name.endswith("2")]
    torch.save(Acts(mark), whole / file)
    (whole / "evil.py").write_text(f"open({str(mark)!r}, 'w')")
    seal(whole, 2)
    again = GRPOPolicy(model, 2, folder, SETTINGS)
    assert again.resume(2) == 2
    with pytest.raises(RunFolderError, match="more than numbers"):
        again.train(Remembering().next_prompts, Remembering(before.paid).policy_reward, 4)
    assert not mark.exists()
