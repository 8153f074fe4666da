"""The map of modules in CONTRIBUTING.md, drawn from the first sentence of each docstring.

    python -m benchmarks.house            # draws it anew; a test says when it is not true any more

The floors are those of the layers contract in pyproject.toml, the top floor first.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
PACKAGE = REPOSITORY / "argo_audit"
PAPER = REPOSITORY / "CONTRIBUTING.md"
_MAP = re.compile(r"(?<=<!-- map -->\n```\n).*?(?=\n```\n<!-- /map -->)", re.DOTALL)
_WIDTH = 28


def floors() -> list[list[str]]:
    """The rooms of each floor, the top one first."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (c["layers"] for c in contracts if c["type"] == "layers")
    return [layer.split(" | ") for layer in layers]


def first_sentence(module: Path) -> str:
    """What a module says it is."""
    said = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return said.split("\n", 1)[0].rstrip(".")


def drawn() -> str:
    """The map: every room on its floor, every module in its room."""
    lines: list[str] = []
    for number, floor in enumerate(floors()):
        for room in floor:
            beside = f" (floor {len(floors()) - number})"
            path = PACKAGE / room
            if path.is_dir():
                lines.append(_line(f"{room}/", first_sentence(path / "__init__.py") + beside, 0))
                lines += _inside(path, 1)
            else:
                module = path.with_suffix(".py")
                lines.append(_line(module.name, first_sentence(module) + beside, 0))
    return "\n".join(lines)


def in_paper() -> str:
    """The map as CONTRIBUTING has it."""
    found = _MAP.search(PAPER.read_text(encoding="utf-8"))
    return found[0] if found else ""


def _inside(room: Path, depth: int) -> Iterator[str]:
    for path in sorted(room.iterdir()):
        if path.suffix == ".py" and not path.stem.startswith("__"):
            yield _line(path.name, first_sentence(path), depth)
        elif (path / "__init__.py").is_file():
            yield _line(f"{path.name}/", first_sentence(path / "__init__.py"), depth)
            yield from _inside(path, depth + 1)


def _line(name: str, said: str, depth: int) -> str:
    return f"{'  ' * depth + name:<{_WIDTH}} {said}"


def main() -> None:
    """Draw it anew."""
    paper = PAPER.read_text(encoding="utf-8")
    PAPER.write_text(_MAP.sub(lambda _: drawn(), paper), encoding="utf-8")


if __name__ == "__main__":
    main()
