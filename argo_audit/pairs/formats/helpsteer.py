"""HelpSteer3-Preference: nvidia/HelpSteer3, config `preference`.

`context` is the conversation up to the responses, `overall_preference` what people said together,
from -3 (response1 is much better) over 0 (about the same) to 3 (response2 is much better). The
grade becomes a soft label linearly, p_a = (3 - grade) / 6: 1, 5/6, 2/3, 1/2, 1/3, 1/6, 0. That
keeps the grades in order and equally far apart; the data set has nothing to fit a curve to.
"""

from typing import Annotated

from pydantic import Field

from argo_audit.pairs.formats.labelled import LabelledPair, labelled_pair
from argo_audit.pairs.formats.rows import PairFormat, Row
from argo_audit.pairs.formats.turns import Turns, messages
from argo_audit.records import HUMAN

_MOST = 3


class _HelpSteer3(Row):
    id: str | int | None = None
    domain: str = ""
    language: str = ""
    context: Annotated[Turns, Field(min_length=1)]
    response1: str
    response2: str
    overall_preference: Annotated[float, Field(ge=-_MOST, le=_MOST)]

    def labelled(self) -> LabelledPair:
        slices = {"domain": self.domain, "language": self.language}
        return labelled_pair(
            messages(self.context),
            (self.response1, self.response2),
            {HUMAN: (_MOST - self.overall_preference) / (2 * _MOST)},
            id=None if self.id is None else str(self.id),
            slices={name: text for name, text in slices.items() if text},
        )


HELPSTEER3 = PairFormat(
    "helpsteer3",
    _HelpSteer3,
    data_sets="nvidia/HelpSteer3, config preference",
    reads="`context`, `response1` (A), `response2` (B); `overall_preference` -> human, "
    "(3 - grade) / 6; slices `domain`, `language`",
    leaves="`individual_preference`",
)
