"""Read a finished audit back and list what does not hold in it.

    problems = check_audit(Path("out/audit/audit.md"), Path("rubric_store"))

An audit is trusted because it quotes. So every quote is looked up again in the file and on the
line that it names, every link is followed, every table counted, and nothing may be HTML, wherever
the audit is read. `write_audit` refuses to publish one with problems; whoever was sent an audit can
ask the same questions.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import ValidationError

from argo_audit.outside.caps import RECORD, read_lines, read_text, read_whole
from argo_audit.records import Attempt
from argo_audit.report.markdown import front_matter, plain, slug, visible

_LINE_LINK = re.compile(r"line (\d+)")
_COLUMN = re.compile(r"(?<!\\)\|")
_NUMBER = re.compile(r"[+-]?\d")
_EXCERPT = "rubric"  # the info string of a fence that quotes


class _Link(NamedTuple):
    """A link or image: its text, and the text of the same block since the link before it."""

    href: str
    text: str
    before: str


class _Places(NamedTuple):
    """Where links lead from, and the folders that they have to stay in; without any, anywhere."""

    folders: tuple[Path, ...]
    within: tuple[Path, ...]

    def linked(self, target: str) -> Path | None:
        """What a link leads to from the first of the folders that has it."""
        path = unquote(target.partition("#")[0])
        places = (folder / path for folder in self.folders)
        return next((place for place in places if self._is_there(place)), None)

    def _is_there(self, place: Path) -> bool:
        try:
            real = place.resolve()
            reached = not self.within or any(
                real.is_relative_to(one.resolve()) for one in self.within
            )
            return reached and place.exists()
        except (OSError, ValueError):  # a name that no file has
            return False


def check_audit(
    path: Path, *stores: Path, to_be_in: Path | None = None, within: Sequence[Path] = ()
) -> list[str]:
    """One sentence per problem of the audit at `path`; empty when all of it holds.

    HTML anywhere, tables with uneven rows, links and anchors that lead nowhere, and quotes that do
    not stand on the line they name, in one of the stores (by root) or in a run's attempts. Of an
    audit that is checked before it is moved, links may lead from `to_be_in`, too. Of a stranger's,
    no link is followed that leads out of the folders `within`.
    """
    text = read_text(path)
    try:
        _, body = front_matter(text)
    except ValueError as error:
        return [f"{path}: {error}"]
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(body)
    lines = body.split("\n")
    places = _Places((path.parent, to_be_in or path.parent), tuple(within))
    found = [*_html(tokens), *_tables(tokens, lines), *_links(tokens, places)]
    return found + list(_quotes(tokens, places, stores))


def anchors(tokens: Sequence[Token]) -> list[str]:
    """The anchors of the headings, in order, as GitHub makes them."""
    seen: Counter[str] = Counter()
    found = []
    for token, inline in pairwise(tokens):
        if token.type == "heading_open":
            base = slug(plain(inline))
            found.append(f"{base}-{seen[base]}" if seen[base] else base)
            seen[base] += 1
    return found


def unsourced(path: Path) -> list[str]:
    """The headings under which a table has numbers, but no link to a file that they come from.

    Raises ValueError for a text without front matter.
    """
    _, body = front_matter(read_text(path))
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    heads = [i for i, token in enumerate(tokens) if token.type == "heading_open"]
    parts = [tokens[start:end] for start, end in pairwise([*heads, len(tokens)])]
    return [plain(part[1]) for part in parts if _has_numbers(part) and not _has_source(part)]


def _has_numbers(tokens: Sequence[Token]) -> bool:
    return any(
        token.type == "td_open" and _NUMBER.match(plain(cell)) for token, cell in pairwise(tokens)
    )


def _has_source(tokens: Sequence[Token]) -> bool:
    return any(not link.href.startswith("#") for token in tokens for link in _links_of(token))


def _html(tokens: Sequence[Token]) -> Iterator[str]:
    every = (t for token in tokens for t in (token, *(token.children or ())))
    for token in every:
        if token.type in ("html_block", "html_inline"):
            yield f"raw HTML: {token.content.strip()[:80]!r}"


def _tables(tokens: Sequence[Token], lines: Sequence[str]) -> Iterator[str]:
    for token in tokens:
        if token.type == "table_open" and token.map:
            rows = lines[slice(*token.map)]
            columns = {len(_COLUMN.findall(row)) - 1 for row in rows}
            if len(columns) > 1:
                yield f"a table with rows of {sorted(columns)} cells: {rows[0][:80]!r}"
        elif token.type == "inline" and token.content.startswith("| "):
            yield f"a table that does not parse: {token.content[:80]!r}"


def _links(tokens: Sequence[Token], places: _Places) -> Iterator[str]:
    known = set(anchors(tokens))
    for link in (link for token in tokens for link in _links_of(token)):
        target, _, fragment = link.href.partition("#")
        if not target and unquote(fragment) not in known:
            yield f"no heading for the link #{fragment}"
        elif "://" not in target and places.linked(target) is None:
            yield f"no file for the link {link.href:.200}"


def _links_of(token: Token) -> Iterator[_Link]:
    """Links and images of one block, in order."""
    before, text, href = "", "", None
    for child in token.children or ():
        if child.type == "image":
            yield _Link(str(child.attrs["src"]), child.content, before)
        elif child.type == "link_open":
            href, text = str(child.attrs["href"]), ""
        elif child.type == "link_close" and href is not None:
            yield _Link(href, text, before)
            before, href = "", None
        elif href is None:
            before += child.content
        else:
            text += child.content


def _quotes(tokens: Sequence[Token], places: _Places, stores: Sequence[Path]) -> Iterator[str]:
    """Every link "line N" that a quote stands before, or a quoting fence after."""
    for i, token in enumerate(tokens):
        for link in _links_of(token):
            named = _LINE_LINK.fullmatch(link.text)
            said = link.before if "“" in link.before else _excerpt(tokens[i:])
            if named and said:
                yield from _quote(said, places.linked(link.href), int(named[1]), stores)


def _excerpt(tokens: Sequence[Token]) -> str | None:
    """The text of the fence right after the paragraph that `tokens` starts in."""
    after = tokens[2] if len(tokens) > 2 else None
    return f"“{after.content}”" if after and after.info == _EXCERPT else None


def _quote(said: str, source: Path | None, number: int, stores: Sequence[Path]) -> Iterator[str]:
    """What is wrong with a quote of line `number` of `source`; `said` has it between “ and ”."""
    if source is None:
        return
    words = _folded(said[said.find("“") + 1 : said.rfind("”")])
    inside = any(source.resolve().is_relative_to(store.resolve()) for store in stores)
    if source.suffix != ".jsonl" and not inside:
        yield f"a quote from outside the store {', '.join(map(str, stores))}: {source}"
    elif source.is_file() and not (words and words in _folded(_line(source, number))):
        yield f"not on line {number} of {source.name}: {words[:80]!r}"


def _line(source: Path, number: int) -> str:
    """One line of a file, from 1; of a run's attempts, the rubric it holds."""
    if source.suffix == ".jsonl":
        return _attempted(next(islice(read_lines(source), max(0, number - 1), None), b""))
    lines = visible(read_whole(source, RECORD).decode()).split("\n")
    return lines[number - 1] if number <= len(lines) else ""


def _attempted(line: bytes) -> str:
    """The rubric of one line of attempts; nothing of a line that holds none."""
    try:
        return Attempt.model_validate_json(line).rubric.text
    except ValidationError:
        return ""


def _folded(text: str) -> str:
    return " ".join(visible(text).split())
