"""The house, room by room: which package may know which, and where each library has its one home."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import kalshi_pipeline
import kalshi_pipeline_tests

ROOT = Path(kalshi_pipeline.__file__).parent
PACKAGE = "kalshi_pipeline"

KNOWS: dict[str, set[str]] = {
    "clock": {"units"},
    "errors": set(),
    "signals": set(),
    "units": set(),
    "settings": {"errors"},
    "exchange": {"clock", "units", "errors"},
    "store": {"clock", "units", "errors"},
    "ingest": {"clock", "exchange", "store", "settings", "units", "errors"},
    "sandbox": {"signals", "units"},
    "defs": {"clock", "ingest", "settings", "units", "errors"},
    "definitions": {"defs"},
    "screens": {"ingest", "store", "units"},
    "demo": {"clock", "definitions", "ingest", "sandbox", "screens", "store", "units"},
    "terminal": {"errors", "ingest", "screens", "settings"},
    "backfill_commands": {"ingest", "terminal", "errors"},
    "cli": {
        "backfill_commands",
        "clock",
        "demo",
        "ingest",
        "sandbox",
        "screens",
        "settings",
        "signals",
        "store",
        "terminal",
        "units",
        "errors",
    },
}
HOMES: dict[str, set[str]] = {
    "httpx": {"exchange"},
    "msgspec": {"exchange"},
    "tenacity": {"exchange"},
    "sqlalchemy": {"store"},
    "sqlite3": {"store"},
    "alembic": {"store"},
    "dagster": {"defs", "definitions", "demo"},
    "starlette": {"sandbox"},
    "uvicorn": {"sandbox"},
    "pydantic_settings": {"settings"},
    "typer": {"cli", "backfill_commands"},
    "rich": {"terminal", "screens", "demo"},
}


def rooms_and_imports() -> Iterator[tuple[str, Path, str]]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts == ("__init__",):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((parts[0], path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: imports are absolute"
                base = node.module or ""
                yield parts[0], path, base
                if base == PACKAGE:
                    yield from ((parts[0], path, f"{base}.{alias.name}") for alias in node.names)


def test_every_room_is_in_the_plan() -> None:
    rooms = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - {"__init__"} == set(KNOWS)


def test_rooms_know_only_what_the_plan_allows() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for room, path, name in rooms_and_imports()
        if name.startswith(f"{PACKAGE}.") and name.split(".")[1] not in KNOWS[room] | {room}
    ]
    assert wrong == []


@pytest.mark.parametrize("library", HOMES)
def test_library_has_one_home(library: str) -> None:
    users = {room for room, _, name in rooms_and_imports() if name.split(".")[0] == library}
    assert users <= HOMES[library]
    assert users, "a library that nobody uses needs no home"


def test_no_room_for_odds_and_ends() -> None:
    forbidden = {"utils", "helpers", "common", "base", "misc"}
    assert [path for path in ROOT.rglob("*.py") if path.stem in forbidden] == []


def test_environment_is_read_in_one_place() -> None:
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if any(word in path.read_text(encoding="utf-8") for word in ("os.environ", "getenv"))
    }
    assert readers == {"settings.py"}


def test_statements_are_written_in_the_store_only() -> None:
    """SQL in text would be a second home for the schema."""
    keywords = ("SELECT ", "INSERT INTO", "DELETE FROM", "UPDATE ")
    writers = {
        path.relative_to(ROOT).parts[0]
        for path in ROOT.rglob("*.py")
        if any(word in path.read_text(encoding="utf-8") for word in keywords)
    }
    assert writers <= {"store"}


READS_TIME = {
    "kalshi_pipeline/clock.py",
    "kalshi_pipeline/sandbox/limits.py",  # the sandbox knows no clock of the pipeline's; tests pass another count
    "kalshi_pipeline_tests/clock.py",
    "kalshi_pipeline_tests/test_clock.py",
    "kalshi_pipeline_tests/waiting.py",
}
REAL_TIME = {
    *(f"time.{name}" for name in ("sleep", "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter")),
    *(f"datetime.{name}" for name in ("now", "utcnow", "today")),
    "date.today",
}


def real_times_of(path: Path) -> list[str]:
    """The readings of the computer's clock, and the waits, that a module names."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    named = [ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)]
    imported = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module == "time"]
    return [name for name in named if ".".join(name.split(".")[-2:]) in REAL_TIME] + imported


def test_time_is_read_in_few_places() -> None:
    """Everything else takes a clock, so that no test waits, and none depends on when it runs."""
    packages = (ROOT, Path(kalshi_pipeline_tests.__file__).parent)
    readers = {
        path.relative_to(package.parent).as_posix()
        for package in packages
        for path in package.rglob("*.py")
        if real_times_of(path)
    }
    assert readers == READS_TIME
