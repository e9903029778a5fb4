"""The size of a stored observation: bytes of the price tables per market and tick, over two days.

The store is called directly. At each tick a share of the quotes changes: of random markets, mostly of hot ones (Zipf's
law), or always of the same few, which causes the most keyframes. Sizes do not depend on the machine.
"""

import heapq
import math
import random
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.result import Aim, Options, Result, Row
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.records import Market
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Connection, Database
from kalshi_pipeline.store.writing.parents import merge_markets
from kalshi_pipeline.store.writing.quotes import TickQuotes
from kalshi_pipeline.store.writing.runs import State, close_run
from kalshi_pipeline.store.writing.staged_pages import stage_markets
from kalshi_pipeline.store.writing.ticks import open_tick
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline_tests.store.samples import SCOPE, market

GROUP = "bytes per observation"

_FULL = (10_000,)
_QUICK = (2_000,)
_TICKS = 576
_PERIOD_SECONDS = 300
_CHANGED_SHARE = 0.06
_PAGE = 1000
_KEYFRAME_SECONDS = Settings.model_fields["keyframe_hours"].default * 3600.0
_NEVER_SECONDS = 1e9
_CHANGES_AIM, _EVERY_AIM = Aim(3.5), Aim(12)
_PRICE_TABLES = ("price_snapshots", "unchanged_blocks", "latest_quotes")
_INDEX = "ix_price_snapshots_market_id_tick_id"

Draw = Callable[[random.Random], Sequence[int]]


def measure(options: Options) -> Result:
    """Store the same days in each way."""
    (markets,) = options.sizes(_FULL, _QUICK)
    alike, hot, same = _uniform(markets), _zipf(markets), _same(markets)
    keyframes = f"keyframes of {_KEYFRAME_SECONDS / 3600:g} h"
    rows: list[Row] = []
    for label, draw, every, keyframe_seconds, aim in (
        (f"changes of all markets alike, {keyframes}", alike, False, _KEYFRAME_SECONDS, _CHANGES_AIM),
        (f"changes of hot markets, {keyframes}", hot, False, _KEYFRAME_SECONDS, _CHANGES_AIM),
        (f"changes of always the same markets, {keyframes}", same, False, _KEYFRAME_SECONDS, _CHANGES_AIM),
        ("changes of all markets alike, no keyframes", alike, False, _NEVER_SECONDS, None),
        ("changes of hot markets, no keyframes", hot, False, _NEVER_SECONDS, None),
        ("every quote", alike, True, _KEYFRAME_SECONDS, _EVERY_AIM),
    ):
        options.report_progress(f"size: {label}")
        path = options.folder / f"size-{len(rows)}.db"
        days = _Days(path, markets, draw, every=every, keyframe_seconds=keyframe_seconds)
        written, bytes_used, index_bytes = days.store()
        listed = markets * _TICKS
        also = {"% written": written / listed * 100, "bytes per written row": bytes_used / written}
        if index_bytes:
            also["of them in the index of a market's rows"] = index_bytes / written
        rows.append(Row(GROUP, label, bytes_used / listed, "bytes", aim, also))
        for file in options.folder.glob(f"{path.name}*"):
            file.unlink()
    title = f"Disk space of {_TICKS} ticks of {markets:,} markets, {_CHANGED_SHARE:.0%} changing at each"
    return Result(title, rows)


class _Days:
    """A database with two days of ticks, so that every unchanged quote becomes a keyframe once."""

    def __init__(self, path: Path, markets: int, draw: Draw, *, every: bool, keyframe_seconds: float) -> None:
        self._path = path
        self._random = random.Random(1)
        self._rows = [_market(self._random, number) for number in range(markets)]
        self._draw = draw
        self._every = every
        self._keyframe_seconds = keyframe_seconds
        # If nothing ages, unchanged quotes need not be passed to the store at all.
        self._only_changed = not every and keyframe_seconds == _NEVER_SECONDS

    def store(self) -> tuple[int, int, int]:
        """Store the days; return its number of rows, its bytes, and the bytes of these that an index takes."""
        with closing(Database(f"sqlite:///{self._path}")) as database:
            with database.begin() as connection:
                merge_markets(connection, self._rows, SYSTEM_CLOCK.now())
                before = _file_bytes(connection)
            written = 0
            for tick in range(_TICKS):
                changed = self._draw(self._random) if tick else range(len(self._rows))
                for number in changed if tick else ():
                    self._rows[number] = _moved(self._random, self._rows[number])
                listed = changed if self._only_changed else range(len(self._rows))
                written += self._take(database, tick, [self._rows[number] for number in sorted(listed)])
            with database.begin() as connection:
                return written, *_price_bytes(connection, before)

    def _take(self, database: Database, tick: int, rows: Sequence[Market]) -> int:
        """One snapshot. Its pages arrive in any order, like those of windows."""
        tick_at = SYSTEM_CLOCK.now() - (_TICKS - tick) * _PERIOD_SECONDS * MICROS_PER_SECOND
        pages = [rows[start : start + _PAGE] for start in range(0, len(rows), _PAGE)]
        self._random.shuffle(pages)
        written = 0
        with database.begin() as connection:
            run = open_tick(connection, tick_at, None, SCOPE, tick_at)
            quotes = TickQuotes(
                connection,
                run,
                tick_at,
                SCOPE,
                every=self._every,
                keyframe_seconds=self._keyframe_seconds,
            )
        for number, page in enumerate(pages):
            with database.begin() as connection:
                stage_markets(connection, page)
                written += quotes.append(connection, tick_at + (number + 1) * MICROS_PER_SECOND).inserted
        with database.begin() as connection:
            close_run(connection, run, State.COMPLETE, None, tick_at)
        return written


def _uniform(markets: int) -> Draw:
    count = round(markets * _CHANGED_SHARE)
    return lambda chance: chance.sample(range(markets), count)


def _same(markets: int) -> Draw:
    count = round(markets * _CHANGED_SHARE)
    changed = random.Random(2).sample(range(markets), count)
    return lambda _: changed


def _zipf(markets: int) -> Draw:
    """The market of rank r is drawn with a weight of 1/r, none twice in a tick."""
    count = round(markets * _CHANGED_SHARE)
    ranks = [1.0 + rank for rank in range(markets)]
    random.Random(2).shuffle(ranks)

    def draw(chance: random.Random) -> Sequence[int]:
        keys = [math.log(chance.random()) * rank for rank in ranks]
        return heapq.nlargest(count, range(markets), key=keys.__getitem__)

    return draw


def _market(chance: random.Random, number: int) -> Market:
    """Return a market with prices in whole cents, tenths or hundredths of a cent, and widely spread sizes."""
    step = chance.choices((10_000, 1_000, 100), (70, 20, 10))[0]
    bid = step * chance.randint(1, 950_000 // step)
    ask = min(bid + step * chance.randint(1, 4), 1_000_000 - step)
    volume = round(10 ** chance.uniform(2, 9))
    return market(
        f"KXSIZE-26NOV23-T{number:06}",
        yes_bid=bid,
        yes_ask=ask,
        yes_bid_size=_contracts(chance),
        yes_ask_size=_contracts(chance),
        last_price=bid,
        volume=volume,
        open_interest=volume // 3,
    )


def _contracts(chance: random.Random) -> int:
    """Hundredths of 1 to 50,000 contracts, mostly whole ones."""
    contracts = float(50_000 ** chance.random())
    return round(contracts) * 100 if chance.random() < 0.7 else round(contracts * 100)


def _moved(chance: random.Random, row: Market) -> Market:
    """The next quote: mostly another size, often another price, sometimes a trade."""
    quote = row.quote
    bid, ask = quote.yes_bid or 0, quote.yes_ask or 0
    what = chance.random()
    if what < 0.55:
        quote = quote._replace(yes_bid_size=_contracts(chance))
    elif what < 0.8:
        step = next(step for step in (10_000, 1_000, 100) if bid % step == 0)
        bid = max(step, min(bid + chance.choice((-step, step)), 1_000_000 - 2 * step))
        quote = quote._replace(yes_bid=bid, yes_ask=max(ask, bid + step), yes_bid_size=_contracts(chance))
    else:
        size = _contracts(chance)
        quote = quote._replace(
            last_price=ask,
            yes_ask_size=_contracts(chance),
            volume=(quote.volume or 0) + size,
            open_interest=(quote.open_interest or 0) + size // 2,
        )
    return row._replace(quote=quote)


def _file_bytes(connection: Connection) -> int:
    pages, page_bytes = (
        int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in ("page_count", "page_size")
    )
    return pages * page_bytes


def _price_bytes(connection: Connection, bytes_before: int) -> tuple[int, int]:
    """The bytes of the price tables and of their index, or all added bytes if this SQLite cannot separate them."""
    options = connection.exec_driver_sql("PRAGMA compile_options").scalars()
    if "ENABLE_DBSTAT_VTAB" not in set(options):
        return _file_bytes(connection) - bytes_before, 0
    query = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name"
    of_name = {str(name): int(size) for name, size in connection.exec_driver_sql(query)}
    index_bytes = of_name[_INDEX]
    return index_bytes + sum(of_name[table] for table in _PRICE_TABLES), index_bytes
