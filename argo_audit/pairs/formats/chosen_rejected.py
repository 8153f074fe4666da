"""Rows with a chosen and a rejected response, in the field's four customs.

- trl: TRL's preference format (trl 1.16, "Dataset formats"; on the hub trl-lib/* and most others).
  `prompt` is a text or messages, `chosen` and `rejected` texts or messages; messages may hold the
  prompt themselves, which is then what they share. Without a prompt two texts are refused: where a
  prompt ends and two answers begin alike cannot be told.
- ultrafeedback: HuggingFaceH4/ultrafeedback_binarized and trl-lib/ultrafeedback_binarized, with
  `score_chosen` and `score_rejected` by GPT-4. They become rewards of the label source "gpt-4"; at
  equal scores the choice was arbitrary, so that is a tie.
- rewardbench: allenai/reward-bench, with `chosen_model`, `rejected_model` and `subset`.
- hh: Anthropic/hh-rlhf, whole transcripts; all before the last turn of the assistant is the prompt.

Letters are drawn (`labelled.by_coin`). `margin` is what TRL's reward trainer subtracts from the
reward difference in its loss, -log sigmoid(r_chosen - r_rejected - margin): by how much a model
should tell the two apart, in units of its own reward. It is not log-odds, as sigmoid would take it:
margin 0, the least, would turn a plain preference into a tie. So the label stays 1 and the margin
becomes a slice, the same for either order of the letters.
"""

from collections.abc import Mapping

from argo_audit.pairs.formats.conversations import Turn, is_transcript, messages, parted, transcript
from argo_audit.pairs.formats.labelled import (
    LabelledPair,
    PairFormat,
    Prompt,
    Row,
    Target,
    by_coin,
    models,
    user,
)
from argo_audit.records import HUMAN

GPT_4 = "gpt-4"

Text = str | tuple[Turn, ...]


class _Trl(Row):
    id: str | int | None = None
    prompt: Text | None = None
    chosen: Text
    rejected: Text
    margin: float | None = None

    def labelled(self) -> LabelledPair:
        slices = {} if self.margin is None else {"margin": f"{self.margin:g}"}
        return self._pair(self.id, slices)

    def _pair(self, given_id: str | int | None, slices: Mapping[str, str]) -> LabelledPair:
        prompt, (chosen, rejected) = _prompt_and_responses(self.prompt, self.chosen, self.rejected)
        return by_coin(
            prompt,
            chosen,
            rejected,
            self._labels(),
            id=None if given_id is None else str(given_id),
            slices=slices,
        )

    def _labels(self) -> Mapping[str, float | Target]:
        return {HUMAN: 1.0}


class _UltraFeedback(_Trl):
    prompt_id: str | None = None
    score_chosen: float
    score_rejected: float

    def labelled(self) -> LabelledPair:
        return self._pair(self.prompt_id or self.id, {})

    def _labels(self) -> Mapping[str, float | Target]:
        scores = (self.score_chosen, self.score_rejected)
        return {GPT_4: Target(p_a=0.5 if scores[0] == scores[1] else 1.0, rewards=scores)}


class _RewardBench(_Trl):
    chosen_model: str
    rejected_model: str
    subset: str

    def labelled(self) -> LabelledPair:
        both = models(self.chosen_model, self.rejected_model)
        return self._pair(self.id, {"subset": self.subset} | both)


class _Transcripts(Row):
    chosen: str
    rejected: str

    def labelled(self) -> LabelledPair:
        prompt, responses = parted(transcript(self.chosen), transcript(self.rejected))
        return by_coin(prompt, *responses, {HUMAN: 1.0})


def _are_transcripts(row: Mapping[str, object]) -> bool:
    return "prompt" not in row and is_transcript(row["chosen"])


def _prompt_and_responses(
    prompt: Text | None, chosen: Text, rejected: Text
) -> tuple[Prompt, tuple[str, str]]:
    if isinstance(chosen, str) and isinstance(rejected, str):
        if prompt is None:
            raise ValueError("there is no prompt beside the two texts")
        return _as_messages(prompt), (chosen, rejected)
    if isinstance(chosen, str) or isinstance(rejected, str):
        raise ValueError("one response is a text, the other a list of messages")
    before = () if prompt is None else _as_messages(prompt)
    return parted(*(_after(before, prompt, messages(turns)) for turns in (chosen, rejected)))


def _as_messages(prompt: Text) -> Prompt:
    return user(prompt) if isinstance(prompt, str) else messages(prompt)


def _after(before: Prompt, prompt: Text | None, turns: Prompt) -> Prompt:
    """The whole conversation: a prompt that is also in the messages is not said twice."""
    has_prompt = len(turns) > 1 and (isinstance(prompt, str) or turns[: len(before)] == before)
    return turns if has_prompt else (*before, *turns)


TRL = PairFormat("trl", _Trl)
ULTRAFEEDBACK = PairFormat("ultrafeedback", _UltraFeedback)
REWARDBENCH = PairFormat("rewardbench", _RewardBench)
HH = PairFormat("hh", _Transcripts, _are_transcripts)
