"""The pictures that data name: opened only where the user has said that they may be.

    admit(["cat.png"], Path("data"))       # what reading data/pairs.jsonl does
    await shown_as("cat.png")              # "data:image/png;base64,..."

A row of data may name any file of this machine and any address. Nothing is opened for that: a
picture is a file below the folder of the data file that names it (both by their real paths, so that
no link leads out), or a data URI. Another folder is allowed by $ARGO_IMAGES_FOLDER, the network by
--allow-remote-images ($ARGO_ALLOW_REMOTE_IMAGES=1); the data cannot allow either. Whatever is
opened has to be a picture by its first bytes, so that no other file is sent to a model in its name.

What was admitted is known to the process: pairs go through evaluation logs and stores, which know
nothing of folders, before a judge is shown them.
"""

import base64
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

from argo_audit.errors import InputError, brief

FOLDER = "ARGO_IMAGES_FOLDER"
REMOTE = "ARGO_ALLOW_REMOTE_IMAGES"
_MOST_BYTES = 32 << 20
_SECONDS = 60.0
_KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif"}
_admitted: dict[str, dict[Path, None]] = {}
_fetchable: set[str] = set()


def admit(images: Iterable[str], folder: Path) -> None:
    """Pictures that a data file in `folder` names may be opened, where they lie below it."""
    for image in images:
        _admitted.setdefault(image, {})[folder.resolve()] = None


def admit_remote(images: Iterable[str]) -> None:
    """These pictures may be fetched, and no others."""
    _fetchable.update(images)


def allow_remote() -> None:
    """From now on pictures are fetched, by this process and those it starts."""
    os.environ[REMOTE] = "1"


async def shown_as(image: str) -> str:
    """The picture as a data URI.

    Raises:
        InputError: When it may not be opened, is not there, is too large, or is no picture.
    """
    if image.startswith("data:"):
        return image
    if image.startswith(("http://", "https://")):
        return data_uri(_picture(image, await _fetched(image)))
    return data_uri(_picture(image, _opened(image)))


def data_uri(content: bytes) -> str:
    """Bytes as a data URI, with the kind of picture they are."""
    kind = _kind(content)
    said = f"image/{kind}" if kind else "application/octet-stream"
    return f"data:{said};base64,{base64.b64encode(content).decode()}"


def _kind(content: bytes) -> str | None:
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "webp"
    return next((name for magic, name in _KINDS.items() if content.startswith(magic)), None)


def _picture(image: str, content: bytes) -> bytes:
    if len(content) > _MOST_BYTES:
        raise _refused(image, f"more than {_MOST_BYTES >> 20} MiB", "Scale it down.")
    if _kind(content) is None:
        raise _refused(image, "not a picture", "Give PNG, JPEG, GIF or WebP.")
    return content


def _refused(image: str, problem: str, remedy: str) -> InputError:
    return InputError(f"{image!r:.120}", problem, remedy)


def _folders(image: str) -> list[Path]:
    named = os.environ.get(FOLDER)
    return [*_admitted.get(image, ()), *([Path(named).resolve()] if named else [])]


def _opened(image: str) -> bytes:
    """The file of that name below a folder where it may lie."""
    name = unquote(image.removeprefix("file://")) if image.startswith("file://") else image
    folders = _folders(image)
    if "://" in name or "\0" in name:
        raise _refused(
            image, "not opened: it is no file of this machine", "Give files or data URIs."
        )
    places = {(folder / name).resolve(): folder for folder in folders}
    there = [place for place, of in places.items() if place.is_relative_to(of) and place.is_file()]
    if not there:
        where = ", ".join(map(str, folders)) or "the folder of its data file"
        remedy = f"Put it there, or name the folder that pictures are in: {FOLDER}=FOLDER"
        raise _refused(image, f"not opened: there is no such file below {where}", remedy)
    try:
        found = {_content(place) for place in there}
    except OSError as error:
        raise _refused(
            image, f"cannot be read ({brief(error)})", "Give files you may read."
        ) from error
    if len(found) > 1:
        remedy = "Give the two pictures names of their own."
        raise _refused(image, "two data files call two pictures so", remedy)
    return found.pop()


def _content(place: Path) -> bytes:
    with place.open("rb") as file:
        return file.read(_MOST_BYTES + 1)


async def _fetched(image: str) -> bytes:
    """What is at an address, where that is allowed."""
    if os.environ.get(REMOTE) != "1" and image not in _fetchable:
        remedy = f"Give data URIs or files, or allow it: --allow-remote-images ({REMOTE}=1)"
        raise _refused(image, "not fetched: it lies on the network", remedy)
    import anyio
    import httpx

    try:
        with anyio.fail_after(_SECONDS):
            return await _downloaded(image)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        why = f"cannot be fetched ({type(error).__name__}: {error})"
        raise _refused(image, why, "Check the address, or leave the pair out.") from error


async def _downloaded(image: str) -> bytes:
    """At most one byte more than a picture may have."""
    import httpx

    content = b""
    async with httpx.AsyncClient() as client, client.stream("GET", image) as answer:
        answer.raise_for_status()
        async for part in answer.aiter_bytes():
            content += part
            if len(content) > _MOST_BYTES:
                break
    return content
