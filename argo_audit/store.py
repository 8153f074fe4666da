"""The rubric store: what was learned about each reward model, numbered, never overwritten.

    store = RubricStore("rubric_store")                 # or "memory://x", "s3://bucket/store"
    stored = store.append(NewRubric(rubric=rubric, reward_model="org/Model-8B", ...))
    ref(stored)                                         # "org--Model-8B@1"
    store.get("org/Model-8B")                           # the latest; "org/Model-8B@1" the first
    store.verify()                                      # [] or sentences about what is wrong

A rubric is one file, `<root>/<slug of the reward model>/NNNN-<rubric id>.md`: YAML front matter
with its lineage and agreement, like a model card, then the rubric's text, byte for byte. Beside
them may lie `held-out.jsonl.gz`, the pairs that all of them are evaluated on; nothing else may.

Decisions: the store has one way to write, which makes a whole new file or none, and no way to
overwrite or delete a rubric. Two writers agree on a number through a claim, `.pending/NNNN`, that
only one of them can make and that holds the whole document. Whoever meets a claim finishes it
(`_settle`), so a writer that dies leaves nothing half done. It takes a file system that can create
a file only if there is none: local disks (a hard link does it), or an object store whose fsspec
driver honours `mode="create"`, as those of S3, GCS and Azure do; `check` asks, and refuses others.

Whether a number that was claimed is free is seen in a listing of its folder; S3 lists the names
that begin with the number. On a disk, where each listing is of all names, a store that published
number N keeps the claim N until it publishes N + 1, or is no more. Whoever publishes N + 1 removes
the claims below it first, and only then may its own go. So a store that makes the claim N + 1 and
still finds its claim N has had no other before it, and needs no listing.
"""

import builtins
import contextlib
import re
import shlex
import weakref
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import yaml

from argo_audit.errors import StoreError, brief, is_full
from argo_audit.files import Folder, is_url, reason, remedy, remove_parts
from argo_audit.outside.plain_documents import plain_yaml
from argo_audit.records import Agreement, Record, Rubric, StoredRubric, fingerprint

HELD_OUT = "held-out.jsonl.gz"
"""The held-out pairs of a reward model, in its folder."""

_PENDING = ".pending"
_FILE_NAME = re.compile(r"(\d{4,})-([0-9a-f]{12})\.md")
_FENCE = "---\n"


class NewRubric(Record):
    """A rubric to be stored: a `StoredRubric` that has no version yet."""

    rubric: Rubric
    reward_model: str
    label_source: str
    parent: int | None
    run: str
    judge: str
    created: datetime
    dev: Agreement
    held_out: Agreement | None


class _KeptClaim(NamedTuple):
    """A claim that was published and is kept: its number, and what it holds."""

    version: int
    document: bytes


def slug(reward_model: str) -> str:
    """A folder name for a reward model's name; a slug is its own slug.

    "org/Model-8B" gives "org--Model-8B". A name that holds anything but letters, digits and
    `._@+=-` (or is long) is shortened to those and ends in a fingerprint of the whole name.
    """
    plain = reward_model.replace("/", "--").replace(":", "-")
    safe = re.sub(r"[^A-Za-z0-9._@+=-]+", "-", plain).strip(".-")
    if safe and safe == plain and len(safe) <= 100:
        return safe
    return f"{safe[:80] or 'model'}-{fingerprint(reward_model, 8)}"


def ref(stored: StoredRubric) -> str:
    """What `RubricStore.get` finds this rubric by: "<slug>@<version>"."""
    return f"{slug(stored.reward_model)}@{stored.version}"


def file_name(stored: StoredRubric) -> str:
    """The rubric's file in its reward model's folder."""
    return f"{stored.version:04d}-{stored.rubric.id}.md"


def to_document(stored: StoredRubric) -> str:
    """The file's text: front matter, in which `rubric` is the id, and the rubric's text."""
    fields = stored.model_dump(mode="json") | {"rubric": stored.rubric.id}
    front = yaml.safe_dump(fields, sort_keys=False)  # ASCII: unescaped, U+0085 would not survive
    return f"{_FENCE}{front}{_FENCE}{stored.rubric.text}"


def from_document(document: str) -> StoredRubric:
    """The inverse of `to_document`.

    Raises:
        StoreError: When the front matter cannot be read, or names another text than its own.
    """
    front, fence, text = document.removeprefix(_FENCE).partition(f"\n{_FENCE}")
    if not fence or not document.startswith(_FENCE):
        raise StoreError("the front matter cannot be read: no lines `---` around it")
    rubric = Rubric(text=text)
    try:
        fields = dict(plain_yaml(front))
        stored = StoredRubric.model_validate(fields | {"rubric": rubric})
    except (ValueError, TypeError) as error:
        raise StoreError(
            f"the front matter cannot be read: {brief(error, StoredRubric)}"
        ) from error
    if fields.get("rubric") != rubric.id:
        raise StoreError(
            f"the front matter is that of rubric {fields.get('rubric')!r}, the text's id is "
            f"{rubric.id}: the text was changed after it was stored"
        )
    return stored


class RubricStore:
    """Append-only rubrics under a folder on any fsspec file system."""

    def __init__(self, root: str | Path) -> None:
        """`root` is a path or an fsspec URL; nothing is made until the first `append`.

        Raises:
            StoreError: When fsspec has no driver for the URL.
        """
        self.root = str(root)
        with _as("a store", self.root):
            self._root = Folder(root)
        self._known: dict[str, dict[int, str]] = {}
        self._changed: dict[str, int | None] = {}
        self._kept: dict[str, _KeptClaim] = {}
        weakref.finalize(self, _release, self._root, self._kept)

    @property
    def folder(self) -> Path | None:
        """The root as a folder of this machine; None on any other file system."""
        return self._root.local

    def check(self) -> None:
        """See that rubrics could be stored now, before hours of work for one; leaves no trace.

        Raises:
            StoreError: When the store cannot be written, or its file system would let one writer
                replace the rubric of another.
        """
        with _as("written", self.root):
            kept = self._root.probe()
        if not kept:
            raise StoreError(
                f"{self.root} cannot be a store: its server lets a new file replace one of "
                "the same name (it does not honour If-None-Match); keep the store on S3, or in a "
                "folder, and copy it"
            )

    def append(self, new: NewRubric) -> StoredRubric:
        """Store a rubric under its reward model's next number.

        Safe with several writers: numbers never collide and leave no gap, and a reader sees a
        whole file or none.

        Raises:
            StoreError: When the parent is not in the store, the folder belongs to a reward model
                of another name, or the store cannot be written.
        """
        folder = slug(new.reward_model)
        with _as("written", self.root):
            self._root.make(f"{folder}/{_PENDING}")
            self._clean(f"{folder}/{_PENDING}")
            kept = [self._kept[folder].version] if folder in self._kept else []
            if self._claims(folder) != kept:  # somebody writes there, or died
                self._clean(folder)
                self._settle(folder)
            if self._root.changed(folder) != self._changed.get(folder):
                self._known.pop(folder, None)
            while True:
                stored = self._numbered(new, folder)
                if self._stored(stored, folder):
                    self._known[folder][stored.version] = file_name(stored)
                    self._changed[folder] = self._root.changed(folder)
                    return stored
                del self._known[folder]

    def settle(self, reward_model: str) -> None:
        """Finish what a killed process was publishing of a reward model: list it after that.

        Raises:
            StoreError: When there is such a rubric, and it cannot be read or written.
        """
        folder = slug(reward_model)
        with _as("written", self.root):
            self._settle(folder)
            self._clean(folder)
            self._clean(f"{folder}/{_PENDING}")

    def list(self, reward_model: str | None = None) -> builtins.list[StoredRubric]:
        """All rubrics, or one reward model's (by name or slug), by folder and number."""
        with _as("read", self.root):
            folders = self.reward_models() if reward_model is None else [slug(reward_model)]
            files = ((folder, name) for folder in folders for _, name in self._files(folder))
            return [self._read(folder, name) for folder, name in files]

    def get(self, ref: str) -> StoredRubric:
        """One rubric by "<reward model>@<version>", or the latest by "<reward model>".

        The reward model is given by name or slug; digits after the last `@` are a version.

        Raises:
            StoreError: When there is no such rubric; the message lists what there is.
        """
        version = re.fullmatch(r"(.+)@(\d{1,9})", ref, re.DOTALL | re.ASCII)
        folder = slug(version[1] if version else ref)
        with _as("read", self.root):
            files = self._files(folder)
            found = [name for number, name in files if not version or number == int(version[2])]
            if found:
                return self._read(folder, found[-1])
            there = ", ".join(self._refs()) or "nothing"
        raise StoreError(
            f"no rubric {ref!r} in the store {self._root.path}; it holds {there}\n"
            "  Remedy: name one of these, or another store"
        )

    def reward_models(self) -> builtins.list[str]:
        """The slugs of the reward models that have a folder."""
        with _as("read", self.root):
            entries = self._root.entries()
        return sorted(name for name, kind in entries.items() if kind == "directory")

    def verify(self) -> builtins.list[str]:
        """What is wrong with the store, one sentence each; empty when it is sound."""
        with _as("read", self.root):
            if not self._root.is_there():
                return [f"There is no store at {self._root.path}."]
            return [problem for folder in self.reward_models() for problem in self._verify(folder)]

    def _verify(self, folder: str) -> builtins.list[str]:
        files = self._files(folder)
        versions = [version for version, _ in files]
        known = {HELD_OUT, *(name for _, name in files)}
        strays = sorted(self._root.entries(folder).keys() - known)
        problems = [f"{folder}/{name} is not named NNNN-<rubric id>.md." for name in strays]
        problems += [f"{folder}: {problem}" for problem in _numbering(versions)]
        problems += self._left_behind(folder)
        for _, name in files:
            try:
                stored = self._whole(folder, name)
            except StoreError as error:
                problems.append(f"{error}.")
            else:
                lineage = _lineage(stored, versions)
                problems += [f"{folder}/{name}: {problem}" for problem in lineage]
        return problems

    def _left_behind(self, folder: str) -> Iterator[str]:
        """What a process left that was killed while it published, or is publishing right now."""
        pending = f"{folder}/{_PENDING}"
        published = {version for version, _ in self._files(folder)} if self.folder else set()
        for claim in (one for one in self._claims(folder) if one not in published):
            yield (
                f"{_claim(folder, claim)} was not published to its end; the next rubric stored "
                "there finishes it, and so does `argo-audit resume` of its audit."
            )
        for place in (folder, pending):
            for name in sorted(self._root.parts(place)):
                yield (
                    f"{place}/{name} is being written, or was when a process was killed; the next "
                    "rubric stored there removes it then."
                )

    def _numbered(self, new: NewRubric, folder: str) -> StoredRubric:
        """The rubric under the next number, as far as is known.

        The folder is listed once, and again where what was seen then is not enough: a number that
        another writer has taken since is found to be taken when it is claimed (`_stored`).
        """
        files = self._known.get(folder, {})
        if not files or (new.parent is not None and new.parent not in files):
            files = self._known[folder] = dict(self._files(folder))
        if new.parent is not None and new.parent not in files:
            there = ", ".join(map(str, files)) or "none"
            raise StoreError(f"{folder} has no version {new.parent} to be a parent; it has {there}")
        last = next(reversed(files), 0)
        if last and (name := self._read(folder, files[last]).reward_model) != new.reward_model:
            raise StoreError(
                f"{folder} holds rubrics of {name!r}, so those of {new.reward_model!r} cannot go "
                "there; rename the reward model or choose another root"
            )
        return StoredRubric(version=last + 1, **dict(new))

    def _stored(self, stored: StoredRubric, folder: str) -> bool:
        """Try to store a rubric under its number; False when another writer has the number.

        What counts is the document under the number, not the answer to the claim: one that was
        lost on the way, and asked for again, says that the number is taken, by oneself.
        """
        document, name = to_document(stored).encode(), f"{folder}/{file_name(stored)}"
        made = self._root.create(_claim(folder, stored.version), document)
        if made and self._follows(folder, stored.version):
            self._root.create(name, document)  # or another that met the claim has
            self._keep(folder, _KeptClaim(stored.version, document))
            return True
        keeps = made and self.folder is not None
        self._settle(folder, stored.version if keeps else None)
        with contextlib.suppress(FileNotFoundError):  # another's rubric has the number
            if self._root.read(name) == document:
                if keeps:
                    self._kept[folder] = _KeptClaim(stored.version, document)
                return True
        if keeps:
            self._remove(_claim(folder, stored.version))
        return False

    def _follows(self, folder: str, claimed: int) -> bool:
        """Whether nobody has published since this store did: its claim is there as it was."""
        kept = self._kept.get(folder)
        if not kept or kept.version != claimed - 1:
            return False
        if self._claims(folder) != [kept.version, claimed]:
            return False
        with contextlib.suppress(FileNotFoundError):  # met, and removed, since it was listed
            return self._root.read(_claim(folder, kept.version)) == kept.document
        return False

    def _keep(self, folder: str, claim: _KeptClaim) -> None:
        """Keep a claim that was published in place of the one before it."""
        self._remove(_claim(folder, self._kept.pop(folder).version))
        self._kept[folder] = claim

    def _claims(self, folder: str) -> builtins.list[int]:
        """The numbers that are claimed, in order."""
        return sorted(map(int, filter(str.isdecimal, self._root.names(f"{folder}/{_PENDING}"))))

    def _settle(self, folder: str, keep: int | None = None) -> None:
        """Write the document of every claim (one's own, or left by a crash) and release it.

        The claim is read before the folder is listed. A claim is released only once its number
        has a file and lower ones are released, so a later claim on the number (by a writer whose
        listing was old) is always seen to be too late, and all who finish the first claim write the
        same document. The claim `keep` is not released.
        """
        for number in self._claims(folder):
            claim = _claim(folder, number)
            with contextlib.suppress(FileNotFoundError):  # another writer has released it
                document = self._root.read(claim)
                stored = _parsed(self._root.place(claim), document)
                if not self._is_taken(folder, stored.version):
                    self._root.create(f"{folder}/{file_name(stored)}", document)
                if number != keep:
                    self._root.remove(claim)

    def _is_taken(self, folder: str, version: int) -> bool:
        """Whether a rubric has the number; looked for in all names at once, which is quickest."""
        start = f"{version:04d}-"
        names = "/".join(["", *self._root.names(folder, start), ""])
        return f"/{start}" in names and bool(re.search(rf"/{start}[0-9a-f]{{12}}\.md/", names))

    def _remove(self, claim: str) -> None:
        with contextlib.suppress(FileNotFoundError):  # another writer has released it
            self._root.remove(claim)

    def _clean(self, place: str) -> None:
        """Remove what killed processes left half-written; object stores have no such thing."""
        if self.folder:
            remove_parts((self.folder / place).glob(".*"))

    def _read(self, folder: str, name: str) -> StoredRubric:
        try:
            return self._whole(folder, name)
        except StoreError as error:
            raise StoreError(
                f"{error}\n  Remedy: put the file back as it was stored, or take it away; "
                f"argo-audit store verify {shlex.quote(self._root.path)} names all that is wrong"
            ) from error

    def _whole(self, folder: str, name: str) -> StoredRubric:
        path = self._root.place(folder, name)
        stored = _parsed(path, self._root.read(f"{folder}/{name}"))
        home = f"{slug(stored.reward_model)}/{file_name(stored)}"
        if home != f"{folder}/{name}":
            raise StoreError(f"{path} does not match its content, which belongs at {home}")
        return stored

    def _files(self, folder: str) -> builtins.list[tuple[int, str]]:
        """(version, file name) of the rubrics in a folder, sorted."""
        matches = map(_FILE_NAME.fullmatch, self._root.names(folder))
        return sorted((int(match[1]), match[0]) for match in matches if match)

    def _refs(self) -> builtins.list[str]:
        folders = self.reward_models()
        return [f"{folder}@{version}" for folder in folders for version, _ in self._files(folder)]


def _claim(folder: str, version: int) -> str:
    return f"{folder}/{_PENDING}/{version:04d}"


def _release(root: Folder, kept: dict[str, _KeptClaim]) -> None:
    """Remove the claims that a store kept which is no more; who cannot leaves them to the next."""
    for folder, claim in kept.items():
        with contextlib.suppress(OSError):
            root.remove(_claim(folder, claim.version))


@contextlib.contextmanager
def _as(what: str, root: str) -> Iterator[None]:
    """What the file system does not allow is a StoreError: `root` cannot be `what`."""
    try:
        yield
    except OSError as error:
        local = "put in order what is named, or name another store"
        if what != "read":
            local = "choose a root you may write to, on a file system that has hard links"
        mend = remedy(root, error) if is_url(root) or is_full(error) else local
        raise StoreError(f"{root} cannot be {what} ({reason(error)}); {mend}") from error


def _parsed(path: str, document: bytes) -> StoredRubric:
    try:
        return from_document(document.decode())
    except (StoreError, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: {brief(error)}") from error


def _numbering(versions: Sequence[int]) -> Iterator[str]:
    for version, files in Counter(versions).items():
        if files > 1:
            yield f"version {version} is held by {files} files."
    for before, after in pairwise([0, *sorted(set(versions))]):
        if after > before + 1:
            yield f"no version {before + 1} to {after - 1}, though {after} is there."


def _lineage(stored: StoredRubric, versions: Sequence[int]) -> Iterator[str]:
    if stored.parent is None:
        return
    if stored.parent not in versions:
        yield f"its parent {stored.parent} is not in the store."
    elif stored.parent >= stored.version:
        yield f"its parent {stored.parent} is not an earlier version."
