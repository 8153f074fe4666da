"""What a judge is asked about lines of a rubric, its longest shared part first; pure.

    question = ask_lines(["bulleted lists", "apologies"], pair)
    question.code        # stands above the answers, and in none of the texts shown

A line is asked without its sign: models are bad at negation, so they say who shows more of it, and
whether that is good is for the rubric (`by_line`). Lines asked together disturb one another, and
their order shifts the answers; the order is drawn by hash, of the lines, the pair and the order it
is shown in, so no line is always first and the same question is the same text.
"""

from collections.abc import Sequence
from string import Template
from typing import NamedTuple

from argo_audit.judges.judge_settings import JudgeSettings
from argo_audit.judges.questions import Question, new_code, shown, verdict_code
from argo_audit.prompts import template
from argo_audit.prompts.fences import fence, new_nonce, render_messages
from argo_audit.records import Pair, fingerprint

LONGEST_LINE = 1_000
"""Characters of a line that are shown."""

_SEAM = "\n\n$lines"


class LineQuestion(NamedTuple):
    """A question about lines, and the code that its answers are to carry ("" where none is)."""

    question: Question
    code: str


def ask_lines(
    lines: Sequence[str],
    pair: Pair,
    settings: JudgeSettings | None = None,
    *,
    letter: bool = False,
) -> LineQuestion:
    """Which of the pair's responses, A being shown first, shows more of each line?

    With `letter` the reply ends with one letter, whose probability can be read: of one line alone.
    """
    settings = settings or JudgeSettings()
    texts = (render_messages(pair.prompt), pair.response_a, pair.response_b)
    prompt, a, b = (shown(text, settings.max_text) for text in texts)
    listed = "\n".join(f"{n}. {_one(line)}" for n, line in enumerate(lines, start=1))
    nonce = new_nonce((prompt.text, a.text, b.text))
    if nonce in listed:
        nonce = new_nonce((prompt.text, a.text, b.text, listed))
    fenced = (
        fence("PROMPT", prompt.text, nonce),
        fence("RESPONSE A", a.text, nonce),
        fence("RESPONSE B", b.text, nonce),
    )
    all_texts = (prompt.text, a.text, b.text, listed)
    code = verdict_code(all_texts) if letter else new_code(all_texts)
    shared, seam, own = template("judge_lines").template.partition(_SEAM)
    ending = _ending(len(lines), code, letter=letter, reasoning=settings.reasoning)
    question = Question(
        Template(shared).substitute(nonce=nonce, pair="\n\n".join(fenced)),
        Template(seam + own).substitute(lines=fence("LINES", listed, nonce)) + "\n" + ending,
        sum(one.cut for one in (prompt, a, b)),
        all_texts,
        code if letter else "",
    )
    return LineQuestion(question, code)


def drawn(lines: Sequence[str], shown_pair: str) -> list[str]:
    """The lines in the order in which they are asked about a pair as it is shown."""
    together = fingerprint("\x1e".join(sorted(lines)))
    return sorted(lines, key=lambda line: fingerprint(f"{together} {shown_pair} {line}"))


def _ending(count: int, code: str, *, letter: bool, reasoning: bool) -> str:
    reasons = _text("judge_lines_reasoned" if reasoning else "judge_lines_direct")
    if letter:
        marked = f" {code}" if code else ""
        return template("judge_lines_letter").substitute(reasons=reasons, code=marked).strip()
    form = "\n".join(f"{n}. <A, B, equal or cannot tell>" for n in range(1, count + 1))
    block = template("judge_lines_block")
    return block.substitute(reasons=reasons, count=count, code=code, form=form).strip()


def _one(line: str) -> str:
    return shown(" ".join(line.split()), LONGEST_LINE).text.replace("\n", " ")


def _text(name: str) -> str:
    return template(name).template.strip()
