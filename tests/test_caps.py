"""What is read has a size, an expansion and a depth; what is beyond is a sentence, not memory."""

import gzip
import os
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pytest

import argo_audit.audits.reporting  # noqa: F401 - loaded by verify, and no part of what it reads
from argo_audit.audits.audit_facts import FACTS_FILE, read_facts
from argo_audit.audits.begun import REQUEST_FILE, read_request
from argo_audit.audits.labels import LabelRecords
from argo_audit.audits.price import read_prices
from argo_audit.audits.verification import verify
from argo_audit.errors import ArgoError, InputError, StoreError
from argo_audit.evals.reading import find_logs
from argo_audit.files import read_bytes
from argo_audit.outside.caps import (
    LINES,
    MIB,
    RECORD,
    check_archive,
    read_text,
    read_whole,
    unpacked,
)
from argo_audit.outside.plain_documents import DEEPEST, LARGEST, plain_toml, plain_yaml
from argo_audit.report.markdown import front_matter
from argo_audit.search.journal import read_run
from argo_audit.store import from_document

BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9)
)
DEEP = "a: " + "[" * 3000


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGO_MAX_FILE_MIB", "2")


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def peak(call: Callable[[], object]) -> float:
    """The most memory, in MiB, that Python takes for a call which ends in an error of ours."""
    tracemalloc.start()
    with pytest.raises(ArgoError):
        call()
    most = tracemalloc.get_traced_memory()[1] / MIB
    tracemalloc.stop()
    return most


@pytest.mark.parametrize(
    ("name", "read"),
    [
        (FACTS_FILE, lambda path: read_facts(path.parent)),
        (REQUEST_FILE, lambda path: read_request(path.parent)),
        ("run.json", lambda path: read_run(path.parent)),
        ("audit.md", verify),
        ("prices.yaml", read_prices),
        ("any", read_whole),
        ("any", read_bytes),
        ("any", read_text),
        ("a.eval", check_archive),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_beyond_its_cap_is_not_taken_into_memory(
    tmp_path: Path, name: str, read: Callable[[Path], object]
) -> None:
    path = sparse(tmp_path / name, 3000 * MIB)
    assert peak(lambda: read(path)) < 4
    with pytest.raises(ArgoError, match=r"2 MiB.*\n.*ARGO_MAX_FILE_MIB=(3001|4)"):
        read(path)


def test_what_has_no_size_is_read_up_to_the_cap() -> None:
    assert peak(lambda: read_whole(Path("/dev/zero"))) < 8


def test_who_has_such_a_file_allows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sparse(tmp_path / "large", 3 * MIB)
    with pytest.raises(InputError):
        read_whole(path)
    monkeypatch.setenv("ARGO_MAX_FILE_MIB", "3")
    assert len(read_whole(path)) == 3 * MIB
    monkeypatch.delenv("ARGO_MAX_FILE_MIB")
    assert RECORD < LINES
    with pytest.raises(InputError, match="64 MiB"):
        read_whole(sparse(path, RECORD + 1), RECORD)


def test_gzip_unpacks_to_so_much_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARGO_MAX_FILE_MIB")
    packer, blanks = zlib.compressobj(9, zlib.DEFLATED, 31), b" " * MIB
    first, again = (packer.compress(blanks) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    bomb = first + 299 * again + packer.flush()
    assert peak(lambda: unpacked(bomb, "b.gz")) < 140
    assert peak(lambda: unpacked(gzip.compress(b" " * (40 * MIB), 1) * 3, "b.gz")) < 140
    text = b"".join(b"%d\n" % i for i in range(100_000))
    assert unpacked(gzip.compress(text), "t.gz") == text
    assert unpacked(gzip.compress(b"a") + gzip.compress(b"b") + b"\0\0", "two.gz") == b"ab"
    for broken in (gzip.compress(text)[:-9], gzip.compress(text) + b"x", b"no gzip"):
        with pytest.raises((EOFError, zlib.error)):
            unpacked(broken, "broken.gz")


def test_labels_on_record_and_logs_are_no_bombs(tmp_path: Path) -> None:
    kept = LabelRecords(tmp_path)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "human.json.gz").write_bytes(gzip.compress(b" " * (9 * MIB)))
    assert peak(lambda: kept.get("human")) < 8
    logs = tmp_path / "logs"
    logs.mkdir()
    with zipfile.ZipFile(logs / "2026-01-01T00-00-00_t_x.eval", "w", zipfile.ZIP_DEFLATED) as log:
        log.writestr("header.json", b" " * (9 * MIB))
    with pytest.raises(InputError, match="unpacks to more than 2 MiB"):
        find_logs(logs, "rubric_agreement")


def zipped(path: Path, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A log of one entry that says it holds ten bytes."""
    packed = zlib.compress(content, 9)[2:-4] if method == zipfile.ZIP_DEFLATED else zstd(content)
    name, crc = b"header.json", zlib.crc32(content)
    about = struct.pack("<HHHHHIIIHH", 20, 0, method, 0, 0, crc, len(packed), 10, len(name), 0)
    local = b"PK\3\4" + about + name + packed
    listed = b"PK\1\2" + struct.pack("<H", 20) + about + bytes(14) + name
    end = struct.pack("<HHHHIIH", 0, 0, 1, 1, len(listed), len(local), 0)
    path.write_bytes(local + listed + b"PK\5\6" + end)
    return path


def zstd(content: bytes) -> bytes:
    packed: bytes = pyarrow.compress(content, codec="zstd", asbytes=True)
    return packed


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, 93])
def test_what_a_log_says_of_its_sizes_is_not_believed(tmp_path: Path, method: int) -> None:
    path = zipped(tmp_path / "a.eval", b" " * (9 * MIB), method)
    assert peak(lambda: check_archive(path)) < 4
    with pytest.raises(InputError, match="unpacks to more than 2 MiB"):
        check_archive(path)
    check_archive(zipped(tmp_path / "b.eval", b"0123456789", method))


def test_a_log_packed_in_an_unknown_way_or_with_two_lists_of_entries_is_refused(
    tmp_path: Path,
) -> None:
    with zipfile.ZipFile(tmp_path / "a.eval", "w", zipfile.ZIP_BZIP2) as log:
        log.writestr("header.json", b" " * 999)
    with pytest.raises(zipfile.BadZipFile, match="method 12"):
        check_archive(tmp_path / "a.eval")
    sound = zipped(tmp_path / "b.eval", b"0123456789").read_bytes()
    for odd in (b"PK\3\4" + sound, sound + b"\n", sound[:-2] + b"\1\0x", sound + sound):
        (tmp_path / "c.eval").write_bytes(odd)
        with pytest.raises(InputError, match="before or behind"):
            check_archive(tmp_path / "c.eval")
    record = struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 0, 0, 0, 0)
    locator = struct.pack("<IQI", 0, len(sound) - 22, 1)
    hidden = b"PK\6\6" + record + b"PK\6\7" + locator
    (tmp_path / "d.eval").write_bytes(sound[:-22] + hidden + sound[-22:])
    with pytest.raises(InputError, match="before or behind"):
        check_archive(tmp_path / "d.eval")


def test_a_long_list_of_entries_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.eval"
    end = struct.pack("<HHHHIIH", 0, 0, 9, 9, 3 * MIB, 0, 0)
    path.write_bytes(bytes(3 * MIB) + b"PK\5\6" + end)
    assert peak(lambda: check_archive(path)) < 2


@pytest.mark.parametrize("text", [BOMB, DEEP, "a: " + "{b: " * 3000, "? " * 500, "- " * 500],
                         ids=["bomb", "deep", "mappings", "keys", "lists"])  # fmt: skip
def test_yaml_is_plain_and_shallow(tmp_path: Path, text: str) -> None:
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"alias|deep|expected|mapping"):
        plain_yaml(text)
    with pytest.raises(ValueError, match="front matter"):
        front_matter(f"---\n{text}\n---\nbody")
    with pytest.raises(StoreError):
        from_document(f"---\n{text}\n---\nbody")
    (tmp_path / "audit.md").write_text(f"---\n{text}\n---\nbody")
    with pytest.raises(InputError):
        verify(tmp_path / "audit.md")
    assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    tracemalloc.stop()


def test_what_yaml_makes_of_odd_values_is_an_error_of_ours() -> None:
    nested = "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1)
    assert plain_yaml(f"a: {nested}")
    for text in (" " * (LARGEST + 1), "a: 2001-99-99", "a: !!python/object:os.system x", "\x00"):
        with pytest.raises(ValueError, match=r"\S"):
            plain_yaml(text)


def test_toml_and_json_are_no_deeper(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="deep"):
        plain_toml("a = " + "[" * 100_000)
    (tmp_path / FACTS_FILE).write_text("[" * 100_000)
    with pytest.raises(InputError):
        read_facts(tmp_path)


def test_the_environment_is_read_when_it_counts() -> None:
    assert os.environ["ARGO_MAX_FILE_MIB"] == "2"


def test_what_a_zip_says_of_itself_is_not_believed(tmp_path: Path) -> None:
    log = tmp_path / "2026-01-01T00-00-00_t_x.eval"
    with zipfile.ZipFile(log, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", b" " * (9 * MIB))
    honest = (9 * MIB).to_bytes(4, "little")
    log.write_bytes(log.read_bytes().replace(honest, (9).to_bytes(4, "little")))
    with zipfile.ZipFile(log) as archive:
        assert archive.infolist()[0].file_size == 9
    assert peak(lambda: find_logs(tmp_path, "rubric_agreement")) < 8
