"""The newest known shape of everything but markets and events."""

import json
from datetime import datetime
from typing import NamedTuple

from kalshi_pipeline.sandbox.shapes.event_texts import revised, sources_of
from kalshi_pipeline.sandbox.shapes.json_format import (
    ZERO_TIME,
    format_contracts,
    format_dollars,
    format_text,
    format_time,
)
from kalshi_pipeline.sandbox.world.books import Level
from kalshi_pipeline.sandbox.world.candles import Candle, Distribution
from kalshi_pipeline.sandbox.world.catalogue import TOPICS, subject_of
from kalshi_pipeline.sandbox.world.edits import SeriesEdits
from kalshi_pipeline.sandbox.world.fees import EventFeeChange, Fee, SeriesFeeChange, fee_of_series
from kalshi_pipeline.sandbox.world.world import World
from kalshi_pipeline.sandbox.world.world_state import HOUR, SeriesRow
from kalshi_pipeline.units import MICROS_PER_DOLLAR, instant_of

_SHARDS = ("Default", "Combos", "Coins & Goods", "Rackets, Bats & Baskets")


class SeriesFacts(NamedTuple):
    """The values that the filters of GET /series compare."""

    categories: list[str]
    tags: list[str]
    updated: int


class NewestRecords:
    """Renders series, trades, order books, candles and the status; NewestShape adds markets and events."""

    envelope_extra = ""
    has_historical_tier = True

    def __init__(self, world: World) -> None:
        self.world = world

    def shard(self, index: int) -> str:
        return f'"exchange_index":{index},'

    def series(self, row: SeriesRow, volume: int | None = None, *, with_metadata: bool = False) -> str:
        """Return a series, with its volume (in hundredths of a contract) and its product metadata if requested."""
        if row.recorded is not None:
            return row.recorded
        optional = "" if volume is None else f',"volume_fp":"{format_contracts(volume)}"'
        if with_metadata:
            optional += ',"product_metadata":{"scope":"Game"}'
        updated = format_time(self.series_facts(row).updated)
        category = self.series_category(row)
        return (
            f"{{{self.series_fields(row)},"
            f'"categories":["{category}"],{self.shard(1 if row.topic < 0 else TOPICS[row.topic].exchange_index)}'
            f'"last_updated_ts":"{updated}"{optional}}}'
        )

    def series_facts(self, row: SeriesRow) -> SeriesFacts:
        if row.recorded is not None:
            recorded = json.loads(row.recorded)
            moment = datetime.fromisoformat(recorded.get("last_updated_ts", ZERO_TIME))
            return SeriesFacts(
                recorded.get("categories") or [recorded["category"]],
                recorded["tags"] or [],
                instant_of(moment),
            )
        edits = self._edits_of(row)
        tags = [] if row.topic < 0 or row.number % 5 == 4 else list(TOPICS[row.topic].tags or ())
        if edits.texts % 3 == 1:
            tags.append("Revised")
        updated = edits.updated or self.world.start - (1 + row.number % 50) * 7 * HOUR - row.number * 1_007
        return SeriesFacts([self.series_category(row)], tags, updated)

    def _edits_of(self, row: SeriesRow) -> SeriesEdits:
        return self.world.edits.of_series(self.world.series_position[row.ticker])

    def series_category(self, row: SeriesRow) -> str:
        return "Sports" if row.topic < 0 else TOPICS[row.topic].category

    def series_fields(self, row: SeriesRow) -> str:
        if row.topic < 0:
            title, tags, sources, frequency = "Combo", "null", "null", "custom"
        else:
            topic = TOPICS[row.topic]
            _, subject = subject_of(topic, row.number)
            words = {"subject": subject, "day": "the day", "home": "home", "away": f"{subject}: away"}
            title = revised(topic.title.format(**words), self._edits_of(row).texts)
            listed = self.series_facts(row).tags
            # In January 2026 51 of 241 series had null tags.
            tags = f"[{','.join(map(format_text, listed))}]" if listed else "null"
            sources = sources_of(topic)
            frequency = topic.frequency
        files = "https://files.example.com"
        fee = fee_of_series(self.world, row)
        return (
            f'"additional_prohibitions":null,"category":"{self.series_category(row)}",'
            f'"contract_terms_url":"{files}/contract_terms/{row.ticker}.pdf",'
            f'"contract_url":"{files}/contract/{row.ticker}.pdf","fee_multiplier":{fee.multiplier},'
            f'"fee_type":"{fee.fee_type}","frequency":"{frequency}","settlement_sources":{sources},"tags":{tags},"ticker":"{row.ticker}",'
            f'"title":{format_text(title)}'
        )

    def series_fee_change(self, change: SeriesFeeChange) -> str:
        ticker = self.world.series[change.series].ticker
        return (
            f'{{"fee_multiplier":{change.fee.multiplier},"fee_type":"{self.fee_type(change.fee)}","id":"{change.id}",'
            f'"scheduled_ts":"{format_time(change.scheduled_at)}","series_ticker":{format_text(ticker)}}}'
        )

    def event_fee_change(self, change: EventFeeChange) -> str:
        """Return a change of an override; both values are null where it clears the override."""
        events, fee = self.world.events, change.fee
        series = self.world.series[events.series[change.event]].ticker
        fee_type = "null" if fee.fee_type is None else f'"{self.fee_type(fee)}"'
        return (
            f'{{"event_ticker":{format_text(events.ticker[change.event])},"fee_multiplier_override":'
            f'{fee.multiplier or "null"},"fee_type_override":{fee_type},"id":"{change.id}",'
            f'"scheduled_ts":"{format_time(change.scheduled_at)}","series_ticker":{format_text(series)}}}'
        )

    def fee_type(self, fee: Fee) -> str:
        """Return the word of a fee type."""
        return str(fee.fee_type)

    def trade(self, position: int) -> str:
        tape = self.world.tape
        price, side = tape.price[position], "yes" if tape.takes_yes(position) else "no"
        return (
            f'{{"count_fp":"{format_contracts(tape.contracts[position])}",'
            f'"created_time":"{format_time(tape.at[position])}",'
            f'"is_block_trade":{"true" if tape.is_block(position) else "false"},'
            f'"no_price_dollars":"{format_dollars(MICROS_PER_DOLLAR - price)}",'
            f'"taker_book_side":"{"bid" if side == "yes" else "ask"}","taker_outcome_side":"{side}",'
            f'"taker_side":"{side}","ticker":"{self.world.markets.ticker[tape.market[position]]}",'
            f'"trade_id":"{tape.trade_id(position)}","yes_price_dollars":"{format_dollars(price)}"}}'
        )

    def book(self, yes: list[Level], no: list[Level]) -> str:
        """Return the members of an order book; both sides are bids, with the best one last."""
        return f'"orderbook_fp":{{"no_dollars":{_levels(no)},"yes_dollars":{_levels(yes)}}}'

    def candle(self, candle: Candle) -> str:
        """Return a live candle; without a trade, `price` has `previous_dollars` only (recorded on 2026-08-09)."""
        price = _quartet(candle.price, "_dollars") if candle.price else ""
        if candle.mean is not None:
            price += f',"mean_dollars":"{format_dollars(candle.mean)}"'
        if candle.previous is not None:
            price += f'{"," if price else ""}"previous_dollars":"{format_dollars(candle.previous)}"'
        return (
            f'{{"end_period_ts":{candle.end_ts},"open_interest_fp":"{format_contracts(candle.open_interest)}",'
            f'"price":{{{price}}},"volume_fp":"{format_contracts(candle.volume)}",'
            f'"yes_ask":{{{_quartet(candle.ask, "_dollars")}}},"yes_bid":{{{_quartet(candle.bid, "_dollars")}}}}}'
        )

    def historical_candle(self, candle: Candle) -> str:
        """Return a candle of the historical tier, whose names have no suffix and whose nulls are explicit."""
        price = (
            _quartet(candle.price, "") if candle.price else '"close":null,"high":null,"low":null,"open":null'
        )
        mean, previous = (
            "null" if value is None else f'"{format_dollars(value)}"'
            for value in (candle.mean, candle.previous)
        )
        return (
            f'{{"end_period_ts":{candle.end_ts},"open_interest":"{format_contracts(candle.open_interest)}",'
            f'"price":{{{price},"mean":{mean},"previous":{previous}}},"volume":"{format_contracts(candle.volume)}",'
            f'"yes_ask":{{{_quartet(candle.ask, "")}}},"yes_bid":{{{_quartet(candle.bid, "")}}}}}'
        )

    def status(self) -> str:
        active = [_yes_no(self._is_trading(shard)) for shard in range(len(_SHARDS))]
        shards = ",".join(
            f'{{"description":"{name}","exchange_active":true,"exchange_index":{shard},'
            f'"intra_exchange_transfers_active":true,"trading_active":{active[shard]}}}'
            for shard, name in enumerate(_SHARDS)
        )
        resume = self.resume_time()
        return (
            f'{{"exchange_active":true,{resume}"exchange_index_statuses":[{shards}],'
            f'"intra_exchange_transfers_active":true,"trading_active":{active[0]}}}'
        )

    def _is_trading(self, shard: int) -> bool:
        return not (self.world.is_paused or shard in self.world.paused_shards)

    def resume_time(self) -> str:
        if not self.world.is_paused:
            return ""
        return f'"exchange_estimated_resume_time":"{format_time(self.world.clock + 2 * HOUR)}",'


def _yes_no(value: bool) -> str:  # noqa: FBT001  (a JSON word)
    return "true" if value else "false"


def _levels(levels: list[Level]) -> str:
    rows = ",".join(f'["{format_dollars(price)}","{format_contracts(size)}"]' for price, size in levels)
    return f"[{rows}]"


def _quartet(prices: Distribution, suffix: str) -> str:
    opening, low, high, close = map(format_dollars, prices)
    return (
        f'"close{suffix}":"{close}","high{suffix}":"{high}","low{suffix}":"{low}","open{suffix}":"{opening}"'
    )
