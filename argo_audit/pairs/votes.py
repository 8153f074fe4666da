"""Pairs as they gather from rows: several rows on one pair are votes, and the label is their mean.

    gathered = Gathered(ours=False)
    gathered.take(reading, "line 3")
    pairs, notes = gathered.finished()

Which response a vote calls A is told by its text, so that votes with other letters count the other
way. The rewards of votes that differ are not kept: their mean would be nobody's.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from argo_audit.pairs.formats.labelled import LabelledPair, Shared, Target, by_coin, content_id
from argo_audit.pairs.formats.rows import Reading
from argo_audit.records import Pair

_MOST_NAMES = 100
_CHECKED_PROMPTS = 2
_LONG_PROMPT = 20  # characters: two answers do not begin with so long a prompt by chance


class Gathered:
    """The pairs of a file by what identifies them: of `ours` the id, of others the content."""

    def __init__(self, ours: bool, beside: Iterable[str] = ()) -> None:
        """Nothing yet but the names of what stands beside the rows."""
        self._ours = ours
        self.lines: dict[str, LabelledPair] = {}
        self.skipped: list[str] = []
        self.unused: dict[str, None] = dict.fromkeys(beside)
        self._more: dict[str, list[LabelledPair]] = {}
        self._votes: dict[int, LabelledPair] = {}
        self._shared = Shared()

    def take(self, read: Reading, where: str) -> None:
        """What the row at `where` gives. Raises ValueError for an id that another pair has."""
        for line in read.pairs:
            self._add(line)
        self.skipped += (f"{where}: {why}" for why in read.left_out)
        for name in sorted(read.unused - self.unused.keys()):
            if len(self.unused) < _MOST_NAMES:
                self.unused[name] = None

    def _add(self, line: LabelledPair) -> None:
        key = line.id if self._ours else _content(line)
        first = self.lines.setdefault(key, line)
        if first is line:
            self._shared.lean(line)
            return
        if self._ours and _content(first) != _content(line):
            raise ValueError(f"the id {line.id!r:.80} was seen before: ids must be unique")
        self._more.setdefault(key, []).append(self._known(line))

    def _known(self, vote: LabelledPair) -> LabelledPair:
        """The vote, or one like it: of millions of rows that are alike one is in memory."""
        known = self._votes.setdefault(hash(vote.to_json()), vote)
        return known if known == vote else vote

    def finished(self) -> tuple[list[LabelledPair], list[str]]:
        """The pairs in the order of the file, and what was done to them, in words."""
        notes = list(self._merged())
        if not self._ours:
            notes += self._without_prompts()
            self._with_unique_ids()
        pairs = list(self.lines.values())
        self.lines, self._more, self._votes = {}, {}, {}
        return pairs, notes

    def _merged(self) -> Iterator[str]:
        torn: set[str] = set()
        for key, more in self._more.items():
            votes = [self.lines[key], *more]
            slices = _agreed([vote.slices for vote in votes])
            torn |= {name for vote in votes for name in vote.slices} - slices.keys()
            labels = _mean([_turned(vote, votes[0]) for vote in votes])
            self.lines[key] = votes[0].model_copy(update={"labels": labels, "slices": slices})
        rows = sum(map(len, self._more.values()))
        if rows:
            yield (
                f"{rows} rows are on a pair that stood before; the label of such a pair is the "
                f"mean of its votes ({len(self._more)} pairs)"
            )
        if torn:
            names = ", ".join(f"{name!r:.40}" for name in sorted(torn)[:8])
            yield f"slices on which votes of one pair differ were left out: {names}"

    def _without_prompts(self) -> Iterator[str]:
        """Where all responses of a file begin with their prompt, that is how it is written."""
        begins = [_begins_with_prompt(line) for line in self.lines.values()]
        said = sum(begins)
        if not said:
            return
        prompts = {line.prompt_key for line in self.lines.values()}
        shortest = min(len(line.prompt[-1].content) for line in self.lines.values())
        sure = len(prompts) >= _CHECKED_PROMPTS or shortest >= _LONG_PROMPT
        if said < len(begins) or not sure:
            if 2 * said > len(begins):
                yield (
                    f"in {said} of {len(begins)} pairs both responses begin with the prompt; they "
                    "were left as they are"
                )
            return
        stripped = [_stripped(line) for line in self.lines.values()]
        if any(not text.strip() for line in stripped for text in line):
            return
        cut = [
            _cut(line, *texts) for line, texts in zip(self.lines.values(), stripped, strict=True)
        ]
        self.lines = {_content(line): line for line in cut}
        yield f"both responses began with their prompt in all {said} pairs; it was taken off"

    def _with_unique_ids(self) -> None:
        """An id that several give, or that looks like a content id, is dropped."""
        uses = Counter(line.id for line in self.lines.values())
        for key, line in self.lines.items():
            if not (line.id == key or (uses[line.id] == 1 and line.id not in self.lines)):
                self.lines[key] = line.model_copy(update={"id": key})


def _content(line: Pair) -> str:
    return content_id(line.prompt, (line.response_a, line.response_b))


def _turned(vote: LabelledPair, first: LabelledPair) -> Mapping[str, Target]:
    """The labels of a vote by the letters of the first."""
    if vote.response_a == first.response_a:
        return vote.labels
    return {source: target.flipped() for source, target in vote.labels.items()}


def _mean(votes: Sequence[Mapping[str, Target]]) -> dict[str, Target]:
    sources = dict.fromkeys(source for vote in votes for source in vote)
    return {source: _one([vote[source] for vote in votes if source in vote]) for source in sources}


def _one(votes: Sequence[Target]) -> Target:
    rewards = {vote.rewards for vote in votes}
    return Target(
        p_a=sum(vote.p_a for vote in votes) / len(votes),
        rewards=rewards.pop() if len(rewards) == 1 else None,
    )


def _agreed(slices: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *others = slices
    return {k: v for k, v in first.items() if all(other.get(k) == v for other in others)}


def _begins_with_prompt(line: LabelledPair) -> bool:
    asked = line.prompt[-1].content.strip()
    texts = (line.response_a, line.response_b)
    return (
        bool(asked)
        and not (line.turns_a or line.turns_b)
        and all(text.lstrip().startswith(asked) for text in texts)
    )


def _stripped(line: LabelledPair) -> tuple[str, str]:
    length = len(line.prompt[-1].content.strip())
    a, b = (text.lstrip()[length:].lstrip() for text in (line.response_a, line.response_b))
    return a, b


def _cut(line: LabelledPair, first: str, second: str) -> LabelledPair:
    """The pair anew, its letters drawn by what is left."""
    given = None if line.id == _content(line) else line.id
    return by_coin(
        line.prompt,
        first,
        second,
        line.labels,
        id=given,
        population=line.population,
        slices=line.slices,
    )
