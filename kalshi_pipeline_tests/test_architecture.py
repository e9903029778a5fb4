"""The architecture: which package may import which, and where each library is used."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import kalshi_pipeline
import kalshi_pipeline_tests

ROOT = Path(kalshi_pipeline.__file__).parent
PACKAGE = "kalshi_pipeline"

# The ground floor: values and plain functions that every room may use.
GROUND_FLOOR = {
    "clock",
    "errors",
    "quoting",
    "record_fields",
    "records",
    "scope",
    "settings",
    "tickers",
    "units",
    "vocabulary",
}
KNOWS: dict[str, set[str]] = {
    "quoting": set(),
    "units": {"quoting"},
    "errors": set(),
    "signals": {"errors"},
    "tickers": {"errors", "quoting"},
    "processes": set(),
    "record_fields": set(),
    "records": {"record_fields"},
    "vocabulary": set(),
    "scope": {"vocabulary"},
    "clock": {"units"},
    "advice": {"errors"},
    "env_file": set(),
    "settings": {
        "env_file",
        "errors",
        "quoting",
        "scope",
        "store",
    },  # of the store, `dialects` alone: a test below
    "project_files": set(),
    "exchange": {"clock", "errors", "quoting", "record_fields", "records", "units", "vocabulary"},
    "store": {"clock", "errors", "record_fields", "records", "scope", "units", "vocabulary"},
    "api": {*GROUND_FLOOR, "store"},
    "notebooks": {*GROUND_FLOOR, "advice", "api", "store"},
    "ingest": {*GROUND_FLOOR, "exchange", "store"},
    "monitoring": {*GROUND_FLOOR, "api", "exchange", "ingest", "store"},
    "sandbox": {"units"},
    "defs": {*GROUND_FLOOR, "advice", "api", "ingest", "monitoring", "processes", "project_files", "store"},
    "definitions": {"defs"},
    "cli": {
        *GROUND_FLOOR,
        *(
            "advice",
            "api",
            "definitions",
            "ingest",
            "monitoring",
            "notebooks",
            "processes",
            "project_files",
            "sandbox",
            "signals",
            "store",
        ),
    },
}
HOMES: dict[str, set[str]] = {
    "httpx": {"exchange"},
    "httpcore": {"exchange"},
    "msgspec": {"exchange", "store"},
    "tenacity": {"exchange"},
    "sqlalchemy": {"store"},
    "sqlite3": {"store"},
    "alembic": {"store"},
    "dagster": {"cli", "defs", "definitions"},
    "starlette": {"sandbox"},
    "uvicorn": {"sandbox"},
    "dotenv": {"env_file"},
    "typer": {"cli"},
    "adbc_driver_sqlite": {"store"},
    "pyarrow": {"notebooks", "store"},
    "pandas": {"notebooks"},
    "polars": {"notebooks"},
    "duckdb": {"notebooks"},
    "rich": {"cli"},
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


def test_every_package_is_in_the_plan() -> None:
    rooms = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - {"__init__"} == set(KNOWS)


def test_packages_import_only_what_the_plan_allows() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for room, path, name in rooms_and_imports()
        if name.startswith(f"{PACKAGE}.") and name.split(".")[1] not in KNOWS[room] | {room}
    ]
    assert wrong == []


@pytest.mark.parametrize("library", HOMES)
def test_library_is_imported_in_one_place(library: str) -> None:
    users = {room for room, _, name in rooms_and_imports() if name.split(".")[0] == library}
    assert users <= HOMES[library]
    assert users, "a library that nobody uses needs no home"


def test_settings_know_of_the_store_its_dialects_only() -> None:
    """Only the database dialects know which addresses are valid."""
    known = {
        name
        for room, _, name in rooms_and_imports()
        if room == "settings" and name.startswith(f"{PACKAGE}.store")
    }
    assert known == {f"{PACKAGE}.store.dialects"}


def test_what_is_stored_is_read_through_the_api() -> None:
    """`notebooks` is an API of its own, and flows query what they are about to write."""
    users = {room for room, _, name in rooms_and_imports() if name.startswith(f"{PACKAGE}.store.reading")}
    assert users == {"api", "ingest", "notebooks", "store"}


# Words of one kind of database: its driver, statements, table options and files.
WORDS_OF_A_KIND = re.compile(
    r"\bsqlite3\b|sqlalchemy\.dialects|\bsqlite_\w+\s*=|\bpragma\b|\bOR IGNORE\b|\bWITHOUT ROWID\b"
    r"|\bBEGIN (IMMEDIATE|DEFERRED)\b|-wal\b|-shm\b",
    re.IGNORECASE,
)


def outside_of_dialects() -> Iterator[Path]:
    """Every module except the dialects and the landed migrations, which are frozen."""
    for path in sorted(ROOT.rglob("*.py")):
        if not path.is_relative_to(ROOT / "store" / "dialects") and path.parent.name != "versions":
            yield path


def test_words_of_a_kind_of_database_are_in_its_dialect_only() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in outside_of_dialects()
        for match in WORDS_OF_A_KIND.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_drivers_are_imported_in_dialects_only() -> None:
    drivers = ("sqlite3", "psycopg", "sqlalchemy.dialects")
    users = {path for _, path, name in rooms_and_imports() if name.startswith(drivers)}
    assert users & set(outside_of_dialects()) == set()
    assert users, "a rule that holds for nothing says nothing"


def test_statements_do_not_depend_on_the_kind_of_database() -> None:
    """Only `dialects`, and code about files of that kind, name a kind's own module."""
    module = f"{PACKAGE}.store.dialects.sqlite"
    users = {path.relative_to(ROOT).as_posix() for _, path, name in rooms_and_imports() if name == module}
    assert users == {"store/dialects/__init__.py", "defs/housekeeping.py"}


def test_no_package_of_helpers() -> None:
    forbidden = {"utils", "helpers", "common", "base", "misc"}
    assert [path for path in ROOT.rglob("*.py") if path.stem in forbidden] == []


def test_environment_is_read_in_one_place() -> None:
    """Under Dagster, which overwrites the environment, another module finds the original one.

    Variables for proxies and certificates are not settings of this program.
    """
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if any(word in path.read_text(encoding="utf-8") for word in ("os.environ", "getenv"))
    }
    assert readers == {"settings.py", "cli/pasting.py", "defs/environment.py", "exchange/connecting.py"}


def test_statements_are_written_in_the_store_only() -> None:
    """SQL as text would duplicate the schema."""
    keywords = ("SELECT ", "INSERT INTO", "DELETE FROM", "UPDATE ")
    writers = {
        path.relative_to(ROOT).parts[0]
        for path in ROOT.rglob("*.py")
        if any(word in path.read_text(encoding="utf-8") for word in keywords)
    }
    assert writers <= {"store"}


# The packages of the sandbox; its top package exports from all of them.
SANDBOX_KNOWS: dict[str, set[str]] = {
    "world": set(),
    "shapes": {"world"},
    "faults": {"shapes", "world"},
    "http": {"faults", "shapes", "world"},
}
SANDBOX = f"{PACKAGE}.sandbox"


def sandbox_rooms_and_imports() -> Iterator[tuple[str, Path, str]]:
    for room, path, name in rooms_and_imports():
        parts = path.relative_to(ROOT).parts
        if room == "sandbox" and len(parts) > 2:
            yield parts[1], path, name


def test_every_package_of_the_sandbox_is_in_the_plan() -> None:
    rooms = {path.name for path in (ROOT / "sandbox").iterdir() if (path / "__init__.py").exists()}
    assert rooms == set(SANDBOX_KNOWS)


def test_sandbox_packages_import_only_what_the_plan_allows() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for room, path, name in sandbox_rooms_and_imports()
        if name == SANDBOX
        or (name.startswith(f"{SANDBOX}.") and name.split(".")[2] not in SANDBOX_KNOWS[room] | {room})
    ]
    assert wrong == []


@pytest.mark.parametrize("library", ["starlette", "uvicorn"])
def test_sandbox_speaks_http_in_one_package(library: str) -> None:
    users = {room for room, _, name in sandbox_rooms_and_imports() if name.split(".")[0] == library}
    assert users == {"http"}


READS_TIME = {
    "kalshi_pipeline/clock.py",
    "kalshi_pipeline/sandbox/http/dates.py",  # as a server's own clock; tests pass another one
    "kalshi_pipeline/sandbox/http/limits.py",  # the sandbox knows no clock of the pipeline's; tests pass another count
    "kalshi_pipeline_tests/clock.py",
    "kalshi_pipeline_tests/faults/stopwatch.py",  # what it injects runs by the real clock
    "kalshi_pipeline_tests/test_clock.py",
    "kalshi_pipeline_tests/waiting.py",
}
REAL_TIME = {
    *(f"time.{name}" for name in ("sleep", "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter")),
    *(f"datetime.{name}" for name in ("now", "utcnow", "today")),
    "date.today",
}


def real_times_of(path: Path) -> list[str]:
    """The calls in a module that read the computer's clock or wait."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    named = [ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)]
    imported = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module == "time"]
    return [name for name in named if ".".join(name.split(".")[-2:]) in REAL_TIME] + imported


def test_time_is_read_in_few_places() -> None:
    """All other code takes a clock, so that no test waits or depends on the time of its run."""
    packages = (ROOT, Path(kalshi_pipeline_tests.__file__).parent)
    readers = {
        path.relative_to(package.parent).as_posix()
        for package in packages
        for path in package.rglob("*.py")
        if real_times_of(path)
    }
    assert readers == READS_TIME
