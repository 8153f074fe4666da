import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from argo_audit.report.markdown import (
    escape,
    fence,
    front_matter,
    link,
    parser,
    percent,
    plain,
    slug,
    table,
    visible,
    with_front_matter,
)
from argo_audit.report.trained import Source

ACTIVE = st.sampled_from("|\\`*_<>&[]()!~#-+:/@$\n\r\t “”\u202e\x00")
HOSTILE = st.text(st.one_of(ACTIVE, st.characters()))
READERS = [parser(), MarkdownIt("commonmark", {"html": True}).enable("table")]


def folded(text: str) -> str:
    return " ".join(visible(text).split())


@settings(deadline=None)
@given(HOSTILE)
@example("<script>alert(1)</script> ![x](http://x.test) **b** `c` a\\|b || \\")
@example("http://x.test www.x.test &lt; &#60; $x$")
def test_escaped_text_in_a_cell_is_that_text_and_nothing_else(text: str) -> None:
    for reader in READERS:
        tokens = reader.parse(table(["head"], [[f"“{escape(text)}”"]]))
        cells = [token for token in tokens if token.type == "inline"]
        assert len(cells) == 2
        assert {child.type for child in cells[1].children or ()} == {"text"}
        assert plain(cells[1]) == f"“{folded(text)}”"


@settings(deadline=None)
@given(HOSTILE)
@example("```\n````\n~~~")
def test_fenced_text_is_that_text_and_nothing_else(text: str) -> None:
    tokens = READERS[1].parse(f"before\n\n{fence(text, 'rubric')}\n\nafter")
    paragraph = ["paragraph_open", "inline", "paragraph_close"]
    assert [token.type for token in tokens] == [*paragraph, "fence", *paragraph]
    assert tokens[3].content == f"{visible(text)}\n"


@settings(deadline=None)
@given(st.lists(HOSTILE, min_size=1), st.data())
def test_a_quote_is_the_line_and_a_link_to_it(lines: list[str], data: st.DataObject) -> None:
    text = "\n".join(lines)
    known = visible(text).split("\n")
    number = data.draw(st.integers(1, len(known)))
    quote = Source("../store/a.md", first_line=5).quote(text, number)
    cell = READERS[1].parseInline(quote)[0]
    assert [t.attrs["href"] for t in cell.children or () if t.type == "link_open"] == [
        f"../store/a.md#L{number + 4}"
    ]
    said = plain(cell)
    assert folded(said[1 : said.rindex("”")]) in folded(known[number - 1])


def test_what_cannot_be_seen_is_spelled_out() -> None:
    assert visible("a\u202eb\x00c\rd👩\u200d💻") == "a⟨U+202E⟩b⟨U+0000⟩c\nd👩\u200d💻"


def test_a_row_that_does_not_fit_its_header_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells under a header of 1"):
        table(["one"], [["a", "b"]])


def test_nothing_measured_is_never_a_number() -> None:
    assert percent(None) == "not measured"
    assert percent(0.0) == "0.0%"


def test_links_encode_what_an_address_cannot_hold() -> None:
    [token] = parser().parseInline(link("a]b", "../x y/(z).md#L3"))
    [opened] = [child for child in token.children or () if child.type == "link_open"]
    assert opened.attrs["href"] == "../x%20y/%28z%29.md#L3"
    assert plain(token) == "a]b"


def test_slugs_are_those_of_github() -> None:
    assert slug("Criteria and biases (Figures 3 and 4)") == "criteria-and-biases-figures-3-and-4"


@settings(deadline=None)
@given(st.dictionaries(st.text(), st.text()), HOSTILE)
@example({}, "\ud800")
def test_front_matter_reads_back(fields: dict[str, str], title: str) -> None:
    read, body = front_matter(with_front_matter(fields | {"title": title}, "# Body\n"))
    assert read["title"] == re.sub("[\ud800-\udfff]", "\ufffd", title)
    assert body == "\n# Body\n"
