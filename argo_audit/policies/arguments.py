"""What TRL is told: PolicySettings as a GRPOConfig.

    trainer_arguments(PolicySettings(), prompt_variants=3, folder, steps=60, processes=8)

One generation batch of TRL is one ARGO step, on any number of processes: each takes an equal share
of the step's rubrics and trains on it in as many parts as its memory asks for.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from argo_audit.errors import InputError
from argo_audit.policies.policy_settings import PolicySettings

if TYPE_CHECKING:
    from trl import GRPOConfig

_WEEK = 7 * 24 * 3600


def trainer_arguments(
    settings: PolicySettings, prompt_variants: int, folder: Path, steps: int, processes: int = 1
) -> "GRPOConfig":
    """TRL's arguments: one generation batch is one ARGO step, one group is one prompt variant.

    Deepspeed and FSDP are none of them: `accelerate launch` says so in the environment. Raises
    InputError when a step's rubrics cannot be dealt evenly to the processes.
    """
    import torch
    from trl import GRPOConfig

    rubrics = prompt_variants * settings.rubrics_per_prompt
    batch, accumulated = shares(rubrics, processes, settings.device_batch)
    on_gpu = torch.cuda.is_available()
    return GRPOConfig(
        output_dir=str(folder),
        max_steps=steps * settings.updates_per_step,
        num_generations=settings.rubrics_per_prompt,
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=accumulated,
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
        use_cpu=not on_gpu,
        activation_checkpointing=settings.gradient_checkpointing,
        dataloader_pin_memory=on_gpu,
        ddp_find_unused_parameters=False,
        ddp_timeout=_WEEK,
        save_strategy="steps",
        save_steps=settings.checkpoint_every * settings.updates_per_step,
        save_total_limit=2,
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=settings.seed,
        **_vllm(settings),
    )


def shares(rubrics: int, processes: int, most: int | None = None) -> tuple[int, int]:
    """How many rubrics a process trains on at once, and how often: the most up to `most`.

    Raises InputError when the rubrics of a step cannot be dealt evenly.
    """
    share, left = divmod(rubrics, processes)
    if left or not share:
        raise InputError(
            "rubrics_per_prompt",
            f"{rubrics} rubrics a step cannot be dealt evenly to {processes} processes",
            "choose a number of prompt variants x rubrics_per_prompt that they divide",
        )
    batch = max(n for n in range(1, min(most or share, share) + 1) if share % n == 0)
    return batch, share // batch


def _vllm(settings: PolicySettings) -> dict[str, object]:
    if settings.use_vllm == "off":
        return {}
    return {
        "use_vllm": True,
        "vllm_mode": settings.use_vllm,
        "vllm_server_base_url": settings.vllm_server_base_url,
        "vllm_gpu_memory_utilization": settings.vllm_gpu_memory_utilization,
        "vllm_tensor_parallel_size": settings.vllm_tensor_parallel_size,
        "vllm_max_model_length": settings.vllm_max_model_length,
    }
