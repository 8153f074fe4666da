"""What a model's tables allow: how many tokens it can place, and with which of them it can pad.

    longest_input(model, tokenizer)           # 512, of a RoBERTa whose configuration says 514
    mend_padding(config)                      # an id outside the vocabulary is no padding token
    padding_token(model, tokenizer)           # None: one conversation at a time

Both are numbers in a configuration that nothing checks, and an index outside a table is a crash in
the middle of an audit, on a GPU of all that runs on it.
"""

from torch.nn import Embedding
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

_UNSET_LENGTH = 1_000_000  # a tokenizer without a limit says 10**30
_PLACES = "position_embeddings"


def longest_input(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """Tokens that both the model's positions and the tokenizer allow."""
    config = model.config.get_text_config()
    positions = getattr(config, "max_position_embeddings", _UNSET_LENGTH)
    limits = (positions, places(model), tokenizer.model_max_length)
    return int(min(limit for limit in (*limits, _UNSET_LENGTH) if limit))


def places(model: PreTrainedModel) -> int | None:
    """Rows of a table of learned positions that a token can have; None without such a table.

    A table with a padding row numbers positions from behind it, as RoBERTa does: of its 514 rows
    512 can be used. Positions that are computed (rotary ones) have no table.
    """
    tables = [
        table
        for name, table in model.named_modules()
        if name.rpartition(".")[2] == _PLACES and isinstance(table, Embedding)
    ]
    rows = [t.num_embeddings - (0 if t.padding_idx is None else t.padding_idx + 1) for t in tables]
    return min(rows, default=None)


def mend_padding(config: PretrainedConfig) -> None:
    """Leave out a padding id that the embedding table does not have: it would not even load."""
    text = config.get_text_config()
    if not _within(text.pad_token_id, getattr(text, "vocab_size", None)):
        text.pad_token_id = None


def padding_token(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int | None:
    """The token to pad with, made known to the model; None when neither side has one.

    A causal classifier reads its reward at the last token that is not padding. Taking EOS for
    padding, as is often done, would move that position in conversations that end with EOS.
    """
    text = model.config.get_text_config()
    rows = model.get_input_embeddings().num_embeddings
    known = (text.pad_token_id, tokenizer.pad_token_id)
    text.pad_token_id = next((i for i in known if i is not None and _within(i, int(rows))), None)
    pad: int | None = text.pad_token_id
    return pad


def _within(token: int | None, rows: int | None) -> bool:
    return token is None or rows is None or 0 <= token < rows
