"""The shape of milestones, metadata of events, structured targets, collections and incentive programs.

It is the same in all generations: only the newest specification (3.32) has all of them.
"""

from kalshi_pipeline.sandbox.shapes.event_texts import competition_of, event_texts_of
from kalshi_pipeline.sandbox.shapes.json_format import format_text, format_time
from kalshi_pipeline.sandbox.world.chance import scatter
from kalshi_pipeline.sandbox.world.related import Collection, Incentive, Milestone, Target
from kalshi_pipeline.sandbox.world.world import World

_FILES = "https://files.example.com"


def milestone_text(world: World, milestone: Milestone) -> str:
    """Return a milestone. Its details are those of its type, which no specification lists."""
    ticker = world.events.ticker[milestone.event]
    title = event_texts_of(world, milestone.event).title
    home, away = milestone.score
    return (
        f'{{"category":"Sports","details":{{"away_score":{away},"home_score":{home},"league":"Open Football",'
        f'"status":"{"live" if home or away else "scheduled"}"}},"id":"{milestone.id}",'
        f'"last_updated_ts":"{format_time(milestone.updated)}","notification_message":{title},'
        f'"primary_event_tickers":["{ticker}"],"related_event_tickers":["{ticker}"],'
        f'"source_id":"game-{milestone.event}","source_ids":{{"scores":"game-{milestone.event}"}},'
        f'"start_date":"{format_time(milestone.start_at)}","title":{title},"type":"football_game"}}'
    )


def metadata_members(world: World, event: int) -> str:
    """Return the metadata of an event, whose answer has no envelope."""
    is_generated = world.events.number[event] >= 0 and not world.events.is_combo[event]
    sources, optional = "[]", ""
    if is_generated:
        sources = event_texts_of(world, event).settlement_sources
        if (competition := competition_of(world, event)) is not None:
            name, scope = map(format_text, competition)
            optional = f'"competition":{name},"competition_scope":{scope},'
    markets = ",".join(_market_detail(world, event, market) for market in world.events.markets_of(event))
    image = _image(world, event, world.events.ticker[event])
    return (
        f'{optional}"featured_image_url":"","image_url":"{image}","market_details":[{markets}],'
        f'"settlement_sources":{sources}'
    )


def _market_detail(world: World, event: int, market: int) -> str:
    ticker = world.markets.ticker[market]
    color = scatter(111 + world.edits.of_event(event).metadata, market) % (1 << 24)
    image = _image(world, event, ticker) if market % 3 else ""
    return f'{{"color_code":"#{color:06X}","image_url":"{image}","market_ticker":"{ticker}"}}'


def _image(world: World, event: int, name: str) -> str:
    edits = world.edits.of_event(event).metadata
    return f"{_FILES}/images/{name}{f'.{edits}' if edits else ''}.webp"


def target_text(world: World, target: Target) -> str:
    return (
        f'{{"details":{{"abbreviation":"{target.code}","league":"{target.league}"}},"id":"{target.id}",'
        f'"last_updated_ts":"{format_time(world.start)}","name":{format_text(target.name)},'
        f'"source_id":"side-{target.code}","source_ids":{{}},"type":"football_team"}}'
    )


def collection_text(world: World, collection: Collection) -> str:
    tickers = [world.events.ticker[event] for event in collection.events]
    associated = ",".join(
        f'{{"active_quoters":[],"is_yes_only":false,"size_max":{1 if index % 2 else "null"},"size_min":null,'
        f'"ticker":"{ticker}"}}'
        for index, ticker in enumerate(tickers)
    )
    names = ",".join(f'"{ticker}"' for ticker in tickers)
    return (
        f'{{"associated_event_tickers":[{names}],"associated_events":[{associated}],'
        f'"close_date":"{format_time(collection.close_at)}","collection_ticker":"{collection.ticker}",'
        f'"description":"Combos of these events","exchange_index":1,'
        f'"functional_description":"Yes if every chosen side wins","is_all_yes":false,"is_ordered":false,'
        f'"is_single_market_per_event":true,"open_date":"{format_time(collection.open_at)}",'
        f'"series_ticker":"{collection.series_ticker}","size_max":6,"size_min":2,"title":"Combo"}}'
    )


def incentive_text(world: World, incentive: Incentive) -> str:
    discount = ',"discount_factor_bps":5000' if incentive.kind == "liquidity" else ""
    return (
        f'{{"end_date":"{format_time(incentive.end_at)}","id":"{incentive.id}",'
        f'"incentive_description":{format_text(incentive.description)},'
        f'"incentive_type":"{incentive.kind}","market_id":"{incentive.market_id}",'
        f'"market_ticker":"{world.markets.ticker[incentive.market]}",'
        f'"paid_out":{"true" if incentive.is_paid_out else "false"},"period_reward":{incentive.reward},'
        f'"start_date":"{format_time(incentive.start_at)}"{discount}}}'
    )
