"""A causal LM with random weights and its tokenizer on disk, made on the spot: about 0.2 MB.

folder = tiny_judge(tmp_path)
get_model(f"argo-hf/{folder}", memoize=False)
"""

from pathlib import Path

from argo_audit.reward_models.training_settings import TinyConfig

CORPUS = ("Verdict: A", "Verdict: B", "the response is short", "You compare two responses")
CONTEXT = 4096


def tiny_judge(folder: Path, seed: int = 0) -> Path:
    """Write a two-layer Llama in float32 and a byte-level BPE tokenizer with a ChatML template."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from argo_audit.reward_models.tiny import build_tokenizer

    tokenizer = build_tokenizer(CORPUS * 20, TinyConfig(vocabulary=320), CONTEXT)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=0.4,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
