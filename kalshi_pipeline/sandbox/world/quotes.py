"""First quotes, moves of quotes, and trades."""

from random import Random

from kalshi_pipeline.sandbox.world.chance import scatter
from kalshi_pipeline.sandbox.world.columns import Markets
from kalshi_pipeline.sandbox.world.prices import PriceStructure
from kalshi_pipeline.sandbox.world.tape import Trade
from kalshi_pipeline.units import MICROS_PER_DOLLAR


class Quoter:
    """Draws quotes and trades; in whole contracts only for the shape from before 9 March 2026, when fractions began."""

    def __init__(self, markets: Markets, random: Random, *, whole_contracts: bool) -> None:
        self._markets = markets
        self._random = random
        self._whole = whole_contracts

    def draw_size(self, largest: int) -> int:
        """Return a size in hundredths of a contract, mostly a small one and never zero."""
        contracts = 1 + int(self._random.random() ** 3 * largest)
        if self._whole or self._random.random() < 0.5:
            return contracts * 100
        return contracts * 100 + int(self._random.random() * 100)

    def draw_quote(self, market: int, structure: PriceStructure) -> None:
        """Draw a first quote; some 14 % of the markets have one side only, and 6 % none."""
        chance = self._random.random()
        middle = int(self._random.random() * MICROS_PER_DOLLAR)
        bid = structure.snap(middle)
        width = 1 + int(self._random.random() * 5)
        ask = structure.snap(bid + width * structure.step_at(bid))
        if ask <= bid:
            bid = structure.snap(ask - structure.step_at(ask - 1))
        self._put(
            market,
            bid if chance >= 0.14 else 0,
            ask if ask > bid and not 0.08 < chance < 0.2 else MICROS_PER_DOLLAR,
        )

    def draw_combo_quote(self, market: int, structure: PriceStructure) -> None:
        """Draw the first quote of a combo: 8.8 % have an ask and 0.13 % both sides, as on 9 August 2026."""
        chance = self._random.random()
        if chance < 0.088:
            ask = structure.snap(structure.steps[0] * 2 + int(self._random.random() * 400_000))
            bid = structure.snap(ask - structure.steps[0]) if chance < 0.0013 else 0
            self._put(market, bid, ask)

    def move(self, market: int, structure: PriceStructure) -> None:
        """Change the quote of a market: its prices by up to two steps, and always a size."""
        markets = self._markets
        bid, ask = markets.bid[market], markets.ask[market]
        if not bid and ask == MICROS_PER_DOLLAR:
            self.draw_quote(market, structure)
            if not markets.bid[market] and markets.ask[market] == MICROS_PER_DOLLAR:
                self._put(market, structure.snap(0), MICROS_PER_DOLLAR)
            return
        shift = int(self._random.random() * 5) - 2
        new_bid = structure.snap(bid + shift * structure.step_at(bid)) if bid else 0
        new_ask = (
            structure.snap(ask + shift * structure.step_at(ask))
            if ask < MICROS_PER_DOLLAR
            else MICROS_PER_DOLLAR
        )
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
        ask_size = self.draw_size(50_000) if ask < MICROS_PER_DOLLAR else 0
        self._markets.set_quote(market, bid, ask, bid_size, ask_size)

    def trade(self, market: int, at: int, price: int) -> Trade:
        """Draw one execution, and add it to the market's volume, open interest and last price."""
        markets, random = self._markets, self._random
        count = self.draw_size(2_000)
        markets.volume[market] += count
        markets.last[market] = price
        # Two trades in three open a position on both sides; the others transfer or close one.
        interest = markets.open_interest[market] + (count if random.random() < 0.67 else -count // 2)
        interest = max(0, interest // 100 * 100 if self._whole else interest)
        markets.open_interest[market] = interest
        return Trade(market, at, price, count, interest, random.random() < 0.5, random.random() < 0.01)

    def draw_price(self, market: int, structure: PriceStructure) -> int:
        """Draw a past price: near the quote, or near a price derived from the market's number if it has no quote."""
        ask = self._markets.ask[market]
        near = self._markets.bid[market] or (
            ask if ask < MICROS_PER_DOLLAR else scatter(5, market) % MICROS_PER_DOLLAR
        )
        return structure.snap(near + structure.step_at(near) * (int(self._random.random() * 7) - 3))
