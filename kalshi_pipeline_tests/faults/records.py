"""Records with odd values in random fields, sent over HTTP: each is stored or quarantined, and counted."""

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from kalshi_pipeline_tests.faults.forked import Commands, commands
from kalshi_pipeline_tests.faults.odd_exchange import Answer, always, listing, serving, whole
from kalshi_pipeline_tests.faults.odd_records import KINDS_SENT
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.places import SETTINGS
from kalshi_pipeline_tests.faults.sending import Sent
from kalshi_pipeline_tests.faults.stored import unsound

_EMPTY: dict[str, Answer] = {
    "/exchange/status": always('{"exchange_active": true, "trading_active": true}'),
    "/series": whole("series", ()),
    "/events": listing("events"),
    "/markets": listing("markets"),
    "/markets/trades": listing("trades"),
    "/historical/markets": listing("markets"),
    "/historical/trades": listing("trades"),
}
_EMPTY_STORE = "empty.db"  # copied, because creating one takes longer than most of these runs
_SHOWN = 3


def send(folder: Path, count: int, seed: int = 1) -> list[Outcome]:
    """Send a number of records of each kind, each kind to its own store."""
    with commands(folder, **SETTINGS, healing_requests="0") as run:
        run.run("init", settings={"database_url": f"sqlite:///{_EMPTY_STORE}"})
        return [
            _send(run, folder, name, make(count, random.Random(seed))) for name, make in KINDS_SENT.items()
        ]


def _send(run: Commands, folder: Path, name: str, sent: Sent) -> Outcome:
    outcome, store = Outcome(f"odd {name}"), f"{name.replace(' ', '-')}.db"
    shutil.copy(folder / _EMPTY_STORE, folder / store)
    empty = {path: answer for path, answer in _EMPTY.items() if path not in sent.answers}
    with serving({**sent.answers, **empty}) as url:
        own = {"api_url": url, "database_url": f"sqlite:///{store}", **sent.settings}
        ended = run.run(*sent.command, settings=own)
    problems = [] if ended.code in (0, 3) else [f"exit code {ended.code}: {ended.output[-300:]}"]
    with closing(sqlite3.connect(folder / store)) as connection:
        problems += _miscounted(connection, sent)
        found = sent.read(connection)
    missing = sorted(sent.expected.keys() - found.keys())
    wrong = sorted(key for key, values in sent.expected.items() if key in found and found[key] != values)
    problems += [f"{key} is not stored" for key in missing[:_SHOWN]]
    problems += [f"{key} has {_differing(found[key], sent.expected[key])}" for key in wrong[:_SHOWN]]
    problems += unsound(folder / store)
    outcome.injected = sent.count
    outcome.survived = sent.count - len(missing) - len(wrong)
    outcome.rows_lost, outcome.wrong_numbers = len(missing), len(wrong)
    outcome.problems += [f"{name}: {problem}" for problem in problems]
    outcome.tracebacks = int(ended.has_traceback)
    return outcome


def _miscounted(connection: sqlite3.Connection, sent: Sent) -> list[str]:
    """Return the counts of the run that differ from the oracle's."""
    connection.row_factory = sqlite3.Row
    (row,) = connection.execute(f"SELECT * FROM {sent.run} ORDER BY id DESC LIMIT 1")
    connection.row_factory = None
    counted = dict(row)
    stored = sum(counted.get(name, 0) for name in ("inserted", "changed", "unchanged", "duplicates"))
    wanted = {
        "received": (sent.count, counted["received"]),
        "in quarantine": (sent.count - sent.readable, counted["quarantined"]),
        "out of scope": (sent.out_of_scope, counted["out_of_scope"]),
        "stored": (sent.readable - sent.out_of_scope, stored),
    }
    return [
        f"{found:,} instead of {expected:,} are {name}"
        for name, (expected, found) in wanted.items()
        if found != expected
    ]


def _differing(found: object, expected: object) -> str:
    """Describe the first differing field of two values."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for name in [*expected, *found]:
            if found.get(name) != expected.get(name):
                return f"{name} {str(found.get(name))[:200]!r} instead of {str(expected.get(name))[:200]!r}"
    return f"{str(found)[:200]} instead of {str(expected)[:200]}"
