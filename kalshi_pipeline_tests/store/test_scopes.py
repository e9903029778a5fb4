"""Scopes as rows: each is stored once and read back, and as an SQL condition selects the markets that it covers."""

import pytest
from sqlalchemy import insert, select, update

from kalshi_pipeline.scope import Combos, Scope
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.schema.tables import markets, scopes
from kalshi_pipeline.store.scopes import former_scopes, is_in, scope_id, select_id, stored_scopes
from kalshi_pipeline.vocabulary import StatusFilter
from kalshi_pipeline_tests.store.samples import contents, event, market, store_events, store_markets

SCOPES = [
    Scope(),
    Scope(combos=Combos.EXCLUDE, status=StatusFilter.OPEN),
    Scope(combos=Combos.ONLY),
    Scope(("KXRAIN",)),
    Scope(("KXRAIN",), Combos.EXCLUDE, StatusFilter.SETTLED),
    Scope(("KXSNOW", "KXRAIN"), Combos.INCLUDE, StatusFilter.PAUSED),
    Scope(("KXHAIL",), Combos.ONLY, StatusFilter.OPEN),
]


def store(database: Database, *given: Scope) -> list[int]:
    with database.begin() as connection:
        return [scope_id(connection, scope) for scope in given]


def test_scope_is_stored_once_with_its_values(database: Database) -> None:
    first, second = (
        Scope(("KXSNOW", "KXRAIN"), Combos.EXCLUDE, StatusFilter.OPEN),
        Scope(("KXRAIN", "KXSNOW", "KXRAIN"), Combos.EXCLUDE, StatusFilter.OPEN),
    )
    assert store(database, first, Scope(), second, Scope()) == [1, 2, 1, 2]
    assert store(database, second) == [1]
    assert contents(database, scopes) == [
        {
            "id": 1,
            "series": "KXRAIN,KXSNOW",
            "combos": "exclude",
            "status_filter": "open",
            "sentence": "open markets of KXRAIN, KXSNOW, no combos",
            "is_former": False,
        },
        {
            "id": 2,
            "series": "",
            "combos": "include",
            "status_filter": "all",
            "sentence": "all markets of all series, with combos",
            "is_former": False,
        },
    ]


def test_scope_that_is_not_stored_has_no_key(database: Database) -> None:
    store(database, SCOPES[0])
    with database.read() as connection:
        assert connection.execute(select_id(SCOPES[0])).scalars().all() == [1]
        assert connection.execute(select_id(SCOPES[1])).scalars().all() == []


def test_stored_scopes_are_those_that_were_stored(database: Database) -> None:
    with database.read() as connection:
        assert stored_scopes(connection) == {}
    keys = store(database, *SCOPES)
    with database.read() as connection:
        assert stored_scopes(connection) == dict(zip(keys, SCOPES, strict=True))


def test_row_without_values_covers_nothing(database: Database) -> None:
    """It keeps the text of an older version's scope, which cannot be evaluated."""
    store(database, SCOPES[0])
    unknown = {"series": None, "combos": None, "status_filter": None, "is_former": False}
    with database.begin() as connection:
        connection.execute(
            insert(scopes), [{"id": 2, **unknown, "sentence": "one"}, {"id": 3, **unknown, "sentence": "two"}]
        )
        assert stored_scopes(connection) == {1: SCOPES[0]}
    assert store(database, SCOPES[1]) == [4]


def test_former_scope_is_not_that_of_a_new_run(database: Database) -> None:
    """Its ticks confirm only quotes of the same scope."""
    store(database, SCOPES[0])
    with database.begin() as connection:
        connection.execute(update(scopes).values(is_former=True))
        assert stored_scopes(connection) == {}
        assert former_scopes(connection) == {1}
    assert store(database, SCOPES[0]) == [2]


MARKETS = {
    "RAIN": ("KXRAIN", False),
    "RAIN-COMBO": ("KXRAIN", True),
    "KXRAIN-OF-SNOW": ("KXSNOW", False),
    "SNOW-COMBO": ("KXSNOW", True),
    "RAINS": ("KXRAINS", False),
    "KXHAIL-WITHOUT-SERIES": (None, False),
    "KXMVE-WITHOUT-SERIES": (None, True),
}


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.sentence)
def test_condition_holds_for_the_markets_that_a_scope_covers(database: Database, scope: Scope) -> None:
    """By the series of their events and their kind, in SQL and in Python."""
    for ticker, (series, is_combo) in MARKETS.items():
        store_events(database, event(f"E-{ticker}", series))
        store_markets(database, market(ticker, f"E-{ticker}", is_combo=is_combo))
    # Only the ticker of its event is known.
    store_markets(database, market("KXRAIN-NEW", "KXRAIN-NEW-EVENT"))
    with database.read() as connection:
        found = set(connection.execute(select(markets.c.ticker).where(is_in(scope))).scalars())
    known = {**MARKETS, "KXRAIN-NEW": (None, False)}
    assert found == {
        ticker
        for ticker, (series, is_combo) in known.items()
        if scope.covers_market(series, is_combo=is_combo)
    }
