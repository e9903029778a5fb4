"""One step of the world: quotes move, trades happen, markets are created, close, settle and are archived."""

from bisect import bisect_right

from kalshi_pipeline.sandbox.world.catalogue import topic_of
from kalshi_pipeline.sandbox.world.chance import scatter
from kalshi_pipeline.sandbox.world.create_market import create_combo, create_event, create_market, draw_close
from kalshi_pipeline.sandbox.world.editing import edit_descriptions
from kalshi_pipeline.sandbox.world.outcomes import settle, states_after_close
from kalshi_pipeline.sandbox.world.states import ACTIVE, ARCHIVED, CLOSED, INACTIVE, INITIALIZED
from kalshi_pipeline.sandbox.world.world_state import DAY, WorldState
from kalshi_pipeline.units import MICROS_PER_DOLLAR, MICROS_PER_SECOND

STEPS_BETWEEN_STATES = 2  # closed, two steps later determined, another two steps later finalized
STEPS_OF_A_COMBO = 30
MOST_TRADES_PER_STEP = 2_000  # so that the tape of a long run stays small


def advance(world: WorldState) -> None:
    """Advance a world by one step. While it is paused, only its clock and its cutoff move."""
    before = world.clock
    world.clock += round(world.config.step_seconds * MICROS_PER_SECOND)
    world.steps += 1
    if not world.is_paused:
        _change(world, before)
    archive(world)


def _change(world: WorldState, before: int) -> None:
    if before // DAY != world.clock // DAY:
        world.markets.pass_midnight()
    _move_quotes(world, before)
    _open(world)
    _create_markets(world, before)
    _close(world, before)
    _pause_or_resume(world)
    _settle(world)
    edit_descriptions(world)
    _log_quotes(world, before)


def _move_quotes(world: WorldState, before: int) -> None:
    """Move the quotes of the configured share of the open markets.

    One in five of those that moved, are quoted on both sides and do not close in this step also trades.
    """
    markets, quoter, random = world.markets, world.quoter, world.random
    moved: list[int] = []
    for combo in (False, True):
        rows = world.status_index.rows("open", combo=combo)
        chosen = random.sample(rows, round(len(rows) * world.config.change_share))
        moved += [m for m in chosen if markets.state[m] == ACTIVE and m not in markets.recorded]
    for market in moved:
        quoter.move(market, world.structure_of(market))
    traders = [
        m
        for m in moved
        if markets.bid[m] and markets.ask[m] < MICROS_PER_DOLLAR and markets.close_at[m] > world.clock
    ][::5][:MOST_TRADES_PER_STEP]
    for index, market in enumerate(traders):
        at = before + (index + 1) * (world.clock - before) // (len(traders) + 1)
        price = markets.ask[market] if random.random() < 0.5 else markets.bid[market]
        trade = quoter.trade(market, at, price)
        world.tape.append(trade._replace(takes_yes=price == markets.ask[market]))


def _create_markets(world: WorldState, before: int) -> None:
    config, span = world.config, world.clock - before
    total = config.births_per_step + config.combos_per_step
    for index in range(total):
        created = before + (index + 1) * span // (total + 1)
        if index < config.births_per_step:
            _create_next_market(world, created)
            continue
        market = create_combo(world, world.next_combo, ACTIVE, created)
        world.next_combo += 1
        world.quoter.draw_combo_quote(market, world.structure_of(market))
        world.index_event(world.markets.event[market])


def _create_next_market(world: WorldState, created: int) -> None:
    """Create a market in the event that is growing, or in a new event if that is full. One in four opens only later."""
    if world.growing is None:
        number = world.next_number
        world.next_number += 1
        event = create_event(world, number, created, draw_close(world, number, created))
        world.index_event(event)
        world.growing = event, topic_of(number).size
    event, left = world.growing
    world.growing = (event, left - 1) if left > 1 else None
    ordinal = world.events.market_count[event]
    state = INITIALIZED if ordinal % 4 == 3 else ACTIVE
    market = create_market(world, event, ordinal, state, created)
    world.events.updated[event] = created
    if state == ACTIVE:
        world.quoter.draw_quote(market, world.structure_of(market))


def _open(world: WorldState) -> None:
    markets = world.markets
    for market in list(world.status_index.rows("unopened", combo=False)):
        if markets.open_at[market] <= world.clock and market not in markets.recorded:
            world.set_state(market, ACTIVE)
            world.quoter.draw_quote(market, world.structure_of(market))


def _close(world: WorldState, before: int) -> None:
    """Close markets at their time and the configured number of them early, and combos once they are old."""
    for combo, order in world.events_by_close.items():
        low = bisect_right(order, before, key=lambda event: world.events.close_at[event])
        high = bisect_right(order, world.clock, key=lambda event: world.events.close_at[event])
        for event in order[low:high]:
            for market in world.events.markets_of(event):
                _close_market(world, market, world.events.close_at[event])
        if not combo:
            _close_early(world)
    config = world.config
    oldest = world.status_index.rows("open", combo=True)[: config.combos_per_step]
    for market in oldest:
        if (
            world.markets.created[market]
            < world.clock - STEPS_OF_A_COMBO * config.step_seconds * MICROS_PER_SECOND
        ):
            _close_market(world, market, world.clock)


def _close_early(world: WorldState) -> None:
    """Close some markets early: their `close_time` moves to the present, in whole seconds."""
    rows = world.status_index.rows("open", combo=False)
    for market in world.random.sample(rows, min(len(rows), world.config.closes_per_step)):
        _close_market(world, market, world.clock)


def _close_market(world: WorldState, market: int, at: int) -> None:
    markets = world.markets
    if market in markets.recorded or markets.state[market] > ACTIVE:
        return
    markets.close_at[market] = at - at % MICROS_PER_SECOND
    markets.clear_quote(market)
    world.set_state(market, CLOSED)
    world.scheduled_transitions.append(
        (world.steps + STEPS_BETWEEN_STATES, market, states_after_close(world, market))
    )


def _pause_or_resume(world: WorldState) -> None:
    """Every ten steps, pause one market, and resume the oldest of several paused ones."""
    if world.steps % 10:
        return
    paused = world.status_index.rows("paused", combo=False)
    rows = world.status_index.rows("open", combo=False)
    if rows:
        market = rows[scatter(world.config.seed + 61, world.steps) % len(rows)]
        if world.markets.state[market] == ACTIVE and market not in world.markets.recorded:
            world.set_state(market, INACTIVE)
    if len(paused) > 1 and paused[0] not in world.markets.recorded:
        world.set_state(paused[0], ACTIVE)


def _settle(world: WorldState) -> None:
    while world.scheduled_transitions and world.scheduled_transitions[0][0] <= world.steps:
        _, market, states = world.scheduled_transitions.popleft()
        if states:
            settle(world, market, states[0], world.clock, later=states[1:])
            world.scheduled_transitions.append((world.steps + STEPS_BETWEEN_STATES, market, states[1:]))


def archive(world: WorldState) -> None:
    """Move the markets that settled before the cutoff to the historical tier, where their open interest is zero."""
    while world.settled and world.settled[0][0] < world.cutoff:
        _, market = world.settled.popleft()
        world.set_state(market, ARCHIVED)
        world.markets.open_interest[market] = 0


def _log_quotes(world: WorldState, before: int) -> None:
    """Log the quotes that listings served until this step; a market created in this step had none."""
    markets = world.markets
    world.quote_log.append(
        world.clock,
        (
            (market, bid, ask)
            for market, (bid, ask) in markets.unlogged.items()
            if markets.created[market] <= before and (bid, ask) != (markets.bid[market], markets.ask[market])
        ),
    )
    markets.unlogged.clear()
