"""Rows with a chosen and a rejected response, in the field's customs.

- trl: TRL's preference format (trl 1.16, "Dataset formats"; on the hub trl-lib/* and most others).
  `prompt` is a text or messages, `chosen` and `rejected` texts or messages; messages may hold the
  prompt themselves, which is then what they share. Without a prompt two texts are refused: where a
  prompt ends and two answers begin alike cannot be told.
- ultrafeedback: HuggingFaceH4/ultrafeedback_binarized and trl-lib/ultrafeedback_binarized, with
  `score_chosen` and `score_rejected` by GPT-4. They become rewards of the label source "gpt-4"; at
  equal scores the choice was arbitrary, so that is a tie.
- argilla: exports of argilla and distilabel, the same with other names for the ratings; the label
  source is the model that labelled (`labelling_model`), else "ai".
- rewardbench: allenai/reward-bench, with `chosen_model`, `rejected_model` and `subset`.
- hh: Anthropic/hh-rlhf, whole transcripts; all before the last turn of the assistant is the prompt.

A row that chose the response with the lower score contradicts itself, and is refused. Letters are
drawn (`labelled.by_coin`). `margin` is what TRL's reward trainer subtracts from the reward
difference in its loss, -log sigmoid(r_chosen - r_rejected - margin): by how much a model should
tell the two apart, in units of its own reward. It is not log-odds, as sigmoid would take it: margin
0, the least, would turn a plain preference into a tie. So the label stays 1 and the margin becomes
a slice, the same for either order of the letters.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from argo_audit.pairs.formats.asked_before import PROMPTS, SYSTEM, AskedRow
from argo_audit.pairs.formats.conversations import parted
from argo_audit.pairs.formats.labelled import (
    LabelledPair,
    Target,
    by_coin,
    models,
)
from argo_audit.pairs.formats.rows import PairFormat, Row
from argo_audit.pairs.formats.transcripts import is_transcript, transcript
from argo_audit.pairs.formats.turns import Text, messages
from argo_audit.records import HUMAN

GPT_4 = "gpt-4"
AI = "ai"
_ID = Annotated[str | None, BeforeValidator(lambda given: None if given is None else str(given))]
_BEST = {"chosen_response": "chosen", "rejected_response": "rejected", "image": "images"}
_ASKED = PROMPTS | SYSTEM | _BEST
_RATINGS = {
    f"{first}{mark}{second}": f"score_{side}"
    for side in ("chosen", "rejected")
    for word in ("rating", "score", "avg_rating")
    for first, second in ((side, word), (word, side))
    for mark in ("_", "-")
} | {"chosen-model": "chosen_model", "rejected-model": "rejected_model"}
_OURS = ("score_chosen", "score_rejected")


class _Trl(AskedRow):
    aliases: ClassVar[Mapping[str, str]] = _ASKED

    id: _ID = None
    chosen: Text
    rejected: Text
    input: str | None = None
    chosen_model: str | None = None
    rejected_model: str | None = None
    margin: float | None = None

    def labelled(self) -> LabelledPair:
        asked = self._instructed().asked(self.chosen, self.rejected)
        return by_coin(
            asked.prompt,
            asked.chosen,
            asked.rejected,
            self._labels(),
            id=self._id(),
            slices=self._slices() | models(self.chosen_model, self.rejected_model),
        )

    def _instructed(self) -> AskedRow:
        """An instruction and its input are one prompt; an input alone is the prompt."""
        if self.input is None:
            return self
        if not isinstance(self.prompt, str | None):
            raise ValueError("there is an input beside a prompt of messages")
        both = "\n\n".join(text for text in (self.prompt, self.input) if text)
        return self.model_copy(update={"prompt": both})

    def _id(self) -> str | None:
        return self.id

    def _slices(self) -> dict[str, str]:
        return {} if self.margin is None else {"margin": f"{self.margin:g}"}

    def _labels(self) -> Mapping[str, float | Target]:
        return {HUMAN: 1.0}


class _Scored(_Trl):
    prompt_id: str | None = None

    def _id(self) -> str | None:
        return self.prompt_id or self.id

    def _source(self) -> str:
        return GPT_4

    @abstractmethod
    def _scores(self) -> tuple[float, float]:
        """Of the chosen and of the rejected response."""

    def _labels(self) -> Mapping[str, float | Target]:
        scores = self._scores()
        if scores[0] < scores[1]:
            said = f"{scores[0]:g} against {scores[1]:g}"
            raise ValueError(f"the chosen response has the lower score ({said})")
        return {self._source(): Target(p_a=0.5 if scores[0] == scores[1] else 1.0, rewards=scores)}


class _UltraFeedback(_Scored):
    score_chosen: float
    score_rejected: float

    def _scores(self) -> tuple[float, float]:
        return self.score_chosen, self.score_rejected


class _Argilla(_Scored):
    aliases: ClassVar[Mapping[str, str]] = _ASKED | _RATINGS

    score_chosen: float | None = None
    score_rejected: float | None = None
    generations: tuple[str, ...] | None = None
    rating: tuple[float, ...] | None = None
    labelling_model: str | None = None
    status: str | None = None

    def _scores(self) -> tuple[float, float]:
        """Those of the two responses, or of the generations that they were."""
        if self.score_chosen is not None and self.score_rejected is not None:
            return self.score_chosen, self.score_rejected
        both = zip(self.generations or (), self.rating or (), strict=False)
        found = {text.strip(): rating for text, rating in both}
        named = [_text(response) for response in (self.chosen, self.rejected)]
        if not found.keys() >= set(named):
            raise ValueError("the ratings are of generations that are not the responses")
        return found[named[0]], found[named[1]]

    def _source(self) -> str:
        return self.labelling_model or AI

    def _slices(self) -> dict[str, str]:
        return super()._slices() | ({"status": self.status} if self.status else {})


class _RewardBench(_Trl):
    chosen_model: str
    rejected_model: str
    subset: str

    def _slices(self) -> dict[str, str]:
        return super()._slices() | {"subset": self.subset}


class _Transcripts(Row):
    chosen: str
    rejected: str

    def labelled(self) -> LabelledPair:
        prompt, responses = parted(transcript(self.chosen), transcript(self.rejected))
        return by_coin(prompt, *responses, {HUMAN: 1.0})


def _are_transcripts(row: Mapping[str, object]) -> bool:
    return "prompt" not in row and is_transcript(row["chosen"])


def _one_of_each(row: Mapping[str, object]) -> bool:
    """Not lists of texts, which are several responses."""
    return not any(is_listed_texts(row.get(name)) for name in ("chosen", "rejected"))


def is_listed_texts(cell: object) -> bool:
    """Whether a cell is a list of texts."""
    return isinstance(cell, list) and bool(cell) and all(isinstance(text, str) for text in cell)


def _rated(row: Mapping[str, object]) -> bool:
    """Both scores under other names than ours, or the generations and their ratings."""
    names = {_RATINGS.get(name, name) for name in row}
    rated = names.issuperset(_OURS) or names.issuperset(("generations", "rating"))
    return _one_of_each(row) and rated and not any(name in row for name in _OURS)


def _text(response: Text) -> str:
    return (response if isinstance(response, str) else messages(response)[-1].text).strip()


TRL = PairFormat(
    "trl",
    _Trl,
    _one_of_each,
    drawn=True,
    data_sets="TRL's preference format: trl-lib/*, jondurbin/truthy-dpo-v0.1, Intel/orca_dpo_pairs",
    reads="`prompt` (also `question`, `instruction` with `input`) as text, transcript or messages; "
    "`system`, `history`, `tools`, `images`; `chosen`, `rejected` as texts or messages -> human; "
    "slices `margin`, `models`",
    leaves="`source` and every other column",
)
ULTRAFEEDBACK = PairFormat(
    "ultrafeedback",
    _UltraFeedback,
    _one_of_each,
    drawn=True,
    data_sets="HuggingFaceH4/ultrafeedback_binarized, trl-lib/ultrafeedback_binarized",
    reads="as trl; `prompt_id`; `score_chosen`, `score_rejected` -> gpt-4 with rewards, ties",
    leaves="`messages`",
)
ARGILLA = PairFormat(
    "argilla",
    _Argilla,
    _rated,
    drawn=True,
    data_sets="argilla/dpo-mix-7k, argilla/ultrafeedback-binarized-preferences(-cleaned), "
    "argilla/distilabel-intel-orca-dpo-pairs, argilla/distilabel-capybara-dpo-7k-binarized",
    reads="as trl; `chosen_rating`, `rating_chosen`, `chosen-rating`, `chosen_score`, "
    "`chosen_avg_rating` and those of rejected, or the `rating` of `generations` -> "
    "`labelling_model`, else ai, with rewards, ties; slice `status`",
    leaves="`order`, `rationale`, `raw_*`, `original_*`, `dataset`, `in_gsm8k_train`",
)
REWARDBENCH = PairFormat(
    "rewardbench",
    _RewardBench,
    _one_of_each,
    drawn=True,
    data_sets="allenai/reward-bench",
    reads="as trl; slices `subset`, `models`",
)
HH = PairFormat(
    "hh",
    _Transcripts,
    _are_transcripts,
    drawn=True,
    data_sets="Anthropic/hh-rlhf",
    reads="`chosen`, `rejected` as whole transcripts -> human",
)
