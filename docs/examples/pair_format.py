"""A format of pairs of one's own: a model of its rows, and what pair each row makes.

    >>> row = '{"question": "Is it far?", "winner": "No, an hour.", "loser": "Yes.", "votes": 3}'
    >>> read = VOTED.read(row)
    >>> (line,) = read.pairs
    >>> sorted((line.response_a, line.response_b)), VOTED.columns
    (['No, an hour.', 'Yes.'], ('question', 'winner', 'loser'))
    >>> sorted(read.unused)
    ['votes']

It joins as a module of argo_audit/pairs/formats, by its name in FORMATS of `registry`: before the
formats whose columns it shares and adds to. A row that names the better response goes through
`by_coin`, so that the letters carry no merit. A column that is no field is named as unused.
"""

from argo_audit.pairs.formats.labelled import LabelledPair, by_coin, user
from argo_audit.pairs.formats.rows import PairFormat, Row
from argo_audit.records import HUMAN


class _Voted(Row):
    question: str
    winner: str
    loser: str

    def labelled(self) -> LabelledPair:
        return by_coin(user(self.question), self.winner, self.loser, {HUMAN: 1.0})


VOTED = PairFormat("voted", _Voted, drawn=True)
