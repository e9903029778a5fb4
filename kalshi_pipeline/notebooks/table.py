"""The result of a query: rows with named columns, as Python values, Arrow, pandas, Polars or a file."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from kalshi_pipeline.advice import advised
from kalshi_pipeline.api.arguments import counted
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.notebooks.arrow_values import batch_of, schema_of
from kalshi_pipeline.notebooks.extras import imported
from kalshi_pipeline.notebooks.files import write_file
from kalshi_pipeline.notebooks.parts import Part
from kalshi_pipeline.notebooks.values import Value, readers
from kalshi_pipeline.store.reading.streams import TableColumn

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow as pa


class Table:
    """Rows with named columns.

    A table is lazy: each use runs its query again. Prices are dollars and sizes are contracts, as floats or, with
    `decimals=True`, as exact decimals. Instants are aware, in UTC. An absent value is None (null).
    """

    def __init__(self, columns: Sequence[TableColumn], *parts: Part) -> None:
        self._columns = columns
        self._parts = parts

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return [column.name for column in self._columns]

    def __iter__(self) -> Iterator[dict[str, Value]]:
        return self.rows()

    def rows(self, *, decimals: bool = False) -> Generator[dict[str, Value]]:
        """Yield each row as a dictionary. Rows are streamed."""
        read, names = readers(self._columns, decimals=decimals), self.columns
        with advised():
            for part in self._parts:
                for row in part.rows():
                    yield {name: one(value) for name, one, value in zip(names, read, row, strict=True)}

    def batches(self, *, decimals: bool = False) -> Generator["pa.RecordBatch"]:
        """Yield Arrow record batches.

        Rows are streamed: memory holds a few batches. Raises MissingExtraError without the extra `arrow`.
        """
        with advised():
            schema = schema_of(self._columns, decimals=decimals)
            for part in self._parts:
                with closing(part.batches()) as batches:
                    for stored in batches:
                        yield batch_of(self._columns, stored, schema)

    def reader(self, *, decimals: bool = False) -> "pa.RecordBatchReader":
        """Return the batches as one RecordBatchReader, which DuckDB, Polars and others read as a stream."""
        with advised():
            schema = schema_of(self._columns, decimals=decimals)
            return imported("pyarrow").RecordBatchReader.from_batches(schema, self.batches(decimals=decimals))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the rows as an Arrow C stream, so that Polars, pyarrow and DuckDB accept a table directly.

        Numbers are floats, as in `reader()`. Raises MissingExtraError without the extra `arrow`.
        """
        return self.reader().__arrow_c_stream__(requested_schema)

    def arrow(self, *, decimals: bool = False) -> "pa.Table":
        """Return all rows as an Arrow table. Raises MissingExtraError without the extra `arrow`."""
        with advised():
            schema = schema_of(self._columns, decimals=decimals)
            return imported("pyarrow").Table.from_batches(self.batches(decimals=decimals), schema)

    def pandas(self, *, decimals: bool = False) -> "pandas.DataFrame":
        """Return all rows as a pandas data frame.

        Integers and flags may be missing, so their types are Int64 and boolean. Raises MissingExtraError without the
        extra `pandas`.
        """
        with advised():
            library, pa = imported("pandas"), imported("pyarrow")
            types = {pa.int64(): library.Int64Dtype(), pa.bool_(): library.BooleanDtype()}
            return self.arrow(decimals=decimals).to_pandas(types_mapper=types.get)

    def polars(self, *, decimals: bool = False) -> "polars.DataFrame":
        """Return all rows as a Polars data frame. Raises MissingExtraError without the extra `polars`."""
        with advised():
            library = imported("polars")
            frame: polars.DataFrame = library.from_arrow(self.arrow(decimals=decimals))
            return frame

    def export(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write all rows to a new file; .parquet, .csv or .jsonl selects the format.

        Decimals are exact, instants in UTC. The file gets its name only when it is complete and on disk; a failed
        export leaves nothing. `overwrite` replaces an existing file; it replaces a link itself, not the file that it
        points to. Raises ConfigurationError for another extension or an existing file, and ExportError if writing
        fails.
        """
        with advised():
            return write_file(self, path, overwrite=overwrite)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled, and copied, which would copy an open database."""
        raise ConfigurationError(
            [
                "a table cannot be pickled or copied: pass its arrow() or its rows(), or the store, and ask there"
            ]
        )

    def __repr__(self) -> str:
        return f"<Table of {', '.join(self.columns)}>"

    def head(self, rows: int = 10) -> list[dict[str, Value]]:
        """Return the first rows, without reading the others; RangeError for a number below 0."""
        with closing(self.rows()) as found:
            return list(islice(found, counted(rows, "rows")))
