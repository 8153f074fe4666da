r"""Markdown in which model text cannot act, and the parser that reads it back.

    >>> escape("| <script> **bold** |")
    '&#124; &lt;script&gt; \\*\\*bold\\*\\* &#124;'

Rubrics are written by a model and quoted in a report that people render on GitHub, in editors and
as HTML. So the report is markdown without any raw HTML, and every quoted character that a renderer
could take for markup is written as an escape or an entity: both survive tables, where backslash
and pipe together are read differently by different parsers. What cannot be seen (controls,
direction overrides) is spelled out: `⟨U+202E⟩`.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from argo_audit.errors import visible as visible
from argo_audit.outside.plain_documents import plain_yaml
from argo_audit.records import Agreement, Interval

NOT_MEASURED = "not measured"

EDITED = "edited"
"""The info string of two code blocks in a row that are a text before and after an edit."""

_ENTITIES = {"\\": "&#92;", "|": "&#124;", "<": "&lt;", ">": "&gt;", "&": "&amp;", "$": "&#36;"}
_MARKS = {mark: f"\\{mark}" for mark in "`*_[]~"}
_ESCAPES = str.maketrans(_ENTITIES | _MARKS)
_BARE_LINK = re.compile(r"(:)(?=//)|(?<=www)(\.)", re.I)


class Drawing(NamedTuple):
    """A figure of the report: `figures/<name>.svg`."""

    name: str
    description: str
    svg: str

    @property
    def image(self) -> str:
        """The figure as the report shows it."""
        return f"![{escape(self.description)}](figures/{self.name}.svg)"


_SURROGATE = re.compile("[\ud800-\udfff]")


class _Compact(yaml.SafeDumper):
    """What holds no more than numbers, names and lists of them stands on one line."""

    def represent(self, data: Any) -> None:
        """The outermost is always written as a block."""
        node: Any = self.represent_data(data)
        node.flow_style = False
        self.serialize(node)

    def represent_str(self, data: str) -> Any:
        """Lone surrogates, which no reader of YAML takes, become U+FFFD."""
        return super().represent_str(_SURROGATE.sub("\ufffd", data))

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> Any:
        """On one line unless something in it is nested."""
        node: Any = super().represent_mapping(tag, mapping, flow_style)
        values = (value for _, value in node.value)
        node.flow_style = all(_is_flat(value) for value in values)
        return node


def _is_flat(node: yaml.Node) -> bool:
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    return all(isinstance(item, yaml.ScalarNode) for item in items)


class Section(NamedTuple):
    """A heading and the blocks under it, each valid markdown by itself."""

    title: str
    blocks: list[str]
    drawings: tuple[Drawing, ...] = ()


def parser() -> MarkdownIt:
    """CommonMark with tables and without HTML: what the report is written for."""
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def escape(text: str) -> str:
    """`text` on one line, as markdown that shows it and does nothing else."""
    folded = " ".join(visible(text).split())
    return _BARE_LINK.sub(lambda found: f"\\{found[0]}", folded.translate(_ESCAPES))


def fence(text: str, info: str) -> str:
    """`text` as a code block, fenced longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{info}\n{visible(text)}\n{ticks}"


def link(text: str, href: str) -> str:
    """A link; `text` is escaped, and so is what cannot stand in `href` (escapes in it stay)."""
    return f"[{escape(text)}]({quote(href, safe='/:#?=&.-_~%')})"


def linked(markdown: str, href: str) -> str:
    """What is markdown already as a link; as it is where there is nothing to link to."""
    return f"[{markdown}]({href})" if href else markdown


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are markdown already. Raises ValueError unless every row fits the header."""
    lines = [_row(header), _row(["---"] * len(header))]
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"a row of {len(row)} cells under a header of {len(header)}: {row}")
        lines.append(_row(row))
    return "\n".join(lines)


def percent(share: float | None, interval: Interval | None = None, unit: str = "%") -> str:
    """A share as a percentage with one decimal and its interval; None is "not measured"."""
    if share is None:
        return NOT_MEASURED
    return f"{100 * share:.1f}{unit}{_bounds(interval, '.1f', 100)}"


def points(difference: float, interval: Interval | None = None, unit: str = "") -> str:
    """A difference of shares in percentage points, signed, with its interval."""
    return f"{100 * difference:+.1f}{unit}{_bounds(interval, '+.1f', 100)}"


def number(value: float | None, digits: int = 2, interval: Interval | None = None) -> str:
    """A number with `digits` decimals and its interval; None is "not measured"."""
    form = f".{digits}f"
    return NOT_MEASURED if value is None else f"{value:{form}}{_bounds(interval, form)}"


def signed(value: float, interval: Interval | None = None, unit: str = "") -> str:
    """A number with its sign and two decimals, and its interval; never "-0.00"."""
    return f"{value:+z.2f}{unit}{_bounds(interval, '+z.2f')}"


def together(text: str) -> str:
    """`text` with spaces at which no line breaks, for numbers that belong together."""
    return text.replace(" ", "\u00a0")


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchor(heading: str) -> str:
    """The anchor of a heading that is markdown already, if no heading before it has the same."""
    return slug(plain(parser().parseInline(heading)[0]))


def quoted_block(lead: str, text: str, info: str) -> str:
    """An item of a list: one line of markdown, and `text` as a code block under it."""
    block = "\n".join(f"  {line}" if line else "" for line in fence(text, info).split("\n"))
    return f"- {lead}\n\n{block}"


_Compact.add_representer(str, _Compact.represent_str)


def with_front_matter(fields: dict[str, Any], body: str) -> str:
    """`body` under YAML front matter."""
    head = yaml.dump(fields, Dumper=_Compact, sort_keys=False, width=100)
    return f"---\n{head}---\n\n{body}"


def front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The fields and the body of a text made by `with_front_matter`.

    Raises ValueError when there is no front matter, or it is not a mapping.
    """
    head, mark, body = text.removeprefix("---\n").partition("\n---\n")
    try:
        fields = plain_yaml(head) if mark and text.startswith("---\n") else None
    except ValueError as error:
        raise ValueError(f"the front matter cannot be read: {error}") from error
    if not isinstance(fields, dict):
        raise ValueError("no YAML front matter")
    return fields, body


def plain(inline: Token) -> str:
    """The visible text of an inline token."""
    return "".join(t.content for t in inline.children or () if t.type in ("text", "code_inline"))


def _bounds(interval: Interval | None, form: str, scale: float = 1) -> str:
    if interval is None:
        return ""
    return f" [{scale * interval.low:{form}}, {scale * interval.high:{form}}]"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def accuracy(agreement: Agreement | None) -> str:
    """Accuracy, with its interval when there is one, or "not measured"."""
    if agreement is None or agreement.accuracy is None:
        return NOT_MEASURED
    return percent(agreement.accuracy, agreement.accuracy_interval)
