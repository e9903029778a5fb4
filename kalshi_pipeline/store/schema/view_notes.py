"""The meaning of one row of each view, for the reference in `docs/views.md`."""

VIEW_NOTES = {
    "latest_prices": (
        "One row per market: its newest stored quote, and its state as of the newest tick (`state`, `confirmed_at`)."
    ),
    "stored_quotes": "The part of `price_history` whose rows were stored.",
    "repeated_quotes": (
        "The part of `price_history` whose rows a tick found unchanged, with `KALSHI_SNAPSHOT_MODE=every`."
    ),
    "price_history": (
        "One row per stored snapshot. With `KALSHI_SNAPSHOT_MODE=every`, one row per tick and market. A row with "
        "`is_terminal` has no numbers: it ends the market's history until a later row."
    ),
    "quotes_by_tick": (
        "One row for each tick and each market listed at it, stored then or carried. It has as many rows as all ticks "
        "times all markets, so query it for one tick (`WHERE tick_id = …`; `tick_history` has them), or for one ticker "
        "and a range of ticks."
    ),
    "unchanged_quotes": (
        "One row for each market that a tick found unchanged, with `KALSHI_SNAPSHOT_MODE=every`: the table "
        "`unchanged_blocks`, market by market."
    ),
    "movers_1h": (
        "One row per market whose midpoint or last price moved in the hour before the newest complete tick, the "
        "largest change of the midpoint first. The base is the market's last quote at or before the start of the hour, "
        "however old. A market that was not listed at both is left out."
    ),
    "movers_24h": "The same as `movers_1h`, of the day before the newest complete tick.",
    "gaps_filled": (
        "The part of `price_history_filled` that comes from candlesticks: their closes, for times without a complete "
        "tick."
    ),
    "price_history_filled": (
        "The rows of `price_history` (`source` is `snapshot`), and the closes of candlesticks for times without a "
        "complete tick (`source` is `candlestick`), by `quote_at`."
    ),
    "void_unchanged_quotes": "The same as `unchanged_quotes`, of ticks that were voided.",
    "tick_history": (
        "One row per tick, including missed ones, with its counts. `inactive_shards` is JSON: the shards of the "
        "exchange that did not trade."
    ),
    "listing_history": "One row per run of anything but a snapshot, with its scope, times and counts.",
    "run_history": "One row per run: those of `tick_history` (snapshots) and of `listing_history` (all others).",
    "coverage_by_day": (
        "One row per UTC day: its ticks by state, and the longest gap between complete ticks, on the day that it ends."
    ),
    "series_change_history": "One row for each change of a field of a series, with the value before and after.",
    "event_change_history": "One row for each change of a field of an event, with the value before and after.",
    "market_change_history": (
        "One row for each change of a field of a market, of the event that it belongs to, or of its settlement value, "
        "with the value before and after. "
        "Filter and sort by `seen_at_us`: by text, all rows are read."
    ),
    "change_history": "The rows of the three views above, with `kind` (`series`, `event` or `market`).",
    "settlement_history": (
        "One row per market with a result in force: published from `determined` on, final once `finalized`. A market "
        "that trades again has none until its next result. `settled_at_source` is `settlement_ts`, or in its absence "
        "`close_time` or `first_seen`. "
        "Filter and sort by `settled_at_us`: by text, all rows are read."
    ),
    "settlement_amendment_history": "One row for each change of a published result or of its value.",
    "trade_history": ("One row per trade. Filter and sort by `created_at_us`: by text, all rows are read."),
    "candlestick_history": (
        "One row per market and period, as the exchange wrote it. "
        "Filter and sort by `end_at_us`: by text, all rows are read."
    ),
    "candlestick_coverage": (
        "One row per market, day and length of candlesticks (`period_minutes`): the outcome of requesting them."
    ),
    "order_book_history": (
        "One row per level of each order book. An empty book has one row of NULLs. "
        "Filter and sort by `received_at_us`: by text, all rows are read."
    ),
    "order_book": (
        "The levels of `order_book_history`, numbered from the best bid of each side, with the sizes up to each. "
        "Filter and sort by `received_at_us`: by text, all rows are read."
    ),
    "legs_of_combos": "One row per leg of a combo: one of the markets that it is made of.",
    "events_with_fees": (
        "One row per event whose fee may differ from its series' fee, with that series: the event has its own changes, "
        "or its record had an override. Until the changes of events are first listed, these are all events."
    ),
    "series_fee_starts": "One row for each instant at which the fee of a series changes; part of `fee_starts`.",
    "fee_starts": "One row for each instant at which the fee of a series or an event changes; part of `fee_history`.",
    "fee_history": (
        "One row for each span of one fee, of each series (`event_ticker` is NULL) and of each event of "
        "`events_with_fees`; any other event has the fee of its series. Neighbouring spans may have equal fees. Fee "
        "changes take precedence; before the first one, the series' record counts. `state` is `unknown`, with a "
        "`reason`, if the stored data does not determine the fee. Before the first row, nothing is known. "
        "`open_store().records.fee_at` returns the same fees."
    ),
    "market_catalogue": (
        "One row per market: its category, titles, announced close, rules and strikes, the number of legs of a combo, "
        "whether at most one market of its event can win, and whether it is listed now: `is_listed` until its history "
        "ends, as in `open_store().quotes()`. `unlisted_since_at` is the first of the ticks that have not found it "
        "since, without proof that it ended. Name the columns in a join, because `is_listed` and `leg_count` are "
        "computed for each joined row if you select them."
    ),
    "event_catalogue": (
        "One row per event: its category and titles, whether at most one market can win, and how many of its markets "
        "are listed now. Name the columns in a join, such as `SELECT p.*, c.title FROM price_history AS p JOIN "
        "event_catalogue AS c USING (event_ticker)`, because counts and closing times are computed for each joined row "
        "if you select them. With all columns, 10,000 rows take four times as long."
    ),
}
"""By name of the view, in order of definition."""
