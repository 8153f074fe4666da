"""Step 4 of ARGO: the next policy prompts, written from prior attempts, in short.

What a language model is shown besides is in `full_prompts`; these are what the embedded writer was
taught on, and what a search with `contrasts = 0` asks.

    >>> from random import Random
    >>> tried = [Tried("- rewards lists", 0.71), Tried("- rewards long answers", 0.44)]
    >>> prompts = policy_prompts(tried, (), FeedbackConfig(variants=("contrast",)), Random(0))
    >>> "- rewards lists" in prompts[0] and "0.44" in prompts[0]
    True

Each step asks several prompt variants, since rewriting the prompt is a search of its own (Sodhi et
al., 2026, Figure 2, horizontal axis): explore without feedback, improve one of the best attempts,
assemble one from the lines that helped, combine two, contrast best with worst, or show the pairs on
which the best is most wrong. The
templates are the files `prompts/feedback_*.md`. Attempts and responses are model text: they are cut
to a stated length and set off by a marker, and nothing in them is ever executed.
"""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from argo_audit.prompts import template
from argo_audit.rubrics.credit import Line, credit_of, edited
from argo_audit.search.lessons import Disagreement, Tried
from argo_audit.search.search_settings import FeedbackConfig, Variant

_NEEDED: dict[Variant, int] = {
    "explore": 0, "improve": 1, "assemble": 1, "disagreements": 1, "combine": 2, "contrast": 2,
}  # fmt: skip
"""How many attempts a variant has to show."""


class Drawn(NamedTuple):
    """What chance decides of one policy prompt: the attempts that it shows, and its draft's base.

    `shown` are the best and the second; `base` is there for "assemble" only.
    """

    variant: Variant
    shown: Sequence[Tried]
    base: Tried | None


def policy_prompts(
    tried: Sequence[Tried],
    disagreements: Sequence[Disagreement],
    config: FeedbackConfig,
    rng: Random,
) -> list[str]:
    """One policy prompt per configured variant; `tried` is ordered best first.

    A variant that needs more of the past than there is falls back to "explore".
    """
    made = drawn(tried, disagreements, config, rng)
    return [_prompt(one, tried, disagreements, config) for one in made]


def is_short(prompt: str) -> bool:
    """Whether a policy prompt was written here, and shows no pairs beside what was tried."""
    return prompt.startswith(template("policy").template.partition("$")[0].strip())


def drawn(
    tried: Sequence[Tried],
    disagreements: Sequence[Disagreement],
    config: FeedbackConfig,
    rng: Random,
) -> list[Drawn]:
    """The choices of `policy_prompts` alone: what is needed of steps that are on record."""
    return [_drawn(variant, tried, disagreements, config, rng) for variant in config.variants]


def _drawn(
    variant: Variant,
    tried: Sequence[Tried],
    disagreements: Sequence[Disagreement],
    config: FeedbackConfig,
    rng: Random,
) -> Drawn:
    if len(tried) < _NEEDED[variant] or (variant == "disagreements" and not disagreements):
        variant = "explore"
    elite = list(tried[: config.elite])
    if variant == "contrast":
        elite = [t for t in elite if t is not tried[-1]]
    shown = rng.sample(elite, k=min(2, len(elite)))
    base = rng.choice(list(_plain(tried)[: config.elite])) if variant == "assemble" else None
    return Drawn(variant, shown, base)


def _prompt(
    one: Drawn,
    tried: Sequence[Tried],
    disagreements: Sequence[Disagreement],
    config: FeedbackConfig,
) -> str:
    attempts = {"best": one.shown[:1], "second": one.shown[1:], "worst": tried[-1:]}
    parts = {
        name: "".join(attempt_block(t, config) for t in some) for name, some in attempts.items()
    }
    if one.base:
        parts["draft"] = _block("untested", draft_of(one.base, tried, config), config)
    wrong = disagreements[: config.disagreements]
    parts["disagreements"] = "\n\n".join(disagreement_lines(d, config) for d in wrong)
    feedback = template(f"feedback_{one.variant}").substitute(parts).strip()
    return template("policy").substitute(feedback=feedback).strip()


def draft_of(base: Tried, tried: Sequence[Tried], config: FeedbackConfig) -> str:
    """One of the best attempts, edited by what lines are worth."""
    return edited(base.text, worth_of_lines(tried), config.added_lines)


def worth_of_lines(tried: Sequence[Tried]) -> dict[Line, float]:
    """What each line of the attempts without gates adds to a gain, in nats."""
    return credit_of((t.lines, t.gain) for t in _plain(tried))


def _plain(tried: Sequence[Tried]) -> Sequence[Tried]:
    """Attempts without gates, where there are any.

    A gate overrides what stands beside it, so criteria cannot show their worth in its company, and
    a search that only improves its best stays with gates (ARGO's Figure 5: dropping them is what
    raised agreement).
    """
    return [t for t in tried if not t.gated] or tried


def attempt_block(tried: Tried, config: FeedbackConfig) -> str:
    """An attempt with its agreement, cut to the length allowed."""
    return _block(f"{tried.agreement:.2f}", tried.text, config)


def _block(agreement: str, text: str, config: FeedbackConfig) -> str:
    body = _cut(text.strip(), config.max_rubric)
    return f"<attempt agreement={agreement}>\n{body}\n</attempt>"


def disagreement_lines(disagreement: Disagreement, config: FeedbackConfig) -> str:
    """A pair as three lines: the prompt, what the label prefers, and the other."""
    pair = disagreement.pair
    preferred, other = (pair.response_a, pair.response_b)
    if disagreement.label_p_a < 0.5:
        preferred, other = other, preferred
    lines = (
        ("Prompt", pair.prompt[-1].content),
        ("Preferred", preferred),
        ("Not preferred", other),
    )
    return "\n".join(
        f"{name}: {_cut(' '.join(text.split()), config.max_excerpt)}" for name, text in lines
    )


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 2] + " …"
