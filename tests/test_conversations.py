"""Conversations are read as they were held, however they were written down."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_pair_formats import TRL, lines, turns

from argo_audit.errors import InputError
from argo_audit.evals.judging import messages_of, sample_of
from argo_audit.pairs.formats.transcripts import asked
from argo_audit.pairs.pair_file import PairFile, read, write
from argo_audit.prompts.fences import render_messages
from argo_audit.records import Message, Pair

BOTH = {"chosen": turns("Is it warm?", "Yes."), "rejected": turns("Is it warm?", "No.")}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"type": "function", "function": {"name": "weather", "arguments": {"city": "Oslo"}}}
    ],
}
RESULT = {"role": "tool", "name": "weather", "content": "-4 degrees"}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {}}}]
QUESTION = {"role": "user", "content": "Is Oslo warm?"}


def said(text: str) -> dict[str, object]:
    return {"role": "assistant", "content": text}


def one(path: Path, row: Mapping[str, object]) -> Pair:
    (pair,) = read(lines(path, row)).pairs
    return pair


@pytest.mark.parametrize("written", [json.dumps, repr])
def test_lists_that_were_saved_as_text_are_the_lists(written: object, tmp_path: Path) -> None:
    assert callable(written)
    texts = {name: written(cell) for name, cell in BOTH.items()}
    assert one(tmp_path / "a.jsonl", texts) == one(tmp_path / "b.jsonl", BOTH)


@pytest.mark.parametrize(
    "text",
    [
        "[{'role': 'user', 'content': 'a'} {'role': 'assistant', 'content': 'b'}]",
        '[{"role": "user", "content": "a"',
        "[{'role': 'user', 'content': open('x')}]",
        "[{'role': " + "(" * 300 + "1" + ")" * 300 + "}]",
        "[{'role': 'user', 'content': '" + "a" * 1_000_001 + "'}]",
        "[{'role': 'user', 'content': '\\ud800'}]",
    ],
    ids=["numpy", "cut off", "code", "deep", "long", "half a character"],
)
def test_a_list_as_text_that_cannot_be_read_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="saved as text, and cannot be read back"):
        read(lines(tmp_path / "a.jsonl", TRL | {"chosen": text}))


def test_names_that_others_give_to_roles_and_contents(tmp_path: Path) -> None:
    row: dict[str, object] = {
        side: [
            {"from": "human", "value": "Is it warm?"},
            {"from": "gpt", "value": answer},
        ]
        for side, answer in (("chosen", "Yes."), ("rejected", "No."))
    }
    assert one(tmp_path / "a.jsonl", row) == one(tmp_path / "b.jsonl", BOTH)


SYSTEM = {"role": "system", "content": "Be terse."}


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": [SYSTEM, turns("Is it warm?")[0]]},
        {"prompt": "Is it warm?", "system": "Be terse."},
        {"system": "Be terse."},
        {"system_prompt": "Be terse.", "prompt": turns("Is it warm?")},
        {"chosen": [SYSTEM, *BOTH["chosen"]], "rejected": [SYSTEM, *BOTH["rejected"]]},
        {
            "system": "Be terse.",
            "chosen": [SYSTEM, *BOTH["chosen"]],
            "rejected": [SYSTEM, *BOTH["rejected"]],
        },
        {
            "prompt": [SYSTEM, *turns("Is it warm?")],
            "chosen": said("Yes."),
            "rejected": said("No."),
        },
        {"prompt": "<|im_start|>user\nIs it warm?<|im_end|>\n", "system": "Be terse."},
    ],
)
def test_a_prompt_in_any_places_is_one_prompt(change: dict[str, object], tmp_path: Path) -> None:
    prompt = one(tmp_path / "a.jsonl", BOTH | change).prompt
    assert [(m.role, m.content) for m in prompt] == [
        ("system", "Be terse."),
        ("user", "Is it warm?"),
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"prompt": "Something else?"}, "the prompt is not what the messages"),
        ({"prompt": turns("Something else?")}, "the prompt is not what the messages"),
        (
            {"system": "Be long.", "prompt": [SYSTEM, turns("Is it warm?")[0]]},
            "say different things",
        ),
    ],
)
def test_a_prompt_that_contradicts_itself_is_refused(
    change: dict[str, object], problem: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=problem):
        read(lines(tmp_path / "a.jsonl", BOTH | change))


def test_earlier_turns_come_after_the_system_prompt(tmp_path: Path) -> None:
    row = TRL | {"system": "Be terse.", "history": [["Hello", "Hi."]]}
    prompt = one(tmp_path / "a.jsonl", row).prompt
    assert [m.content for m in prompt] == ["Be terse.", "Hello", "Hi.", "Tides?"]


def test_an_instruction_and_its_input_are_one_prompt(tmp_path: Path) -> None:
    row = {"instruction": "Translate.", "input": "le chat", "chosen": "cat", "rejected": "dog"}
    (message,) = one(tmp_path / "a.jsonl", row).prompt
    assert message.content == "Translate.\n\nle chat"


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant:", "user assistant user"),
        ("Human: a\n\nAssistant:", "user"),
        ("User: a\n\nAssistant: b\n\nUser: c\n\nAssistant: ", "user assistant user"),
        ("<|im_start|>system\na<|im_end|>\n<|im_start|>user\nb<|im_end|>\n", "system user"),
        ("<s>[INST] <<SYS>>\na\n<</SYS>>\n\nb [/INST]", "system user"),
        ("[INST] a [/INST]", "user"),
        ("a<extra_id_1>Assistant\nb\n<extra_id_1>User\nc", "user assistant user"),
        ("Human: what does Assistant: mean?", "user"),
        ("Look:\n\nHuman: a\n\nAssistant: b", "user"),
    ],
)
def test_a_prompt_that_is_a_transcript_is_its_turns(text: str, roles: str) -> None:
    assert " ".join(message.role for message in asked(text)) == roles


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_other_text_is_one_turn_as_it_is(text: str) -> None:
    assert asked(text)[-1].content == text


@pytest.mark.parametrize(
    "text", ["<|im_start|>user\na", "[INST] a [/INST] b [INST] c [/INST]"], ids=["ChatML", "Llama"]
)
def test_a_chat_template_that_cannot_be_read_back_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="chat template and cannot be read back"):
        read(lines(tmp_path / "a.jsonl", TRL | {"prompt": text}))


def repeating(path: Path, prompts: list[str], last: str = "") -> PairFile:
    rows = [
        {"prompt": prompt, "chosen": f"{prompt} A word.", "rejected": f"{prompt}No."}
        for prompt in prompts
    ]
    rows += [{"prompt": last, "chosen": "A word.", "rejected": "No."}] if last else []
    return read(lines(path, *rows))


def test_a_prompt_that_all_responses_repeat_is_taken_off(tmp_path: Path) -> None:
    file = repeating(tmp_path / "a.jsonl", ["Oslo?", "Bergen?"])
    assert {text for p in file.pairs for text in (p.response_a, p.response_b)} == {"A word.", "No."}
    assert "began with their prompt in all 2 pairs" in file.told[0]
    clean = [{"prompt": p, "chosen": "A word.", "rejected": "No."} for p in ("Oslo?", "Bergen?")]
    assert read(lines(tmp_path / "b.jsonl", *clean)) == file


def test_a_prompt_that_some_responses_repeat_stays(tmp_path: Path) -> None:
    file = repeating(tmp_path / "a.jsonl", ["Oslo?", "Bergen?"], "Molde?")
    assert sum(pair.response_a.startswith(("Oslo?", "Bergen?")) for pair in file.pairs) == 2
    assert "in 2 of 3 pairs both responses begin" in file.told[0]
    alone = repeating(tmp_path / "b.jsonl", ["Hi"])
    assert {alone.pairs[0].response_a, alone.pairs[0].response_b} == {"Hi A word.", "HiNo."}


def worked(*answers: str, tools: bool = True) -> dict[str, object]:
    sides = [[QUESTION, CALL, RESULT, said(answer)] for answer in answers]
    row: dict[str, object] = dict(zip(("chosen", "rejected"), sides, strict=True))
    return row | ({"tools": TOOLS} if tools else {})


def test_calls_of_tools_and_their_results_are_turns(tmp_path: Path) -> None:
    pair = one(tmp_path / "a.jsonl", worked("No, it is cold.", "Yes."))
    question, call, result = pair.prompt
    assert json.loads(question.tools) == TOOLS
    assert call.tool_calls[0].name == "weather"
    assert call.tool_calls[0].decoded == {"city": "Oslo"}
    assert (result.role, result.name, result.content) == ("tool", "weather", "-4 degrees")
    shown = render_messages(pair.prompt)
    assert '[call weather {"city": "Oslo"}]' in shown
    assert "[tool weather]\n-4 degrees" in shown
    assert shown.startswith("[tools]\n[{")


def test_a_response_that_calls_tools_keeps_its_turns(tmp_path: Path) -> None:
    row = {
        "prompt": [QUESTION],
        "chosen": [CALL, RESULT, said("It is cold.")],
        "rejected": [said("Yes.")],
    }
    path = lines(tmp_path / "a.jsonl", row)
    (pair,) = read(path).pairs
    worked_out = next(c for c in pair.conversations() if len(c) == 4)
    assert [message.role for message in worked_out] == ["user", "assistant", "tool", "assistant"]
    assert pair.swapped().conversations() == pair.conversations()[::-1]
    texts = (pair.response_a, pair.response_b)
    assert any('[call weather {"city": "Oslo"}]' in text and "-4 degrees" in text for text in texts)
    file = read(path)
    write(tmp_path / "b.jsonl", file.pairs, file.labels)
    assert read(tmp_path / "b.jsonl") == file


def test_answers_that_part_ways_at_what_a_tool_said_part_at_its_call(tmp_path: Path) -> None:
    row = worked("Cold.", "Warm.")
    row["rejected"] = [QUESTION, CALL, RESULT | {"content": "31 degrees"}, said("Warm.")]
    pair = one(tmp_path / "a.jsonl", row)
    assert [message.role for message in pair.prompt] == ["user"]
    assert {len(pair.turns_a), len(pair.turns_b)} == {3}


def test_other_ways_to_write_a_call(tmp_path: Path) -> None:
    call = one(tmp_path / "a.jsonl", worked("No.", "Yes.")).prompt[1].tool_calls[0]
    as_text = {"type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    for written in (
        {"tool_calls": [as_text]},
        {"tool_calls": [{"name": "weather", "arguments": {"city": "Oslo"}}]},
        {"tool_calls": json.dumps([as_text])},
        {"function_call": {"name": "weather", "arguments": '{"city": "Oslo"}'}, "tool_calls": None},
    ):
        row = {
            side: [QUESTION, CALL | written, RESULT, said(text)]
            for side, text in (("chosen", "No."), ("rejected", "Yes."))
        }
        assert one(tmp_path / "b.jsonl", row).prompt[1].tool_calls == (call,)


def test_a_sample_of_a_pair_with_tools_gives_the_pair_back(tmp_path: Path) -> None:
    row = worked("No.", "Yes.") | {"rejected": [QUESTION, CALL, said("Yes.")]}
    pair = one(tmp_path / "a.jsonl", row)
    sample = sample_of(pair, {"human": 1.0})
    again = type(sample).model_validate_json(sample.model_dump_json())
    assert isinstance(again.input, list)
    kept = [turn.metadata["message"] for turn in again.input if turn.metadata]
    assert tuple(Message.model_validate(m) for m in kept) == pair.prompt
    assert (again.metadata or {})["turns_a"] == [m.model_dump(mode="json") for m in pair.turns_a]
    plain = messages_of([Message(role="user", content="Hi")])
    assert plain[0].metadata is None


def test_a_record_without_tools_is_written_as_before_there_were_any() -> None:
    message = Message(role="user", content="Hi")
    assert message.model_dump() == {"role": "user", "content": "Hi", "images": ()}
    assert message.key == "user\x1fHi"
    pair = Pair(id="p", prompt=(message,), response_a="a", response_b="b")
    assert set(pair.model_dump()) == {
        "id", "prompt", "response_a", "response_b", "population", "slices"
    }  # fmt: skip


def test_two_prompts_that_differ_in_a_call_have_two_keys() -> None:
    said_so = {"role": "assistant", "content": "", "tool_calls": [{"name": "f"}]}
    other = said_so | {"tool_calls": [{"name": "g"}]}
    keys = {Message.model_validate(m).key for m in (said_so, other, {**said_so, "tool_calls": []})}
    assert len(keys) == 3


def test_pictures_take_the_places_that_messages_hold_for_them(tmp_path: Path) -> None:
    shown = {"role": "user", "content": [{"type": "text", "text": "What?"}, {"type": "image"}]}
    row = {
        "prompt": [shown],
        "chosen": [said("A cat.")],
        "rejected": [said("A dog.")],
        "images": [{"bytes": "data:image/png;base64,AA", "path": "x.png"}],
    }
    (message,) = one(tmp_path / "a.jsonl", row).prompt
    assert message.images == ("data:image/png;base64,AA",)
    placeless = TRL | {"image": "https://x/y.png"}
    assert one(tmp_path / "b.jsonl", placeless).prompt[0].images == ("https://x/y.png",)
    whole = {
        "chosen": [shown, said("A cat.")],
        "rejected": [shown, said("A dog.")],
        "images": ["a.png"],
    }
    assert one(tmp_path / "c.jsonl", whole).prompt[0].images == ("a.png",)
    with pytest.raises(InputError, match="a part without text or link"):
        read(lines(tmp_path / "d.jsonl", {**row, "images": []}))


def test_a_picture_in_a_response_is_refused(tmp_path: Path) -> None:
    row = BOTH | {
        "chosen": [
            *turns("Is it warm?"),
            said("x") | {"content": [{"type": "image", "image": "a"}]},
        ]
    }
    with pytest.raises(InputError, match="a response holds an image"):
        read(lines(tmp_path / "a.jsonl", row))
