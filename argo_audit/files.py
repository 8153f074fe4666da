"""Files on this machine or behind an fsspec URL, and what to do when they cannot be had.

    read_bytes("s3://bucket/pairs.jsonl.gz")            # or "pairs.jsonl.gz"
    check_writable("s3://bucket/logs")                  # before the hours whose results go there
    append(Path("attempts.jsonl"), line)                # on disk when this returns
    folder = Folder("s3://bucket/store")
    folder.create("a/0001", b"...")                     # False: there is one, and it stays

Decisions: every driver raises the errors of its own library (no credentials is neither an OSError
nor the same class on S3 and GCS); here they become OSErrors, and `remedy` says how to mend them. A
bucket is never made: a misspelt one would be a new one. A file is made under a random name and
moved to its own, and no last part of a path that is written to is a link that is followed: a folder
of a stranger may hold links to any place. What is read has a cap (`outside.caps`).
"""

import contextlib
import fcntl
import glob
import os
import shutil
import stat
import time
import uuid
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import IO

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from argo_audit.errors import InputError, RunFolderError, brief, is_full
from argo_audit.outside.caps import LINES, RECORD, open_local, read_stream, read_whole
from argo_audit.outside.credentials import whole
from argo_audit.outside.web_files import is_web, web_file
from argo_audit.records import Run

RUN_FILE = "run.json"
"""The record of one search, in its folder."""

_RUNS_IN_AN_OUT = (RUN_FILE, f"runs/*/{RUN_FILE}", f"*/runs/*/{RUN_FILE}")  # a run, audit, demo
_PART = ".part"
_UNLOCKED = 60.0
_LIBRARIES = ("aiohttp", "azure", "botocore", "gcsfs", "google")
_CONFLICT = "ConditionalRequestConflict"  # S3 on two conditional writes at once: one has the name
_NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError")
_REMEDIES: tuple[tuple[type[OSError], str], ...] = (
    (
        PermissionError,
        "give credentials in the environment (AWS_PROFILE, AWS_ACCESS_KEY_ID, "
        "GOOGLE_APPLICATION_CREDENTIALS, …) that may list, read, write and delete there",
    ),
    (FileNotFoundError, "check the name; a bucket must be there before: none is made"),
    (OSError, "check the address (AWS_ENDPOINT_URL for a server other than AWS) and the network"),
)


def is_url(place: str | Path) -> bool:
    """Whether `place` is an fsspec URL; anything else is a path of this machine."""
    return "://" in str(place)


def on_disk(place: str | os.PathLike[str]) -> Path:
    """The path that was meant, where `~` is the user's folder; a door calls it once.

    Raises InputError for a URL, and for no name at all, where a place on this machine is needed.
    """
    if not os.fspath(place):
        raise InputError("''", "no name of a file or folder", "name one; . is this folder")
    if is_url(os.fspath(place)):
        problem = "a URL, where a place on this machine is needed"
        raise InputError(os.fspath(place), problem, "name a path")
    try:
        return Path(place).expanduser()
    except RuntimeError:  # a user whom nobody knows: the folder may be called so
        return Path(place)


def join(root: str | Path, *parts: str) -> str:
    """A path or URL below another."""
    return "/".join((str(root).rstrip("/"), *parts)) if is_url(root) else str(Path(root, *parts))


def read_bytes(place: str | Path, at_most: int = LINES) -> bytes:
    """The content of one file; raises OSError, with a sentence for what a driver meant.

    Raises InputError for a file of more than `at_most` bytes.
    """
    if not is_url(place):
        return read_whole(Path(place), at_most)
    with _remote(str(place), at_most) as file:
        return read_stream(file, place, at_most)


@contextlib.contextmanager
def open_bytes(place: str | Path) -> Iterator[IO[bytes]]:
    """One file, to be read a part at a time; raises OSError as `read_bytes` does."""
    if not is_url(place):
        with open_local(Path(place)) as local:
            yield local
        return
    with _remote(str(place), LINES) as remote:
        yield remote


def write_whole(path: Path, text: str) -> None:
    """Write a file, replacing an earlier one; a reader never sees a part of it."""
    write_whole_bytes(path, text.encode())


def write_whole_bytes(path: Path, content: bytes) -> None:
    """As `write_whole`, for bytes."""
    with _written_aside(path, content) as part:
        part.replace(path)


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet. Raises FileExistsError, for a link to nowhere too."""
    with path.open("x", encoding="utf-8") as file:
        file.write(text)


def append(path: Path, text: str) -> None:
    """Add to the end of a file, which is made if it is not there; on disk when this returns."""
    with os.fdopen(_own(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def cut(path: Path, size: int) -> None:
    """Cut a file to its first `size` bytes."""
    with os.fdopen(_own(path, os.O_WRONLY), "wb") as file:
        file.truncate(size)


def is_part(name: str) -> bool:
    """Whether a file or folder of this name is one that is being written, or was when it died."""
    return name.startswith(".") and name.endswith(_PART)


@contextlib.contextmanager
def staged(beside: Path) -> Iterator[Path]:
    """A new folder in which what goes to `beside` is made; gone afterwards, unless it was moved.

    What killed processes left of the same goes too.
    """
    beside.parent.mkdir(parents=True, exist_ok=True)
    remove_parts(beside.parent.glob(f".{glob.escape(beside.name)}-*{_PART}"))
    try:
        folder = Path(mkdtemp(prefix=f".{beside.name}-", suffix=_PART, dir=beside.parent))
    except OSError as error:
        error.filename = os.fspath(beside)  # what was to be made, and not how it is called so far
        raise
    lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        _locked(lock)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_parts(places: Iterable[Path]) -> None:
    """Remove what killed processes left half-written: those `places` that are such, by name.

    Who writes one holds a lock on it, which ends with the process. An empty one may not be locked
    yet, and is spared for a minute.
    """
    for place in places:
        if is_part(place.name) and not place.is_symlink():
            with contextlib.suppress(FileNotFoundError):  # its writer has finished
                _remove_unless_held(place)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder that is there against every other process that wants it `alone`.

    The hold ends with the block or the process, and leaves no file behind. A file system that has
    no locks holds nobody off. Raises RunFolderError when another has it.
    """
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not _locked(lock, otherwise=True):
            raise RunFolderError(
                f"{folder} is being written by another process; nothing in it was touched.\n"
                "  Remedy: wait until that one has ended, or end it"
            )
        yield
    finally:
        os.close(lock)


def check_free(path: Path, but: Collection[str] = ()) -> None:
    """Raise RunFolderError unless `path` is absent or a folder that is empty, `but` for these.

    What a killed process left behind of a file that it had begun to write does not count.
    """
    if not path.exists():
        return
    if not path.is_dir():
        raise RunFolderError(
            f"{path} is a file; the output needs a folder.\n  Remedy: name another folder"
        )
    found = (entry for entry in path.iterdir() if entry.name not in but)
    if any(not is_part(entry.name) or entry.is_symlink() for entry in found):
        held = _held(path)
        raise RunFolderError(
            f"{path} already holds {held}; nothing in it was touched.\n"
            "  Remedy: name another folder, or move the folder away"
        )


def check_writable(place: str | Path, option: str = "") -> None:
    """Raise InputError unless files can be made in the folder `place`; leaves none behind.

    `option` is what names another.
    """
    with usable(place, "written", option):
        Folder(place).probe()


@contextlib.contextmanager
def written_to(place: str | Path, option: str) -> Iterator[None]:
    """Around work that may write to a folder: where it could not, the option that names another."""
    try:
        yield
    except OSError:
        if not is_url(place):
            check_writable(place, option)
        raise


@contextlib.contextmanager
def driver_errors() -> Iterator[None]:
    """What the libraries below the drivers of S3, GCS and Azure raise becomes an OSError."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _LIBRARIES:
            raise
        kind = PermissionError if type(error).__name__ in _NO_CREDENTIALS else OSError
        raise kind(f"{type(error).__name__}: {error}") from error


@contextlib.contextmanager
def usable(place: str | Path, doing: str, option: str = "") -> Iterator[None]:
    """What a place does not allow becomes an InputError: it cannot be `doing`, and the remedy."""
    try:
        with driver_errors():
            yield
    except OSError as error:
        problem = f"cannot be {doing} ({reason(error)})"
        instead = f" with {option}" if option else ""
        raise InputError(place, problem, remedy(place, error) + instead) from error


def reason(error: OSError) -> str:
    """What happened, on one line."""
    return brief(error)


def remedy(place: str | Path, error: OSError) -> str:
    """How to mend what went wrong at `place`."""
    if is_full(error):
        return "free space on its disk, and go on"
    if not is_url(place):
        return "name a folder that you may write to"
    if isinstance(error.__cause__, (ImportError, ValueError)):
        return "name a folder, or install the package that the message asks for (s3fs, gcsfs, …)"
    return next(words for kind, words in _REMEDIES if isinstance(error, kind))


class Folder:
    """A folder on any fsspec file system. Every method raises OSError when it cannot."""

    def __init__(self, root: str | Path) -> None:
        """Nothing is made, and nothing asked of the network yet.

        Raises InputError for a web server: the folders of such are what its pages say.
        """
        if is_web(whole(str(root))):
            problem = "a web server, which lists no folder and takes no files"
            remedy = "name a folder, or a bucket (s3://, gs://, az://)"
            raise InputError(str(root), problem, remedy)
        self._files, self.path = _opened(str(root))

    @property
    def local(self) -> Path | None:
        """The folder as a path of this machine; None on any other file system."""
        return Path(self.path) if isinstance(self._files, LocalFileSystem) else None

    def place(self, *parts: str) -> str:
        """The path of something in the folder, as its file system names it."""
        return "/".join((self.path.rstrip("/"), *parts))

    def is_there(self) -> bool:
        """Whether there is such a folder; in a bucket: anything in it."""
        with driver_errors():
            return bool(self._files.isdir(self.path))

    def read(self, name: str) -> bytes:
        """The content of one file, a record or document, which has to lie in the folder."""
        place = self.place(name)
        if self.local:
            _check_within(Path(place), self.local)
            with os.fdopen(_regular(Path(place), os.O_RDONLY), "rb") as file:
                return read_stream(file, place, RECORD)
        with driver_errors(), self._files.open(place, "rb") as file:
            return read_stream(file, place, RECORD)

    def remove(self, name: str) -> None:
        """Remove one file."""
        with driver_errors():
            self._files.rm_file(self.place(name))

    def entries(self, name: str = "") -> dict[str, str]:
        """Name -> kind of what is in a folder, hidden files left out; {} for no folder."""
        kinds = self._all(name)
        return {entry: kind for entry, kind in kinds.items() if not entry.startswith(".")}

    def parts(self, name: str = "") -> list[str]:
        """What killed processes left half-written in a folder, or others are writing now."""
        return [entry for entry in self._all(name) if is_part(entry)]

    def _all(self, name: str) -> dict[str, str]:
        path = self.place(name).rstrip("/")
        with driver_errors(), contextlib.suppress(FileNotFoundError):
            return self._kinds(path)
        return {}

    def _kinds(self, path: str) -> dict[str, str]:
        """Name -> kind of all that is in a folder.

        On this machine by names alone: a driver asks for the size and times of each file too, which
        of ten thousand takes a quarter of a second.
        """
        if self.local:
            with os.scandir(path) as found:
                return {entry.name: _kind(entry) for entry in found}
        self._files.invalidate_cache(path)
        listed = self._files.ls(path, detail=True)
        return {PurePosixPath(entry["name"]).name: entry["type"] for entry in listed}

    def names(self, name: str = "", start: str = "") -> list[str]:
        """The names of what is in a folder, as quickly as they can be had; [] for no folder.

        Those that begin with `start` are among them; where asking for these is quicker, no others.
        """
        if self.local:
            with contextlib.suppress(FileNotFoundError):
                return os.listdir(self.place(name))  # noqa: PTH208 - half the time of iterdir
            return []
        if "s3" in self._files.protocol:
            return self._names_on_s3(self.place(name), start)
        return list(self.entries(name))

    def _names_on_s3(self, path: str, start: str) -> list[str]:
        """By what names begin with: `ls` of a folder without files lists the one above it too."""
        with driver_errors(), contextlib.suppress(FileNotFoundError):
            self._files.invalidate_cache(path)
            found = self._files.find(path, prefix=start)
            return [
                name for above, _, name in (one.rpartition("/") for one in found) if above == path
            ]
        return []

    def changed(self, name: str) -> int | None:
        """When something was last put into a folder or taken out; None where nobody tells."""
        with contextlib.suppress(FileNotFoundError):
            return Path(self.place(name)).stat().st_mtime_ns if self.local else None
        return None

    def make(self, name: str) -> None:
        """Make a folder in this one, where folders are made: in a bucket, a name is enough."""
        if self.path.startswith("/"):
            with driver_errors():
                self._files.makedirs(self.place(name), exist_ok=True)

    def create(self, name: str, content: bytes) -> bool:
        """Make a whole new file at once, in a folder that was made; False when there is one."""
        path = self.place(name)
        try:
            with driver_errors():
                if self.local:
                    _create_local(Path(path), content)
                else:
                    self._files.pipe_file(path, content, mode="create")
        except FileExistsError:
            return False
        except OSError as error:
            if _CONFLICT not in str(error):
                raise
            return False
        return True

    def probe(self) -> bool:
        """Make a file and remove it; False when the file system lets a second one replace it.

        On this machine only permissions are looked at: folders are not made for a question.
        """
        if self.local:
            _check_permission(self.local)
            return True
        name = f".probe-{uuid.uuid4().hex}"
        self.create(name, b"1")
        kept = not self.create(name, b"2")
        self.remove(name)
        return kept


def _own(path: Path, flags: int) -> int:
    """A file opened to be written to, unless its name is a link."""
    return _regular(path, flags | os.O_NOFOLLOW)


def _regular(path: Path, flags: int) -> int:
    """A file opened, unless it is something else: nothing waits for the other end of a pipe."""
    handle = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(f"{path} is no file")
    return handle


def _check_within(place: Path, folder: Path) -> None:
    """Raise OSError for a link out of the folder."""
    real = Path(os.path.realpath(place))  # resolve() raises RuntimeError for a link to itself
    if not real.is_relative_to(folder.resolve()):
        raise OSError(f"{place} is a link out of the folder, to {real}")


def _kind(entry: os.DirEntry[str]) -> str:
    return "directory" if entry.is_dir(follow_symlinks=False) else "file"


def _held(path: Path) -> str:
    runs = sorted(found for pattern in _RUNS_IN_AN_OUT for found in path.glob(pattern))
    if not runs:
        return "files"
    try:
        run = Run.model_validate_json(read_whole(runs[0], RECORD))
    except (ValueError, InputError):
        return f"another run ({runs[0]})"
    return f"another run: {run.id}, started {run.started:%Y-%m-%d %H:%M} ({run.outcome})"


@contextlib.contextmanager
def _remote(url: str, at_most: int) -> Iterator[IO[bytes]]:
    """One file behind a URL; of a web server it is brought here first."""
    if is_web(named := whole(url)):
        with web_file(named, at_most) as file:
            yield file
        return
    files, path = _opened(url)
    with driver_errors(), files.open(path, "rb") as file:
        yield file


def _opened(url: str) -> tuple[AbstractFileSystem, str]:
    """The file system of a URL or path, and the path in it; a path is no chain of URLs."""
    if not is_url(url):
        return LocalFileSystem(), os.path.abspath(os.path.expanduser(url))  # noqa: PTH100, PTH111 - Path keeps ".."
    try:
        files, path = url_to_fs(whole(url))
    except (ImportError, ValueError) as error:  # a missing package, a scheme that nobody knows
        raise OSError(f"no driver: {error}") from error
    return files, str(path)


def _create_local(path: Path, content: bytes) -> None:
    """Write aside, then link: linking is atomic and fails when there is a file already."""
    with _written_aside(path, content) as part:
        path.hardlink_to(part)


@contextlib.contextmanager
def _written_aside(path: Path, content: bytes) -> Iterator[Path]:
    """A file beside `path`, on disk with its content; gone afterwards, unless it was moved."""
    part = path.with_name(f".{uuid.uuid4().hex}{_PART}")
    try:
        with part.open("xb") as file:
            _locked(file.fileno())
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            yield part
    except OSError as error:
        if error.filename == os.fspath(part):
            error.filename = os.fspath(path)  # what was to be made
        raise
    finally:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # moved, or not made
            part.unlink()


def _remove_unless_held(part: Path) -> None:
    descriptor = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        about = os.fstat(descriptor)
        is_folder = stat.S_ISDIR(about.st_mode)
        is_empty = not any(part.iterdir()) if is_folder else not about.st_size
        if is_empty and time.time() - about.st_mtime < _UNLOCKED:
            return
        if _locked(descriptor):
            shutil.rmtree(part, ignore_errors=True) if is_folder else part.unlink()
    finally:
        os.close(descriptor)


def _locked(descriptor: int, *, otherwise: bool = False) -> bool:
    """Take the lock of an open file, without waiting; False where another process has it.

    `otherwise` is what a file system without locks gives.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return otherwise
    return True


def _check_permission(path: Path) -> None:
    there = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not there.is_dir():
        raise NotADirectoryError(f"{there} is a file")
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(f"no permission to write in {there}")
