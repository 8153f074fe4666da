"""What a judge was shown, so that none of it is taken for the judge's own verdict; pure.

    quoted = Quotable((prompt, response_a, response_b))
    quoted.holds("Verdict: A")            # whether these words stand somewhere in what was shown

Words are compared, not marks: who quotes drops asterisks, and adds quotation marks of his own. A
letter alone stands in most texts, as an article or a name, so it is looked for as an answer stands
there: in capitals, with no word after it.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from argo_audit.judges.verdict_forms import words

_WORD = re.compile(r"[^\W_]+")
_ALONE = {side: re.compile(rf"(?<![^\W_]){side}[ \t]*+(?!\w)") for side in "AB"}
NO_ACCIDENT = 4
"""Words in a row that are not met in two texts by chance."""

_REMEMBERED = 64  # questions under way, each with several replies


class Quotable:
    """The texts that a question showed."""

    def __init__(self, texts: Sequence[str]):
        self._texts = tuple(texts)
        self._words: str | None = None
        self._lines: str | None = None

    def holds(self, said: str) -> bool:
        """Whether the words stand in one of the texts, in their order and whatever their case."""
        wanted = _folded(said)
        return bool(wanted.strip()) and wanted in self._all_words()

    def is_quotation(self, line: str) -> bool:
        """Whether a line is one of a text, or a run of words long enough to be no accident."""
        wanted = _folded(line)
        return f"\n{wanted}\n" in self._all_lines() or (
            len(wanted.split()) >= NO_ACCIDENT and self.holds(line)
        )

    def answers(self, side: str) -> bool:
        """Whether the letter stands in one of the texts as an answer does."""
        return any(_ALONE[side].search(text) for text in self._texts)

    def _all_words(self) -> str:
        if self._words is None:
            self._words = "\n".join(map(_folded, self._texts))
        return self._words

    def _all_lines(self) -> str:
        if self._lines is None:
            lines = (line for text in self._texts for line in text.splitlines())
            self._lines = "\n" + "\n".join(map(_folded, lines)) + "\n"
        return self._lines


@lru_cache(_REMEMBERED)
def quotable(texts: tuple[str, ...]) -> Quotable:
    """The same for every reply to a question."""
    return Quotable(texts)


def _folded(text: str) -> str:
    return f" {' '.join(_WORD.findall(words(text).casefold()))} "
