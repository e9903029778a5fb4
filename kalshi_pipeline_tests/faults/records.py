"""Records with odd values in random fields, sent over HTTP: each is stored, or kept in quarantine, and counted."""

import json
import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from kalshi_pipeline_tests.exchange.mutated import KINDS, expected, mutated
from kalshi_pipeline_tests.faults.forked import commands
from kalshi_pipeline_tests.faults.odd_exchange import serving
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.places import SETTINGS, STORE
from kalshi_pipeline_tests.faults.stored import unsound

_STATUS = '{"exchange_active": true, "trading_active": true}'
_DAY = "2026-11-20"


class _Listed(NamedTuple):
    """Where records of a kind are listed, the command that stores them, and what counts them."""

    path: str
    key: str
    command: tuple[str, ...]
    run: str
    table: str


_LISTED = {
    "series": _Listed("/series", "series", ("sync",), "listings WHERE asset = 'series'", "series"),
    "events": _Listed("/events", "events", ("sync",), "listings WHERE asset = 'events'", "events"),
    "markets": _Listed("/markets", "markets", ("snapshot",), "ticks WHERE 1", "markets"),
    "trades": _Listed(
        "/markets/trades",
        "trades",
        ("backfill", "trades", "--start", _DAY, "--end", _DAY),
        "listings WHERE asset = 'trades'",
        "trades",
    ),
}


def send(folder: Path, count: int, seed: int = 1) -> list[Outcome]:
    """Send so many records of each kind."""
    return [_send(folder / kind, kind, count, seed) for kind in _LISTED]


def _send(folder: Path, kind: str, count: int, seed: int) -> Outcome:
    outcome, listed = Outcome(f"odd {kind}"), _LISTED[kind]
    rows = _rows(kind, count, seed)
    folder.mkdir(parents=True)
    texts = {path: ("series" if path == "/series" else path.rpartition("/")[2], ()) for path in _EMPTY}
    with (
        serving({**texts, listed.path: (listed.key, rows)}, {"/exchange/status": _STATUS}) as url,
        commands(folder, **{**SETTINGS, "api_url": url, "healing_requests": "0"}) as run,
    ):
        ended = run.run(*listed.command)
    with closing(sqlite3.connect(folder / STORE)) as connection:
        connection.row_factory = sqlite3.Row
        (counted,) = connection.execute(f"SELECT * FROM {listed.run} ORDER BY id DESC LIMIT 1")
        seen = dict(counted)
    stored = seen["inserted"] + seen["unchanged"] + seen.get("changed", 0) + seen["duplicates"]
    accepted = sum(expected(KINDS[kind], row)[0] is not None for row in rows)
    problems = [] if ended.code in (0, 3) else [f"exit code {ended.code}: {ended.output[-300:]}"]
    if seen["received"] != count:
        problems.append(f"{seen['received']:,} of {count:,} were received")
    if stored + seen["out_of_scope"] != accepted:
        problems.append(f"{stored:,} were stored and {accepted:,} can be read")
    problems += unsound(folder / STORE)
    outcome.injected, outcome.survived = count, count if not problems else 0
    outcome.rows_lost = max(0, accepted - stored - seen["out_of_scope"])
    outcome.problems += [f"{kind}: {problem}" for problem in problems]
    outcome.tracebacks = int(ended.has_traceback)
    return outcome


_EMPTY = ("/series", "/events", "/markets", "/markets/trades")


def _rows(kind: str, count: int, seed: int) -> Sequence[str]:
    """Return the texts of records, each with an identifier of its own where it still has a good one."""
    chance = random.Random(seed)
    base = KINDS[kind].base
    name = "trade_id" if kind == "trades" else "event_ticker" if kind == "events" else "ticker"
    rows = []
    for number in range(count):
        own = KINDS[kind]._replace(base={**base, name: json.dumps(f"K-{number}")})
        rows.append(mutated(own, chance))
    return rows
