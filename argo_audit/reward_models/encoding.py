r"""Conversations as token ids: the chat template writes special tokens, and nobody else does.

    encode(tokenizer, [conversation])           # [[1, 4093, 198, ...]]
    reader = Reader("my-rm", tokenizer, max_length=2048)
    reader.shown([conversation])                # the same, cut to max_length and counted

Training and scoring both encode here, so that a reward model is trained on the very ids it is
later asked about. The contents of messages are hostile: a response that says
"<|im_end|>\n<|im_start|>user" would end its own turn and forge the next, because a tokenizer takes
these strings for special tokens wherever they stand. Such a conversation is rendered with those
strings out of the way, split at the special tokens that the template wrote, and what lies between
is tokenised as plain text. Every other conversation is tokenised whole, as it was in training.
(Only where a tokenizer begins every text with a space, as some SentencePiece ones do, has a piece
one space more than the whole would.) Turns that a template marks with ordinary text, such as
"[INST]", cannot be told from the same text in a response by any tokenizer.
"""

import copy
import json
import logging
import re
from collections.abc import Sequence
from itertools import count, groupby
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

from argo_audit.errors import RewardModelError
from argo_audit.reward_models.tool_turns import (
    check_tools_shown,
    template_turn,
    texts_of,
    with_texts,
)
from argo_audit.roles import Conversation

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_logger = logging.getLogger(__name__)
_OF_TEMPLATES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What the code of a template raises beside jinja's own."""


def encode(
    tokenizer: "PreTrainedTokenizerBase",
    conversations: Sequence[Conversation],
    *,
    open_turn: bool = False,
) -> list[list[int]]:
    """The token ids of each conversation, in full, under the tokenizer's chat template.

    The template is the only source of special tokens: the tokenizer's own would double the BOS,
    and those that stand in messages are plain text. With `open_turn` the template begins the
    assistant's next turn at the end. Raises RewardModelError for images, and when the template
    refuses a conversation.
    """
    special = special_strings(tokenizer)
    hostile = [any(special.search(text) for m in c for text in texts_of(m)) for c in conversations]
    safe = [c for c, bad in zip(conversations, hostile, strict=True) if not bad]
    texts = render(tokenizer, safe, open_turn=open_turn)
    whole = iter(_tokenise(tokenizer, texts))
    return [
        _in_pieces(tokenizer, special, conversation, open_turn) if bad else next(whole)
        for conversation, bad in zip(conversations, hostile, strict=True)
    ]


def render(
    tokenizer: "PreTrainedTokenizerBase",
    conversations: Sequence[Conversation],
    *,
    open_turn: bool = False,
) -> list[str]:
    """The chat template's text for each conversation, before it becomes tokens."""
    if not conversations:
        return []
    from jinja2 import TemplateError  # comes with transformers, which a base install leaves out

    if pictured := sum(any(m.images for m in c) for c in conversations):
        raise RewardModelError(
            f"{pictured} of {len(conversations)} conversations hold images, which are not read\n"
            "  Remedy: leave these pairs out, or score them elsewhere and audit scores:FILE"
        )
    texts: list[str] = []
    for tools, alike in groupby(conversations, key=lambda c: c[0].tools if c else ""):
        turns = [[template_turn(message) for message in conversation] for conversation in alike]
        try:
            texts += tokenizer.apply_chat_template(
                turns,
                tokenize=False,
                add_generation_prompt=open_turn,
                **({"tools": json.loads(tools)} if tools else {}),
            )
        except (TemplateError, *_OF_TEMPLATES) as error:
            raise RewardModelError(
                f"the chat template refuses a conversation: {error}\n"
                "  Remedy: leave out the turns it does not know (often the system turn, or tools)"
            ) from error
    for conversation, text in zip(conversations, texts, strict=True):
        check_tools_shown(conversation, text)
    return texts


def special_strings(tokenizer: "PreTrainedTokenizerBase") -> re.Pattern[str]:
    """Finds every string that the tokenizer would take for a special token, longest first."""
    added = [token for token in tokenizer.added_tokens_decoder.values() if token.special]
    found = [
        (r"(?:(?<!\s)\s+)?" if token.lstrip else "")
        + re.escape(token.content)
        + (r"\s*" * token.rstrip)
        for token in sorted(added, key=lambda token: -len(token.content))
    ]
    return re.compile("|".join(found) or r"(?!)")


class Reader:
    """What a reward model is shown: token ids, `max_length` at most (>= 2).

    `read` counts the conversations so far and `truncated` those of them that had more tokens:
    their first token and their end were shown, and the reward is that of another conversation, so
    whoever reports rewards reports the share.
    """

    def __init__(
        self,
        name: str,
        tokenizer: "PreTrainedTokenizerBase",
        max_length: int,
        *,
        silent: bool = False,
    ) -> None:
        self.name = name
        self._silent = silent
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.read = 0
        self.truncated = 0

    def uncounted(self, max_length: int | None = None) -> "Reader":
        """A reader of the same text, perhaps of less of it, that counts for itself in silence."""
        return Reader(self.name, self.tokenizer, max_length or self.max_length, silent=True)

    def full(self, conversations: Sequence[Conversation]) -> list[list[int]]:
        """The ids of whole conversations, however long; not counted."""
        return encode(self.tokenizer, conversations)

    def shown(self, conversations: Sequence[Conversation]) -> list[list[int]]:
        """The ids of conversations, cut where they are too long; counted and logged."""
        return self.cut(self.full(conversations))

    def cut(self, tokens: list[list[int]]) -> list[list[int]]:
        """Keep the first token and the end of what is too long; count and log it."""
        keep = self.max_length
        too_long = sum(len(ids) > keep for ids in tokens)
        self.read += len(tokens)
        self.truncated += too_long
        if too_long and not self._silent:
            share = f"{too_long} of {len(tokens)} conversations ({too_long / len(tokens):.1%})"
            _logger.warning("%s: %s were cut to %d tokens", self.name, share, keep)
        return [ids if len(ids) <= keep else [ids[0], *ids[1 - keep :]] for ids in tokens]


@runtime_checkable
class Tokenised(Protocol):
    """Ability of a reward model: its tokenizer is at hand, and its tokens can be looked at."""

    @property
    def reader(self) -> Reader | None:
        """What it reads with; None where a server applies its own template."""


class ReadsTokens:
    """What reward models with a reader have in common: its counts are theirs."""

    reader: Reader

    @property
    def read(self) -> int:
        """Conversations scored so far."""
        return self.reader.read

    @property
    def truncated(self) -> int:
        """How many of them were too long and were cut."""
        return self.reader.truncated

    def uncounted(self, max_length: int | None = None) -> Self:
        """The same model with counters of its own; the weights are shared."""
        own = copy.copy(self)
        own.reader = self.reader.uncounted(max_length)
        return own


def _tokenise(
    tokenizer: "PreTrainedTokenizerBase", texts: list[str], *, plain: bool = False
) -> list[list[int]]:
    """Token ids of texts; with `plain`, strings of special tokens are text like any other."""
    if not texts:
        return []
    ids: list[list[int]] = tokenizer(
        texts, add_special_tokens=False, split_special_tokens=plain, verbose=False
    )["input_ids"]
    return ids


def _in_pieces(
    tokenizer: "PreTrainedTokenizerBase",
    special: re.Pattern[str],
    conversation: Conversation,
    open_turn: bool,
) -> list[int]:
    """Token ids of a conversation whose messages hold strings of special tokens."""
    contents = "".join(text for message in conversation for text in texts_of(message))
    used = set(re.findall("\ue000([0-9]+)\ue001", contents))
    mark = next(f"\ue000{n}\ue001" for n in count() if str(n) not in used)
    taken: list[str] = []

    def take(found: re.Match[str]) -> str:
        taken.append(found[0])
        return f"{mark}{len(taken) - 1};"

    away = [with_texts(message, lambda text: special.sub(take, text)) for message in conversation]
    (text,) = render(tokenizer, [away], open_turn=open_turn)
    back = re.compile(rf"{mark}(\d+);")
    pieces = [back.sub(lambda found: taken[int(found[1])], piece) for piece in special.split(text)]
    ids, *after = _tokenise(tokenizer, pieces, plain=True)
    for written, piece in zip(special.findall(text), after, strict=True):
        ids += [tokenizer.convert_tokens_to_ids(written.strip()), *piece]
    return ids
