"""An invented shape of the future, which a parser should survive.

It has unknown members at every level, hardly any optional ones, some words that no list contains, prices with six
decimals, and null instead of lists. Of the newest shape it keeps the tickers and the strings of prices and counts.
"""

from kalshi_pipeline.sandbox.shapes.event_texts import collection_of
from kalshi_pipeline.sandbox.shapes.json_format import (
    format_contracts,
    format_six_decimals,
    format_text,
    format_time,
)
from kalshi_pipeline.sandbox.shapes.shape_2026_10 import NewestShape
from kalshi_pipeline.sandbox.world.books import Level
from kalshi_pipeline.sandbox.world.fees import Fee
from kalshi_pipeline.sandbox.world.states import FINALIZED, RESULT_WORDS, STATUS_WORDS
from kalshi_pipeline.sandbox.world.world_state import SeriesRow
from kalshi_pipeline.units import MICROS_PER_DOLLAR


class FutureShape(NewestShape):
    """Renders rows of the world in the invented shape, and recorded rows unchanged."""

    envelope_extra = ',"api_generation":{"number":4,"deprecations":null}'

    def market(self, market: int) -> str:
        recorded = self.world.markets.recorded.get(market)
        if recorded is not None:
            return recorded
        m = self.world.markets
        bid, ask = m.bid[market], m.ask[market]
        status = (
            "auctioning"
            if market % 97 == 5 and m.state[market] < FINALIZED
            else STATUS_WORDS[m.state[market]]
        )
        settled = ""
        if m.state[market] >= FINALIZED:
            settled = (
                f',"settlement_ts":"{format_time(m.settled_at[market])}",'
                f'"settlement_value_dollars":"{format_six_decimals(m.settlement_value[market])}"'
            )
        event = m.event[market]
        collection = (
            f'"mve_collection_ticker":"{collection_of(self.world, event)}",'
            if self.world.events.is_combo[event]
            else ""
        )
        return (
            f'{{"ticker":"{m.ticker[market]}","event_ticker":"{self.world.events.ticker[event]}",{collection}'
            f'"status":"{status}","market_type":"{"binary" if market % 41 else "perpetual"}",'
            f'"yes_bid_dollars":"{format_six_decimals(bid)}","yes_ask_dollars":"{format_six_decimals(ask)}",'
            f'"no_bid_dollars":"{format_six_decimals(MICROS_PER_DOLLAR - ask)}",'
            f'"no_ask_dollars":"{format_six_decimals(MICROS_PER_DOLLAR - bid)}",'
            f'"yes_bid_size_fp":"{format_contracts(m.bid_size[market])}",'
            f'"yes_ask_size_fp":"{format_contracts(m.ask_size[market])}",'
            f'"last_price_dollars":"{format_six_decimals(m.last[market])}","volume_fp":"{format_contracts(m.volume[market])}",'
            f'"open_interest_fp":"{format_contracts(m.open_interest[market])}",'
            f'"created_time":"{format_time(m.created[market])}","close_time":"{format_time(m.close_at[market])}",'
            f'"result":"{RESULT_WORDS[m.result[market]]}","price_ranges":null,"mve_selected_legs":null,'
            f'"venue":{{"region":"eu","tier":{market % 3}}},"quote_age_ms":{market % 5_000},'
            f'"strike_type":"{"custom" if market % 31 else "conditional"}","labels":["a","ü"]{settled}}}'
        )

    def event(self, event: int, markets: list[int] | None = None, *, is_single: bool = False) -> str:  # noqa: ARG002 - as before
        nested = "" if markets is None else f',"markets":[{",".join(map(self.market, markets))}]'
        recorded = self.world.events.recorded.get(event)
        if recorded is not None:
            return f"{recorded[:-1]}{nested}}}"
        events = self.world.events
        title = '"Combo"' if events.is_combo[event] else self.event_texts(event).title
        return (
            f'{{"event_ticker":"{events.ticker[event]}",'
            f'"series_ticker":"{self.world.series[events.series[event]].ticker}","title":{title},'
            f'"settlement_sources":null,"collateral_return_type":"CROSSNET","audience":{{"minimum_age":18}}{nested}}}'
        )

    def series(self, row: SeriesRow, volume: int | None = None, *, with_metadata: bool = False) -> str:  # noqa: ARG002
        if row.recorded is not None:
            return row.recorded
        optional = "" if volume is None else f',"volume_fp":"{format_contracts(volume)}"'
        return (
            f'{{"ticker":"{row.ticker}","title":{format_text(row.ticker.title())},"category":"{self.series_category(row)}",'
            f'"fee_type":"{"quadratic" if row.number % 3 else "cubic"}","tags":null,"categories":null,'
            f'"governance":{{"board":null}}{optional}}}'
        )

    def fee_type(self, fee: Fee) -> str:
        """Return a word, of which one is in no list."""
        return "cubic" if fee.fee_type == "flat" else str(fee.fee_type)

    def trade(self, position: int) -> str:
        tape = self.world.tape
        price = tape.price[position]
        return (
            f'{{"trade_id":"{tape.trade_id(position)}","ticker":"{self.world.markets.ticker[tape.market[position]]}",'
            f'"count_fp":"{format_contracts(tape.contracts[position])}","yes_price_dollars":"{format_six_decimals(price)}",'
            f'"no_price_dollars":"{format_six_decimals(MICROS_PER_DOLLAR - price)}",'
            f'"created_time":"{format_time(tape.at[position])}",'
            f'"taker_outcome_side":"{"yes" if tape.takes_yes(position) else "no"}","venue_sequence":{position}}}'
        )

    def book(self, yes: list[Level], no: list[Level]) -> str:
        sides = []
        for name, side in (("no_dollars", no), ("yes_dollars", yes)):
            levels = ",".join(
                f'["{format_six_decimals(price)}","{format_contracts(size)}"]' for price, size in side
            )
            sides.append(f'"{name}":{f"[{levels}]" if side else "null"}')
        return f'"orderbook_fp":{{{",".join(sides)},"auction_dollars":null}}'
