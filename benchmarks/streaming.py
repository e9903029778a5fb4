"""The time and memory to read millions of rows as Arrow record batches."""

from collections.abc import Callable, Mapping

from benchmarks.peak import peak_megabytes
from benchmarks.result import Aim, Options, Result, Row
from benchmarks.timing import cpu_seconds, wall_seconds
from benchmarks.view_store import fill
from kalshi_pipeline import Store, Table, open_store

_ROWS, _QUICK_ROWS = 20_000_000, 2_000_000
_SECONDS = 15  # for 20 million rows
_MEGABYTES = 1000
_ANSWERS: Mapping[str, Callable[[Store], Table]] = {
    "history": lambda store: store.history(),
    "trades": lambda store: store.trades(),
    "candlesticks": lambda store: store.candlesticks(),
}


def measure(options: Options) -> Result:
    """Fill a store and read each large answer to its end, holding one batch at a time."""
    quotes = _QUICK_ROWS if options.is_quick else _ROWS
    path = options.folder / "streaming.db"
    options.report_progress(f"streaming: filling {quotes:,} rows")
    fill(path, quotes)
    rows = []
    with open_store(path) as store:
        for name, answer in _ANSWERS.items():
            options.report_progress(f"streaming: {name}")
            rows.append(_read(name, answer(store)))
    path.unlink()
    rows.append(Row("memory", "peak", peak_megabytes(), "MB", Aim(_MEGABYTES)))
    return Result(f"Streaming to Arrow, of {quotes:,} quotes", rows)


def _read(name: str, table: Table) -> Row:
    seconds, (cpu, count) = wall_seconds(
        lambda: cpu_seconds(lambda: sum(batch.num_rows for batch in table.batches()))
    )
    aim = Aim(_SECONDS * max(1, count / _ROWS))
    return Row("to Arrow", name, seconds, "s", aim, {"s CPU of this process": cpu, "rows": count})
