"""Parses the README and the pages of docs/: blocks, tables, code spans and links."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = (README, *sorted(DOCS.glob("*.md")))

_FENCE = re.compile(r"^( *)```([a-z]*)(?: ([a-z]+))?\n(.*?)^\1```$", flags=re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A fenced block: its page, its number among the blocks of the page, its language, and a word about it."""

    page: Path
    number: int
    language: str
    word: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}-{self.number}"


def blocks(*languages: str) -> list[Block]:
    """Return the blocks of all pages in some languages, or all of them."""
    return [
        block for page in PAGES for block in _blocks_of(page) if block.language in languages or not languages
    ]


def _blocks_of(page: Path) -> Iterator[Block]:
    for number, (indent, language, word, text) in enumerate(_FENCE.findall(page.read_text("utf-8")), 1):
        yield Block(page, number, language, word, re.sub(f"^{indent}", "", text, flags=re.MULTILINE))


def prose_of(page: Path) -> str:
    """Return a page without its blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def spans_of_code(page: Path) -> list[str]:
    """Return a page's code spans, and the lines of its shell blocks."""
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose_of(page))]
    lines = (block.text.splitlines() for block in _blocks_of(page) if block.language in ("sh", "console"))
    return [*spans, *(line.split("  #")[0] for of_block in lines for line in of_block)]


def table_under(page: str, heading: str) -> list[list[str]]:
    """Return the rows of the first table after a heading of a page of docs/, without its head."""
    text = (DOCS / page).read_text(encoding="utf-8")
    section = re.split(rf"^#+ {re.escape(heading)}\n", text, maxsplit=1, flags=re.MULTILINE)[1]
    table = section[section.index("\n|") + 1 :].split("\n\n", 1)[0]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines()][2:]


def links_of(page: Path) -> list[str]:
    """Return the targets of a page's links and images."""
    return re.findall(r"\]\(([^)\s]+)\)", prose_of(page))


def anchors_of(page: Path) -> set[str]:
    """Return the names by which the headings of a page can be linked, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose_of(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
