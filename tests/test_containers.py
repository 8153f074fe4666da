"""Files are read in whatever they come, a part at a time, and no more of them than is allowed."""

import bz2
import gzip
import json
import lzma
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet
from test_pair_formats import TRL, as_csv, as_parquet

from argo_audit.errors import InputError
from argo_audit.outside.caps import read_whole
from argo_audit.pairs.formats.containers import open_rows
from argo_audit.pairs.formats.data_stream import Caps, opened
from argo_audit.pairs.pair_file import read

ROWS = [TRL, TRL | {"prompt": "Ebb?"}]
LINES = "\n".join(map(json.dumps, ROWS)).encode()


def zstd(content: bytes) -> bytes:
    return bytes(pyarrow.compress(content, codec="zstd", asbytes=True))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl.zst", zstd(LINES)),
        ("a.jsonl", zstd(LINES)),
        ("a.jsonl.bz2", bz2.compress(LINES)),
        ("a.jsonl.xz", lzma.compress(LINES)),
        ("a.csv.zst", zstd(as_csv(ROWS))),
        ("a.tsv", as_csv(ROWS).replace(b",", b"\t")),
        ("a.csv", as_csv(ROWS).replace(b",", b";")),
        ("b.csv", as_csv(ROWS).replace(b",", b"\t")),
        ("array.jsonl", json.dumps(ROWS).encode()),
        ("pretty.jsonl", json.dumps(ROWS, indent=1).encode()),
        ("object.json", json.dumps({"data": ROWS}).encode()),
        ("object.jsonl", json.dumps({"rows": ROWS}, indent=1).encode()),
        ("parquet.bin", as_parquet(ROWS)),
        ("parquet.gz", gzip.compress(as_parquet(ROWS))),
    ],
)
def test_what_a_file_is_shows_in_it_and_not_in_its_name(
    name: str, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "lines.jsonl").write_bytes(LINES)
    (tmp_path / name).write_bytes(content)
    assert read(tmp_path / name) == read(tmp_path / "lines.jsonl")


def test_what_stands_beside_the_rows_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"version": 2, "data": ROWS}))
    assert read(path).unused == ("version",)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.json", json.dumps({"train": ROWS, "test": ROWS}).encode(), "'train', 'test': which"),
        ("b.json", b'{"data": [{"a": 1}], "data": [{"b": 1}]}', "the key 'data' stands twice"),
        ("a.csv", b"prompt,chosen,chosen\na,b,c", "line 1: the column 'chosen' stands twice"),
        ("a.xlsx", b"PK\x03\x04" + bytes(40), "a zip archive or spreadsheet"),
        ("a.arrow", b"ARROW1\0\0" + bytes(40), "an Arrow file"),
        ("a.jsonl.zst", zstd(LINES)[:-9], "not a whole zstd file"),
        ("a.jsonl.xz", lzma.compress(LINES)[:-9], "not a whole xz file"),
        ("a.jsonl.bz2", bz2.compress(LINES)[:-9], "not a whole bzip2 file"),
        ("a\0.jsonl", b"", "NUL"),
        ("old-mac.csv", b"prompt,chosen,rejected\rq,a,b\r", "line 1: not valid CSV"),
        ("wide.csv", b"a," * 100_000 + b"\n", "stands twice"),
    ],
)
def test_what_holds_no_rows_is_named(
    name: str, content: bytes, problem: str, tmp_path: Path
) -> None:
    if "\0" not in name:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=problem):
        read(tmp_path / name)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jsonl")
    (tmp_path / "link").symlink_to("a.jsonl")
    for name in ("a.jsonl", "link"):
        with pytest.raises(InputError, match="it is a pipe"):
            read(tmp_path / name)
        with pytest.raises(OSError, match="it is a pipe"):
            read_whole(tmp_path / name)


def test_a_column_of_parquet_that_stands_twice_is_refused(tmp_path: Path) -> None:
    columns = [pyarrow.array(["a"])] * 4
    names = ["prompt", "chosen", "rejected", "chosen"]
    parquet.write_table(pyarrow.Table.from_arrays(columns, names), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="the column 'chosen' stands twice"):
        read(tmp_path / "a.parquet")


def test_bytes_and_dates_of_a_table_are_not_lost(tmp_path: Path) -> None:
    rows = [TRL | {"images": [{"bytes": b"\x89PNG\r\n", "path": None}], "when": b"\x01"}]
    (tmp_path / "a.parquet").write_bytes(as_parquet(rows))
    file = read(tmp_path / "a.parquet")
    assert file.pairs[0].prompt[0].images == ("data:image/png;base64,iVBORw0K",)
    assert file.unused == ("when",)


SMALL = Caps(unpacked=100_000, whole=3000, row=1000, ratio=20)


def many(n: int) -> list[dict[str, str]]:
    return [TRL | {"prompt": f"Question {i:04d}"} for i in range(n)]


def as_lines(rows: list[dict[str, str]]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


LONG = TRL | {"chosen": "a" * 2000}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", as_lines(many(5000)), "what it holds is more than .*ARGO_MAX_DATA_MIB"),
        ("a.csv", as_csv(many(5000)), "what it holds is more than .*ARGO_MAX_DATA_MIB"),
        ("a.json", json.dumps(many(80)).encode(), "in one piece is more than .*ARGO_MAX_ARRAY_MIB"),
        ("b.jsonl", as_lines([TRL, LONG]), "line 2: a row is more than .*ARGO_MAX_ROW_MIB"),
        ("c.jsonl", as_lines([LONG]), "line 1: a row is more than .*ARGO_MAX_ROW_MIB"),
        ("b.json", json.dumps([LONG]).encode(), "a row is more than .*ARGO_MAX_ROW_MIB"),
        ("b.csv", as_csv([TRL, LONG]), "a row is more than .*ARGO_MAX_ROW_MIB"),
        ("blank.jsonl", b" " * 3000, "a row is more than"),
    ],
)
def test_more_than_a_cap_is_refused_with_what_raises_it(
    name: str, content: bytes, words: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with (
        pytest.raises(InputError, match=f"(?s){words}"),
        open_rows(tmp_path / name, lambda row: True, SMALL) as rows,
    ):
        list(rows.texts)


def test_members_and_the_zeros_behind_them_are_read_and_not_without_an_end(tmp_path: Path) -> None:
    path, rows = tmp_path / "a.jsonl.gz", b'{"a": 1}\n' * 50_000
    path.write_bytes(gzip.compress(rows) + b"\0" * 1000 + gzip.compress(rows[:9]) + b"\0" * 99)
    with opened(str(path), Caps()) as stream:
        assert stream.rest() == rows + rows[:9]
    os.truncate(path, 30 << 30)  # that take no room
    with (
        pytest.raises(InputError, match="nothing but zeros"),
        opened(str(path), Caps()) as stream,
    ):
        stream.rest()


@pytest.mark.parametrize("pack", [lambda content: gzip.compress(content, 1), zstd])
def test_what_unpacks_to_very_much_more_is_refused(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(pack(b'{"prompt": "%b"}\n' % (b"a" * 2**20) * 80))
    with (
        pytest.raises(InputError, match=r"unpacks to is more than 20 times(.|\n)*ARGO_MAX_RATIO"),
        open_rows(path, lambda row: True, Caps(ratio=20)) as rows,
    ):
        for _ in rows.texts:
            pass


def test_parquet_is_held_to_what_it_says_of_its_pages(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(as_parquet([TRL | {"chosen": "ab" * 900}]))
    for caps, words in ((SMALL, "a row is more than"), (Caps(row=10**4), "")):
        with open_rows(tmp_path / "a.parquet", lambda _: True, caps) as rows:
            if not words:
                assert len(list(rows.texts)) == 1
                continue
            with pytest.raises(InputError, match=words):
                list(rows.texts)


def test_the_caps_are_raised_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGO_MAX_ROW_MIB", "64")
    monkeypatch.setenv("ARGO_MAX_RATIO", "500")
    monkeypatch.setenv("ARGO_MAX_DATA_MIB", "much")
    caps = Caps.from_environment()
    assert (caps.row, caps.ratio, caps.unpacked) == (64 << 20, 500, Caps().unpacked)


def test_lines_are_read_one_at_a_time(tmp_path: Path) -> None:
    """The fault at the end does not show before it is reached."""
    path = tmp_path / "a.jsonl.gz"
    content = as_lines(many(40_000))
    packed = zlib.compressobj(wbits=31)
    path.write_bytes((packed.compress(content) + packed.flush())[:-9])
    with open_rows(path, lambda row: True) as rows:
        assert next(rows.texts)[0] == 1
        with pytest.raises(InputError, match="not a whole gzip file"):
            list(rows.texts)
