"""A prompt fits or loses its middle, and no more of it than it must."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argo_audit.errors import InputError
from argo_audit.policies.prompt_window import Window

TEMPLATE = 3


class OneTokenPerCharacter:
    """A tokenizer whose chat template takes three tokens."""

    name_or_path = "tiny"

    def apply_chat_template(
        self, conversation: Sequence[dict[str, str]], **_: object
    ) -> dict[str, list[Any]]:
        return {"input_ids": [0] * TEMPLATE + list(conversation[0]["content"])}


@given(st.text(max_size=80), st.integers(TEMPLATE + 5, 60))
def test_what_is_shown_fits_and_uses_the_room_there_is(prompt: str, room: int) -> None:
    shown = Window(OneTokenPerCharacter(), room).fit(prompt)
    assert shown.tokens == len(shown.text) + TEMPLATE <= room
    if len(prompt) + TEMPLATE <= room:
        assert shown.text == prompt
    else:
        assert shown.tokens == room
        before, after = shown.text.split("\n[…]\n")
        assert prompt.startswith(before)
        assert prompt.endswith(after)
        assert 0 <= len(before) - len(after) <= 1


def test_a_cut_is_said(caplog: pytest.LogCaptureFixture) -> None:
    window = Window(OneTokenPerCharacter(), 20)
    window.fit("a" * 17)
    assert caplog.text == ""
    window.fit("a" * 18)
    assert "21 tokens was cut to 12 of its 18 characters; there is room for 20" in caplog.text


@pytest.mark.parametrize("room", [-4, 0, TEMPLATE + 4])
def test_a_context_without_room_for_a_prompt_is_refused(room: int) -> None:
    with pytest.raises(InputError, match="lower max_rubric_tokens"):
        Window(OneTokenPerCharacter(), room)
