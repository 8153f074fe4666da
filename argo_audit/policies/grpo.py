"""A rubric writer trained by RL: TRL's GRPOTrainer, handed the two things that ARGO changes.

    policy = GRPOPolicy("Qwen/Qwen2.5-1.5B-Instruct", 4, Path("run/policy"), PolicySettings())
    policy.train(next_prompts, policy_reward, steps=60)

TRL owns the loop. It is given prompts that change (ARGO's step 4) and rewards that cost a judge
(step 2). A dataset that reads shared state is one step stale, since the data loader reads ahead; so
the trainer below writes the step's prompts into the generation batch at the moment it is generated,
which keeps prompts, rewards and TRL's own logs consistent. That hook is a private method of TRL; a
test holds it to "what was paid at step n can be read in the prompt of step n + 1". The embedded
writer and a large model go through this same file.
"""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.trainer_callback import PrinterCallback
from transformers.utils import logging as transformers_logging
from trl import GRPOConfig, GRPOTrainer

from argo_audit.policies.settings import PolicySettings
from argo_audit.records import Usage
from argo_audit.roles import NextPrompts, PolicyReward, Proposal


class GRPOPolicy:
    """The Policy role over any causal LM that transformers loads, from a folder or the hub.

    `prompt_variants` is how many prompts each step brings; the trained policy goes to `folder`.
    """

    def __init__(self, model: str, prompt_variants: int, folder: Path, settings: PolicySettings):
        self.name = model
        self._variants = prompt_variants
        self._folder = folder
        self._settings = settings

    @property
    def used(self) -> Usage:
        """Not counted."""
        return Usage()

    def resume(self, done: int) -> int:
        """See roles.Policy: training begins again, and is the same with the same seed."""
        return 0

    def train(self, next_prompts: NextPrompts, policy_reward: PolicyReward, steps: int) -> None:
        """Run `steps` GRPO iterations and save the trained policy.

        Raises ValueError when `next_prompts` returns another number of prompts.
        """
        settings = self._settings
        transformers_logging.disable_progress_bar()
        tokenizer = AutoTokenizer.from_pretrained(self.name, padding_side="left")
        model = AutoModelForCausalLM.from_pretrained(
            self.name, dtype=torch.bfloat16 if settings.bf16 else torch.float32
        )
        trainer = _ArgoTrainer(
            model=model,
            reward_funcs=_reward_function(
                policy_reward, settings.rubrics_per_prompt, tokenizer.eos_token_id
            ),
            args=trainer_arguments(settings, self._variants, self._folder, steps),
            train_dataset=_placeholder(self._variants),
            processing_class=tokenizer,
            peft_config=_lora(settings.lora_rank),
            next_prompts=next_prompts,
        )
        trainer.remove_callback(PrinterCallback)
        with warnings.catch_warnings():  # trl uses names that transformers has renamed
            warnings.simplefilter("ignore", FutureWarning)
            trainer.train()
        trainer.save_model(str(self._folder))


def trainer_arguments(
    settings: PolicySettings, prompt_variants: int, folder: Path, steps: int
) -> GRPOConfig:
    """TRL's arguments: one generation batch is one ARGO step, one group is one prompt variant."""
    return GRPOConfig(
        output_dir=str(folder),
        max_steps=steps * settings.updates_per_step,
        num_generations=settings.rubrics_per_prompt,
        per_device_train_batch_size=prompt_variants * settings.rubrics_per_prompt,
        gradient_accumulation_steps=1,
        num_iterations=settings.updates_per_step,
        max_completion_length=settings.max_rubric_tokens,
        temperature=settings.temperature,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="constant",
        beta=settings.kl_to_start,
        epsilon=settings.clip,
        shuffle_dataset=False,
        scale_rewards="batch",
        bf16=settings.bf16,
        use_cpu=not torch.cuda.is_available(),
        gradient_checkpointing=False,
        activation_checkpointing=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=settings.seed,
    )


class _ArgoTrainer(GRPOTrainer):  # type: ignore[misc]  # trl ships no types
    """GRPOTrainer that asks for fresh prompts each time it generates."""

    def __init__(self, *args: Any, next_prompts: NextPrompts, **kwargs: Any):
        self._next_prompts = next_prompts
        super().__init__(*args, **kwargs)

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        prompts = self._next_prompts()
        if len(prompts) * self.num_generations != len(inputs):
            raise ValueError(
                f"the policy is set to {len(inputs) // self.num_generations} prompt variants a "
                f"step and was handed {len(prompts)}"
            )
        fresh = [
            {**row, "prompt": [{"role": "user", "content": prompts[i // self.num_generations]}]}
            for i, row in enumerate(inputs)
        ]
        scored: dict[str, Any] = super()._generate_and_score_completions(fresh)
        return scored


def _reward_function(
    policy_reward: PolicyReward, rubrics_per_prompt: int, end: int
) -> Callable[..., list[float]]:
    def rubric_reward(
        completions: Sequence[list[dict[str, str]]],
        completion_ids: Sequence[Sequence[int]],
        **_: object,
    ) -> list[float]:
        written = zip(completions, completion_ids, strict=True)
        return policy_reward(
            [
                Proposal(i // rubrics_per_prompt, completion[0]["content"], end in ids)
                for i, (completion, ids) in enumerate(written)
            ]
        )

    return rubric_reward


def _placeholder(prompts: int) -> Dataset:
    """TRL wants a dataset of prompts; each is replaced before it is used."""
    rows = [[{"role": "user", "content": f"prompt variant {i}"}] for i in range(prompts)]
    return Dataset.from_dict({"prompt": rows})


def _lora(rank: int) -> LoraConfig | None:
    if rank == 0:
        return None
    return LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )
