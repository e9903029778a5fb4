"""One step of the world: quotes move, trades happen, markets are born, close, are settled and archived."""

from bisect import bisect_right

from kalshi_pipeline.sandbox.shapes.json_format import MICROS
from kalshi_pipeline.sandbox.world.catalogue import topic_of
from kalshi_pipeline.sandbox.world.chance import scatter
from kalshi_pipeline.sandbox.world.create_market import bear_combo, bear_event, bear_market, draw_close
from kalshi_pipeline.sandbox.world.outcomes import fate_of, settle
from kalshi_pipeline.sandbox.world.states import ACTIVE, ARCHIVED, CLOSED, INACTIVE, INITIALIZED
from kalshi_pipeline.sandbox.world.world_state import DAY, WorldState

STEPS_BETWEEN_STATES = 2  # closed, two steps later determined, two steps later finalized
STEPS_OF_A_COMBO = 30
MOST_TRADES_PER_STEP = 2_000  # so that the tape of a long run stays small


def advance(world: WorldState) -> None:
    """One step; a paused exchange changes nothing, but its clock and its cutoff go on."""
    before = world.clock
    world.clock += round(world.config.step_seconds * MICROS)
    world.steps += 1
    if not world.is_paused:
        _live(world, before)
    archive(world)


def _live(world: WorldState, before: int) -> None:
    if before // DAY != world.clock // DAY:
        world.markets.pass_midnight()
    _move_quotes(world, before)
    _open(world)
    _bear(world, before)
    _close(world, before)
    _pause_or_resume(world)
    _settle(world)
    _log_quotes(world, before)


def _move_quotes(world: WorldState, before: int) -> None:
    """The configured share of the open markets; one in five of those that moved, are quoted and do not
    close in this step also trades."""
    markets, quoter, random = world.markets, world.quoter, world.random
    moved: list[int] = []
    for combo in (False, True):
        rows = world.shelves.rows("open", combo=combo)
        chosen = random.sample(rows, round(len(rows) * world.config.change_share))
        moved += [m for m in chosen if markets.state[m] == ACTIVE and m not in markets.recorded]
    for market in moved:
        quoter.move(market, world.structure_of(market))
    traders = [
        m for m in moved if markets.bid[m] and markets.ask[m] < MICROS and markets.close_at[m] > world.clock
    ][::5][:MOST_TRADES_PER_STEP]
    for index, market in enumerate(traders):
        at = before + (index + 1) * (world.clock - before) // (len(traders) + 1)
        price = markets.ask[market] if random.random() < 0.5 else markets.bid[market]
        trade = quoter.trade(market, at, price)
        world.tape.append(trade._replace(takes_yes=price == markets.ask[market]))


def _bear(world: WorldState, before: int) -> None:
    config, span = world.config, world.clock - before
    total = config.births_per_step + config.combos_per_step
    for index in range(total):
        created = before + (index + 1) * span // (total + 1)
        if index < config.births_per_step:
            _bear_market(world, created)
            continue
        market = bear_combo(world, world.next_combo, ACTIVE, created)
        world.next_combo += 1
        world.quoter.draw_combo_quote(market, world.structure_of(market))
        world.file_event(world.markets.event[market])


def _bear_market(world: WorldState, created: int) -> None:
    """The next market of the event that grows; when it is full, a new event. One in four opens only later."""
    if world.growing is None:
        number = world.next_number
        world.next_number += 1
        event = bear_event(world, number, created, draw_close(world, number, created))
        world.file_event(event)
        world.growing = event, topic_of(number).size
    event, left = world.growing
    world.growing = (event, left - 1) if left > 1 else None
    ordinal = world.events.market_count[event]
    state = INITIALIZED if ordinal % 4 == 3 else ACTIVE
    market = bear_market(world, event, ordinal, state, created)
    world.events.updated[event] = created
    if state == ACTIVE:
        world.quoter.draw_quote(market, world.structure_of(market))


def _open(world: WorldState) -> None:
    markets = world.markets
    for market in list(world.shelves.rows("unopened", combo=False)):
        if markets.open_at[market] <= world.clock and market not in markets.recorded:
            world.set_state(market, ACTIVE)
            world.quoter.draw_quote(market, world.structure_of(market))


def _close(world: WorldState, before: int) -> None:
    """Markets close at their time, the configured number of them early, and combos when their legs are over."""
    for combo, order in world.events_by_close.items():
        low = bisect_right(order, before, key=lambda event: world.events.close_at[event])
        high = bisect_right(order, world.clock, key=lambda event: world.events.close_at[event])
        for event in order[low:high]:
            for market in world.events.markets_of(event):
                _close_market(world, market, world.events.close_at[event])
        if not combo:
            _close_early(world)
    config = world.config
    oldest = world.shelves.rows("open", combo=True)[: config.combos_per_step]
    for market in oldest:
        if world.markets.created[market] < world.clock - STEPS_OF_A_COMBO * config.step_seconds * MICROS:
            _close_market(world, market, world.clock)


def _close_early(world: WorldState) -> None:
    """`close_time` moves to the present, in whole seconds (API.md quirks 8 and 9)."""
    rows = world.shelves.rows("open", combo=False)
    for market in world.random.sample(rows, min(len(rows), world.config.closes_per_step)):
        _close_market(world, market, world.clock)


def _close_market(world: WorldState, market: int, at: int) -> None:
    markets = world.markets
    if market in markets.recorded or markets.state[market] > ACTIVE:
        return
    markets.close_at[market] = at - at % MICROS
    markets.clear_quote(market)
    world.set_state(market, CLOSED)
    world.fates.append((world.steps + STEPS_BETWEEN_STATES, market, fate_of(world, market)))


def _pause_or_resume(world: WorldState) -> None:
    """Now and then the exchange pauses one market; the one that paused longest ago in the listing resumes."""
    if world.steps % 10:
        return
    paused = world.shelves.rows("paused", combo=False)
    rows = world.shelves.rows("open", combo=False)
    if rows:
        market = rows[scatter(world.config.seed + 61, world.steps) % len(rows)]
        if world.markets.state[market] == ACTIVE and market not in world.markets.recorded:
            world.set_state(market, INACTIVE)
    if len(paused) > 1 and paused[0] not in world.markets.recorded:
        world.set_state(paused[0], ACTIVE)


def _settle(world: WorldState) -> None:
    while world.fates and world.fates[0][0] <= world.steps:
        _, market, states = world.fates.popleft()
        if states:
            settle(world, market, states[0], world.clock, later=states[1:])
            world.fates.append((world.steps + STEPS_BETWEEN_STATES, market, states[1:]))


def archive(world: WorldState) -> None:
    """Markets that settled before the cutoff leave the live tier (API.md §0.5), their open interest with them."""
    while world.settled and world.settled[0][0] < world.cutoff:
        _, market = world.settled.popleft()
        world.set_state(market, ARCHIVED)
        world.markets.open_interest[market] = 0


def _log_quotes(world: WorldState, before: int) -> None:
    """Keeps the prices that listings served until now; a market born in this step had none."""
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
