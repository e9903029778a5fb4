"""The shape of January 2026, as recorded on the 12th: integer cents and counts beside `*_dollars` strings.

There were no `_fp` fields, sizes or `updated_time` yet, and no historical tier; there still were `liquidity`,
`tick_size` and `response_price_units`. An unquoted combo had 0 as both YES prices and 1 dollar as both NO prices.
"""

from kalshi_pipeline.sandbox.shapes.event_texts import collection_of, outcome_of_market
from kalshi_pipeline.sandbox.shapes.json_format import (
    ZERO_TIME,
    format_dollars,
    format_price_ranges,
    format_text,
    format_time,
)
from kalshi_pipeline.sandbox.shapes.shape_2026_10 import NewestShape
from kalshi_pipeline.sandbox.world.books import Level
from kalshi_pipeline.sandbox.world.candles import Candle, Distribution
from kalshi_pipeline.sandbox.world.catalogue import topic_of
from kalshi_pipeline.sandbox.world.edits import EventEdits, MarketEdits
from kalshi_pipeline.sandbox.world.prices import DECI_CENT
from kalshi_pipeline.sandbox.world.states import FINALIZED, RESULT_WORDS, SCALAR, STATUS_WORDS
from kalshi_pipeline.sandbox.world.world_state import DAY, SeriesRow
from kalshi_pipeline.units import MICROS_PER_DOLLAR

_CENT = 10_000
_ZERO_CREATED_AFTER = 25 * DAY  # older markets had the zero time as created_time


class JanuaryShape(NewestShape):
    """Renders what a client of January 2026 read."""

    has_historical_tier = False

    def _make_event_part(self, event: int, *_edits: EventEdits) -> str:
        ticker = self.world.events.ticker[event]
        structure = self.world.structure_of(self.world.events.first_market[event])
        condition = "It closes early once its answer is known, and expires with it."
        return (
            f'"can_close_early":true,"early_close_condition":"{condition}","event_ticker":"{ticker}",'
            f'"market_type":"binary","price_level_structure":"{structure.name}","price_ranges":{format_price_ranges(structure)},'
            f'"response_price_units":"usd_cent","rules_secondary":{self.event_texts(event).rules_secondary},'
            f'"settlement_timer_seconds":1800,"tick_size":1'
        )

    def _make_market_part(self, market: int, *_edits: MarketEdits | EventEdits) -> str:
        event = self.world.markets.event[market]
        texts, (_, label, strike) = self.event_texts(event), outcome_of_market(self.world, market)
        return (
            f'{strike},"no_sub_title":"{label}",'
            f'"rules_primary":{texts.rules_before}{label}{texts.rules_after},"subtitle":"",'
            f'"title":{texts.title[:-1]} {label}","yes_sub_title":"{label}"'
        )

    def _make_combo_part(self, market: int, *_edits: MarketEdits) -> str:
        event = self.world.markets.event[market]
        legs, collection = self.legs.of(market), collection_of(self.world, event)
        label = format_text(",".join(leg.label for leg in legs))
        selected = ",".join(leg.text for leg in legs)
        # The recorded label, although no price was finer than a cent before 9 March 2026.
        structure = DECI_CENT
        return (
            f'"can_close_early":true,"event_ticker":"{self.world.events.ticker[event]}","market_type":"binary",'
            f'"mve_collection_ticker":"{collection}","mve_selected_legs":[{selected}],"no_sub_title":{label},'
            f'"price_level_structure":"{structure.name}","price_ranges":{format_price_ranges(structure)},'
            f'"response_price_units":"usd_cent","rules_primary":"","rules_secondary":"",'
            f'"settlement_timer_seconds":600,"strike_type":"custom","subtitle":"","tick_size":1,"title":{label},'
            f'"yes_sub_title":{label}'
        )

    def _trading_part(self, market: int) -> str:
        m = self.world.markets
        bid, ask = m.bid[market], m.ask[market]
        yes_ask = 0 if not bid and ask == MICROS_PER_DOLLAR and self.world.is_combo(market) else ask
        prices = {
            "last_price": m.last[market],
            "no_ask": MICROS_PER_DOLLAR - bid,
            "no_bid": MICROS_PER_DOLLAR - yes_ask,
            "notional_value": MICROS_PER_DOLLAR,
            "previous_price": m.midnight_last[market],
            "previous_yes_ask": m.midnight_ask[market] % MICROS_PER_DOLLAR,
            "previous_yes_bid": m.midnight_bid[market],
            "yes_ask": yes_ask,
            "yes_bid": bid,
        }
        liquidity = (
            bid * m.bid_size[market] + (MICROS_PER_DOLLAR - ask) * m.ask_size[market]
        ) // MICROS_PER_DOLLAR
        counts = {
            "open_interest": m.open_interest[market] // 100,
            "volume": m.volume[market] // 100,
            "volume_24h": (m.volume[market] - m.midnight_volume[market]) // 100,
        }
        members = [
            f'"{name}":{price // _CENT},"{name}_dollars":"{format_dollars(price)}"'
            for name, price in prices.items()
        ]
        members += [f'"{name}":{count}' for name, count in counts.items()]
        # In cents; the dollars agree with it, as recorded in January 2026.
        members.append(
            f'"liquidity":{liquidity},"liquidity_dollars":"{liquidity // 100}.{liquidity % 100:02d}00"'
        )
        return ",".join(members)

    def _lifecycle_part(self, market: int) -> str:
        m = self.world.markets
        state, result = m.state[market], m.result[market]
        latest = format_time(self.world.events.close_at[m.event[market]] + 7 * DAY)
        is_old = m.created[market] < self.world.start - _ZERO_CREATED_AFTER
        payout = ""
        if state >= FINALIZED:
            value = m.settlement_value[market]
            payout = (
                f',"settlement_ts":"{format_time(m.settled_at[market])}","settlement_value":{value // _CENT},'
                f'"settlement_value_dollars":"{format_dollars(value)}"'
            )
        return (
            f'"close_time":"{format_time(m.close_at[market])}",'
            f'"created_time":"{ZERO_TIME if is_old else format_time(m.created[market])}",'
            f'"expected_expiration_time":"{latest}","expiration_time":"{latest}",'
            f'"expiration_value":"{self.expiration_value(result)}","latest_expiration_time":"{latest}",'
            f'"open_time":"{format_time(m.open_at[market])}",'
            # A scalar result was blank before 28 January 2026.
            f'"result":"{"" if result == SCALAR else RESULT_WORDS[result]}","status":"{STATUS_WORDS[state]}",'
            f'"ticker":"{m.ticker[market]}"{payout}'
        )

    def fee_override(self, event: int) -> str:  # noqa: ARG002 - overrides came in May
        return ""

    def event_extra(self, updated: str) -> str:  # noqa: ARG002 - events had no `last_updated_ts` yet
        return ""

    def event_fields(self, event: int) -> str:
        events = self.world.events
        head = (
            f'"available_on_brokers":false,"event_ticker":"{events.ticker[event]}",'
            f'"series_ticker":"{self.world.series[events.series[event]].ticker}","strike_period":""'
        )
        if events.is_combo[event]:
            return (
                f'{head},"category":"Sports","collateral_return_type":"","mutually_exclusive":false,'
                f'"sub_title":"MVE","title":"Combo"'
            )
        topic, texts = topic_of(events.number[event]), self.event_texts(event)
        return (
            f'{head},"category":"{topic.category}","collateral_return_type":"{topic.collateral}",'
            f'"mutually_exclusive":{"true" if topic.collateral == "MECNET" else "false"},'
            f'"sub_title":{texts.sub_title},"title":{texts.title}'
        )

    def series(self, row: SeriesRow, volume: int | None = None, *, with_metadata: bool = False) -> str:
        if row.recorded is not None:
            return row.recorded
        optional = "" if volume is None else f',"volume":{volume // 100}'
        metadata = ',"product_metadata":null' if with_metadata else ""
        return f"{{{self.series_fields(row)}{optional}{metadata}}}"

    def trade(self, position: int) -> str:
        tape = self.world.tape
        cents = tape.price[position] // _CENT
        return (
            f'{{"count":{tape.contracts[position] // 100},"created_time":"{format_time(tape.at[position])}",'
            f'"no_price":{100 - cents},"no_price_dollars":"{format_dollars((100 - cents) * _CENT)}",'
            f'"price":{cents / 100},"taker_side":"{"yes" if tape.takes_yes(position) else "no"}",'
            f'"ticker":"{self.world.markets.ticker[tape.market[position]]}",'
            f'"trade_id":"{tape.trade_id(position)}","yes_price":{cents},'
            f'"yes_price_dollars":"{format_dollars(cents * _CENT)}"}}'
        )

    def book(self, yes: list[Level], no: list[Level]) -> str:
        """Return an order book in cents and in dollars; an empty side was null, not an empty list."""
        members = []
        for name, side in (("no", no), ("yes", yes)):
            cents = ",".join(f"[{price // _CENT},{size // 100}]" for price, size in side)
            dollars = ",".join(f'["{format_dollars(price)}",{size // 100}]' for price, size in side)
            members.append(f'"{name}":{f"[{cents}]" if side else "null"}')
            members.append(f'"{name}_dollars":{f"[{dollars}]" if side else "null"}')
        return f'"orderbook":{{{",".join(members)}}}'

    def candle(self, candle: Candle) -> str:
        """Return a candle with explicit nulls; without a trade, only `previous` had dollars too."""
        traded = {} if candle.price is None else {**candle.price._asdict(), "mean": candle.mean}
        if candle.price is not None:
            traded |= {"min": candle.price.low, "max": candle.price.high}
        price = [
            f'"{name}":null' if (value := traded.get(name)) is None else _both(name, value)
            for name in ("close", "high", "low", "max", "mean", "min", "open")
        ]
        price.append('"previous":null' if candle.previous is None else _both("previous", candle.previous))
        return (
            f'{{"end_period_ts":{candle.end_ts},"open_interest":{candle.open_interest // 100},'
            f'"price":{{{",".join(price)}}},"volume":{candle.volume // 100},'
            f'"yes_ask":{_quartet(candle.ask)},"yes_bid":{_quartet(candle.bid)}}}'
        )

    def status(self) -> str:
        active = "false" if self.world.is_paused else "true"
        return f'{{"exchange_active":true,"exchange_estimated_resume_time":null,"trading_active":{active}}}'


def _both(name: str, price: int) -> str:
    return f'"{name}":{price // _CENT},"{name}_dollars":"{format_dollars(price)}"'


def _quartet(prices: Distribution) -> str:
    return f"{{{','.join(_both(name, price) for name, price in prices._asdict().items())}}}"
