"""The schema of a stored database: the migrations create it in an empty one and upgrade an older one.

An upgrade is one transaction. It ends with the newest schema and every row, or it changes nothing.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, event, inspect
from sqlalchemy.exc import DBAPIError

from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.store.dialects import Copy, Dialect, Part
from kalshi_pipeline.store.schema.generated import generated_columns
from kalshi_pipeline.store.schema.tables import metadata
from kalshi_pipeline.store.schema.views import create_views, drop_views

_MIGRATIONS = Path(__file__).parent / "migrations"
# Read from the names of the files, which begin with them: Alembic runs every file to learn its revision.
_REVISIONS = sorted(path.name[:4] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
NEWEST_REVISION = _REVISIONS[-1]
# Every revision has these. Other programs use Alembic too, and revisions of the same names.
_OUR_TABLES = {"series", "events", "markets", "ticks"}
# Those of later versions are named alike.
_REVISION = re.compile(r"(?!0000)\d{4}")
_REPLACES = re.compile(r'\s*(?:DROP TABLE "?(\w+)|ALTER TABLE "?(\w+)"? RENAME TO)')


class Schema:
    """The schema that a database has, against the one that this version needs."""

    def __init__(self, dialect: Dialect, connection: Connection) -> None:
        self._dialect = dialect
        self._place = dialect.place
        self._connection = connection
        self._tables = set(inspect(connection).get_table_names())

    @property
    def is_empty(self) -> bool:
        """Whether the database has no table."""
        return not self._tables

    @cached_property
    def _revision(self) -> str:
        if "alembic_version" in self._tables and self._tables >= _OUR_TABLES:
            found = (
                self._connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all()
            )
            if len(found) == 1:
                return str(found[0])
        raise StoreError(f"{self._place} holds tables of another program", StoreProblem.NOT_USABLE)

    def is_current(self, *, migrate: bool) -> bool:
        """Return whether the schema is current; raise StoreError if the database cannot or must not be upgraded."""
        if self.is_empty:
            return False
        if not _REVISION.fullmatch(self._revision):
            raise self._altered("no version has a schema of that name")
        if self._revision not in _REVISIONS:
            raise StoreError(
                f"{self._place} was written by a newer version of kalshi-pipeline (schema {self._revision}, this one "
                f"knows {NEWEST_REVISION})",
                StoreProblem.NEWER_SCHEMA,
            )
        if self._revision != NEWEST_REVISION and not migrate:
            raise StoreError(
                f"{self._place} has the older schema {self._revision}, this version needs {NEWEST_REVISION}",
                StoreProblem.OLDER_SCHEMA,
            )
        if self._revision == NEWEST_REVISION:
            self._compare_newest_tables()
        return self._revision == NEWEST_REVISION

    def _compare_newest_tables(self) -> None:
        """Raise StoreError at the first table without a column that this version uses.

        Development versions may have given the newest revision's name to other tables. Columns that the user added do
        no harm until an upgrade.
        """
        found = _columns(self._connection, self._tables & set(metadata.tables))
        for name, table in sorted(metadata.tables.items()):
            generated = generated_columns(table, self._dialect.words)
            expected = {*table.columns.keys(), *(column.name for column in generated)}
            if not (has := found.get(name, set())) >= expected:
                raise self._altered(f"its table {name} {_difference(expected, has or None)}")

    def _altered(self, fact: str) -> StoreError:
        return StoreError(
            f"{self._place} says that it has schema {self._revision}, but {fact}", StoreProblem.ALTERED_SCHEMA
        )

    def has_parts(self) -> bool:
        """Return whether every view and index is as an up-to-date schema has it."""
        return set(self._dialect.parts(self._connection)) >= set(self._newest_parts())

    def restore_parts(self) -> None:
        """Make the views and indexes of an up-to-date schema again where they differ. They hold nothing."""
        newest = self._newest_parts()
        added = self._without_added_parts(newest)
        self._restore(newest)
        self._add_again(added)

    def _newest_parts(self) -> list[Part]:
        with self._dialect.scratch() as scratch:
            _migrate(scratch)
            create_views(scratch)
            return self._dialect.parts(scratch)

    def make(self) -> None:
        """Make the schema in an empty database, unless another process has done so meanwhile."""
        if not self.is_current(migrate=False):
            _migrate(self._connection)
            create_views(self._connection)

    def upgrade(self, copy: Copy) -> None:
        """Upgrade an older database, unless another process has done so meanwhile; a copy of the older one is kept.

        The connection is in a write transaction, so that the copy has exactly what is upgraded.
        """
        if self.is_current(migrate=True):
            return
        with self._dialect.scratch() as scratch:
            _migrate(scratch, self._revision)
            self._compare_tables(scratch)
            own_tables = set(inspect(scratch).get_table_names())
            released = self._dialect.parts(scratch)
            later = _Later.of(scratch, self._revision)
        self._compare_later_tables(later, self._tables - own_tables)
        self._check_references(later, self._tables - own_tables)
        copy.make()
        drop_views(self._connection)
        self._drop_later_views(later, released)
        added = self._without_added_parts(released)
        self._restore(released)
        _migrate(self._connection)
        create_views(self._connection)
        self._add_again(added)
        copy.keep()

    def _compare_tables(self, released: Connection) -> None:
        """Raise StoreError at the first table without the columns that its revision has in every release."""
        expected = _columns(released, set(inspect(released).get_table_names()))
        found = _columns(self._connection, self._tables & set(expected))
        for table, columns in sorted(expected.items()):
            if (has := found.get(table)) != columns:
                raise self._altered(f"its table {table} {_difference(columns, has)}")

    def _compare_later_tables(self, later: "_Later", others: set[str]) -> None:
        """Raise StoreError at the first table that a later revision makes: it holds rows of ours, not of the user."""
        for table, has in sorted(_columns(self._connection, others & set(later.columns)).items()):
            if any(has >= columns for columns in later.columns[table]):
                raise self._altered(f"it has table {table} of a later one")

    def _check_references(self, later: "_Later", others: set[str]) -> None:
        """Raise StoreError at the first table of the user that refers to one which the migrations drop or rename.

        ON DELETE CASCADE would delete its rows, or it would refer to a missing table.
        """
        for table in sorted(others):
            for key in inspect(self._connection).get_foreign_keys(table):
                if (referred := key["referred_table"].lower()) in later.replaced:
                    raise StoreError(
                        f"database {self._place}: table {table} refers to {referred}, which the upgrade replaces",
                        StoreProblem.REFERRED_TO,
                    )

    def _drop_later_views(self, later: "_Later", released: Iterable[Part]) -> None:
        """Drop the views that later revisions make, as development versions had them. They hold nothing."""
        names = {part.name for part in released}
        views = set(inspect(self._connection).get_view_names()) - names
        for part in self._dialect.parts(self._connection):
            if part.kind == "view" and part.name in views & set(later.columns):
                try:
                    has = _columns(self._connection, {part.name})[part.name]
                except DBAPIError:  # it names what is not there; added again, it is named
                    continue
                if any(has >= columns for columns in later.columns[part.name]):
                    self._connection.exec_driver_sql(part.drop)

    def _without_added_parts(self, released: Iterable[Part]) -> list[Part]:
        """Remove the views and triggers that the user added, and return them with the added indexes.

        Migrations that rename and copy tables would rewrite the views, and run the triggers.
        """
        names = {part.name for part in released}
        added = [part for part in self._dialect.parts(self._connection) if part.name not in names]
        for kind in ("trigger", "view"):  # a view takes its own triggers with it
            for part in added:
                if part.kind == kind:
                    self._connection.exec_driver_sql(part.drop)
        return added

    def _restore(self, released: Iterable[Part]) -> None:
        """Make views and indexes as the stored revision has them in releases, because migrations build on them."""
        found = {part.name: part for part in self._dialect.parts(self._connection)}
        for part in released:
            if (has := found.get(part.name)) != part:
                if has is not None:
                    self._connection.exec_driver_sql(has.drop)
                self._connection.exec_driver_sql(part.create)

    def _add_again(self, added: Iterable[Part]) -> None:
        """Create again what the user added. Indexes are kept unless their table was replaced."""
        found = {part.name for part in self._dialect.parts(self._connection) if part.kind == "index"}
        for part in added:
            if part.kind == "index" and part.name in found:
                continue
            try:
                self._connection.exec_driver_sql(part.create)
            except DBAPIError as error:
                raise StoreError(
                    f"database {self._place}: {part.kind} {part.name} conflicts with the new schema ({error.orig})",
                    StoreProblem.IN_THE_WAY,
                ) from error
        if added:
            self._dialect.check_parts(self._connection)


class _Later:
    """What the revisions after one do to tables and views."""

    def __init__(self) -> None:
        self.columns: dict[str, list[set[str]]] = {}
        """The columns of each table and view, as revisions have them one after the other."""
        self.replaced: set[str] = set()
        """The tables that they drop or rename, to make them again or not."""

    @classmethod
    def of(cls, scratch: Connection, revision: str) -> Self:
        """Migrate a scratch database from a revision to the newest one, and note what happens."""
        found = cls()
        for later in _REVISIONS[_REVISIONS.index(revision) + 1 :]:
            with found._noting_statements(scratch):
                _migrate(scratch, later)
            found._note_columns(scratch)
        create_views(scratch)
        found._note_columns(scratch)
        return found

    @contextmanager
    def _noting_statements(self, scratch: Connection) -> Iterator[None]:
        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            if matched := _REPLACES.match(statement):
                self.replaced.add(matched[1] or matched[2])

        event.listen(scratch, "before_cursor_execute", note)
        try:
            yield
        finally:
            event.remove(scratch, "before_cursor_execute", note)

    def _note_columns(self, scratch: Connection) -> None:
        inspector = inspect(scratch)
        names = {*inspector.get_table_names(), *inspector.get_view_names()}
        for name, columns in _columns(scratch, names).items():
            self.columns.setdefault(name, []).append(columns)


def _columns(connection: Connection, tables: set[str]) -> dict[str, set[str]]:
    inspector = inspect(connection)
    return {table: {column["name"] for column in inspector.get_columns(table)} for table in tables}


def _difference(expected: set[str], has: set[str] | None) -> str:
    if has is None:
        return "is missing"
    missing, besides = ", ".join(sorted(expected - has)), ", ".join(sorted(has - expected))
    return "; ".join(
        text for names, text in ((missing, f"has no {missing}"), (besides, f"also has {besides}")) if names
    )


def _migrate(connection: Connection, revision: str = "head") -> None:
    """Run the migrations that the database has not seen, up to a revision."""
    # Importing Alembic takes a third of a second, and most processes find the schema up to date.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
