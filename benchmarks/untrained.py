"""The policy that best-of-N draws from: the same writer, sampled, its weights left as they are.

    argo(UntrainedWriter(folder, settings), judge, data, config, memory)

Asked only to explore it is best-of-N; asked with feedback on earlier attempts it is a search
without the update, which separates what the prompts gain from what the training gains.
"""

from collections.abc import Sequence

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from argo_audit.policies.policy_settings import PolicySettings
from argo_audit.records import Usage
from argo_audit.reward_models.checkpoint import quiet_transformers
from argo_audit.roles import NextPrompts, PolicyReward, Proposal


class UntrainedWriter:
    """Role Policy without learning; samples as GRPO does, at the same temperature and length."""

    def __init__(self, model: str, settings: PolicySettings):
        self.name = model
        self._settings = settings
        with quiet_transformers():
            self._tokenizer = AutoTokenizer.from_pretrained(model, padding_side="left")
            self._model = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()

    def train(self, next_prompts: NextPrompts, policy_reward: PolicyReward, steps: int) -> None:
        """Draw and be paid for `steps` batches; the pay changes nothing."""
        torch.manual_seed(self._settings.seed)
        for _ in range(steps):
            if not (prompts := next_prompts()):
                return
            policy_reward(self._draw(prompts))

    @property
    def used(self) -> Usage:
        """Not counted: its calls are this process's own work."""
        return Usage()

    def resume(self, done: int) -> int:
        """Begins again: the same seed draws the same."""
        return 0

    def _draw(self, prompts: Sequence[str]) -> list[Proposal]:
        group = self._settings.rubrics_per_prompt
        asked = [[{"role": "user", "content": text}] for text in prompts for _ in range(group)]
        encoded = self._tokenizer.apply_chat_template(
            asked, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True
        )
        with torch.inference_mode():
            written = self._model.generate(
                **encoded,
                do_sample=True,
                temperature=self._settings.temperature,
                top_k=0,
                top_p=1.0,
                max_new_tokens=self._settings.max_rubric_tokens,
            )
        answers = written[:, encoded["input_ids"].shape[1] :]
        end = self._tokenizer.eos_token_id
        texts = self._tokenizer.batch_decode(answers, skip_special_tokens=True)
        return [
            Proposal(i // group, text, bool((ids == end).any()))
            for i, (text, ids) in enumerate(zip(texts, answers, strict=True))
        ]
