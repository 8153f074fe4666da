"""Two lines side by side: what differs is marked, and nothing is lost or changed."""

from hypothesis import given
from hypothesis import strategies as st

from argo_audit.report.differing_words import differing
from argo_audit.report.markdown import escape, parser, plain
from argo_audit.report.sections.side_by_side import marked

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


def test_in_long_texts_what_moved_or_was_put_in_is_all_that_is_marked() -> None:
    """Words that stand once in both hold them together, however long they are."""
    words = [f"the word{n}" for n in range(1000)]
    ours, theirs = differing(" ".join(words), " ".join([*words[:500], "<b>", *words[500:]]))
    assert not any(run.differs for run in ours)
    assert [run.text for run in theirs if run.differs] == ["<b> "]
    moved = differing(" ".join(words), " ".join([*words[300:], *words[:300]]))[0]
    marked_words = {word for run in moved if run.differs for word in run.text.split()}
    assert marked_words - {"the"} == {f"word{n}" for n in range(300)}


@given(st.lists(st.sampled_from("abcdefgh"), max_size=9), st.integers(0, 400))
def test_long_texts_are_their_runs_again(said: list[str], length: int) -> None:
    first = " ".join([*said, *(f"w{n}" for n in range(length)), *said])
    second = " ".join([*said[::-1], *(f"w{n}" for n in range(1, length, 2)), "a"])
    for runs, text in zip(differing(first, second), (first, second), strict=True):
        assert "".join(run.text for run in runs) == text
    kept = [
        "".join(run.text for run in runs if not run.differs) for runs in differing(first, second)
    ]
    assert kept[0].split() == kept[1].split()


def test_lines_that_share_no_word_are_left_alone() -> None:
    assert marked("Brief replies", "Long *answers*") == ("Brief replies", "Long \\*answers\\*")
    assert marked("Tone | warm", "Form | lists") == ("Tone &#124; warm", "Form &#124; lists")
