"""The newest known shape of markets and events: version 3.32 of the API, as recorded on 2026-10-06.

Texts are written with f-strings straight from the columns, and the parts of a market that never change are cached: a
page of a thousand markets must take only about 8 ms, because the exchange shares its cores with the program that is
measured against it. Members that Go omits when they are empty are omitted here too.
"""

from functools import lru_cache

from kalshi_pipeline.sandbox.shapes.event_texts import (
    EventTexts,
    Legs,
    collection_of,
    competition_of,
    event_texts_of,
    is_never_traded,
    outcome_of_market,
)
from kalshi_pipeline.sandbox.shapes.json_format import (
    HUNDREDTHS,
    TEN_THOUSANDTHS,
    ZERO_TIME,
    format_dollars,
    format_price_ranges,
    format_text,
    format_time,
)
from kalshi_pipeline.sandbox.shapes.records_2026_10 import NewestRecords
from kalshi_pipeline.sandbox.world.catalogue import is_exclusive, topic_of
from kalshi_pipeline.sandbox.world.edits import EventEdits, MarketEdits
from kalshi_pipeline.sandbox.world.fees import CLEARED, override_of_event
from kalshi_pipeline.sandbox.world.states import DETERMINED, RESULT_WORDS, SCALAR, STATUS_WORDS
from kalshi_pipeline.sandbox.world.world import World
from kalshi_pipeline.sandbox.world.world_state import HOUR

# The bounds of settlements: each edit of an event moves them to the next. Scalar markets begin with the second.
_FLOORS = (
    '"default"',
    *(f'"floor","settlement_floor_dollars":"{floor}"' for floor in ("0.0100", "0.0500", "0.1000", "0.0500")),
)


class NewestShape(NewestRecords):
    """Renders rows of the world as JSON texts, and recorded rows unchanged."""

    no_sources = "null"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.legs = Legs(world)
        # The cached functions also take the edits of the event or market, only to make the entries before them unused.
        self.cached_event_texts = lru_cache(maxsize=512)(self._make_event_texts)
        # Cached from one walk to the next: 0.7 kB per market, some 230 MB in all.
        self.cached_event_part = lru_cache(maxsize=65_536)(self._make_event_part)
        self.cached_market_part = lru_cache(maxsize=131_072)(self._make_market_part)
        self.cached_combo_part = lru_cache(maxsize=32_768)(self._make_combo_part)
        self.times_part = lru_cache(maxsize=32_768)(self._make_times_part)

    def event_texts(self, event: int) -> EventTexts:
        return self.cached_event_texts(event, self.world.edits.of_event(event))

    def _make_event_texts(self, event: int, *_edits: EventEdits) -> EventTexts:
        return event_texts_of(self.world, event)

    def market(self, market: int) -> str:
        recorded = self.world.markets.recorded.get(market)
        if recorded is not None:
            return recorded
        event = self.world.markets.event[market]
        edits = self.world.edits
        market_edits = edits.of_market(market)
        if self.world.events.is_combo[event]:
            about = self.cached_combo_part(market, market_edits)
        else:
            event_edits = edits.of_event(event)
            about = self.cached_event_part(event, event_edits)
            about += self.cached_market_part(market, market_edits, event_edits)
        return f"{{{about},{self._trading_part(market)},{self._lifecycle_part(market)}}}"

    def _make_event_part(self, event: int, *_edits: EventEdits) -> str:
        """Return the members that are the same for all markets of an event."""
        topic, ticker = topic_of(self.world.events.number[event]), self.world.events.ticker[event]
        is_scalar = topic.style == "scalar"
        condition = "It closes early once its answer is known, and expires with it."
        floor = _FLOORS[(is_scalar + self.world.edits.of_event(event).floors) % len(_FLOORS)]
        participant = ',"primary_participant_key":"football_team"' if topic.style == "team" else ""
        structure = self.world.structure_of(self.world.events.first_market[event])
        return (
            f'"can_close_early":true,"early_close_condition":"{condition}","event_ticker":"{ticker}",'
            f'"exchange_index":{topic.exchange_index},"market_type":"{"scalar" if is_scalar else "binary"}",'
            f'"notional_value_dollars":"1.0000"{participant},"price_level_structure":"{structure.name}",'
            f'"price_ranges":{format_price_ranges(structure)},'
            f'"rules_secondary":{self.event_texts(event).rules_secondary},'
            f'"settlement_bounds_type":{floor},'
            f'"settlement_timer_seconds":{60 if topic.exchange_index else 1800}'
        )

    def _make_market_part(self, market: int, *_edits: MarketEdits | EventEdits) -> str:
        """Return the members of a market that never change; they follow those of its event."""
        world = self.world
        event = world.markets.event[market]
        texts, outcome = self.event_texts(event), outcome_of_market(world, market)
        label = outcome.label
        optional = outcome.strike
        if not market % 25:
            optional += f',"subtitle":"{label}"'
        if texts.is_dated:
            optional += f',"occurrence_datetime":"{format_time(world.events.close_at[event])}"'
        return (
            f'{optional},"no_sub_title":"{label}",'
            f'"rules_primary":{texts.rules_before}{label}{texts.rules_after},'
            f'"title":{texts.title[:-1]} {label}","yes_sub_title":"{label}"'
        )

    def _make_combo_part(self, market: int, *_edits: MarketEdits) -> str:
        world = self.world
        event = world.markets.event[market]
        events, tickers, sides, labels, legs = zip(*self.legs.of(market), strict=True)
        label, collection = ",".join(labels), collection_of(world, event)
        structure = world.structure_of(market)
        return (
            f'"can_close_early":true,"custom_strike":{{"Associated Events":"'
            f'{",".join(events)}",'
            f'"Associated Market Sides":"{",".join(sides)}",'
            f'"Associated Markets":"{",".join(tickers)}",'
            f'"Multivariate Event Ticker":"{collection}"}},"event_ticker":"{world.events.ticker[event]}",'
            f'"exchange_index":1,"is_provisional":true,"market_type":"binary","mve_collection_ticker":"{collection}",'
            f'"mve_selected_legs":[{",".join(legs)}],"no_sub_title":"{label}","notional_value_dollars":"1.0000",'
            f'"price_level_structure":"{structure.name}","price_ranges":{format_price_ranges(structure)},'
            f'"rules_primary":"","rules_secondary":"","settlement_bounds_type":"default","settlement_timer_seconds":600,'
            f'"strike_type":"custom","title":"{label}","yes_sub_title":"{label}"'
        )

    def _trading_part(self, market: int) -> str:
        # Without a call or a format per number, because most of the time of a page is spent here.
        m, dollars, cents = self.world.markets, TEN_THOUSANDTHS, HUNDREDTHS
        bid, ask, volume = m.bid[market] // 100, m.ask[market] // 100, m.volume[market]
        interest, lately = m.open_interest[market], volume - m.midnight_volume[market]
        bid_size, ask_size = m.bid_size[market], m.ask_size[market]
        return (
            f'"last_price_dollars":"{dollars[m.last[market] // 100]}","no_ask_dollars":"{dollars[10_000 - bid]}",'
            f'"no_bid_dollars":"{dollars[10_000 - ask]}",'
            f'"open_interest_fp":"{interest // 100}{cents[interest % 100]}",'
            f'"previous_price_dollars":"{dollars[m.midnight_last[market] // 100]}",'
            f'"previous_yes_ask_dollars":"{dollars[m.midnight_ask[market] // 100]}",'
            f'"previous_yes_bid_dollars":"{dollars[m.midnight_bid[market] // 100]}",'
            f'"volume_24h_fp":"{lately // 100}{cents[lately % 100]}",'
            f'"volume_fp":"{volume // 100}{cents[volume % 100]}",'
            f'"yes_ask_dollars":"{dollars[ask]}","yes_ask_size_fp":"{ask_size // 100}{cents[ask_size % 100]}",'
            f'"yes_bid_dollars":"{dollars[bid]}","yes_bid_size_fp":"{bid_size // 100}{cents[bid_size % 100]}"'
        )

    def _lifecycle_part(self, market: int) -> str:
        m = self.world.markets
        state, created, updated = m.state[market], m.created[market], m.updated[market]
        event = m.event[market]
        is_combo, last_close_at = self.world.events.is_combo[event], self.world.events.close_at[event]
        format_times = self._make_times_part if is_combo else self.times_part  # no two combos share theirs
        times = format_times(m.close_at[market], created, last_close_at, m.open_at[market], m.result[market])
        updated_time = ZERO_TIME if not market % 53 and updated == created else format_time(updated)
        optional = self._payout(market) if state >= DETERMINED else ""
        if not market % 9 and not is_combo and is_never_traded(self.world, market):
            optional = ',"is_provisional":true'
        if (until := self.world.edits.waivers.get(market)) is not None:
            optional += f',"fee_waiver_expiration_time":"{format_time(until)}"'
        return (
            f'{times},"status":"{STATUS_WORDS[state]}","ticker":"{m.ticker[market]}",'
            f'"updated_time":"{updated_time}"{optional}'
        )

    def _make_times_part(
        self, close_at: int, created: int, last_close_at: int, open_at: int, result: int
    ) -> str:
        """Return the members that most open markets of an event have in common."""
        latest = format_time(last_close_at + 168 * HOUR)
        return (
            f'"close_time":"{format_time(close_at)}","created_time":"{format_time(created)}",'
            # A sports market closes two days after its game, unless it closes early.
            f'"expected_expiration_time":"{format_time(close_at - 45 * HOUR)}","expiration_time":"{latest}",'
            f'"expiration_value":"{self.expiration_value(result)}","latest_expiration_time":"{latest}",'
            f'"open_time":"{format_time(open_at)}","result":"{RESULT_WORDS[result]}"'
        )

    def expiration_value(self, result: int) -> str:
        return "fair price" if result == SCALAR else RESULT_WORDS[result]

    def _payout(self, market: int) -> str:
        """Return when a market settled and what it pays, as far as known."""
        m = self.world.markets
        at, value = m.settled_at.get(market), m.settlement_value.get(market)
        settled = "" if at is None else f',"settlement_ts":"{format_time(at)}"'
        return settled if value is None else f'{settled},"settlement_value_dollars":"{format_dollars(value)}"'

    def event(self, event: int, markets: list[int] | None = None, *, is_single: bool = False) -> str:
        """Return an event, with `markets` nested in it.

        A single event has the zero time as `last_updated_ts`, while the list has the real one (recorded on 2026-10-06).
        """
        nested = "" if markets is None else f',"markets":[{",".join(map(self.market, markets))}]'
        recorded = self.world.events.recorded.get(event)
        if recorded is not None:
            return f"{recorded[:-1]}{nested}}}"
        updated = ZERO_TIME if is_single else format_time(self.world.events.updated[event])
        return f"{{{self.event_fields(event)}{self.fee_override(event)}{self.event_extra(updated)}{nested}}}"

    def fee_override(self, event: int) -> str:
        """Return the override of an event's fee, which Go omits where there is none."""
        fee = override_of_event(self.world, event)
        if fee == CLEARED:
            return ""
        return f',"fee_multiplier_override":{fee.multiplier},"fee_type_override":"{fee.fee_type}"'

    def event_extra(self, updated: str) -> str:
        return f',"last_updated_ts":"{updated}"'

    def event_fields(self, event: int) -> str:
        events = self.world.events
        series_ticker = self.world.series[events.series[event]].ticker
        head = f'"event_ticker":"{events.ticker[event]}","series_ticker":"{series_ticker}"'
        if events.is_combo[event]:
            return (
                f'"category":"Sports","collateral_return_type":"",{head},{self.shard(1)}"mutually_exclusive":false,'
                f'"settlement_sources":{self.no_sources},"strike_period":"","sub_title":"MVE","title":"Combo"'
            )
        topic, texts = topic_of(events.number[event]), self.event_texts(event)
        metadata = ""
        if (competition := competition_of(self.world, event)) is not None:
            name, scope = map(format_text, competition)
            metadata = f',"product_metadata":{{"competition":{name},"competition_scope":{scope}}}'
        elif topic.style == "scalar":
            metadata = ',"product_metadata":null'
        strike = '"strike_period":""'
        if texts.is_dated:
            strike = f'"strike_date":"{format_time(events.close_at[event])}"'
        return (
            f'"category":"{topic.category}","collateral_return_type":"{topic.collateral}",{head},'
            f'{self.shard(topic.exchange_index)}"mutually_exclusive":{"true" if is_exclusive(topic) else "false"}'
            f'{metadata},"settlement_sources":{texts.settlement_sources},{strike},"sub_title":{texts.sub_title},'
            f'"title":{texts.title}'
        )
