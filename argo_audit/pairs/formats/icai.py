r"""The CSV of Inverse Constitutional AI (rdnfn/icai, data/processed/README.md).

`preferred_text` is text_a, text_b, tie or "tie (bothbad)". The format has no prompt of its own:

- where both texts are transcripts ("\n\nHuman: ..."), the prompt is what they share;
- else it is the column `prompt` or `input`, which its files have when there is one;
- else nothing is known of it. A stand-in that names the pair then takes its place, so that such
  pairs count as independent of each other, and can be split.
"""

from typing import Literal

from argo_audit.pairs.formats.conversations import parted
from argo_audit.pairs.formats.labelled import (
    BOTH_BAD,
    Answer,
    LabelledPair,
    Prompt,
    content_id,
    labelled_pair,
    models,
    user,
)
from argo_audit.pairs.formats.rows import PairFormat, Row
from argo_audit.pairs.formats.transcripts import is_transcript, transcript
from argo_audit.records import HUMAN


class _Icai(Row):
    index: str | int | None = None
    text_a: str
    text_b: str
    preferred_text: Literal["text_a", "text_b", "tie", "tie (bothbad)"]
    prompt: str | None = None
    input: str | None = None
    model_a: str | None = None
    model_b: str | None = None

    def labelled(self) -> LabelledPair:
        prompt, texts = self._prompt_and_texts()
        both_bad = {"tie": BOTH_BAD} if self.preferred_text == "tie (bothbad)" else {}
        return labelled_pair(
            prompt,
            texts,
            {HUMAN: {"text_a": 1.0, "text_b": 0.0}.get(self.preferred_text, 0.5)},
            id=None if self.index is None else str(self.index),
            slices=models(self.model_a, self.model_b) | both_bad,
        )

    def _prompt_and_texts(self) -> tuple[Prompt, tuple[str | Answer, str | Answer]]:
        texts = (self.text_a, self.text_b)
        given = self.prompt or self.input
        if self.prompt and self.input and self.prompt != self.input:
            raise ValueError("the columns 'prompt' and 'input' say different things")
        if all(map(is_transcript, texts)):
            found = parted(transcript(self.text_a), transcript(self.text_b))
            if given and given.strip() not in found.prompt[-1].content:
                raise ValueError("the prompt is not what the transcripts say")
            return found
        return user(given or f"(no prompt was given; pair {content_id((), texts)})"), texts


ICAI = PairFormat(
    "icai",
    _Icai,
    data_sets="CSV of Inverse Constitutional AI (rdnfn/icai)",
    reads="`text_a`, `text_b` as texts or transcripts; `preferred_text` -> human, ties; `prompt` "
    "or `input`, `index`; slices `models` (`model_a`, `model_b`), `tie`",
)
