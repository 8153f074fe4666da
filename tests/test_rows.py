"""Nothing in a row is dropped in silence: a cell is read, named as unused, or an error."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_pair_formats import EXPECTED, FIXTURES, HH, TRL, UF, lines, turns

from argo_audit.errors import InputError
from argo_audit.pairs.formats.registry import FORMATS, table
from argo_audit.pairs.pair_file import PairFile, read

DOCUMENT = Path(__file__).parent.parent / "docs" / "formats.md"
JSON_LINES = sorted(name for name in EXPECTED if name.endswith(".jsonl"))
OTHERS = [name for name in JSON_LINES if name != "native.jsonl"]


def rows_of(name: str) -> list[dict[str, Any]]:
    text = (FIXTURES / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line]


def said(file: PairFile) -> str:
    """All that was made of a file, and all that was said of it."""
    pairs = [pair.model_dump(mode="json") for pair in file.pairs]
    labels = [label.model_dump(mode="json") for of in file.labels.values() for label in of]
    content = json.dumps([pairs, labels, sorted(file.labels)], ensure_ascii=False)
    return "\n".join((content, *file.told, *file.skipped))


def outcome(path: Path) -> str:
    try:
        return said(read(path))
    except InputError as error:
        return str(error)


def cells(value: object, place: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """The place of each text in a row."""
    if isinstance(value, str) and value.strip():
        yield place
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from cells(inner, (*place, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from cells(inner, (*place, number))


def changed(row: Any, place: tuple[object, ...], text: str) -> Any:
    """The row with another text at a place."""
    if not place:
        return text
    copy: Any = dict(row) if isinstance(row, dict) else list(row)
    copy[place[0]] = changed(row[place[0]], place[1:], text)
    return copy


@pytest.mark.parametrize("name", OTHERS)
def test_every_text_of_a_row_is_read_or_its_column_is_named(name: str, tmp_path: Path) -> None:
    """Each text in turn becomes another: what comes out is another, or said to be unused."""
    rows = rows_of(name)
    before = outcome(lines(tmp_path / "a.jsonl", *rows))
    for number, row in enumerate(rows):
        for place in cells(row):
            other = changed(row, place, "zebra zebra")
            after = outcome(lines(tmp_path / "b.jsonl", *rows[:number], other, *rows[number + 1 :]))
            names = [part for part in place if isinstance(part, str)]
            assert after.replace("b.jsonl", "a.jsonl") != before or any(
                f"'{part}" in before or f".{part}" in before for part in names
            ), place


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_column_that_nobody_knows_is_named_or_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name = data.draw(st.sampled_from(JSON_LINES))
    column = data.draw(st.text("abcxyz_", min_size=3, max_size=9).map(lambda text: f"q{text}"))
    cell = data.draw(st.sampled_from(["text", 7, False, ["a"], {"b": 1}]))
    rows = [row | {column: cell} for row in rows_of(name)]
    found = outcome(lines(tmp_path_factory.mktemp("any") / "a.jsonl", *rows))
    assert f"'{column}'" in found or f".{column}'" in found


@pytest.mark.parametrize("column", ["system", "history", "tools", "images"])
def test_a_column_that_tells_what_was_asked_is_read_or_refused(column: str, tmp_path: Path) -> None:
    cell: dict[str, object] = {
        "system": "Answer in Dutch.",
        "history": [["Ahoy", "Hello there"]],
        "tools": [{"type": "function", "function": {"name": "look_up"}}],
        "images": ["data:image/png;base64,AAAA"],
    }
    signs = {"system": "Dutch", "history": "Ahoy", "tools": "look_up", "images": "AAAA"}
    for name in OTHERS:
        rows = [row | {column: cell[column]} for row in rows_of(name)]
        found = outcome(lines(tmp_path / "a.jsonl", *rows))
        assert (
            signs[column] in found
            or f"{column!r}: must be" in found
            or (f"the column {column!r} " in found)
        )


def test_cells_that_hold_nothing_are_as_good_as_absent(tmp_path: Path) -> None:
    blank: dict[str, object] = {
        "system": "",
        "tools": None,
        "images": [],
        "meta": {},
        "note": None,
        "margin": "",
    }
    file = read(lines(tmp_path / "a.jsonl", {**TRL, **blank}))
    assert file == read(lines(tmp_path / "b.jsonl", TRL))
    assert file.unused == ()


def test_what_is_unused_is_named_once_with_its_place(tmp_path: Path) -> None:
    chosen = [turns("Hi")[0], {"role": "assistant", "content": "Yo", "weight": 1}]
    row = {"chosen": chosen, "rejected": turns("Hi", "No"), "source": "web"}
    file = read(lines(tmp_path / "a.jsonl", row, row))
    assert file.unused == ("chosen[].weight", "source")
    assert any("'chosen[].weight', 'source'" in sentence for sentence in file.told)


def test_the_names_of_unused_columns_are_bounded(tmp_path: Path) -> None:
    rows = [TRL | {"prompt": f"p{n}", f"column_{n}": n} for n in range(300)]
    file = read(lines(tmp_path / "a.jsonl", *rows))
    assert len(file.unused) == 100
    assert len("".join(file.told)) < 1200


@pytest.mark.parametrize("row", [TRL, UF, HH])
def test_a_key_that_stands_twice_is_refused(row: Mapping[str, object], tmp_path: Path) -> None:
    text = json.dumps(row)[:-1] + ', "chosen": "\\n\\nHuman: Hi\\n\\nAssistant: Twice."}'
    with pytest.raises(InputError, match="line 1: the key 'chosen' stands twice"):
        read(lines(tmp_path / "a.jsonl", text))


def test_the_choice_of_the_lower_score_contradicts_itself(tmp_path: Path) -> None:
    against = UF | {"prompt": "Why?", "score_chosen": 1.0}
    path = lines(tmp_path / "a.jsonl", UF, against)
    with pytest.raises(InputError, match="line 2: the chosen response has the lower score"):
        read(path)
    file = read(path, skip_invalid=True)
    assert (len(file.pairs), len(file.skipped)) == (1, 1)


def test_two_names_of_one_column_are_one_where_they_agree(tmp_path: Path) -> None:
    once = read(lines(tmp_path / "a.jsonl", TRL))
    assert read(lines(tmp_path / "b.jsonl", TRL | {"question": "Tides?"})) == once
    other = read(lines(tmp_path / "c.jsonl", TRL | {"question": "Ebb?"}))
    assert (other.unused, other.pairs) == (("question",), once.pairs)


def test_the_document_says_what_is_read_of_each_format() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"<!-- table -->\n{table()}\n<!-- /table -->" in text
    for known in FORMATS:
        assert all((known.data_sets, known.reads)), known.name
