from hypothesis import given
from hypothesis import strategies as st

from argo_audit.surface.phrases import PhraseBook, expanded, words

BOOK = PhraseBook(
    [
        ("i am very|so| sorry", "apology"),
        ("sorry to hear", "sympathy"),
        ("^ sorry", "apology"),
        ("^^ . sure", "opener"),
        ("bullet* list|lists", "bullets"),
        ("list", "list"),
        ("sorry to hear", "warmth"),
    ]
)


def found(text: str) -> list[str]:
    return [match.payload for match in BOOK.find(words(text))]


def test_a_phrase_is_found_whatever_its_case_contraction_or_optional_words() -> None:
    for text in (
        "I'm sorry",
        "I am so sorry",
        "i\u2019m VERY sorry!",
        "Well, I am sorry about it.",
    ):
        assert found(text) == ["apology"]


def test_the_longest_phrase_wins_and_all_that_it_stands_for_is_found() -> None:
    assert found("I was sorry to hear that") == ["sympathy", "warmth"]
    assert found("a bulleted list") == ["bullets"]
    assert found("a list") == ["list"]


def test_anchors_hold_only_at_the_start_of_a_sentence_or_of_the_text() -> None:
    assert found("No. Sorry, no.") == ["apology"]
    assert found("a sorry sight") == []
    assert found("Sure, here it is") == ["opener"]
    assert found("I am not sure. Sure?") == []


def test_phrases_do_not_cross_the_end_of_a_sentence() -> None:
    assert found("I am. Very sorry") == []


def test_groups_are_written_out() -> None:
    assert expanded("a|@size dog", {"size": ["big", "small"]}) == "a|big|small dog"


@given(st.text())
def test_any_text_can_be_searched(text: str) -> None:
    tokens = words(text)
    for match in BOOK.find(tokens):
        assert 0 <= match.start < match.end <= len(tokens)
