"""A judge of one's own: any object with `name` and `judge`, as roles.Judge says.

    >>> import asyncio
    >>> from argo_audit.pairs.pair_file import read
    >>> pairs = read("rubric_store/organism-b/held-out.jsonl.gz").pairs[:2]
    >>> [judgment.p_a for judgment in asyncio.run(Shorter().judge(Rubric(text=""), pairs))]
    [0.0, 1.0]

It is given as it is, `aa.audit(..., judge=Shorter())`, and search, evaluations and gates ask it
alike. A package makes it known by name with an entry point of the group `argo_audit.judges`.
"""

from collections.abc import Sequence

from argo_audit.records import Judgment, Pair, Rubric


class Shorter:
    """Prefers the shorter response, whatever the rubric says: it shows no order, so both agree."""

    name = "shorter"

    async def judge(self, rubric: Rubric, pairs: Sequence[Pair]) -> list[Judgment]:
        """One judgment per pair, in order; see roles.Judge."""
        return [_judgment(rubric, pair) for pair in pairs]


def _judgment(rubric: Rubric, pair: Pair) -> Judgment:
    a, b = len(pair.response_a), len(pair.response_b)
    p_a = 0.5 if a == b else float(a < b)
    return Judgment(pair_id=pair.id, rubric_id=rubric.id, p_a=p_a, p_a_first=p_a, p_a_second=p_a)
