"""Pairs are read whole or refused with the line and the remedy."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argo_audit.errors import InputError
from argo_audit.pairs.pair_file import PairFile, labels_of, read, write
from argo_audit.records import Label, Message, Pair

REAL = Path(__file__).parents[2] / "shared" / "data"
NATIVE: dict[str, object] = {
    "id": "p1",
    "prompt": [{"role": "user", "content": "Hi"}],
    "response_a": "Hello.",
    "response_b": "Hello! Great to meet you!",
    "population": "A",
    "slices": {"topic": "greeting"},
    "labels": {"human": {"p_a": 0.0, "rewards": None}, "rm": {"p_a": 0.7, "rewards": [1.2, 0.3]}},
}
META: dict[str, object] = {
    "set": "greetings",
    "category": "short",
    "label_source": "one crowd worker",
    "model_1": "left",
    "n_votes": {"GPT": 4},
    "reward_RM-8B_1": 2,
    "reward_RM-8B_2": 0.9,
    "reward_GPT_1": 1.0,
    "reward_human_1": 1.0,
    "reward_human_2": 0.0,
    "swapped": True,
}
NUMBERED: dict[str, object] = {
    "id": "n1",
    "split": "train",
    "prompt": [{"role": "user", "content": "Hi"}],
    "response_1": "Hello.",
    "response_2": "Hey!",
    "label": 1,
    "soft": {"RM-8B": 0.75, "GPT": 0.25, "absent": None},
    "meta": META,
}

text = st.text(st.characters(codec="utf-8"), max_size=20)
filled = text.filter(str.strip)
probability = st.floats(0, 1)
finite = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def pair_lists(draw: st.DrawFn) -> list[Pair]:
    messages = st.builds(
        Message, role=st.sampled_from(["system", "user", "assistant"]), content=text
    )
    prompts = draw(st.lists(st.lists(messages, min_size=1, max_size=3), min_size=1, max_size=4))
    one = st.builds(
        Pair,
        id=filled,
        prompt=st.sampled_from([tuple(prompt) for prompt in prompts]),
        response_a=filled.map(lambda response: f"{response}a"),
        response_b=filled.map(lambda response: f"{response}b"),
        population=text,
        slices=st.dictionaries(text, text, max_size=2),
    )
    return draw(st.lists(one, min_size=1, max_size=6, unique_by=lambda pair: pair.id))


@st.composite
def labelled(draw: st.DrawFn) -> tuple[list[Pair], dict[str, tuple[Label, ...]]]:
    pairs = draw(pair_lists())
    sources: dict[str, tuple[Label, ...]] = {}
    for source in draw(st.lists(text, max_size=3, unique=True)):
        chosen = [pair for pair in pairs if draw(st.booleans())]
        rewards = st.none() | st.tuples(finite, finite)
        labels = (
            Label(pair_id=pair.id, p_a=draw(probability), source=source, rewards=draw(rewards))
            for pair in chosen
        )
        sources[source] = tuple(labels)
    return pairs, {source: labels for source, labels in sources.items() if labels}


def simple_pair(number: int, prompt: str | None = None) -> Pair:
    content = f"prompt {number}" if prompt is None else prompt
    message = Message(role="user", content=content)
    return Pair(id=f"p{number:04d}", prompt=(message,), response_a="left", response_b="right")


def lines(path: Path, *rows: Mapping[str, object] | str) -> Path:
    texts = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def without(row: Mapping[str, object], field: str) -> dict[str, object]:
    return {name: value for name, value in row.items() if name != field}


def test_the_native_format_is_read(tmp_path: Path) -> None:
    file = read(lines(tmp_path / "pairs.jsonl", NATIVE))
    assert file.pairs == (Pair.model_validate(without(NATIVE, "labels")),)
    assert file.labels == {
        "human": (Label(pair_id="p1", p_a=0.0, source="human"),),
        "rm": (Label(pair_id="p1", p_a=0.7, source="rm", rewards=(1.2, 0.3)),),
    }
    assert file.skipped == ()


def test_the_numbered_format_is_read(tmp_path: Path) -> None:
    file = read(lines(tmp_path / "pairs.jsonl", NUMBERED))
    assert file.pairs == (
        Pair(
            id="n1",
            prompt=(Message(role="user", content="Hi"),),
            response_a="Hello.",
            response_b="Hey!",
            population="greetings",
            slices={
                "set": "greetings",
                "category": "short",
                "label_source": "one crowd worker",
                "split": "train",
            },
        ),
    )
    assert file.labels == {
        "human": (Label(pair_id="n1", p_a=1.0, source="human"),),
        "soft:RM-8B": (Label(pair_id="n1", p_a=0.75, source="soft:RM-8B", rewards=(2.0, 0.9)),),
        "soft:GPT": (Label(pair_id="n1", p_a=0.25, source="soft:GPT"),),
    }


def test_a_population_in_meta_comes_before_the_set(tmp_path: Path) -> None:
    row = NUMBERED | {"meta": {"population": "experts", "set": "greetings"}, "label": None}
    file = read(lines(tmp_path / "pairs.jsonl", row))
    assert file.pairs[0].population == "experts"
    assert "human" not in file.labels


def test_blank_lines_a_byte_order_mark_and_crlf_are_no_faults(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(NATIVE).encode() + b"\r\n\r\n\n")
    assert len(read(path).pairs) == 1


@settings(deadline=None, max_examples=50)
@given(content=labelled())
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    content: tuple[list[Pair], dict[str, tuple[Label, ...]]],
) -> None:
    pairs, labels = content
    folder = tmp_path_factory.mktemp("round-trip")
    files = []
    for name in ("pairs.jsonl", "pairs.jsonl.gz", "again.jsonl.gz"):
        write(folder / name, pairs, labels)
        files.append(read(folder / name))
    assert files[0].pairs == tuple(pairs)
    assert files[0].labels == labels
    assert files[0] == files[1] == files[2]
    assert (folder / "pairs.jsonl.gz").read_bytes() == (folder / "again.jsonl.gz").read_bytes()
    assert gzip.decompress((folder / "pairs.jsonl.gz").read_bytes()) == (
        (folder / "pairs.jsonl").read_bytes()
    )
    assert len(list(folder.iterdir())) == 3


@settings(deadline=None, max_examples=50)
@given(pairs=pair_lists())
def test_exchanging_the_letters_twice_is_nothing(pairs: list[Pair]) -> None:
    assert [pair.swapped().swapped() for pair in pairs] == pairs


def test_the_labels_of_other_pairs_are_not_written(tmp_path: Path) -> None:
    pairs = [simple_pair(number) for number in range(3)]
    labels = [Label(pair_id=pair.id, p_a=0.5, source="rm") for pair in pairs]
    write(tmp_path / "new" / "pairs.jsonl", pairs[:2], {"rm": labels})
    assert read(tmp_path / "new" / "pairs.jsonl").labels == {"rm": tuple(labels[:2])}


@pytest.mark.parametrize(
    "pairs",
    [
        [simple_pair(1), simple_pair(1)],
        [simple_pair(1), simple_pair(2).model_copy(update={"response_b": "left"})],
        [simple_pair(1), simple_pair(2).model_copy(update={"response_b": " "})],
    ],
)
def test_a_refused_write_leaves_the_old_file(tmp_path: Path, pairs: list[Pair]) -> None:
    path = tmp_path / "pairs.jsonl"
    write(path, [simple_pair(0)], {})
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"same id|identical|empty"):
        write(path, pairs, {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    second = NUMBERED | {"id": "n2", "response_2": "Good day!"}
    file = read(lines(tmp_path / "one.jsonl", NUMBERED, second))
    reordered = read(lines(tmp_path / "two.jsonl", second, NUMBERED))
    write(tmp_path / "three.jsonl.gz", file.pairs, file.labels)
    assert len(file.fingerprint) == 64
    assert file.fingerprint == reordered.fingerprint
    assert file.fingerprint == read(tmp_path / "three.jsonl.gz").fingerprint
    changes: list[dict[str, object]] = [{"label": 0.5}, {"response_2": "Hm."}, {"soft": {}}]
    for change in changes:
        changed = read(lines(tmp_path / "four.jsonl", NUMBERED, second | change))
        assert changed.fingerprint != file.fingerprint


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        pytest.param("{", "not valid JSON", id="malformed"),
        pytest.param('{"id": "p1"', "not valid JSON .EOF .* at column", id="cut off"),
        pytest.param("[1, 2]", "must be an object", id="not an object"),
        pytest.param('"text"', "must be an object", id="a string"),
        pytest.param("[" * 100_000, "not valid JSON", id="deeply nested"),
        pytest.param(without(NATIVE, "response_b"), "'response_b': is missing", id="missing"),
        pytest.param(without(NATIVE, "prompt"), "'prompt': is missing", id="no prompt"),
        pytest.param(NATIVE | {"prompt": []}, "'prompt': .* at least 1", id="empty prompt"),
        pytest.param(NATIVE | {"prompt": "Hi"}, "'prompt': must be a list", id="prompt a string"),
        pytest.param(
            NATIVE | {"prompt": [{"role": "narrator", "content": ""}]},
            r"'prompt\.0\.role'",
            id="role",
        ),
        pytest.param(NATIVE | {"id": 7}, "'id': must be text", id="id a number"),
        pytest.param(NATIVE | {"id": ""}, "'id': .* at least 1 char", id="id empty"),
        pytest.param(
            NATIVE | {"response_a": None}, "'response_a': must be text", id="null response"
        ),
        pytest.param(NATIVE | {"response_a": " \n\t"}, "first response is empty", id="empty A"),
        pytest.param(NATIVE | {"response_b": ""}, "second response is empty", id="empty B"),
        pytest.param(NATIVE | {"response_b": "Hello."}, "identical", id="identical"),
        pytest.param(
            NATIVE | {"chosen": "a"}, "'chosen': there is no such key", id="unknown field"
        ),
        pytest.param(NATIVE | {"labels": {"rm": {"p_a": 1.5}}}, r"'labels\.rm\.p_a'", id="p > 1"),
        pytest.param(NATIVE | {"labels": {"rm": {"p_a": -0.1}}}, r"'labels\.rm\.p_a'", id="p < 0"),
        pytest.param(
            NATIVE | {"labels": {"rm": {"p_a": "1"}}}, "must be a number", id="p a string"
        ),
        pytest.param(NATIVE | {"labels": {"rm": {"p_a": True}}}, "must be a number", id="p a bool"),
        pytest.param(NATIVE | {"labels": {"rm": {"p_a": float("nan")}}}, "finite", id="NaN"),
        pytest.param(
            NATIVE | {"labels": {"rm": {"p_a": 1, "rewards": [float("inf"), 0]}}},
            r"'labels\.rm\.rewards\.0': .* finite",
            id="infinite reward",
        ),
        pytest.param(json.dumps(NATIVE).replace("1.2", "1e999"), "finite", id="overflowing reward"),
        pytest.param(
            json.dumps(NATIVE).replace("Hello.", "\\ud800"), "not valid JSON", id="half a character"
        ),
        pytest.param(
            NATIVE | {"id": "good", "response_b": "Hey."},
            "the id 'good' was seen before",
            id="duplicate id",
        ),
        pytest.param(
            json.dumps(NATIVE)[:-1] + ', "response_a": "Hi."}',
            "the key 'response_a' stands twice",
            id="duplicate key",
        ),
    ],
)
def test_a_faulty_native_line_is_named(
    tmp_path: Path, row: Mapping[str, object] | str, problem: str
) -> None:
    good = NATIVE | {"id": "good"}
    path = lines(tmp_path / "pairs.jsonl", good, "", row)
    with pytest.raises(InputError, match=rf"(?s)pairs\.jsonl, line 3: .*{problem}") as caught:
        read(path)
    assert caught.value.line == 3
    assert "response_a, response_b" in caught.value.remedy
    assert "--skip-invalid" in caught.value.remedy
    file = read(path, skip_invalid=True)
    assert [pair.id for pair in file.pairs] == ["good"]
    assert len(file.skipped) == 1
    assert file.skipped[0].startswith("line 3: ")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"response_1": " "}, "first response is empty"),
        ({"response_2": "Hello."}, "identical"),
        ({"response_2": 3}, "'response_2': must be text"),
        ({"label": 2}, "'label': must be at most 1"),
        ({"label": "1"}, "'label': must be a number"),
        ({"soft": {"RM-8B": float("nan")}}, "'soft.RM-8B': .* finite"),
        ({"soft": {"RM-8B": -1}}, "'soft.RM-8B': must be at least 0"),
        ({"soft": [0.5]}, "'soft': "),
        ({"meta": META | {"reward_RM-8B_1": float("nan")}}, "RM-8B.rewards.0': .* fin"),
        ({"meta": META | {"reward_RM-8B_2": "0.9"}}, "RM-8B.rewards.1': .* number"),
        ({"meta": "greetings"}, "'meta': "),
        ({"prompt": []}, "'prompt': .* at least 1"),
    ],
)  # fmt: skip
def test_a_faulty_numbered_line_is_named(
    tmp_path: Path, change: dict[str, object], problem: str
) -> None:
    path = lines(tmp_path / "pairs.jsonl", NUMBERED, NUMBERED | {"id": "bad"} | change)
    with pytest.raises(InputError, match=rf"(?s)pairs\.jsonl, line 2: .*{problem}") as caught:
        read(path)
    assert "response_1, response_2" in caught.value.remedy
    assert len(read(path, skip_invalid=True).skipped) == 1


def test_formats_are_not_mixed_in_one_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 2: 'response_1': is missing"):
        read(lines(tmp_path / "pairs.jsonl", NUMBERED, NATIVE))


def test_a_faulty_first_line_does_not_hide_the_format(tmp_path: Path) -> None:
    path = lines(tmp_path / "pairs.jsonl", "{", "[]", NUMBERED)
    with pytest.raises(InputError, match="line 1: not valid JSON"):
        read(path)
    file = read(path, skip_invalid=True)
    assert len(file.pairs) == 1
    assert [line.split(":")[0] for line in file.skipped] == ["line 1", "line 2"]


def test_a_message_does_not_carry_model_text(tmp_path: Path) -> None:
    hostile = "\x1b[2Jsecret" * 50
    rows = (
        NATIVE | {"response_a": [hostile]},
        NATIVE | {"id": "q", "labels": {hostile: {"p_a": 2}}},
    )
    for row in rows:
        with pytest.raises(InputError) as caught:
            read(lines(tmp_path / "pairs.jsonl", row))
        assert "\x1b" not in str(caught.value)
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize("skip_invalid", [False, True])
@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("pairs.jsonl", b"", "the file is empty"),
        ("pairs.jsonl", b"\n \n", "the file is empty"),
        ("pairs.jsonl.gz", b"", "the file is empty"),
        ("pairs.jsonl", b"{}\n\xff\xfe{}", "line 2: not UTF-8 text"),
        ("pairs.jsonl", json.dumps(NATIVE).encode("utf-16"), "line 1: not UTF-8 text"),
        (
            "pairs.jsonl.gz",
            gzip.compress(json.dumps(NATIVE).encode(), mtime=0)[:-20],
            "not a whole gzip",
        ),
        ("pairs.jsonl.gz", gzip.compress(b"{}", mtime=0)[:4], "not a whole gzip file"),
        ("pairs.jsonl.gz", gzip.compress(b"{}", mtime=0)[:-4] + b"1234", "not a whole gzip file"),
        ("pairs.jsonl.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\0\xff\xff\xff", "not a whole gzip file"),
        ("pairs.jsonl.gz", b"{}", "not a whole gzip file"),
        ("pairs.jsonl", gzip.compress(b"{}", mtime=0)[:-2], "not a whole gzip file"),
    ],
)
def test_a_faulty_file_is_always_refused(
    tmp_path: Path, name: str, content: bytes, problem: str, skip_invalid: bool
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}.*{problem}"):
        read(path, skip_invalid=skip_invalid)


@pytest.mark.parametrize("skip_invalid", [False, True])
def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path, skip_invalid: bool) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read(tmp_path / "no.jsonl", skip_invalid=skip_invalid)
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path, skip_invalid=skip_invalid)


def test_a_file_without_one_usable_line_is_refused(tmp_path: Path) -> None:
    path = lines(tmp_path / "pairs.jsonl", "{", NATIVE | {"response_a": ""})
    with pytest.raises(InputError, match=r"no line holds a usable pair \(line 1: not valid JSON"):
        read(path, skip_invalid=True)


def test_an_unknown_label_source_is_answered_with_those_there_are(tmp_path: Path) -> None:
    file = read(lines(tmp_path / "pairs.jsonl", NUMBERED))
    assert labels_of(file, "soft:GPT", "pairs.jsonl")[0].p_a == 0.25
    assert labels_of(file, "GPT", "pairs.jsonl") == labels_of(file, "soft:GPT", "pairs.jsonl")
    assert labels_of(file, "soft:human", "pairs.jsonl") == file.labels["human"]
    with pytest.raises(InputError) as caught:
        labels_of(file, "BERT", "pairs.jsonl")
    assert caught.value.remedy == "Choose one of: 'human', 'soft:GPT', 'soft:RM-8B'."
    bare = PairFile(pairs=file.pairs, labels={}, fingerprint="", skipped=())
    with pytest.raises(InputError, match="the file has none at all"):
        labels_of(bare, "human", "pairs.jsonl")


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the real preference data is not at {REAL}")
def test_real_files_are_read(tmp_path: Path) -> None:
    counts = {
        "frontend_calista_features": 1960,
        "hh_harmless_test": 1716,
        "hhh_alignment": 165,
        "judgebench_rms": 269,
        "llmbar_evaluators": 574,
        "pandalm_humans": 555,
        "qa_feedback_crowd": 2280,
        "wqrm_calibration": 936,
    }
    for name, count in counts.items():
        file = read(REAL / f"{name}.jsonl.gz")
        assert len(file.pairs) == count
        assert {pair.population for pair in file.pairs} == {name}
        assert ("human" in file.labels) == (name != "wqrm_calibration")
    write(tmp_path / "again.jsonl.gz", file.pairs, file.labels)
    assert read(tmp_path / "again.jsonl.gz") == file
    assert all(label.rewards for label in file.labels["soft:WQRM-PRE"])
