"""Consistency of the pages: the index, links, the length of the README, and the names that they mention."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from kalshi_pipeline import Store
from kalshi_pipeline.api import Store as Records
from kalshi_pipeline.cli.app import command_line
from kalshi_pipeline.settings import PREFIX, Settings
from kalshi_pipeline_tests.docs.pages import (
    DOCS,
    PAGES,
    README,
    ROOT,
    anchors_of,
    links_of,
    prose_of,
    spans_of_code,
)

_EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
_PROGRAM = re.compile(r"(?:^|[ (])kalshi ([^|>;&]*)")
_LONG_NAME = re.compile(r"kalshi-pipeline[`\"', ]*\s+[`\"']*([a-z-]+)")


def test_readme_is_short() -> None:
    assert len(README.read_bytes()) <= 8_000


def test_readme_says_that_it_has_not_run_against_the_live_api() -> None:
    """In its first screen, until it has."""
    assert "not yet been run against the live API" in README.read_text(encoding="utf-8").split("## ", 1)[0]


def test_index_has_every_page() -> None:
    linked = [link for link in links_of(DOCS / "README.md") if link.endswith(".md") and "/" not in link]
    assert sorted(linked) == sorted(page.name for page in DOCS.glob("*.md") if page.name != "README.md")


@_EACH_PAGE
def test_links_are_not_broken(page: Path) -> None:
    broken = []
    for link in links_of(page):
        target, _, anchor = link.partition("#")
        if target.startswith(("http://", "https://")):
            continue
        file = page.parent / target if target else page
        if not file.exists() or (anchor and anchor not in anchors_of(file)):
            broken.append(link)
    assert broken == []


@_EACH_PAGE
def test_program_has_one_spelling(page: Path) -> None:
    """Commands are run by the short name; the long one is explained."""
    assert [
        words for words in _LONG_NAME.findall(page.read_text(encoding="utf-8")) if _is_command(words)
    ] == []


@_EACH_PAGE
def test_named_commands_and_options_exist(page: Path) -> None:
    wrong = [
        span for span in spans_of_code(page) for words in _PROGRAM.findall(span) if not _is_command(words)
    ]
    assert wrong == []


def _is_command(words: str) -> bool:
    """Whether the words after the program's name lead to a command, and whether it has their options."""
    command: Any = get_command(command_line())
    rest = words.split()
    while rest and hasattr(command, "commands") and rest[0] in command.commands:
        command = command.commands[rest.pop(0)]
    if rest and hasattr(command, "commands") and not rest[0].startswith(("-", "[", "…")):
        return False
    known = {"--help", "--version", *(name for parameter in command.params for name in parameter.opts)}
    return {
        re.split(r"[=\]]", word.strip("[("))[0] for word in rest if word.strip("[(").startswith("--")
    } <= known


@_EACH_PAGE
def test_named_settings_exist(page: Path) -> None:
    names = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"\bKALSHI_[A-Z_]+[A-Z]\b", page.read_text(encoding="utf-8"))) <= names


@_EACH_PAGE
def test_named_methods_exist(page: Path) -> None:
    named = re.findall(r"\b(?:store|open_store\(\))\.(records\.)?(\w+)", page.read_text(encoding="utf-8"))
    unknown = [name for records, name in named if not hasattr(Records if records else Store, name)]
    assert set(unknown) <= {"records"}


@_EACH_PAGE
def test_text_has_no_path_of_a_machine(page: Path) -> None:
    assert not re.search(r"/(work|root|home|tmp)/", prose_of(page))
