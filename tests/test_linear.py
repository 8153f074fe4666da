"""Readers, features and renderers of model text take time in proportion to its length.

Texts are adversarial repeats, such as forty thousand blanks, with which a pattern of two
neighbouring runs tries every split. What takes far longer than as many characters of ordinary text
is held against a quarter of itself: a reader in proportion to length takes four times as long, one
that tries every split sixteen times. So neither a dear kind of text nor a slow or busy machine is
taken for it.
"""

import contextlib
import gc
import re
import time
from collections.abc import Callable
from functools import cache
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from argo_audit.errors import ArgoError, visible
from argo_audit.evals.judging import RULES
from argo_audit.evals.paraphrase import paraphrased
from argo_audit.findings.claims import claims
from argo_audit.findings.evolution import repeats
from argo_audit.judges.failures import provider_said, sort
from argo_audit.judges.questions import shown
from argo_audit.judges.verdicts import read_scores, read_verdict
from argo_audit.outside.credentials import command_line, put_aside, redacted
from argo_audit.pairs.formats.transcripts import asked, transcript
from argo_audit.pairs.formats.turns import as_listed
from argo_audit.policies.sampler import unfenced
from argo_audit.probes.edits import passages
from argo_audit.probes.edits.counterfactuals import chosen
from argo_audit.prompts.fences import last_request, new_nonce, read_fences
from argo_audit.records import Message, Pair
from argo_audit.report.markdown import anchor, escape, fence, front_matter, quoted_block, table
from argo_audit.report.page import page
from argo_audit.report.sections.side_by_side import marked
from argo_audit.report.verify import unbacked
from argo_audit.reward_models.tool_turns import check_tools_shown
from argo_audit.rubrics import outline, surgery
from argo_audit.rubrics.alignment import items
from argo_audit.rubrics.credit import edited, line_credit
from argo_audit.search.shown_pairs import apart
from argo_audit.store import from_document, slug
from argo_audit.surface.features import measure
from argo_audit.surface.reader import read_rubric

LENGTH = 40_000
SHORTER = 10_000  # for what markdown is parsed for, and each edit of a response
FULL = 100_000
SUSPECT = 10
"""Times what ordinary text takes, from where on growth is measured."""
MOST_GROWTH = 8
"""Of a text four times as long: half way between 4 and 16."""

WORDS = ("the", "answer", "lists", "short", "because", "it", "rewards", "Paris", "2019", "of")
READERS: dict[str, Callable[[str], object]] = {
    "features": lambda text: measure("List three parts in 50 words.", text),
    "request": lambda text: measure(text, "Here it is."),
    "outline": outline.outline.__wrapped__,
    "repeated lines": outline.repeated_share,
    "lines": outline.lines_of,
    "reader": read_rubric.__wrapped__,
    "claims": claims,
    "credit": lambda text: edited(text, line_credit([(text, 0.1), ("- a", -0.1)]), 2),
    "surgery": surgery.parts,
    "shuffled": surgery.shuffled,
    "level weights": surgery.level_weights,
    "cut out": lambda text: [surgery.without(text, part) for part in surgery.parts(text)[:1]],
    "sentences taken out": lambda text: passages.without(text, passages.sentences(text)),
    "alignment": items,
    "paraphrase": paraphrased,
    "repeats": repeats,
    "shown to a judge": lambda text: shown(text, 20_000),
    "verdict": lambda text: (read_verdict(text), read_scores(text)),
    "verdict, shown too": lambda text: read_verdict(f"It is.\n{text}\nVerdict: A", (text, "a")),
    "verdict of an object": lambda text: read_verdict(f'{{"verdict": "{text}"}}'),
    "verdict, last line": lambda text: read_verdict(f"{text} verdict: A"),
    "scores, last line": lambda text: read_scores(f"Scores: A {text} B 2"),
    "fences": read_fences,
    "own fences": lambda text: read_fences(f"<<<RUBRIC 0f>>>\n{text}\n<<<END RUBRIC 0f>>>"),
    "apart": lambda text: apart(f"{text}a{text}", f"{text}b{text}", 1000),
    "nonce": lambda text: new_nonce([text]),
    "last request": last_request,
    "unfenced": unfenced,
    "unfenced block": lambda text: unfenced(f"~~~\n{text}\n~~~"),
    "prompt": asked,
    "prompt of a template": lambda text: asked(f"<|im_start|>user\n{text}"),
    "instruction": lambda text: asked(f"<s>[INST]{text}[/INST]"),
    "transcript": lambda text: transcript(f"\n\nHuman: {text}"),
    "list in a text": as_listed,
    "escaped": escape,
    "code block": lambda text: quoted_block("Said:", fence(text, ""), ""),
    "anchor": anchor,
    "table": lambda text: table(["a"], [[escape(text)]]),
    "front matter": front_matter,
    "page": lambda text: page(
        f"---\ntitle: T\n---\n\n- a\n\n{fence(text, '')}\n\n{escape(text)}", {}
    ),
    "edited blocks": lambda text: page(
        f"---\ntitle: T\n---\n\n- a\n\n{fence(text, 'edited')}\n\n{fence(f'a {text} b', 'edited')}",
        {},
    ),
    "rules": lambda text: [rule(_pair(text)) for rule in RULES.values()],
    "tools": lambda text: check_tools_shown((Message(role="tool", content=text),), text),
    "spelled out": visible,
    "redacted": redacted,
    "put aside": put_aside,
    "command line": lambda text: command_line(["--judge-url", text, f"https://a/?{text}"]),
    "provider said": lambda text: provider_said(ValueError(text)),
    "kind of failure": lambda text: sort(ValueError(text)),
    "slug": slug,
    "stored": lambda text: from_document(f"---\nrubric: a\n---\n{text}"),
    "side by side": lambda text: marked(text, f"It is {text} indeed"),
    "every other line": lambda text: unbacked(every_other(text, "a\n"), every_other(text, "b\n")),
    "every other word": lambda text: marked(every_other(text, "a"), every_other(text, "b")),
}


def every_other(text: str, own: str) -> str:
    """As long as the text, of words that stand once in it; between them are some of its own."""
    return " ".join(f"it{n} {own}{n}" for n in range(len(text) // 10))


def _pair(text: str) -> Pair:
    prompt = (Message(role="user", content="?"),)
    return Pair(id="p", prompt=prompt, response_a=text, response_b="b")


PARSED = {
    "outline",
    "reader",
    "claims",
    "credit",
    "surgery",
    "shuffled",
    "level weights",
    "cut out",
    "alignment",
    "paraphrase",
    "anchor",
}
PARSED |= {"page", "edited blocks", "table"}
EDITS = {
    f"{direction} {attribute.name}": lambda text, a=attribute, d=direction: (
        a.add(text, Random(0)) if d == "add" else a.remove(text, Random(0))
    )
    for attribute in chosen()
    for direction in ("add", "remove")
}
READERS |= EDITS
PARSED |= EDITS.keys()
UNITS = (
    " ", "\n", "\r", " \n", "\u200d", "a", "A", "1", "*", "_", "`", "|", "-", "#", "~", "[", "]",
    "(", "<", ">", "\\", "&", "!", ".", "? ", "a ", "- a\n", "1. a\n", "> ", "| a ", "|-|\n",
    "**a ", "__a", "`a``", "```\n", "~~~\n", "[a](", "![", "[citation ", "【", "<|", "[INST]",
    "[user]\n", "<|im_start|>user\n", "\n\nHuman:", "<<<A 0>>>\n", "verdict ", "Scores: A 1 ",
    "A) b ", "1%", "def a:", "www.a.", "Smith 2019 ", "weight ", "cap at ", "<= 1 words ",
    '(e.g. "', "10.1", "I am sorry. ", "eyJaaaaaaaa-", "sk-a", "https://a:", "a://b@", "?key=",
    "authorization ", "bearer ", "- a 5% 5%\n", "![a", "[^1]", "a\x1b[",
)  # fmt: skip


def repeated(unit: str, length: int, end: str = "x") -> str:
    """The unit over and over, and a letter behind it, so that what is looked for is not there."""
    return (unit * (length // len(unit)))[: length - 1] + end


@cache
def ordinary(length: int) -> str:
    """Items of lists, sentences and tables of plain words."""
    rng, lines = Random(0), list[str]()
    while sum(len(line) for line in lines) < length:
        words = " ".join(rng.choices(WORDS, k=4))
        lines += [
            f"- {words}\n" * 4,
            f"\n{words}. {words}.\n\n",
            f"| a | b |\n|---|---|\n| {words} | 2% |\n\n",
        ]
    return "".join(lines)[:length]


def seconds(read: Callable[[str], object], text: str) -> float:
    """CPU time of this process without collections of garbage; a refusal is an answer too."""
    outline.outline.cache_clear()
    read_rubric.cache_clear()
    gc.disable()
    begun = time.process_time()
    try:
        with contextlib.suppress(ArgoError, ValueError):
            read(text)
        return time.process_time() - begun
    finally:
        gc.enable()


@cache
def usual(name: str, length: int) -> float:
    """What ordinary text takes, and at least what it takes to be cut into words."""
    text = ordinary(length)
    cut = seconds(re.compile(r"\w+|\W").findall, text)
    return max(cut, seconds(READERS[name], text))


def grows(read: Callable[[str], object], unit: str, length: int) -> float:
    """How many times longer the whole takes than a quarter; no text twice: some are remembered."""

    def least(size: int, ends: str) -> float:
        return min(seconds(read, repeated(unit, size, end)) for end in ends)

    return least(length, "yz") / max(1e-6, least(length // 4, "xyz"))


def is_slow(read: Callable[[str], object], unit: str, length: int, usually: float) -> bool:
    """Whether the time taken is out of proportion to the length."""
    took = seconds(read, repeated(unit, length))
    return took > SUSPECT * usually and grows(read, unit, length) > MOST_GROWTH


@pytest.mark.parametrize("full", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", READERS)
@settings(max_examples=4, deadline=None, phases=[Phase.generate])  # no trace slows it down
@given(unit=st.sampled_from(UNITS) | st.text(" \n\t*_`|-#~[]()<>.!:aA1", min_size=1, max_size=3))
def test_the_time_taken_is_that_of_a_text_of_the_same_length(
    name: str, full: bool, unit: str
) -> None:
    length = FULL if full else SHORTER if name in PARSED else LENGTH
    assert not is_slow(READERS[name], unit, length, usual(name, length))


@pytest.mark.parametrize(
    ("read", "slow"),
    [
        pytest.param(re.compile(r"\s+:").search, True, id="every split of a run"),
        pytest.param(
            lambda text: [text.count("a", at) for at in range(len(text))], True, id="rest"
        ),
        pytest.param(lambda text: [re.findall(".", text) for _ in range(20)], False, id="dear"),
        pytest.param(lambda text: [sorted(text) for _ in range(60)], False, id="sorted"),
    ],
)
def test_a_reader_that_tries_every_split_is_found_and_a_dear_one_is_not_taken_for_it(
    read: Callable[[str], object], slow: bool
) -> None:
    assert is_slow(read, " ", 4_000, usually=0.0001) is slow
