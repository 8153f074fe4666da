r"""The question a judge is asked, its longest shared part first; pure.

    question = ask(Rubric(text="- rewards short answers"), pair)
    question.shared      # instructions and pair: the same for every rubric
    question.own         # the rubric, and what to answer

A search judges one minibatch of pairs under G rubrics, so a server that caches prefixes reads each
pair once per order, not G times: with 8 rubrics of 275 tokens and pairs of 311 the tokens to be
read fall by 46%, and with pairs known from earlier steps by 53%. The other way round, rubric
first, saves as much per step, but a step's rubrics are new ones every time and its pairs are not.
So the fences' nonce comes from the pair alone, unless the rubric contains it. The two orders of
showing a pair share the instructions only: the responses are what differs.

Rubrics and responses are model text. `shown` says the three things that are ever changed in one,
each visible to the judge; apart from these a fence holds a text exactly, and nothing in a text
reaches beyond its fence.

A reply is read by one who knows the texts shown (`verdicts`). Where one of them says "Verdict: A"
itself, a quotation of it would be that very line: then, and then only, the form that is asked for
has a code in it that stands in none of them.
"""

import re
from string import Template
from typing import Literal, NamedTuple

from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.prompts import template
from argo_audit.prompts.fences import fence, new_nonce, render_messages
from argo_audit.records import Pair, Rubric

Form = Literal["verdict", "scores", "object"]
"""What a reply ends with: a letter, two scores, or, as a whole, an object that names a letter."""

_CONTROL = re.compile(
    r"<(?=\|[^|<>\n]{1,40}\|>|\uff5c[^<>\n]{1,40}\uff5c>"  # ChatML, Llama 3, Phi; DeepSeek
    r"|/?s>|/?(?:bos|eos|pad|unk)>|(?:start|end)_of_turn>|<SYS>>|</SYS>>)"  # Llama 2, Gemma
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])"  # Mistral
)
_HAS_VERDICT = re.compile(
    r"(?:verdict[\W_]+[ab]|scores?[\W_]+a[\W_]+\d{1,2})(?![^\W_])", re.IGNORECASE
)
"""What a quotation can have in common with a reply in the form that is asked for."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SEAM = "\n\n$standard"  # before the line ends: tokens of both parts are those of the whole
_CODE = 6
_LEFT_OUT = "[... {} characters left out here ...]"


class Question(NamedTuple):
    """What a judge is asked, in two parts; `truncated` is how many of its texts were cut.

    `texts` are those that it shows, of which a reply may quote; `code` is what a verdict has to
    carry, "" where no text shown could be taken for one.
    """

    shared: str
    own: str
    truncated: int
    texts: tuple[str, ...] = ()
    code: str = ""

    @property
    def text(self) -> str:
        """The whole question."""
        return self.shared + self.own

    @property
    def begun(self) -> str:
        """How a verdict without reasons begins."""
        return f"Verdict {self.code}:" if self.code else "Verdict:"


class ShownText(NamedTuple):
    """A text as a judge is shown it."""

    text: str
    cut: bool


def ask(
    rubric: Rubric, pair: Pair, form: Form = "verdict", settings: JudgeSettings | None = None
) -> Question:
    """Which of the pair's responses, A being shown first, is better by `rubric`?

    A rubric without text asks for the judge's own taste.
    """
    settings = settings or JudgeSettings()
    texts = (render_messages(pair.prompt), pair.response_a, pair.response_b)
    prompt, a, b = (shown(text, settings.max_text) for text in texts)
    standard = shown(rubric.text, settings.max_text)
    all_texts = (prompt.text, a.text, b.text, standard.text)
    nonce = new_nonce((prompt.text, a.text, b.text))
    if nonce in standard.text:
        nonce = new_nonce(all_texts)
    fenced = (
        fence("PROMPT", prompt.text, nonce),
        fence("RESPONSE A", a.text, nonce),
        fence("RESPONSE B", b.text, nonce),
    )
    code = verdict_code(all_texts)
    shared, seam, own = template("judge").template.partition(_SEAM)
    return Question(
        Template(shared).substitute(nonce=nonce, pair="\n\n".join(fenced)),
        Template(seam + own).substitute(
            standard=_standard(standard.text, nonce),
            reasons=_text("judge_reasoned" if settings.reasoning else "judge_direct"),
            ending=_ending(form, code, reasoning=settings.reasoning),
        ),
        sum(one.cut for one in (prompt, a, b, standard)),
        all_texts,
        code,
    )


def verdict_code(texts: tuple[str, ...]) -> str:
    """What a verdict has to carry, so that it is no quotation; "" where no text looks like one."""
    return new_code(texts) if any(map(_HAS_VERDICT.search, texts)) else ""


def new_code(texts: tuple[str, ...]) -> str:
    """The first digits of a nonce, as many as make it occur in none of the texts."""
    nonce = new_nonce(texts)
    sizes = range(_CODE, len(nonce) + 1)
    return next(nonce[:size] for size in sizes if not any(nonce[:size] in text for text in texts))


def judge_prompt(rubric: Rubric, pair: Pair) -> str:
    """The question as one text, as it is asked by default."""
    return ask(rubric, pair).text


def shown(text: str, limit: int) -> ShownText:
    """The text as a judge sees it; what is changed is changed visibly.

    - Lone surrogates, which no request can carry, become U+FFFD.
    - A control string of a chat template, such as `<|im_end|>`, gets a space after its first
      character: a server tokenises the conversation as one text and would obey it.
    - Of more than `limit` characters the middle is left out, and how many these were stands there.
    """
    safe = _CONTROL.sub(lambda found: f"{found[0]} ", _SURROGATE.sub("\ufffd", text))
    if len(safe) <= limit:
        return ShownText(safe, cut=False)
    head, tail = safe[: limit - limit // 2], safe[len(safe) - limit // 2 :]
    return ShownText(f"{head}\n{_LEFT_OUT.format(len(safe) - limit)}\n{tail}", cut=True)


def _standard(rubric: str, nonce: str) -> str:
    if not rubric.strip():
        return _text("judge_taste")
    return template("judge_rubric").substitute(rubric=fence("RUBRIC", rubric, nonce)).strip()


def _ending(form: Form, code: str, *, reasoning: bool) -> str:
    if form == "object":
        reasons = '"reasons": "...", ' if reasoning else ""
        key = f"_{code}" if code else ""
        return template("judge_object").substitute(code=key, reasons=reasons).strip()
    return template(f"judge_{form}").substitute(code=f" {code}" if code else "").strip()


def _text(name: str) -> str:
    return template(name).template.strip()
