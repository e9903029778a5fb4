"""The newest shape of everything but markets and events (API.md §1.3 and §1.5)."""

import json
from datetime import datetime
from typing import NamedTuple

from kalshi_pipeline.sandbox.shapes.event_texts import (
    sources_of,
)
from kalshi_pipeline.sandbox.shapes.json_format import (
    MICROS,
    ZERO_TIME,
    micros_of,
    spell_contracts,
    spell_dollars,
    spell_text,
    spell_time,
)
from kalshi_pipeline.sandbox.world.books import Level
from kalshi_pipeline.sandbox.world.candles import Candle, Distribution
from kalshi_pipeline.sandbox.world.catalogue import TOPICS, subject_of
from kalshi_pipeline.sandbox.world.world import World
from kalshi_pipeline.sandbox.world.world_state import HOUR, SeriesRow

_SHARDS = ("Default", "Combos", "Coins & Goods", "Rackets, Bats & Baskets")


class SeriesFacts(NamedTuple):
    """What the filters of GET /series look at."""

    categories: list[str]
    tags: list[str]
    updated: int


class NewestRecords:
    """Renders series, trades, books, candles and the status; NewestShape adds markets and events."""

    envelope_extra = ""
    has_historical_tier = True

    def __init__(self, world: World) -> None:
        self.world = world

    def shard(self, index: int) -> str:
        return f'"exchange_index":{index},'

    def series(self, row: SeriesRow, volume: int | None = None, *, with_metadata: bool = False) -> str:
        """A series, with its volume in hundredths of a contract and its product metadata when they are asked for."""
        if row.recorded is not None:
            return row.recorded
        optional = "" if volume is None else f',"volume_fp":"{spell_contracts(volume)}"'
        if with_metadata:
            optional += ',"product_metadata":{"scope":"Game"}'
        updated = spell_time(self.series_facts(row).updated)
        category = self.series_category(row)
        return (
            f"{{{self.series_words(row)},"
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
                micros_of(moment),
            )
        tags = [] if row.topic < 0 or row.number % 5 == 4 else list(TOPICS[row.topic].tags or ())
        updated = self.world.start - (1 + row.number % 50) * 7 * HOUR - row.number * 1_007
        return SeriesFacts([self.series_category(row)], tags, updated)

    def series_category(self, row: SeriesRow) -> str:
        return "Sports" if row.topic < 0 else TOPICS[row.topic].category

    def series_words(self, row: SeriesRow) -> str:
        if row.topic < 0:
            title, tags, sources, frequency = "Combo", "null", "null", "custom"
        else:
            topic = TOPICS[row.topic]
            _, subject = subject_of(topic, row.number)
            words = {"subject": subject, "day": "the day", "home": "home", "away": f"{subject}: away"}
            title = topic.title.format(**words)
            listed = self.series_facts(row).tags
            # In January 2026 51 of 241 series had null tags.
            tags = f"[{','.join(map(spell_text, listed))}]" if listed else "null"
            sources = sources_of(topic)
            frequency = topic.frequency
        files = "https://files.example.com"
        return (
            f'"additional_prohibitions":null,"category":"{self.series_category(row)}",'
            f'"contract_terms_url":"{files}/contract_terms/{row.ticker}.pdf",'
            f'"contract_url":"{files}/contract/{row.ticker}.pdf","fee_multiplier":1,'
            f'"fee_type":"{("quadratic", "quadratic_with_maker_fees", "flat")[row.number % 7 // 3]}",'
            f'"frequency":"{frequency}","settlement_sources":{sources},"tags":{tags},"ticker":"{row.ticker}",'
            f'"title":{spell_text(title)}'
        )

    def trade(self, position: int) -> str:
        tape = self.world.tape
        price, side = tape.price[position], "yes" if tape.takes_yes(position) else "no"
        return (
            f'{{"count_fp":"{spell_contracts(tape.contracts[position])}",'
            f'"created_time":"{spell_time(tape.at[position])}",'
            f'"is_block_trade":{"true" if tape.is_block(position) else "false"},'
            f'"no_price_dollars":"{spell_dollars(MICROS - price)}",'
            f'"taker_book_side":"{"bid" if side == "yes" else "ask"}","taker_outcome_side":"{side}",'
            f'"taker_side":"{side}","ticker":"{self.world.markets.ticker[tape.market[position]]}",'
            f'"trade_id":"{tape.trade_id(position)}","yes_price_dollars":"{spell_dollars(price)}"}}'
        )

    def book(self, yes: list[Level], no: list[Level]) -> str:
        """The members of an order book; both sides are bids, the best one last (API.md §1.3)."""
        return f'"orderbook_fp":{{"no_dollars":{_levels(no)},"yes_dollars":{_levels(yes)}}}'

    def candle(self, candle: Candle) -> str:
        """A live candle; without a trade `price` has only `previous_dollars` [REC 2026-08-09]."""
        price = _quartet(candle.price, "_dollars") if candle.price else ""
        if candle.mean is not None:
            price += f',"mean_dollars":"{spell_dollars(candle.mean)}"'
        if candle.previous is not None:
            price += f'{"," if price else ""}"previous_dollars":"{spell_dollars(candle.previous)}"'
        return (
            f'{{"end_period_ts":{candle.end_ts},"open_interest_fp":"{spell_contracts(candle.open_interest)}",'
            f'"price":{{{price}}},"volume_fp":"{spell_contracts(candle.volume)}",'
            f'"yes_ask":{{{_quartet(candle.ask, "_dollars")}}},"yes_bid":{{{_quartet(candle.bid, "_dollars")}}}}}'
        )

    def historical_candle(self, candle: Candle) -> str:
        """The archive's names have no suffix, and its nulls are written out (API.md §1.3)."""
        price = (
            _quartet(candle.price, "") if candle.price else '"close":null,"high":null,"low":null,"open":null'
        )
        mean, previous = (
            "null" if value is None else f'"{spell_dollars(value)}"'
            for value in (candle.mean, candle.previous)
        )
        return (
            f'{{"end_period_ts":{candle.end_ts},"open_interest":"{spell_contracts(candle.open_interest)}",'
            f'"price":{{{price},"mean":{mean},"previous":{previous}}},"volume":"{spell_contracts(candle.volume)}",'
            f'"yes_ask":{{{_quartet(candle.ask, "")}}},"yes_bid":{{{_quartet(candle.bid, "")}}}}}'
        )

    def status(self) -> str:
        active = "false" if self.world.is_paused else "true"
        shards = ",".join(
            f'{{"description":"{name}","exchange_active":true,"exchange_index":{index},'
            f'"intra_exchange_transfers_active":true,"trading_active":{active}}}'
            for index, name in enumerate(_SHARDS)
        )
        resume = self.resume_time()
        return (
            f'{{"exchange_active":true,{resume}"exchange_index_statuses":[{shards}],'
            f'"intra_exchange_transfers_active":true,"trading_active":{active}}}'
        )

    def resume_time(self) -> str:
        if not self.world.is_paused:
            return ""
        return f'"exchange_estimated_resume_time":"{spell_time(self.world.clock + 2 * HOUR)}",'


def _levels(levels: list[Level]) -> str:
    rows = ",".join(f'["{spell_dollars(price)}","{spell_contracts(size)}"]' for price, size in levels)
    return f"[{rows}]"


def _quartet(prices: Distribution, suffix: str) -> str:
    opening, low, high, close = map(spell_dollars, prices)
    return (
        f'"close{suffix}":"{close}","high{suffix}":"{high}","low{suffix}":"{low}","open{suffix}":"{opening}"'
    )
