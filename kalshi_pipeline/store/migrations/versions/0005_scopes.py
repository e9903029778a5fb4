"""Scopes as values, keys that are never given twice, plainer names; views are no longer made by migrations."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_VIEWS = (
    "latest_prices",
    "price_history",
    "quotes_by_tick",
    "movers_1h",
    "movers_24h",
    "market_change_history",
    "settlement_history",
    "trade_history",
    "candlestick_history",
    "candlestick_coverage",
    "order_book_history",
    "price_history_filled",
)
# Each table whose keys other tables hold, and where they hold them.
_REFERENCES = {
    "series": ("events.series_id",),
    "events": ("event_lookups.event_id", "markets.event_id"),
    "markets": (
        "candlestick_days.market_id",
        "candlesticks.market_id",
        "latest_quotes.market_id",
        "market_changes.market_id",
        "market_lookups.market_id",
        "order_books.market_id",
        "price_snapshots.market_id",
        "settlements.market_id",
        "trades.market_id",
        "unchanged_quotes.market_id",
    ),
    "scopes": ("backfill_progress.scope_id", "listings.scope_id", "ticks.scope_id"),
    "ticks": ("latest_quotes.tick_id", "price_snapshots.tick_id", "unchanged_quotes.tick_id"),
    "listings": (),
    "order_books": ("order_book_levels.order_book_id",),
}
_COMBOS = {"no combos": "exclude", "only combos": "only", "with combos": "include"}
_SENTENCE = re.compile(r"(all series|[^\s,]+(?:,[^\s,]+)*), (no combos|only combos|with combos)")
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2}), (.*)")
_FILTERS = {"settlements": "settled", "settlements backfill": "settled", "trades": "all"}
_NOT_OVER = "the day is not over: what is still to come is added by running it again"


def upgrade() -> None:
    for view in _VIEWS:
        op.execute(f"DROP VIEW IF EXISTS {view}")
    op.create_table(
        "scopes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("series", sa.Text(), nullable=True),
        sa.Column("combos", sa.Text(), nullable=True),
        sa.Column("status_filter", sa.Text(), nullable=True),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("is_former", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scopes")),
        sa.UniqueConstraint(
            "series",
            "combos",
            "status_filter",
            "is_former",
            name=op.f("uq_scopes_series_combos_status_filter_is_former"),
        ),
    )
    for table in ("ticks", "listings"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN scope_id INTEGER "
            f"CONSTRAINT fk_{table}_scope_id REFERENCES scopes (id)"
        )
    op.add_column("listings", sa.Column("day", sa.Text(), nullable=True))
    op.add_column("listings", sa.Column("selection", sa.Text(), nullable=True))
    scopes = _Scopes(op.get_bind())
    scopes.of_ticks()
    scopes.of_listings()
    for table in ("ticks", "listings"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN scope")
    op.execute("ALTER TABLE listings RENAME COLUMN left_out TO out_of_scope")
    op.rename_table("sightings", "unchanged_quotes")
    op.create_table(
        "backfill_progress",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("since_at", sa.BigInteger(), nullable=True),
        sa.Column("newest_at", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("inserted", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["scope_id"], ["scopes.id"], name=op.f("fk_backfill_progress_scope_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfill_progress")),
        sa.UniqueConstraint("name", "scope_id", name=op.f("uq_backfill_progress_name_scope_id")),
    )
    scopes.of_walks()
    op.drop_table("walks")
    _keep_last_ids()


class _Scopes:
    """Turns the sentences of the older schemas into rows of `scopes`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._ids: dict[tuple[str | bool | None, ...], int] = {}

    def of_ticks(self) -> None:
        for (sentence,) in self._rows("SELECT DISTINCT scope FROM ticks"):
            # What a tick of another scope had stored was stored again, changed or not: ticks of older schemas confirm
            # only what ticks of the same scope stored.
            scope_id = self._parsed(sentence, "open", is_former=True)
            self._run(
                "UPDATE ticks SET scope_id = :scope_id WHERE scope = :scope",
                scope_id=scope_id,
                scope=sentence,
            )

    def of_listings(self) -> None:
        for asset, words in self._rows("SELECT DISTINCT asset, scope FROM listings"):
            matched = _DAY.fullmatch(words)
            day, rest = matched.groups() if matched else (None, words)
            is_selection = asset in ("candlesticks", "order_books")
            self._run(
                "UPDATE listings SET scope_id = :scope_id, day = :day, selection = :selection "
                "WHERE asset = :asset AND scope = :scope",
                scope_id=None if is_selection else self._parsed(rest, _FILTERS.get(asset, "open")),
                day=day,
                selection=rest if is_selection else None,
                asset=asset,
                scope=words,
            )

    def of_walks(self) -> None:
        """Of walks whose scopes differed in the order of their series only, the furthest one is kept."""
        walks = self._rows("SELECT id, name FROM walks ORDER BY state = 'complete' DESC, started_at DESC, id")
        for walk_id, old_name in walks:
            asset, *parts, words = old_name.split("/")
            name = "/".join((asset, *parts))
            # The names of settlements' walks held a series or the word of the setting, never both.
            scope_id = (
                self._parsed(words, "all")
                if asset == "trades"
                else self._id("", words, "settled", _sentence("", words, "settled"))
                if words in _COMBOS.values()
                else self._unknown(words)
            )
            self._run(
                "INSERT INTO backfill_progress SELECT id, :name, :scope_id, "
                "CASE WHEN state = 'partial' AND reason = :not_over THEN 'caught_up' ELSE state END, "
                "reason, cursor, since_at, newest_at, started_at, finished_at, pages, received, inserted, quarantined "
                "FROM walks WHERE id = :walk_id AND NOT EXISTS ("
                "SELECT 1 FROM backfill_progress AS p WHERE p.name = :name AND p.scope_id = :scope_id)",
                name=name,
                scope_id=scope_id,
                not_over=_NOT_OVER,
                walk_id=walk_id,
            )

    def _parsed(self, sentence: str, status_filter: str, *, is_former: bool = False) -> int:
        """Return the scope that a sentence names; one that cannot be parsed covers nothing.

        To the older schemas, series in another order were another scope, so that a tick of one never confirmed what a
        tick of the other had stored. Former scopes keep their order, and stay apart.
        """
        matched = _SENTENCE.fullmatch(sentence)
        if matched is None:
            return self._unknown(sentence)
        named, combos = matched.group(1), _COMBOS[matched.group(2)]
        series = named if is_former else ",".join(sorted(set(named.split(","))))
        if named == "all series":
            series = ""
        words = _sentence(series, combos, status_filter)
        return self._id(series, combos, status_filter, words, is_former=is_former)

    def _unknown(self, sentence: str) -> int:
        return self._id(None, None, None, sentence)

    def _id(
        self,
        series: str | None,
        combos: str | None,
        status_filter: str | None,
        sentence: str,
        *,
        is_former: bool = False,
    ) -> int:
        key = (series, combos, status_filter, sentence, is_former)
        if key not in self._ids:
            self._ids[key] = len(self._ids) + 1
            self._run(
                "INSERT INTO scopes (id, series, combos, status_filter, sentence, is_former) "
                "VALUES (:id, :series, :combos, :status_filter, :sentence, :is_former)",
                id=self._ids[key],
                series=series,
                combos=combos,
                status_filter=status_filter,
                sentence=sentence,
                is_former=is_former,
            )
        return self._ids[key]

    def _rows(self, query: str) -> list[tuple[str, ...]]:
        return [tuple(row) for row in self._connection.execute(sa.text(query))]

    def _run(self, statement: str, **bound: object) -> None:
        self._connection.execute(sa.text(statement), bound)


def _sentence(series: str, combos: str, status_filter: str) -> str:
    words = {word: sentence for sentence, word in _COMBOS.items()}
    return f"{status_filter} markets of {series.replace(',', ', ') or 'all series'}, {words[combos]}"


def _keep_last_ids() -> None:
    """Note the largest key of each of these tables, in it or in any column that refers to it."""
    op.create_table(
        "last_ids",
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("last_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("table_name", name=op.f("pk_last_ids")),
        sqlite_with_rowid=False,
    )
    for table, references in _REFERENCES.items():
        columns = [f"{table}.id", *references]
        largest = " UNION ALL ".join(
            "SELECT max({1}) AS id FROM {0}".format(*column.split(".")) for column in columns
        )
        op.execute(f"INSERT INTO last_ids SELECT '{table}', coalesce(max(id), 0) FROM ({largest})")
