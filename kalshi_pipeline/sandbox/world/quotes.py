"""How a market is first quoted and traded, and how its quote moves."""

from random import Random

from kalshi_pipeline.sandbox.shapes.json_format import MICROS
from kalshi_pipeline.sandbox.world.chance import scatter
from kalshi_pipeline.sandbox.world.columns import Markets
from kalshi_pipeline.sandbox.world.prices import PriceStructure
from kalshi_pipeline.sandbox.world.tape import Trade


class Quoter:
    """Draws quotes and trades. Whole contracts only where the shape knew no fractions (API.md §3: 9 Mar 2026)."""

    def __init__(self, markets: Markets, random: Random, *, whole_contracts: bool) -> None:
        self._markets = markets
        self._random = random
        self._whole = whole_contracts

    def draw_size(self, largest: int) -> int:
        """Hundredths of a contract, mostly small; never zero."""
        contracts = 1 + int(self._random.random() ** 3 * largest)
        if self._whole or self._random.random() < 0.5:
            return contracts * 100
        return contracts * 100 + int(self._random.random() * 100)

    def draw_quote(self, market: int, structure: PriceStructure) -> None:
        """A first quote; in one of nine a side is missing, in one of twelve both (API.md §5.5)."""
        chance = self._random.random()
        middle = int(self._random.random() * MICROS)
        bid = structure.snap(middle)
        width = 1 + int(self._random.random() * 5)
        ask = structure.snap(bid + width * structure.step_at(bid))
        if ask <= bid:
            bid = structure.snap(ask - structure.step_at(ask - 1))
        self._put(
            market, bid if chance >= 0.14 else 0, ask if ask > bid and not 0.08 < chance < 0.2 else MICROS
        )

    def draw_combo_quote(self, market: int, structure: PriceStructure) -> None:
        """Of the combos 8.8 % have an ask and 0.13 % both sides (API.md §4: 9 Aug 2026)."""
        chance = self._random.random()
        if chance < 0.088:
            ask = structure.snap(structure.steps[0] * 2 + int(self._random.random() * 400_000))
            bid = structure.snap(ask - structure.steps[0]) if chance < 0.0013 else 0
            self._put(market, bid, ask)

    def move(self, market: int, structure: PriceStructure) -> None:
        """The quote of a market changes: its prices by a step or two, and always a size."""
        markets = self._markets
        bid, ask = markets.bid[market], markets.ask[market]
        if not bid and ask == MICROS:
            self.draw_quote(market, structure)
            if not markets.bid[market] and markets.ask[market] == MICROS:
                self._put(market, structure.snap(0), MICROS)
            return
        shift = int(self._random.random() * 5) - 2
        new_bid = structure.snap(bid + shift * structure.step_at(bid)) if bid else 0
        new_ask = structure.snap(ask + shift * structure.step_at(ask)) if ask < MICROS else MICROS
        if new_bid >= new_ask:
            new_bid, new_ask = bid, ask
        before = markets.bid_size[market], markets.ask_size[market]
        self._put(market, new_bid, new_ask)
        if (new_bid, new_ask) == (bid, ask) and before == (
            markets.bid_size[market],
            markets.ask_size[market],
        ):
            column = markets.bid_size if bid else markets.ask_size
            column[market] += 100

    def _put(self, market: int, bid: int, ask: int) -> None:
        bid_size = self.draw_size(50_000) if bid else 0
        ask_size = self.draw_size(50_000) if ask < MICROS else 0
        self._markets.set_quote(market, bid, ask, bid_size, ask_size)

    def trade(self, market: int, at: int, price: int) -> Trade:
        """One execution, booked into the market's volume, open interest and last price."""
        markets, random = self._markets, self._random
        count = self.draw_size(2_000)
        markets.volume[market] += count
        markets.last[market] = price
        # Two in three open a position on both sides; the others pass one on or close one.
        interest = markets.open_interest[market] + (count if random.random() < 0.67 else -count // 2)
        interest = max(0, interest // 100 * 100 if self._whole else interest)
        markets.open_interest[market] = interest
        return Trade(market, at, price, count, interest, random.random() < 0.5, random.random() < 0.01)

    def draw_price(self, market: int, structure: PriceStructure) -> int:
        """A price of the past: near the quote, or, where nobody quotes, near a price of the market's own."""
        ask = self._markets.ask[market]
        near = self._markets.bid[market] or (ask if ask < MICROS else scatter(5, market) % MICROS)
        return structure.snap(near + structure.step_at(near) * (int(self._random.random() * 7) - 3))
