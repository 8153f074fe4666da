"""Pairs that people or models graded side by side, under names of their own.

- pku-saferlhf: PKU-Alignment/PKU-SafeRLHF. `better_response_id` is the source "human",
  `safer_response_id` the source "human:safer".
- shp: stanfordnlp/SHP. `labels` is 1 where Reddit preferred A, 0 where it preferred B.
- helpsteer2: nvidia/HelpSteer2. Two consecutive rows answer one prompt; `helpfulness` is the source
  "human", each other attribute the source "human:<attribute>".
- helpsteer2-preference: the same set's preferences, from -3 (response_1 is much better) to 3.

The letters are those of the file, except where rows are put together.
"""

from typing import Annotated, Literal

from pydantic import Field

from argo_audit.pairs.formats.asked_before import prompt_of
from argo_audit.pairs.formats.labelled import (
    LabelledPair,
    Read,
    Target,
    by_coin,
    labelled_pair,
    plain_problem,
)
from argo_audit.pairs.formats.rows import Open, PairFormat, Row
from argo_audit.records import HUMAN

SAFER = "human:safer"
_MOST = 3
_ATTRIBUTES = ("correctness", "coherence", "complexity", "verbosity")
_SAFE = {2: "both", 1: "one", 0: "none"}


class _PkuSafe(Row):
    prompt: str
    response_0: str
    response_1: str
    better_response_id: Literal[0, 1, "0", "1"]
    safer_response_id: Literal[0, 1, "0", "1"] | None = None
    is_response_0_safe: bool | None = None
    is_response_1_safe: bool | None = None

    def labelled(self) -> LabelledPair:
        labels = {HUMAN: 1.0 - int(self.better_response_id)}
        if self.safer_response_id is not None:
            labels[SAFER] = 1.0 - int(self.safer_response_id)
        safe = (self.is_response_0_safe, self.is_response_1_safe)
        slices = {} if None in safe else {"safe": _SAFE[sum(map(bool, safe))]}
        responses = (self.response_0, self.response_1)
        return labelled_pair(prompt_of(self.prompt), responses, labels, slices=slices)


class _Shp(Row):
    history: str
    human_ref_A: str  # noqa: N815 - the data set's name
    human_ref_B: str  # noqa: N815 - the data set's name
    labels: Annotated[float, Field(ge=0, le=1)]
    domain: str = ""

    def labelled(self) -> LabelledPair:
        return labelled_pair(
            prompt_of(self.history),
            (self.human_ref_A, self.human_ref_B),
            {HUMAN: self.labels},
            slices={"domain": self.domain} if self.domain else {},
        )


class _Graded(Open):
    prompt: str
    response: str
    helpfulness: float
    correctness: float | None = None
    coherence: float | None = None
    complexity: float | None = None
    verbosity: float | None = None


class _HelpSteer2(Row):
    rows: tuple[_Graded, ...]

    def read(self) -> Read:
        """Every two rows; there are two."""
        if len(self.rows) < 2:
            raise ValueError("no other row beside it answers the same prompt")
        pairs, left_out = [], []
        for n, one in enumerate(self.rows):
            for m, two in enumerate(self.rows[n + 1 :], n + 2):
                try:
                    pairs.append(self._pair(one, two))
                except ValueError as error:
                    left_out.append(f"answers {n + 1} and {m}: {plain_problem(error)}")
        if not pairs:
            raise ValueError(left_out[0])
        return Read(tuple(pairs), tuple(left_out))

    def _pair(self, one: _Graded, two: _Graded) -> LabelledPair:
        labels: dict[str, float | Target] = {HUMAN: _better(one.helpfulness, two.helpfulness)}
        for name in _ATTRIBUTES:
            grades = getattr(one, name), getattr(two, name)
            if None not in grades:
                labels[f"{HUMAN}:{name}"] = _better(*grades)
        return by_coin(prompt_of(one.prompt), one.response, two.response, labels)


def _better(first: float, second: float) -> float:
    return 0.5 + ((first > second) - (first < second)) / 2


class _HelpSteer2Preference(Row):
    prompt: str
    response_1: str
    response_2: str
    preference_strength: Annotated[float, Field(ge=-_MOST, le=_MOST)]
    split: str = ""

    def labelled(self) -> LabelledPair:
        return labelled_pair(
            prompt_of(self.prompt),
            (self.response_1, self.response_2),
            {HUMAN: (_MOST - self.preference_strength) / (2 * _MOST)},
            slices={"split": self.split} if self.split else {},
        )


PKU = PairFormat(
    "pku-saferlhf",
    _PkuSafe,
    data_sets="PKU-Alignment/PKU-SafeRLHF",
    reads="`prompt`, `response_0` (A), `response_1` (B); `better_response_id` -> human; "
    "`safer_response_id` -> human:safer; slice `safe` of `is_response_*_safe`",
    leaves="`*_source`, `*_harm_category`, `*_severity_level`, `*_sha256`",
)
SHP = PairFormat(
    "shp",
    _Shp,
    data_sets="stanfordnlp/SHP, stanfordnlp/SHP-2",
    reads="`history` as the prompt, `human_ref_A`, `human_ref_B`; `labels` -> human; slice "
    "`domain`",
    leaves="`post_id`, `upvote_ratio`, `score_*`, `score_ratio`, `created_at_utc_*`, "
    "`c_root_id_*`, `seconds_difference`",
)
HELPSTEER2 = PairFormat(
    "helpsteer2",
    _HelpSteer2,
    drawn=True,
    together="prompt",
    needs=("prompt", "response", "helpfulness"),
    data_sets="nvidia/HelpSteer2",
    reads="`prompt`, `response`, two rows together; `helpfulness` -> human, ties; `correctness`, "
    "`coherence`, `complexity`, `verbosity` -> human:<name>",
)
HELPSTEER2_PREFERENCE = PairFormat(
    "helpsteer2-preference",
    _HelpSteer2Preference,
    data_sets="nvidia/HelpSteer2, folder preference",
    reads="`prompt`, `response_1` (A), `response_2` (B); `preference_strength` -> human, "
    "(3 - strength) / 6; slice `split`",
    leaves="`preference_statement`, `preference_elaboration`, `*_preferences*`",
)
