"""The program that writes the rows of a statement in Arrow to standard output.

`arrow_reading` runs this file by itself, so that nothing else of the package is imported.
"""

import sys
from types import ModuleType


def main() -> None:
    """Run one statement; the arguments are the address of the database, the rows of a batch, and the statement."""
    # ADBC imports it only for writing. It imports pandas, which takes half of the time of a small answer. It is
    # replaced here and not at import, because a process that imports this module needs the real one.
    sys.modules["pyarrow.dataset"] = ModuleType("pyarrow.dataset")

    import pyarrow as pa
    from adbc_driver_sqlite import dbapi

    address, batch_rows, statement = sys.argv[1:]
    try:
        with dbapi.connect(address) as connection, connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": batch_rows})
            cursor.execute(statement)
            answer = cursor.fetch_record_batch()
            with pa.ipc.new_stream(sys.stdout.buffer, answer.schema) as stream:
                for batch in answer:
                    stream.write_batch(batch)
            # If reading fails, the stream ends as if it were complete; this byte confirms that it is.
            sys.stdout.buffer.write(b".")
            sys.stdout.flush()
            # The database stays open until the caller has closed its own: the last one to close removes the log.
            sys.stdin.read()
    except (pa.ArrowException, dbapi.Error, OSError) as error:
        print(str(error).partition("\n")[0], file=sys.stderr)  # noqa: T201  (the channel to the caller)
        sys.exit(1)


if __name__ == "__main__":
    main()
