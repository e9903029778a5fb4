"""The search index of a SQLite database: a separate file, so that the database itself has no FTS5 tables.

The index has the trigrams of each text without their positions, so it finds parts of words and tickers, and takes a
tenth of the texts' size. The caller compares its findings with the rows.
"""

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.store.dialects.search_index import Addition, FoundKeys, SearchIndex
from kalshi_pipeline.store.dialects.sqlite.files import make_like
from kalshi_pipeline.store.dialects.sqlite.messages import error_of, on_one_line
from kalshi_pipeline.store.words import BEGINNING, SHORT, is_at_beginning

_VERSION = 2
_GRAM = 3
_MARK = "\x01"
_BEGINNINGS = re.compile(BEGINNING + r"[^\W_].", re.DOTALL)
_MOST_CONDITIONS = 60
_MOST_TERMS = 300  # that begin with two characters
_READER_SECONDS = 2.0
_COMMIT_MILLISECONDS = 10_000
_SCHEMA = (
    "CREATE TABLE filled (state TEXT NOT NULL)",
    "CREATE TABLE documents (id INTEGER PRIMARY KEY, key INTEGER NOT NULL)",
    "CREATE VIRTUAL TABLE grams USING fts5"
    "(body, content='', columnsize=0, detail=none, tokenize='trigram case_sensitive 1')",
    "CREATE VIRTUAL TABLE vocabulary USING fts5vocab(grams, row)",
    f"PRAGMA user_version = {_VERSION}",
)
# A page that leaves the cache before the commit would lock readers out until then.
_PRAGMAS = ("PRAGMA cache_spill = OFF", "PRAGMA synchronous = NORMAL", "PRAGMA temp_store = MEMORY")
_UNREACHABLE = ("locked", "readonly", "unable to open", "no such module")
_CANNOT = ("no such module", "no such tokenizer", "error in tokenizer constructor")


class SearchFile(SearchIndex):
    """The file of an index beside a database."""

    def __init__(self, path: Path, database: Path) -> None:
        self._path = path
        self._database = database

    def find(self, words: Sequence[str]) -> FoundKeys | None:
        """Search with a read-only connection. The file of a process that was killed in a commit is unreadable."""
        try:
            with self._opened("mode=ro", _READER_SECONDS) as connection:
                connection.execute("BEGIN")
                if not _is_made(connection):
                    return None
                ((state,),) = connection.execute("SELECT state FROM filled").fetchall()
                return FoundKeys(state, _keys_of(connection, words))
        except (sqlite3.Error, ValueError):
            return None

    def write(self, change: Callable[[str | None], Addition | None]) -> bool:
        """Write in one transaction. A damaged index, or another kind of file, is deleted first."""
        make_like(self._path, self._database)
        try:
            return self._written(change)
        except sqlite3.Error as error:
            found = self._failed(error)
            if found.problem is StoreProblem.BUSY:
                return False
            if found.problem is StoreProblem.FULL or _is_not_offered(error):
                raise found from error
        try:
            self.remove()
            make_like(self._path, self._database)
            return self._written(change)
        except (sqlite3.Error, OSError) as error:
            raise self._failed(error) from error

    def damages(self) -> list[str]:
        """Check the index if the file can be written, because FTS5 checks by a statement that writes."""
        if not self._path.exists():
            return []
        try:
            with self._opened("mode=rw", _READER_SECONDS) as connection:
                if not _is_made(connection):
                    return []
                found = [on_one_line(line) for (line,) in connection.execute("PRAGMA quick_check(5)")]
                connection.execute("INSERT INTO grams (grams) VALUES ('integrity-check')")
        except sqlite3.Error as error:
            return [] if any(words in str(error) for words in _UNREACHABLE) else [str(error)]
        return [line for line in found if line != "ok"]

    def remove(self) -> None:
        """Delete the file, and the journal of a killed process."""
        for path in (self._path, Path(f"{self._path}-journal")):
            path.unlink(missing_ok=True)

    def _written(self, change: Callable[[str | None], Addition | None]) -> bool:
        with self._opened("mode=rw", 0) as connection:
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            connection.execute("BEGIN IMMEDIATE")
            # Another process that writes is not waited for; readers are, at the commit.
            connection.execute(f"PRAGMA busy_timeout = {_COMMIT_MILLISECONDS}")
            is_made = _is_made(connection)
            states = connection.execute("SELECT state FROM filled").fetchall() if is_made else []
            addition = change(states[0][0] if states else None)
            if addition is None:
                return False
            if addition.begins_anew or not is_made:
                _make_anew(connection)
            _add(connection, addition)
            connection.execute("COMMIT")
            return True

    @contextlib.contextmanager
    def _opened(self, mode: str, seconds: float) -> Iterator[sqlite3.Connection]:
        address = f"file:{quote(str(self._path))}?{mode}"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=seconds)) as connection:
            connection.isolation_level = None
            yield connection

    def _failed(self, error: Exception) -> StoreError:
        if _is_not_offered(error):
            return StoreError(
                f"this Python's SQLite {sqlite3.sqlite_version} cannot make a search index ({error}): searches read "
                "every text instead, which takes seconds with a million markets"
            )
        return error_of(self._path, str(error))


def _is_not_offered(error: Exception) -> bool:
    return any(words in str(error) for words in _CANNOT)


def _is_made(connection: sqlite3.Connection) -> bool:
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    return bool(version == _VERSION)


def _make_anew(connection: sqlite3.Connection) -> None:
    for name in ("vocabulary", "grams", "documents", "filled"):
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    for statement in _SCHEMA:
        connection.execute(statement)


def _add(connection: sqlite3.Connection, addition: Addition) -> None:
    for key, text in addition.texts:
        added = connection.execute("INSERT INTO documents (key) VALUES (?)", (key,)).lastrowid
        connection.execute("INSERT INTO grams (rowid, body) VALUES (?, ?)", (added, _body(text)))
    connection.execute("DELETE FROM filled")
    connection.execute("INSERT INTO filled (state) VALUES (?)", (addition.state,))


def _body(text: str) -> str:
    """Return a text with markers, which create trigrams for the beginning of each word and the end of the text.

    Each beginning has two markers: one trigram has one of them and two characters, another both and one character.
    """
    whole = f"{text}\n\n"
    beginnings = dict.fromkeys(_BEGINNINGS.findall(whole))
    return whole + "".join(f"{_MARK}{_MARK}{beginning}" for beginning in beginnings)


def _keys_of(connection: sqlite3.Connection, words: Sequence[str]) -> list[int] | None:
    conditions: dict[str, None] = {}
    for word in words:
        if (grams := _grams_of(word)) is not None:
            conditions.update(dict.fromkeys(map(_quoted, grams)))
        elif len(word) == SHORT:
            found = connection.execute(
                "SELECT term FROM vocabulary WHERE term >= ? AND term < ?", (word, f"{word}\U0010ffff")
            )
            terms = [_quoted(term) for (term,) in found]
            if not terms:
                return []
            if len(terms) <= _MOST_TERMS:
                conditions[f"({' OR '.join(terms)})"] = None
    if not conditions:
        return None
    rows = connection.execute(
        "SELECT DISTINCT key FROM documents WHERE id IN (SELECT rowid FROM grams WHERE grams MATCH ?)",
        (" AND ".join(list(conditions)[:_MOST_CONDITIONS]),),
    )
    return [key for (key,) in rows]


def _grams_of(word: str) -> list[str] | None:
    """Return trigrams that every text with the word contains, or None."""
    if is_at_beginning(word):
        grams = [f"{_MARK}{word}" if len(word) == SHORT else f"{_MARK}{_MARK}{word}"]
    else:
        grams = [word[start : start + _GRAM] for start in range(len(word) - _GRAM + 1)]
    # At a NUL, FTS5 would take the question to end.
    return [gram for gram in grams if "\0" not in gram] or None


def _quoted(gram: str) -> str:
    return '"' + gram.replace('"', '""') + '"'
