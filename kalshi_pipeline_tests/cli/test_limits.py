"""Lists that are read up to a limit say that there may be more."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kalshi_pipeline.cli.answer import Answer
from kalshi_pipeline.cli.answers import changes, market_lists, quotes, state, trading
from kalshi_pipeline.cli.options import Asked
from kalshi_pipeline.store.database import Database
from kalshi_pipeline_tests.store.samples import bid, sqlite_url, take, tick


@pytest.mark.parametrize(
    "answer",
    [
        lambda asked: market_lists.search(asked, ["rain"], with_closed=True),
        lambda asked: market_lists.closing(asked, 86_400),
        lambda asked: market_lists.settled(asked, 0),
        lambda asked: changes.changes(asked, None, 0),
        lambda asked: quotes.movers(asked, 3600),
        state.ticks,
        lambda asked: trading.trades(asked, "M", (0, 1)),
    ],
    ids=["search", "closing", "settled", "changes", "movers", "ticks", "trades"],
)
def test_lists_that_are_read_up_to_the_limit_say_so(
    database_path: Path, answer: Callable[[Asked], Answer]
) -> None:
    with closing(Database(sqlite_url(database_path))) as database:
        for number in range(2):
            take(database, tick(number), [bid(5 + number, "M")])
    assert answer(Asked(str(database_path), limit=1)).read_at_most == 1
