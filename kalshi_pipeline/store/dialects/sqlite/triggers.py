"""Triggers that conflict with the tables. SQLite reports these when they run, or never."""

from collections.abc import Iterable

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

_NOTE = "-- TRIGGER "
"""The text before the name of each trigger in the output of EXPLAIN."""
_NO_VERDICT = "no such function"
"""SQLite's message for a trigger that calls a function of another program."""


def unfit_trigger(connection: Connection) -> tuple[str, str] | None:
    """Return the name of a trigger that cannot run, and the reason; None if all can.

    EXPLAIN compiles a statement and its triggers without running them.
    """
    found = connection.exec_driver_sql(
        "SELECT name, tbl_name FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid"
    )
    triggers = [(str(name), str(table)) for name, table in found]
    for table in dict.fromkeys(table for _, table in triggers):
        own = [name for name, of_table in triggers if of_table == table]
        ran, errors = _explained(connection, table)
        if any(_NO_VERDICT in error for error in errors):
            continue
        if errors:
            return _culprit(connection, table, [*own, *(name for name, _ in triggers)]), errors[0]
        for name in own:
            if name not in ran:
                return name, f"no change of {table} runs it: a column that it names does not exist"
    return None


def _explained(connection: Connection, table: str) -> tuple[set[str], list[str]]:
    """Return the triggers that run for changes of a table, and the errors of those changes."""
    ran: set[str] = set()
    errors: list[str] = []
    for statement in _changes(connection, table):
        try:
            rows = connection.exec_driver_sql(f"EXPLAIN {statement}").all()
        except DBAPIError as error:
            # A view takes the changes for which it has a trigger, and no others.
            if (fact := str(error.orig)) != f"cannot modify {table} because it is a view":
                errors.append(fact)
        else:
            texts = (str(row.p4) for row in rows)
            ran.update(text.removeprefix(_NOTE) for text in texts if text.startswith(_NOTE))
    return ran, errors


def _changes(connection: Connection, table: str) -> tuple[str, str, str]:
    quote = connection.dialect.identifier_preparer.quote_identifier
    columns = connection.exec_driver_sql(
        "SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", (table,)
    ).scalars()  # generated columns, which are hidden, take no value
    values = ", ".join(f"{quote(name)} = {quote(name)}" for name in columns)
    name = quote(table)
    return (
        f"INSERT INTO {name} DEFAULT VALUES",
        f"UPDATE {name} SET {values}",  # noqa: S608  (names of the database itself, quoted)
        f"DELETE FROM {name}",  # noqa: S608  (as above)
    )


def _culprit(connection: Connection, table: str, candidates: Iterable[str]) -> str:
    """Return the first trigger without which changes of the table have no errors."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    names = list(dict.fromkeys(candidates))
    for name in names:
        with connection.begin_nested() as savepoint:
            connection.exec_driver_sql(f"DROP TRIGGER {quote(name)}")
            _, errors = _explained(connection, table)
            savepoint.rollback()
        if not errors:
            return name
    return names[0]
