"""The texts that all markets of an event share, computed once per event, and the legs of combos."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from kalshi_pipeline.sandbox.shapes.json_format import format_text
from kalshi_pipeline.sandbox.world.catalogue import (
    COMBO_PREFIXES,
    TOPICS,
    Outcome,
    Topic,
    opponents,
    outcome_of,
    subject_of,
    topic_of,
)
from kalshi_pipeline.sandbox.world.chance import scatter
from kalshi_pipeline.sandbox.world.states import ACTIVE
from kalshi_pipeline.sandbox.world.world import World
from kalshi_pipeline.units import datetime_of

_LABEL = "\x00"
_SETTLED = ',"yes_settlement_value_dollars":"1.0000"'
_NUMERIC_STRIKE = re.compile(r'("(?:floor|cap)_strike":)([-\d.]+)')


@dataclass(frozen=True, slots=True)
class EventTexts:
    """The texts of an event, as JSON strings. The rules of a market are `rules_before`, its label and `rules_after`."""

    title: str
    sub_title: str
    rules_before: str
    rules_after: str
    rules_secondary: str
    settlement_sources: str
    is_dated: bool


class Leg(NamedTuple):
    """One side of one market that a combo bets on; `label` includes the side, `text` is JSON."""

    event_ticker: str
    market_ticker: str
    side: str
    label: str
    text: str

    @classmethod
    def of(cls, event_ticker: str, market_ticker: str, label: str, side: str) -> "Leg":
        text = f'{{"event_ticker":"{event_ticker}","market_ticker":"{market_ticker}","side":"{side}"}}'
        return cls(event_ticker, market_ticker, side, f"{side} {label}", text)


def revised(text: str, edits: int) -> str:
    """Return a text after some edits, the third of which restores the original."""
    return f"{text} (revision {edits})" if edits % 3 else text


@cache
def _note(topic: int, revision: int) -> str:
    """Return the secondary rules of a topic as a JSON string."""
    text = TOPICS[topic].note
    return format_text(f"{text} These rules are revision {revision}." if revision else text)


@cache
def sources_of(topic: Topic) -> str:
    return f'[{{"name":{format_text(topic.source[0])},"url":{format_text(topic.source[1])}}}]'


def event_texts_of(world: World, event: int) -> EventTexts:
    """Return the texts of a generated event, except for combos, which have none of their own."""
    number = world.events.number[event]
    topic = topic_of(number)
    edits = world.edits.of_event(event)
    row = world.series[world.events.series[event] if edits.first_series is None else edits.first_series]
    close_at = world.events.close_at[event] if edits.first_close_at is None else edits.first_close_at
    (_, home), (_, away) = opponents(number)
    words = {
        "subject": subject_of(topic, row.number)[1],
        "day": f"{datetime_of(close_at):%b %-d, %Y}",
        "home": home,
        "away": away,
    }
    before, _, after = format_text(topic.rule.format(label=_LABEL, **words)).partition("\\u0000")
    before, after = (before, after) if after else (before[:-1] + " ", '"')
    return EventTexts(
        title=format_text(revised(topic.title.format(**words), edits.titles)),
        sub_title=format_text(
            f"On {words['day']}" if topic.style != "team" else f"{away} vs {home} ({words['day']})"
        ),
        rules_before=before,
        rules_after=after,
        rules_secondary=_note(number % len(TOPICS), edits.rules),
        settlement_sources=sources_of(topic),
        is_dated=topic.style in ("band", "price"),
    )


def outcome_of_market(world: World, market: int) -> Outcome:
    outcome = outcome_of(world.events.number[world.markets.event[market]], world.markets.ordinal[market])
    edits = world.edits.of_market(market).strikes
    return outcome._replace(strike=_moved_strike(outcome.strike, edits)) if edits else outcome


def _moved_strike(strike: str, edits: int) -> str:
    """Return a strike after some edits: a number rises by two each time, any other strike gets a new member or text."""
    moved = _NUMERIC_STRIKE.sub(lambda found: f"{found[1]}{Decimal(found[2]) + 2 * edits}", strike)
    moved = moved.replace('"custom_strike":{', f'"custom_strike":{{"Revision":"{edits}",')
    return moved.replace("value / 10", f"value / {10 + edits}")


class Legs:
    """The legs of combos: two to six of the markets that were open in the initial world. Their texts are cached."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pool: list[tuple[Leg, Leg] | None] = [None] * max(1, len(world.leg_pool))

    def of(self, market: int) -> list[Leg]:
        return _edited_legs(self._first_legs(market), self._world.edits.of_market(market).legs)

    def _first_legs(self, market: int) -> list[Leg]:
        number = self._world.events.number[self._world.markets.event[market]]
        chance = scatter(71, number)
        size, legs = len(self._pool), []
        for _ in range(2 + chance % 5):
            chance = (chance >> 5) * 0x9E3779B1 + 1
            pair = self._pool[chance % size] or self._pair(chance % size)
            legs.append(pair[chance & 1])
        return legs

    def _pair(self, index: int) -> tuple[Leg, Leg]:
        """Return a market's YES and NO as legs; an invented market if the initial world had no open one."""
        world = self._world
        names = "KXNTHGAME-26OCT08LOHIG", "KXNTHGAME-26OCT08LOHIG-LO", "Lower Bay"
        if world.leg_pool:
            market = world.leg_pool[index]
            ticker = world.markets.ticker[market]
            label = ticker if market in world.markets.recorded else outcome_of_market(world, market).label
            names = world.events.ticker[world.markets.event[market]], ticker, label
        pair = self._pool[index] = Leg.of(*names, "yes"), Leg.of(*names, "no")
        return pair


def _edited_legs(legs: list[Leg], edits: int) -> list[Leg]:
    """Return the legs after some edits: one after the other settles; from then on the last one changes its side."""
    legs = [leg._replace(text=f"{leg.text[:-1]}{_SETTLED}}}") for leg in legs[:edits]] + legs[edits:]
    if (edits - len(legs)) % 2 and edits > len(legs):
        last = legs[-1]
        side = "no" if last.side == "yes" else "yes"
        legs[-1] = Leg.of(last.event_ticker, last.market_ticker, last.label.partition(" ")[2], side)
    return legs


def collection_of(world: World, event: int) -> str:
    """Return the ticker of the multivariate event collection that a combo belongs to."""
    return f"{COMBO_PREFIXES[world.events.number[event] % len(COMBO_PREFIXES)]}-R"


def competition_of(world: World, event: int) -> tuple[str, str] | None:
    """Return the competition of an event and its scope: of games, and of events whose metadata was edited."""
    edits = world.edits.of_event(event).metadata
    if edits or topic_of(world.events.number[event]).style == "team":
        return "Open Football", revised("Game", edits)
    return None


def is_never_traded(world: World, market: int) -> bool:
    return not world.markets.volume[market] and world.markets.state[market] == ACTIVE
