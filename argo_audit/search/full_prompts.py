"""Policy prompts that show pairs: what a language model needs to explain a reward model.

    made = drawn(tried, wrong, config, rng)              # which attempts, as for short prompts
    prompts = full_prompts(made, tried, labelled_pairs(seen), config, seed="0 7")

Each says what the data are, shows pairs with clear labels (others in every prompt of every step),
what was tried with its agreement beside that of guessing and of "the longer one", the pairs that
the attempt shown gets most wrong, with what the judge said, and how a rubric is read. What people
and models wrote stands between marker lines with a code that none of it contains, and what is said
of an attempt stands before them: so no attempt can end its block, or claim another's agreement.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple

import numpy as np

from argo_audit.prompts import template
from argo_audit.prompts.fences import new_nonce
from argo_audit.records import Pair
from argo_audit.search.feedback import Drawn, draft_of, worth_of_lines
from argo_audit.search.lessons import Disagreement, Tried, disagreements_of
from argo_audit.search.search_settings import FeedbackConfig
from argo_audit.search.shown_pairs import (
    Seen,
    Text,
    fenced,
    longest,
    plain,
    shortened,
    summary_of,
    texts_of,
)

_CLEAREST = 0.5  # pairs are drawn from this share of those with a side, the clearest
_OF_TWO = ("combine", "contrast")
_LINES = 12
"""Lines that are listed, with what they were worth or without."""


class LabelledPairs(NamedTuple):
    """The pairs that a search learns from, by id too, and what there is to say of them."""

    seen: Seen
    by_id: Mapping[str, Pair]
    summary: str
    longest: float


def labelled_pairs(seen: Seen) -> LabelledPairs:
    """Made once for a search: there may be many pairs."""
    by_id = {pair.id: pair for pair in seen.pairs}
    return LabelledPairs(seen, by_id, summary_of(seen), longest(seen))


class _Block(NamedTuple):
    """Texts that are shown, below what is said of them."""

    about: str
    texts: Sequence[Text] = ()


def full_prompts(
    made: Sequence[Drawn],
    tried: Sequence[Tried],
    pairs: LabelledPairs,
    config: FeedbackConfig,
    seed: str,
) -> list[str]:
    """A prompt for each of the variants; `seed` draws the pairs that are shown."""
    prompts = []
    for variant, one in enumerate(made):
        parts = _parts(one, tried, pairs, config)
        parts["pairs"] = list(_contrasts(pairs.seen, config, Random(f"{seed} {variant}")))
        prompts.append(_prompt(one, parts, pairs.summary))
    return prompts


def _prompt(one: Drawn, parts: Mapping[str, Sequence[_Block]], summary: str) -> str:
    blocks = [block for several in parts.values() for block in several]
    nonce = new_nonce(text for block in blocks for _, text in block.texts)
    shown = {name: _rendered(several, nonce) for name, several in parts.items()}
    kind = one.variant if one.variant != "explore" or parts["tried"] else "begin"
    feedback = template(f"full_{kind}").substitute(shown).strip()
    whole = template("full_policy").substitute(
        summary=summary, nonce=nonce, feedback=feedback, pairs=shown["pairs"]
    )
    return whole.strip()


def _rendered(blocks: Iterable[_Block], nonce: str) -> str:
    return "\n\n".join(
        f"{block.about}\n{fenced(block.texts, nonce)}" if block.texts else block.about
        for block in blocks
    )


def _parts(
    one: Drawn, tried: Sequence[Tried], pairs: LabelledPairs, config: FeedbackConfig
) -> dict[str, list[_Block]]:
    """What the templates put in, by name; only what the variant shows is read."""
    attempts = {"best": one.shown[:1], "second": one.shown[1:], "worst": tried[-1:]}
    parts = {
        name: [_attempt(attempt, pairs.longest, config) for attempt in several]
        for name, several in attempts.items()
        if one.variant != "explore"
    }
    parts["tried"] = list(_tried_lines(tried[: config.elite]))
    wrong = disagreements_of(one.shown[0], pairs.by_id) if one.shown else []
    which = "the first of them" if one.variant in _OF_TWO else "this attempt"
    parts["wrong"] = list(_wrong(wrong[: config.disagreements], which, config))
    if one.base:
        draft = Text("DRAFT", _cut(draft_of(one.base, tried, config), config))
        parts["draft"] = [_Block("The draft:", [draft])]
        parts["worth"] = list(_worth(tried))
    used = template(f"full_{one.variant}").get_identifiers()
    return {name: blocks for name, blocks in parts.items() if name in used}


def _attempt(tried: Tried, beside: float, config: FeedbackConfig) -> _Block:
    of = f"{tried.n} preferences" if tried.n else "the preferences"
    about = (
        f"With this attempt the judge agreed with {tried.agreement:.2f} of {of}; guessing agrees "
        f"with 0.50, and taking the longer response with {beside:.2f}:"
    )
    return _Block(about, [Text("ATTEMPT", _cut(tried.text, config))])


def _tried_lines(tried: Sequence[Tried]) -> Iterator[_Block]:
    rows = dict.fromkeys(line.text.strip() for one in tried for line in one.lines.values())
    if rows:
        listed = "\n".join(list(rows)[:_LINES])
        yield _Block("Lines of the best attempts so far:", [Text("LINES", plain(listed))])


def _worth(tried: Sequence[Tried]) -> Iterator[_Block]:
    worth = sorted(worth_of_lines(tried).items(), key=lambda one: -one[1])
    ends = worth if len(worth) <= _LINES else [*worth[: _LINES // 2], *worth[-(_LINES // 2) :]]
    if ends:
        listed = "\n".join(f"{value:+.3f}  {line.text.strip()}" for line, value in ends)
        about = "What attempts with a line gained over attempts without it, in nats a pair:"
        yield _Block(about, [Text("LINES", plain(listed))])


def _wrong(wrong: Sequence[Disagreement], attempt: str, config: FeedbackConfig) -> Iterator[_Block]:
    if wrong:
        yield _Block(f"Pairs that the judge, with {attempt}, got most wrong:")
    for number, one in enumerate(wrong, start=1):
        first = one.label_p_a > 0.5
        given = one.judge_p_a if first else 1 - one.judge_p_a
        about = (
            f"Wrong pair {number}, preference {_strength(one.label_p_a):.2f}; the judge gave the "
            f"preferred response {given:.2f}:"
        )
        texts = texts_of(one.pair, one.label_p_a, config.max_response)
        if one.reasons:
            about = about[:-1] + f", and in its words the preferred one is {'AB'[not first]}:"
            texts.append(Text("JUDGE", plain(one.reasons)))
        yield _Block(about, texts)


def _contrasts(seen: Seen, config: FeedbackConfig, rng: Random) -> Iterator[_Block]:
    """Pairs drawn from the clearer half, so that a few extreme ones are not all that is seen."""
    order = np.argsort(-np.abs(seen.target - 0.5), kind="stable").tolist()
    sided = [place for place in order if seen.target[place] != 0.5]
    pool = sided[: max(config.contrasts, round(_CLEAREST * len(sided)))]
    places = rng.sample(pool, min(config.contrasts, len(pool)))
    if places:
        yield _Block("Pairs, each with how strong its preference is, from 0.50 (none) to 1.00:")
    for number, place in enumerate(places, start=1):
        p_a = float(seen.target[place])
        texts = texts_of(seen.pairs[place], p_a, config.max_response)
        yield _Block(f"Pair {number}, preference {_strength(p_a):.2f}:", texts)


def _strength(p_a: float) -> float:
    return max(p_a, 1 - p_a)


def _cut(text: str, config: FeedbackConfig) -> str:
    return shortened(plain(text.strip()), config.max_rubric)
