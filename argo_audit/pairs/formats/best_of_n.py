"""Rows with several answers to one prompt, of which every two make a pair.

- rewardbench2: allenai/reward-bench-2. `chosen` and `rejected` are lists of texts: each chosen one
  is better than each rejected one, and in the subset Ties the chosen ones are equally good.
- ultrafeedback-raw: openbmb/UltraFeedback. `completions` with an `overall_score` by GPT-4.
- nectar: berkeley-nest/Nectar. `answers` with the `rank` that GPT-4 gave them, 1 the best.
- distilabel: `generations` and their `ratings`, as distilabel's UltraFeedback step writes them.

Letters are drawn. Answers that say the same make no pair; how many these are is told.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from argo_audit.pairs.formats.asked_before import PROMPTS, SYSTEM, prompt_of
from argo_audit.pairs.formats.chosen_rejected import AI, GPT_4, is_listed_texts
from argo_audit.pairs.formats.labelled import (
    Answer,
    LabelledPair,
    Rated,
    Read,
    by_coin,
    compared,
    models,
    plain_problem,
)
from argo_audit.pairs.formats.rows import Open, PairFormat, Row
from argo_audit.pairs.formats.turns import parsed
from argo_audit.records import HUMAN


def _listed(value: object) -> object:
    read = parsed(value) if isinstance(value, str) else value
    return value if read is None else read


_Texts = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1, max_length=64)]


class _RewardBench2(Row):
    aliases: ClassVar[Mapping[str, str]] = PROMPTS | SYSTEM

    id: str | int | None = None
    prompt: str
    system: str | None = None
    chosen: _Texts
    rejected: _Texts
    models: tuple[str, ...] | None = None
    subset: str = ""

    def read(self) -> Read:
        """Each chosen one with each rejected one; of the ties, every two chosen ones too."""
        chosen = [(n, text, 1.0) for n, text in enumerate(self.chosen)]
        others = [(n, text, 0.0) for n, text in enumerate(self.rejected, len(chosen))]
        wanted = [(one, two) for one in chosen for two in others]
        if self.subset == "Ties":
            wanted += [(one, two) for n, one in enumerate(chosen) for two in chosen[n + 1 :]]
        pairs, left_out = [], []
        for one, two in wanted:
            try:
                pairs.append(self._pair(one, two))
            except ValueError as error:
                left_out.append(f"answers {one[0] + 1} and {two[0] + 1}: {plain_problem(error)}")
        if not pairs:
            raise ValueError(left_out[0])
        return Read(tuple(pairs), tuple(left_out))

    def _pair(self, one: tuple[int, str, float], two: tuple[int, str, float]) -> LabelledPair:
        (i, first, good), (j, second, other) = one, two
        by = self.models or ()
        whole = len(by) == len(self.chosen) + len(self.rejected)
        return by_coin(
            prompt_of(self.prompt, self.system),
            first,
            second,
            {HUMAN: 0.5 + (good - other) / 2},
            id=None if self.id is None else f"{self.id}-{i + 1}-{j + 1}",
            slices=({"subset": self.subset} if self.subset else {})
            | (models(by[i], by[j]) if whole else {}),
        )


class _Completion(Open):
    response: str
    model: str | None = None
    overall_score: float


class _UltraFeedbackRaw(Row):
    instruction: str
    completions: Annotated[tuple[_Completion, ...], Field(min_length=2)]
    source: str = ""

    def read(self) -> Read:
        """Every two completions."""
        rated = [Rated(Answer(c.response), c.overall_score, c.model) for c in self.completions]
        slices = {"source": self.source} if self.source else {}
        return compared(prompt_of(self.instruction), rated, GPT_4, rewards=True, slices=slices)


class _Ranked(Open):
    answer: str
    rank: float
    model: str | None = None


class _Nectar(Row):
    prompt: str
    answers: Annotated[tuple[_Ranked, ...], Field(min_length=2)]

    def read(self) -> Read:
        """Every two answers."""
        rated = [Rated(Answer(a.answer), -a.rank, a.model) for a in self.answers]
        return compared(prompt_of(self.prompt), rated, GPT_4)


class _Distilabel(Row):
    aliases: ClassVar[Mapping[str, str]] = (
        PROMPTS | SYSTEM | {"generation_models": "models", "model_names": "models"}
    )

    prompt: str
    system: str | None = None
    generations: _Texts
    ratings: Annotated[tuple[float, ...], BeforeValidator(_listed)]
    models: tuple[str, ...] | None = None
    model_name: str | None = None

    def read(self) -> Read:
        """Every two generations."""
        if len(self.ratings) != len(self.generations):
            counts = f"{len(self.generations)} generations and {len(self.ratings)} ratings"
            raise ValueError(f"there are {counts}")
        by = self.models if self.models and len(self.models) == len(self.ratings) else None
        rated = [
            Rated(Answer(text), score, by[n] if by else None)
            for n, (text, score) in enumerate(zip(self.generations, self.ratings, strict=True))
        ]
        source = self.model_name or AI
        return compared(prompt_of(self.prompt, self.system), rated, source, rewards=True)


def _several(row: Mapping[str, object]) -> bool:
    return all(is_listed_texts(row.get(name)) for name in ("chosen", "rejected"))


REWARDBENCH2 = PairFormat(
    "rewardbench2",
    _RewardBench2,
    _several,
    drawn=True,
    data_sets="allenai/reward-bench-2",
    reads="`prompt`; `chosen` x `rejected` as lists of texts -> human, in Ties the chosen ones "
    "tie; slices `subset`, `models`",
    leaves="`num_correct`, `num_incorrect`, `total_completions`, `additional_metadata`",
)
ULTRAFEEDBACK_RAW = PairFormat(
    "ultrafeedback-raw",
    _UltraFeedbackRaw,
    drawn=True,
    data_sets="openbmb/UltraFeedback",
    reads="`instruction`; every two `completions` by `overall_score` -> gpt-4 with rewards, ties; "
    "slices `source`, `models`",
    leaves="`models`, `completions[].annotations`, `.critique`, `.fine-grained_score`, "
    "`.principle`, `.custom_system_prompt`, `correct_answers`, `incorrect_answers`",
)
NECTAR = PairFormat(
    "nectar",
    _Nectar,
    drawn=True,
    data_sets="berkeley-nest/Nectar",
    reads="`prompt` as transcript; every two `answers` by `rank` -> gpt-4; slice `models`",
    leaves="`turns`, `num_responses`, `source`, `good_natured`",
)
DISTILABEL = PairFormat(
    "distilabel",
    _Distilabel,
    drawn=True,
    data_sets="distilabel's UltraFeedback step",
    reads="`instruction`; every two `generations` by `ratings` -> `model_name`, else ai, with "
    "rewards, ties; slice `models`",
    leaves="`rationales`, `distilabel_metadata`",
)
