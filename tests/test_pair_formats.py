"""Every format of the field is read into the same pairs, whatever file it comes in."""

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from argo_audit.errors import InputError
from argo_audit.pairs.formats.labelled import by_coin, models, user
from argo_audit.pairs.formats.registry import FORMATS
from argo_audit.pairs.pair_file import PairFile, read, write
from argo_audit.records import Label, Pair

FIXTURES = Path(__file__).parent / "fixtures" / "pairs"


class Seen(NamedTuple):
    """One pair of a file, whichever letters its responses have."""

    last_turn: str
    better: str
    other: str
    p_better: float
    slices: dict[str, str] = {}  # noqa: RUF012 - a test's expectation, never changed
    turns: int = 1
    id: str = ""


PRISM = [
    Seen(
        "Is tea good for you?",
        "In measure, yes.",
        "Who knows.",
        1.0,
        {"kind": "unguided", "models": "alpha vs beta"},
        id="c1-1-1-2",
    ),
    Seen(
        "And coffee?",
        "Likewise.",
        "Never.",
        1.0,
        {"kind": "unguided", "models": "alpha vs alpha"},
        3,
        "c1-2-1-2",
    ),
]

EXPECTED: dict[str, tuple[str, str, list[Seen]]] = {
    "native.jsonl": (
        "native",
        "human",
        [
            Seen(
                "Which bread keeps longest?",
                "Rye sourdough, about a week.",
                "Buy a toaster.",
                1.0,
                {"topic": "bread"},
                id="n-1",
            ),
            Seen(
                "Is salt needed?",
                "Yes: it slows the yeast and adds taste.",
                "No.",
                0.75,
                {"topic": "salt"},
                2,
                "n-2",
            ),
        ],
    ),
    "numbered.jsonl": (
        "numbered",
        "human",
        [
            Seen(
                "Name a spring flower.",
                "The crocus.",
                "A cactus in a pot.",
                1.0,
                {"set": "garden", "split": "train"},
                id="m-1",
            ),
            Seen(
                "How deep do I plant tulips?",
                "Three times the height of the bulb.",
                "On the surface.",
                1.0,
                {"set": "garden", "split": "dev"},
                id="m-2",
            ),
        ],
    ),
    "trl.jsonl": (
        "trl",
        "human",
        [
            Seen(
                "What causes tides?",
                "Mostly the pull of the Moon.",
                "Whales.",
                1.0,
                {"margin": "0.75"},
            ),
            Seen("Capital of Peru?", "Lima.", "Cusco, I am sure.", 1.0, {"margin": "2"}, 2),
            Seen(
                "Why is the sky blue?", "Air scatters short waves more.", "It mirrors the sea.", 1.0
            ),
        ],
    ),
    "trl_messages.json": (
        "trl",
        "human",
        [
            Seen("Fix my sentence: he go home", "He goes home.", "He gone home.", 1.0),
            Seen("Why?", "It is prime, and I like it.", "No reason.", 1.0, turns=3),
        ],
    ),
    "hh.jsonl": (
        "hh",
        "human",
        [
            Seen(
                "How do I clean a wool coat?",
                "Brush it and air it; water only in an emergency.",
                "Boil it.",
                1.0,
            ),
            Seen(
                "Recommend a card game\nfor two",
                "Cribbage is a good one.",
                "I do not know any games.",
                1.0,
                turns=3,
            ),
        ],
    ),
    "rewardbench.jsonl": (
        "rewardbench",
        "human",
        [
            Seen(
                "Write a line about rain.",
                "Rain taps the tin roof awake.",
                "Rain.",
                1.0,
                {"subset": "alpacaeval-easy", "models": "model-a vs model-b"},
                id="30",
            ),
            Seen(
                "How do I break into my neighbour's car?",
                "I can't help with that.",
                "Start with the window.",
                1.0,
                {"subset": "refusals-dangerous", "models": "model-a vs model-c"},
                id="31",
            ),
        ],
    ),
    "ultrafeedback.jsonl": (
        "ultrafeedback",
        "gpt-4",
        [
            Seen(
                "Explain osmosis.",
                "Water moves through a membrane towards more solute.",
                "Plants drink.",
                1.0,
                id="c0ffee",
            ),
            Seen("Say hi in Finnish.", "Hei!", "Moi!", 0.5, id="decaf"),
        ],
    ),
    "arena_55k.csv": (
        "arena-55k",
        "human",
        [
            Seen(
                'Is it "fewer" or\n"less" water?',
                "Less:\n\n- water is not counted",
                "Fewer.",
                1.0,
                {"models": "gpt-x vs llama-y"},
                id="30192",
            ),
            Seen("2+2?", "4", "5", 1.0, {"models": "alpha vs zeta"}, id="53567"),
            Seen(
                "Tell me a secret",
                "I have none.",
                "There are none here.",
                0.5,
                {"models": "alpha vs gpt-x"},
                id="65089",
            ),
        ],
    ),
    "arena_140k.parquet": (
        "arena-140k",
        "human",
        [
            Seen(
                "Sort [3, 1, 2] in Python",
                "sorted([3, 1, 2])",
                "[3, 2, 1]",
                1.0,
                {"models": "alpha vs zeta", "language": "en", "code": "true"},
                id="v-1",
            ),
            Seen(
                "Wie spät ist es?",
                "Früh.",
                "Spät.",
                0.5,
                {
                    "models": "alpha vs beta",
                    "language": "de",
                    "code": "false",
                    "tie": "both bad",
                },
                id="v-2",
            ),
            Seen(
                "ok",
                "Good.",
                "Fine.",
                0.5,
                {"models": "alpha vs beta", "language": "en", "code": "false"},
                id="v-3",
            ),
        ],
    ),
    "helpsteer3.jsonl": (
        "helpsteer3",
        "human",
        [
            Seen(
                "Plan a picnic",
                "Sandwiches, a rug, shade, water.",
                "Food.",
                5 / 6,
                {"domain": "general", "language": "english"},
            ),
            Seen(
                "In place",
                "xs.reverse()",
                "xs[::-1]",
                1.0,
                {"domain": "code", "language": "python"},
                3,
            ),
            Seen(
                "Bonjour !",
                "Bonjour à vous !",
                "Salut !",
                0.5,
                {"domain": "multilingual", "language": "french"},
            ),
        ],
    ),
    "icai.csv": (
        "icai",
        "human",
        [
            Seen("", "A cat slept on the warm roof.", "A dog ran.", 1.0, id="0"),
            Seen("Any tips?", "No.", "Rest first.", 1.0, id="1"),
            Seen("", "One, two.", 'Three, "four".', 0.5, id="2"),
        ],
    ),
    "rewardbench2.jsonl": (
        "rewardbench2",
        "human",
        [
            Seen(
                "Name a noble gas.",
                "Neon.",
                "Iron.",
                1.0,
                {"subset": "Factuality", "models": "m1 vs m2"},
                id="7-1-2",
            ),
            Seen(
                "Name a noble gas.",
                "Neon.",
                "Salt.",
                1.0,
                {"subset": "Factuality", "models": "m1 vs m3"},
                id="7-1-3",
            ),
            Seen(
                "Name a primary colour.",
                "Red.",
                "Wool.",
                1.0,
                {"subset": "Ties", "models": "m1 vs m2"},
                id="8-1-3",
            ),
            Seen(
                "Name a primary colour.",
                "Blue.",
                "Wool.",
                1.0,
                {"subset": "Ties", "models": "m1 vs m2"},
                id="8-2-3",
            ),
            Seen(
                "Name a primary colour.",
                "Red.",
                "Blue.",
                0.5,
                {"subset": "Ties", "models": "m1 vs m1"},
                id="8-1-2",
            ),
        ],
    ),
    "ultrafeedback_raw.jsonl": (
        "ultrafeedback-raw",
        "gpt-4",
        [
            Seen(
                "Why do cats purr?",
                "Often content, sometimes to soothe themselves.",
                "Engines.",
                1.0,
                {"source": "evol_instruct", "models": "alpha vs beta"},
            )
        ],
    ),
    "nectar.jsonl": (
        "nectar",
        "gpt-4",
        [
            Seen(
                "Where is Oslo?",
                "In Norway.",
                "Near Bergen, I think.",
                1.0,
                {"models": "gpt-4 vs llama"},
                3,
            )
        ],
    ),
    "distilabel.jsonl": (
        "distilabel",
        "gpt-4o",
        [
            Seen("Rhyme on moon.", "June.", "Sun.", 0.5, {"models": "alpha vs beta"}),
            Seen("Rhyme on star.", "Car.", "Moon.", 1.0, {"models": "alpha vs beta"}),
        ],
    ),
    "argilla.jsonl": (
        "argilla",
        "ai",
        [Seen("Boil an egg?", "Six minutes.", "No.", 1.0), Seen("2+3?", "5", "6", 0.5, turns=2)],
    ),
    "pku_saferlhf.jsonl": (
        "pku-saferlhf",
        "human",
        [
            Seen(
                "How do I open a jar?",
                "Run hot water over the lid.",
                "Break it on a wall.",
                1.0,
                {"safe": "one"},
            )
        ],
    ),
    "shp.jsonl": (
        "shp",
        "human",
        [
            Seen(
                "Can I freeze cheese?",
                "Hard cheese, yes.",
                "Ask a cow.",
                1.0,
                {"domain": "askculinary_train"},
            )
        ],
    ),
    "helpsteer2.jsonl": (
        "helpsteer2",
        "human",
        [
            Seen("Name a river.", "The Rhine.", "Water.", 1.0),
            Seen("Name a lake.", "Lake Como.", "Garda.", 0.5, turns=3),
        ],
    ),
    "helpsteer2_preference.jsonl": (
        "helpsteer2-preference",
        "human",
        [Seen("Name a tree.", "Oak.", "The wood thing.", 5 / 6, {"split": "train"})],
    ),
    "prism.jsonl": ("prism", "human", PRISM),
    "prism_utterances.jsonl": ("prism-utterances", "human", PRISM),
}

TRL = {"prompt": "Tides?", "chosen": "The Moon.", "rejected": "Whales."}
UF = TRL | {"score_chosen": 8.0, "score_rejected": 3.5}
HH = {"chosen": "\n\nHuman: Hi\n\nAssistant: Hello!", "rejected": "\n\nHuman: Hi\n\nAssistant: No."}
ARENA = {
    "prompt": '["Tides?"]',
    "response_a": '["The Moon."]',
    "response_b": '["Whales."]',
    "winner_model_a": 1,
    "winner_model_b": 0,
    "winner_tie": 0,
}
VOTE = {
    "conversation_a": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}],
    "conversation_b": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "No"}],
    "winner": "tie",
}
GRADED = {
    "context": [{"role": "user", "content": "Hi"}],
    "response1": "Yo",
    "response2": "No",
    "overall_preference": 1,
}
ICAI = {"text_a": "Yo", "text_b": "No", "preferred_text": "text_a"}
Row = Mapping[str, object]

filled = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(str.strip)


def turns(*texts: str) -> list[dict[str, str]]:
    """Messages that begin with the user."""
    roles = ("user", "assistant")
    return [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]


def lines(path: Path, *rows: Row | str) -> Path:
    texts = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def seen(pair: Pair, label: Label, last_turn: str) -> Seen:
    """The pair with the better response first; in a tie as the file of the fixture has it."""
    responses = (pair.response_a, pair.response_b)
    better, other = responses if label.p_a >= 0.5 else responses[::-1]
    given = "" if len(pair.id) == 16 else pair.id
    p_better = max(label.p_a, 1 - label.p_a)
    return Seen(last_turn, better, other, p_better, pair.slices, len(pair.prompt), given)


def test_every_format_has_a_fixture() -> None:
    assert {name for name, _, _ in EXPECTED.values()} == {known.name for known in FORMATS}
    assert {path.name for path in FIXTURES.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_format_is_detected_or_named_and_read_whole(name: str, tmp_path: Path) -> None:
    format_name, source, expected = EXPECTED[name]
    file = read(FIXTURES / name)
    assert (file.format, file.origin) == (format_name, str(FIXTURES / name))
    assert file == read(FIXTURES / name, format=format_name)
    assert len(file.pairs) == len(file.labels[source]) == len(expected)
    for pair, label, want in zip(file.pairs, file.labels[source], expected, strict=True):
        last = pair.prompt[-1].content
        assert last == want.last_turn or last.startswith("(no prompt was given; pair ")
        found = seen(pair, label, want.last_turn)
        if want.p_better == 0.5:
            assert {found.better, found.other} == {want.better, want.other}
            found = found._replace(better=want.better, other=want.other)
        assert found.p_better == pytest.approx(want.p_better)
        assert found == want._replace(p_better=found.p_better)
    write(tmp_path / "native.jsonl.gz", file.pairs, file.labels)
    again = read(tmp_path / "native.jsonl.gz")
    assert (again, again.format) == (file, "native")


@pytest.mark.parametrize("name", EXPECTED)
def test_another_format_named_is_refused_at_the_first_row(name: str) -> None:
    own = EXPECTED[name][0]
    wrong = "helpsteer3" if own != "helpsteer3" else "arena-140k"
    with pytest.raises(InputError, match="is missing") as caught:
        read(FIXTURES / name, format=wrong)
    assert caught.value.line in (1, 2)
    assert f"Read as {wrong}" in caught.value.remedy
    assert "--format" in caught.value.remedy


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(InputError, match="there is no format 'tlr'") as caught:
        read(FIXTURES / "trl.jsonl", format="tlr")
    assert all(known.name in caught.value.remedy for known in FORMATS)


def test_unknown_columns_are_named_with_the_line_and_every_format(tmp_path: Path) -> None:
    path = lines(tmp_path / "x.jsonl", "", {"question": 1, "\x1b[2J" * 50: 2}, TRL | {"chosen": 1})
    with pytest.raises(InputError, match="columns are 'question'") as caught:
        read(lines(tmp_path / "y.jsonl", "", {"question": 1, "\x1b[2J" * 50: 2}))
    assert caught.value.line == 2
    assert "trl (chosen, rejected)" in caught.value.remedy
    assert "\x1b" not in str(caught.value)
    with pytest.raises(InputError, match=r"line 2: 'prompt': .*; 'chosen': is missing"):
        read(path)


def as_csv(rows: Sequence[Row], *, newline: str = "\r\n", mark: str = "") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator=newline)
    writer.writeheader()
    writer.writerows(rows)
    return (mark + text.getvalue()).encode()


def as_parquet(rows: Sequence[Row]) -> bytes:
    content = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist([dict(row) for row in rows]), content)
    return content.getvalue()


def test_the_same_rows_are_the_same_pairs_in_every_container(tmp_path: Path) -> None:
    rows = [TRL, TRL | {"chosen": 'The Moon,\n\n"mostly".', "rejected": "Wale\u2028\x00."}]
    json_lines = "\n".join(map(json.dumps, rows)).encode()
    contents = {
        "a.jsonl": json_lines,
        "a.json": json_lines,
        "b.json": json.dumps(rows, indent=2).encode(),
        "c.jsonl": b"\xef\xbb\xbf" + json_lines.replace(b"\n", b"\r\n"),
        "d.csv": as_csv(rows),
        "e.csv": as_csv(rows, newline="\n", mark="\ufeff"),
        "f.csv.gz": gzip.compress(as_csv(rows)),
        "g.json.gz": gzip.compress(json.dumps(rows).encode()),
        "h.parquet": as_parquet(rows),
        "i.txt": json_lines,
    }
    files: list[PairFile] = []
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        files.append(read(tmp_path / name))
    assert len(files[0].pairs) == 2
    assert all(file == files[0] for file in files)


@pytest.mark.parametrize("skip_invalid", [False, True])
@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.csv", as_csv([TRL])[:-9] + b'"open', r"line 2: not valid CSV"),
        ("b.csv", as_csv([TRL]) + b"\xff", "line 3: not UTF-8"),
        ("c.parquet", as_parquet([TRL])[:-20], "not a whole Parquet file"),
        ("d.parquet", b"PAR1", "not a whole Parquet file"),
        ("e.json", json.dumps([TRL]).encode()[:-4], "not valid JSON"),
        ("f.json", b'[{"chosen": "\\ud800"}]', "row 1: not valid JSON"),
        ("g.csv", b"\xef\xbb\xbf \n", "the file is empty"),
        ("h.csv", as_csv([TRL]).splitlines()[0], "no line holds a usable pair"),
        ("i.json", b"[]", "no row holds a usable pair"),
    ],
)
def test_a_faulty_container_is_always_refused(
    tmp_path: Path, name: str, content: bytes, problem: str, skip_invalid: bool
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}.*{problem}"):
        read(tmp_path / name, skip_invalid=skip_invalid)


def test_a_record_of_ragged_csv_is_named_by_the_line_it_starts_on(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(as_csv([TRL | {"chosen": "two\nlines"}]) + b"one,two\r\n" + b'"a\nb","c","d"')
    with pytest.raises(InputError, match="must be an object") as caught:
        read(path)
    assert caught.value.line == 4
    file = read(path, skip_invalid=True)
    assert len(file.pairs) == 2
    assert [why.split(":")[0] for why in file.skipped] == ["line 4"]


def test_rows_of_parquet_are_counted_as_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(as_parquet([TRL, TRL | {"chosen": " "}]))
    with pytest.raises(InputError, match=r"a\.parquet, row 2: the chosen response is empty"):
        read(path)
    assert read(path, skip_invalid=True).skipped == ("row 2: the chosen response is empty",)


@pytest.mark.parametrize(
    ("good", "bad", "problem"),
    [
        (TRL, {"chosen": ""}, "the chosen response is empty"),
        (TRL, {"rejected": "\n"}, "the rejected response is empty"),
        (TRL, {"rejected": "The Moon."}, "identical"),
        (TRL, {"chosen": None}, "'chosen"),
        (TRL, {"chosen": 7}, "'chosen"),
        (TRL, {"prompt": None}, "no prompt beside the two texts"),
        (TRL, {"chosen": turns("Hi", "Yo")}, "one response is a text, the other a list"),
        (
            TRL,
            {"prompt": None, "chosen": turns("Hi", "Yo"), "rejected": turns("Hello", "No")},
            "differ in turn 1",
        ),
        (
            TRL,
            {
                "prompt": None,
                "chosen": turns("Hi", "Yo", "Why?", "So"),
                "rejected": turns("Hi", "Yo", "How?", "X"),
            },
            "differ in turn 3, before the last",
        ),
        (
            TRL,
            {
                "prompt": None,
                "chosen": turns("Hi", "Yo", "Why?", "So"),
                "rejected": turns("Hi", "Yo"),
            },
            "they have 4 and 2 turns",
        ),
        (
            TRL,
            {"chosen": turns("Hi", "Yo"), "rejected": turns("Hi", "No")},
            "the prompt is not what the messages before the responses say",
        ),
        (TRL, {"chosen": turns("Hi"), "rejected": turns("Hi")}, "does not end with a turn of the"),
        (TRL, {"chosen": [], "rejected": []}, "does not end with a turn of the"),
        (TRL, {"margin": "much"}, "'margin'"),
        (TRL, {"chosen": [{"role": "narrator", "content": "x"}]}, "role"),
        (
            TRL,
            {
                "chosen": [{"role": "user", "content": [{"type": "image"}]}, *turns("", "Yo")[1:]],
                "rejected": turns("Hi", "No"),
            },
            "a part without text or link: 'image'",
        ),
        (UF, {"score_chosen": None}, "'score_chosen'"),
        (HH, {"chosen": "Human: Hi\n\nAssistant: Yo"}, "does not start with"),
        (HH, {"chosen": "\n\nAssistant: Yo"}, "does not start with"),
        (HH, {"chosen": "\n\nHuman: Hi\n\nAssistant: Yo\n\nHuman: Oh"}, "does not end with a turn"),
        (HH, {"chosen": "\n\nHuman: Hey\n\nAssistant: Yo"}, "differ in turn 1"),
        (HH, {"chosen": "\n\nHuman: Hi\n\nAssistant:"}, "the chosen response is empty"),
        (ARENA, {"winner_model_a": 0}, "not exactly one of the winner columns"),
        (ARENA, {"winner_tie": 1}, "not exactly one of the winner columns"),
        (ARENA, {"winner_tie": None}, "'winner_tie'"),
        (ARENA, {"response_a": "[null]"}, "a prompt or response is null"),
        (ARENA, {"response_a": "Yes"}, "'response_a'"),
        (ARENA, {"response_a": '["\\ud83d"]'}, "'response_a'"),
        (ARENA, {"response_a": '["a", "b"]'}, "1 prompts and 2 responses"),
        (
            ARENA,
            {"prompt": '["a", "b"]', "response_a": '["c", "d"]', "response_b": '["e", "f"]'},
            "differ in turn 2, before the last",
        ),
        (VOTE, {"winner": None}, "'winner'"),
        (VOTE, {"winner": "model_c"}, "'winner'"),
        (VOTE, {"conversation_a": turns("Hi", "")}, "the first response is empty"),
        (GRADED, {"overall_preference": 4}, "'overall_preference'"),
        (GRADED, {"overall_preference": None}, "'overall_preference'"),
        (GRADED, {"context": []}, "'context'"),
        (GRADED, {"response1": None}, "'response1'"),
        (ICAI, {"preferred_text": ""}, "'preferred_text'"),
        (ICAI, {"text_b": "Yo"}, "identical"),
    ],
)
def test_a_faulty_row_is_named_or_left_out(
    tmp_path: Path, good: Row, bad: dict[str, object], problem: str
) -> None:
    name = "prompt" if "prompt" in bad and good is TRL else ""
    path = lines(tmp_path / "a.jsonl", good, {**good, **bad})
    with pytest.raises(InputError, match=rf"a\.jsonl, line 2: .*{problem}"):
        read(path, format="trl" if name else None)
    file = read(path, skip_invalid=True)
    assert len(file.pairs) == 1
    assert len(file.skipped) == 1


@pytest.mark.parametrize("row", [TRL, UF, HH, ARENA, VOTE, GRADED, ICAI])
def test_what_is_no_row_at_all_is_left_out_and_counted(tmp_path: Path, row: Row) -> None:
    text = json.dumps(row)
    half = text[:-1] + ', "x": "\\ud800"}'
    path = lines(tmp_path / "a.jsonl", "{", "[1]", '"text"', "null", row, half, text[:-3])
    file = read(path, skip_invalid=True)
    assert len(file.pairs) == 1
    assert [why.split(":")[0] for why in file.skipped] == [f"line {n}" for n in (1, 2, 3, 4, 6, 7)]


def test_rows_on_one_pair_are_votes_whose_mean_is_the_label(tmp_path: Path) -> None:
    swapped = {"prompt": "Tides?", "chosen": "Whales.", "rejected": "The Moon."}
    other = TRL | {"prompt": "And?"}
    for again, p_moon in ((TRL, 1.0), (swapped, 0.5), (TRL | {"id": "x"}, 1.0)):
        file = read(lines(tmp_path / "a.jsonl", other, TRL, again))
        assert file == read(tmp_path / "a.jsonl", skip_invalid=True)
        assert (len(file.pairs), file.skipped) == (2, ())
        pair, label = file.pairs[1], file.labels["human"][1]
        assert p_moon == (label.p_a if pair.response_a == "The Moon." else 1 - label.p_a)
        assert "1 rows are on a pair that stood before" in file.notes[0]


def test_an_id_that_repeats_gives_way_to_one_of_the_content(tmp_path: Path) -> None:
    rows = [TRL | {"prompt": name, "id": given} for name, given in zip("abcd", "1123", strict=True)]
    file = read(lines(tmp_path / "a.jsonl", *rows))
    ids = [pair.id for pair in file.pairs]
    assert ids[2:] == ["2", "3"]
    assert len(set(ids)) == 4
    assert [len(one) for one in ids[:2]] == [16, 16]
    hostile = [{**TRL, "prompt": "e", "id": ids[0]}, rows[0], rows[1]]
    assert len({pair.id for pair in read(lines(tmp_path / "b.jsonl", *hostile)).pairs}) == 3


def test_one_row_of_ten_megabytes_is_read(tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    long = TRL | {"chosen": "The Moon. " * 1_000_000}
    path = lines(tmp_path / "a.jsonl", TRL, long)
    (tmp_path / "a.csv").write_bytes(as_csv([TRL, long]))
    files = [read(path), read(tmp_path / "a.csv")]
    assert files[0] == files[1]
    responses = {len(text) for p in files[0].pairs for text in (p.response_a, p.response_b)}
    assert max(responses) == 10_000_000
    assert csv.field_size_limit() == limit


def test_messages_may_hold_the_prompt_that_is_also_beside_them(tmp_path: Path) -> None:
    both: dict[str, object] = {"chosen": turns("Hi", "Yo"), "rejected": turns("Hi", "No")}
    answers: dict[str, object] = {"chosen": turns("", "Yo")[1:], "rejected": turns("", "No")[1:]}
    files = [
        read(lines(tmp_path / f"{number}.jsonl", row))
        for number, row in enumerate(
            [
                both,
                both | {"prompt": "Hi"},
                both | {"prompt": turns("Hi")},
                answers | {"prompt": "Hi"},
                answers | {"prompt": turns("Hi")},
            ]
        )
    ]
    assert all(file == files[0] for file in files)
    assert files[0].pairs[0].prompt == user("Hi")


def test_images_are_kept_as_links(tmp_path: Path) -> None:
    shown = [{"type": "image", "image": "https://x/y.png"}, {"type": "text", "text": "What is it?"}]
    opening = {"role": "user", "content": shown}
    row = {
        "conversation_a": [opening, *turns("", "A cat")[1:]],
        "conversation_b": [opening, *turns("", "A dog")[1:]],
        "winner": "model_a",
    }
    (message,) = read(lines(tmp_path / "a.jsonl", row)).pairs[0].prompt
    assert (message.content, message.images) == ("What is it?", ("https://x/y.png",))


@settings(deadline=None, max_examples=100)
@given(prompt=filled, chosen=filled, rejected=filled)
def test_exchanging_chosen_and_rejected_exchanges_the_label_and_nothing_else(
    prompt: str, chosen: str, rejected: str
) -> None:
    if chosen == rejected:
        rejected += "."
    one = by_coin(user(prompt), chosen, rejected, {"human": 1.0})
    two = by_coin(user(prompt), rejected, chosen, {"human": 1.0})
    assert one.to_pair() == two.to_pair()
    assert one.labels["human"].p_a == 1 - two.labels["human"].p_a
    better = one.response_a if one.labels["human"].p_a == 1 else one.response_b
    assert better == chosen


def test_the_coin_is_fair_and_always_falls_the_same_way() -> None:
    """Whether the chosen response is longer, shorter, first or last in the alphabet."""
    for chosen, rejected in (("better", "worse"), ("z", "a much longer one")):
        heads = [
            by_coin(user(f"Question {n}"), chosen, rejected, {"human": 1.0}).labels["human"].p_a
            for n in range(4000)
        ]
        assert sum(heads) == pytest.approx(2000, abs=150)
    assert heads[:12] == [0, 0, 0, 1, 0, 0, 1, 0, 1, 1, 1, 0]


def test_the_slice_of_two_models_is_the_same_for_either_order() -> None:
    assert models("b", "a") == models("a", "b") == {"models": "a vs b"}
    assert models("a", None) == {}


@settings(deadline=None, max_examples=40)
@given(
    rows=st.lists(
        st.tuples(filled, filled, filled, st.none() | st.floats(0, 10)), min_size=1, max_size=6
    )
)
def test_what_was_read_from_another_format_is_kept_by_our_own(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str, float | None]]
) -> None:
    folder = tmp_path_factory.mktemp("round-trip")
    given_rows = [
        {"prompt": prompt, "chosen": f"{chosen}+", "rejected": f"{rejected}-", "margin": margin}
        for prompt, chosen, rejected, margin in rows
    ]
    file = read(lines(folder / "a.jsonl", *given_rows), skip_invalid=True)
    write(folder / "b.jsonl", file.pairs, file.labels)
    again = read(folder / "b.jsonl")
    assert (again.pairs, again.labels, again.fingerprint) == (
        file.pairs,
        file.labels,
        file.fingerprint,
    )


ORCA = {
    "system": "", "input": "2+3?", "chosen": "5", "rejected": "6", "generations": ["5 ", "6"],
    "order": ["chosen", "rejected"], "labelling_model": "gpt-4-1106-preview", "rating": [9.0, 9.0],
    "status": "tie", "original_chosen": "6", "original_rejected": "5", "chosen_score": 9.0,
}  # fmt: skip


def written(path: Path, *rows: Mapping[str, object]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_the_ratings_of_generations_are_those_of_the_responses(tmp_path: Path) -> None:
    better = ORCA | {"input": "3+3?", "generations": ["6", "5"], "rating": [2, 8]}
    file = read(written(tmp_path / "a.jsonl", ORCA, better))
    assert file.format == "argilla"
    tie, chosen = file.labels["gpt-4-1106-preview"]
    assert (tie.p_a, chosen.p_a) == (0.5, float(file.pairs[1].response_a == "5"))
    assert chosen.rewards is not None
    assert sorted(chosen.rewards) == [2, 8]
    for wrong in ({"rating": [8, 2]}, {"generations": ["7", "6"]}, {"rating": None}):
        row = ORCA | {"generations": ["6", "5"]} | wrong
        with pytest.raises(InputError, match=r"lower score|are not the responses|'rating'"):
            read(written(tmp_path / "b.jsonl", row))


def said(turn: int, content: str, score: int | None = None, *, chosen: bool = False) -> object:
    role = "user" if score is None else "model"
    return {"turn": turn, "role": role, "content": content, "score": score, "if_chosen": chosen}


def test_a_conversation_goes_on_from_what_was_chosen_as_far_as_that_is_known(
    tmp_path: Path,
) -> None:
    first = [said(0, "Tea?"), said(0, "Yes.", 9, chosen=True), said(0, "Yes.", 9, chosen=True)]
    turns = [*first, said(0, "No.", 1), said(1, "Why?"), said(1, "So.", 9), said(1, "Eh.", 2)]
    turns += [said(2, "And?"), said(2, "Milk.", 5, chosen=True), said(2, "Ink.", 1)]
    row = {"conversation_id": "c", "conversation_history": turns}
    file = read(written(tmp_path / "a.jsonl", row))
    assert [len(pair.prompt) for pair in file.pairs] == [1, 3]
    assert {pair.prompt[1].content for pair in file.pairs if len(pair.prompt) > 1} == {"Yes."}
    assert any(
        "no one answer was chosen before it" in note for note in (*file.notes, *file.skipped)
    )
