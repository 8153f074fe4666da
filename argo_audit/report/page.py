"""The report as one HTML page that asks nothing of the network and runs nothing but its own script.

    html = page(markdown, {"figures/figure-2.svg": svg})

The page is the markdown report, rendered; there is no second report. What looks like HTML in the
markdown is text (`html=False`), figures are inlined, and the page's own content security policy
forbids whatever might have slipped through: all but the one script that sorts tables, which the
policy knows by its SHA-256. The page adds what markdown cannot say: what is bold in a quote, and
what an edit changed, are marks.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template

from markdown_it.token import Token

from argo_audit.report.check import anchors
from argo_audit.report.differing_words import Run, differing
from argo_audit.report.markdown import EDITED, front_matter, parser

_BEFORE = {"table_open": '<div class="wide" role="region" aria-label="Table" tabindex="0">\n'}
_AFTER = {"table_close": "</div>\n"}


def page(markdown: str, figures: Mapping[str, str]) -> str:
    """The report as HTML; `figures` maps an image's address in the report to its SVG.

    What comes before the first list is the head, and that list the contents.
    """
    fields, body = front_matter(markdown)
    reader = parser()
    tokens = reader.parse(body)
    headings = (token for token in tokens if token.type == "heading_open")
    for heading, anchor in zip(headings, anchors(tokens), strict=True):
        heading.attrSet("id", anchor)
    _mark_edits(tokens)
    start, end = _first_list(tokens)
    head, contents, rest = (
        reader.renderer.render(list(_dressed(part, figures)), reader.options, {})
        for part in (tokens[:start], tokens[start:end], tokens[end:])
    )
    script = _asset("sort.js")
    return Template(_asset("template.html")).substitute(
        title=escape(str(fields["title"])),
        head=head,
        contents=contents,
        body=rest,
        script=script,
        script_hash=f"sha256-{base64.b64encode(sha256(script.encode()).digest()).decode()}",
    )


def _asset(name: str) -> str:
    return files("argo_audit.report").joinpath(name).read_text(encoding="utf-8")


def _mark_edits(tokens: Sequence[Token]) -> None:
    """Show what differs in every two code blocks that are a text before and after an edit."""
    edited = [token for token in tokens if token.type == "fence" and token.info == EDITED]
    for before, after in zip(edited[::2], edited[1::2], strict=False):
        both = differing(before.content, after.content)
        for token, runs in zip((before, after), both, strict=True):
            said = "".join(map(_marked, runs))
            token.type, token.content = "html_block", f"<pre><code>{said}</code></pre>\n"


def _marked(run: Run) -> str:
    return f"<mark>{escape(run.text)}</mark>" if run.differs else escape(run.text)


def _first_list(tokens: Sequence[Token]) -> tuple[int, int]:
    """Where the first list starts and ends; two equal places when there is none."""
    kinds = [token.type if token.level == 0 else "" for token in tokens]
    if "bullet_list_open" not in kinds:
        return len(kinds), len(kinds)
    return kinds.index("bullet_list_open"), kinds.index("bullet_list_close") + 1


def _dressed(tokens: Sequence[Token], figures: Mapping[str, str]) -> Iterator[Token]:
    """The tokens with tables in boxes of their own and figures in place of images."""
    for token in tokens:
        if before := _BEFORE.get(token.type):
            yield _markup(before)
        if token.children:
            token.children = [_figure(child, figures) for child in token.children]
            _mark_quote(token)
        yield token
        if after := _AFTER.get(token.type):
            yield _markup(after)


def _figure(token: Token, figures: Mapping[str, str]) -> Token:
    svg = figures.get(str(token.attrs.get("src"))) if token.type == "image" else None
    return _markup(f'<span class="figure">{svg}</span>') if svg else token


def _mark_quote(token: Token) -> None:
    """What is bold in a quote is what the other quote has not."""
    if token.content.startswith("“"):
        for child in token.children or ():
            child.tag = "mark" if child.tag == "strong" else child.tag


def _markup(html: str) -> Token:
    """The page's own markup, which the renderer leaves as it is."""
    return Token("html_block", "", 0, content=html)
