"""Two lines side by side: what differs is marked, and nothing is lost or changed."""

from hypothesis import given
from hypothesis import strategies as st

from argo_audit.report.markdown import escape, parser, plain
from argo_audit.report.sections.side_by_side import differing, marked

TEXTS = st.text(alphabet="ab *_`|<&.\n\u00a0“”~[]()\\", max_size=40)


@given(TEXTS, TEXTS)
def test_runs_are_the_text_again_and_the_same_when_nothing_differs(first: str, second: str) -> None:
    ours, theirs = differing(first, second)
    assert "".join(run.text for run in ours) == first
    assert "".join(run.text for run in theirs) == second
    assert not any(run.differs for runs in differing(first, first) for run in runs)


@given(TEXTS, TEXTS)
def test_a_marked_line_reads_as_the_escaped_one(first: str, second: str) -> None:
    def read(markdown: str) -> str:
        return "".join(map(plain, parser().parseInline(markdown)))

    assert [read(f"“{said}”") for said in marked(first, second)] == [
        read(f"“{escape(text)}”") for text in (first, second)
    ]


def test_only_the_words_that_differ_are_marked() -> None:
    assert marked("Rewards short, kind answers", "Rewards kind answers <b>") == (
        "Rewards **short,** kind answers",
        "Rewards kind answers **&lt;b&gt;**",
    )


def test_lines_that_share_no_word_are_left_alone() -> None:
    assert marked("Brief replies", "Long *answers*") == ("Brief replies", "Long \\*answers\\*")
    assert marked("Tone | warm", "Form | lists") == ("Tone &#124; warm", "Form &#124; lists")
