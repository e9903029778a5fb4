"""Candlesticks of chosen markets, one UTC day at a time, from whichever tier of the exchange has them.

What came of each market and day is remembered in `candlestick_days`, so that a run asks for what lacks, whatever
was chosen before.
"""

from collections import deque
from collections.abc import Sequence
from datetime import date

from kalshi_pipeline.errors import ExchangeError, NotFoundError
from kalshi_pipeline.exchange.candlesticks import Candlesticks
from kalshi_pipeline.exchange.pages import Page
from kalshi_pipeline.exchange.transport import Answer
from kalshi_pipeline.ingest.candlestick_days import Day, markets_per_request
from kalshi_pipeline.ingest.parents.lookup import MarketLookup
from kalshi_pipeline.ingest.parents.outcomes import Cutoff
from kalshi_pipeline.ingest.parents.selected_markets import store_chosen
from kalshi_pipeline.ingest.run.recorded_listing import begin_listing, closing_run
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Candlestick
from kalshi_pipeline.store.writing.candlesticks import (
    ChosenMarket,
    Coverage,
    CoverageRow,
    chosen_markets,
    covered_markets,
    empty_series,
    record_coverage,
    upsert_candlesticks,
)
from kalshi_pipeline.store.writing.runs import State, add_page, add_to_quarantine
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.units import datetime_of
from kalshi_pipeline.vocabulary import Tier

# So many requests in a row that fail are no fault of single markets: the exchange is down, or refuses them all.
_MOST_FAILURES_IN_A_ROW = 5

_LONGEST_SECONDS = 86_400.0


def collect_candlesticks(session: Session, day: date, *, again: bool = False) -> Report:
    """Store the candlesticks of a UTC day of the chosen markets that were open on it.

    Markets are chosen by KALSHI_CANDLESTICK_SERIES and KALSHI_CANDLESTICK_MARKETS, the length of the periods by
    KALSHI_CANDLESTICK_MINUTES. A market whose day is complete is not asked for, unless `again`. One that fails
    is told in `candlestick_days`, and loses none of the others.
    """
    settings = session.settings
    series, markets = settings.candlestick_series, settings.candlestick_markets
    choice = f"{','.join(series) or 'no series'} and {len(markets)} markets"
    scope = f"{day}, {settings.candlestick_minutes} min, {choice}"
    report = begin_listing(session, "candlesticks", scope=scope, walk_seconds=_LONGEST_SECONDS)
    with closing_run(session, report):
        if series or markets:
            seen = Day.seen_at(day, settings.candlestick_minutes, session.clock.now())
            _Collection(session, report, seen).run(again=again)
        else:
            report.state = State.COMPLETE
            report.notes.append(
                "no market is chosen, so nothing is stored: set KALSHI_CANDLESTICK_SERIES or "
                "KALSHI_CANDLESTICK_MARKETS"
            )
    return report


class _Collection:
    """One run over the markets of one day."""

    def __init__(self, session: Session, report: Report, day: Day) -> None:
        self._session = session
        self._report = report
        self._day = day
        self._covered = Coverage.COMPLETE if day.is_over else Coverage.PARTIAL
        self._cutoff = Cutoff(None, has_tiers=False)
        self._failures_in_a_row = 0
        self._has_answer = False
        self._failed: list[str] = []
        self._unstored: dict[str, str] = {}
        self._outside = 0

    def run(self, *, again: bool) -> None:
        markets = self._chosen(again=again)
        if markets and self._day.end > self._day.start:
            self._cutoff = Cutoff.ask(self._session)
            self._ask_both_tiers(markets)
        self._conclude()

    def _chosen(self, *, again: bool) -> list[ChosenMarket]:
        """Give the markets to ask for: chosen, open on that day, and not complete yet."""
        settings, notes = self._session.settings, self._report.notes
        self._unstored = store_chosen(self._session, self._report, settings.candlestick_markets)
        with self._session.database.read() as connection:
            chosen = chosen_markets(
                connection, settings.candlestick_series, settings.candlestick_markets, alive=self._day.alive
            )
            covered = set() if again else covered_markets(connection, self._day.key)
            empty = empty_series(connection, settings.candlestick_series)
        if empty:
            notes.append(
                f"no market of {', '.join(empty)} is stored: check KALSHI_CANDLESTICK_SERIES, then run "
                "`kalshi-pipeline sync`"
            )
        markets = [market for market in chosen if market.id not in covered]
        if len(markets) < len(chosen):
            notes.append(f"{len(chosen) - len(markets):,} of {len(chosen):,} markets were stored before")
        return markets

    def _ask_both_tiers(self, markets: Sequence[ChosenMarket]) -> None:
        """Ask for each market the tier that should have it, then the other one."""
        archived = [market for market in markets if self._is_archived(market)]
        were_asked = {market.id for market in archived}
        others = [market for market in markets if market.id not in were_asked]
        lacking = self._ask(Tier.HISTORICAL, archived)
        lacking = self._ask(Tier.LIVE, [*others, *lacking])
        silent = [market for market in lacking if market.id in were_asked or self._cutoff.at is None]
        lacking = [market for market in lacking if market.id not in were_asked]
        if self._cutoff.at is not None:
            silent += self._ask(Tier.HISTORICAL, lacking)
        self._record_silent(silent)

    def _is_archived(self, market: ChosenMarket) -> bool:
        return self._cutoff.current_tier(market.settled_at) is Tier.HISTORICAL

    def _may_be_archived(self, market: ChosenMarket) -> bool:
        """Whether a market of which no settlement is known may have settled before the cutoff."""
        return market.settled_at is None and self._cutoff.current_tier(market.close_at) is Tier.HISTORICAL

    def _ask(self, tier: Tier, markets: Sequence[ChosenMarket]) -> list[ChosenMarket]:
        """Ask a tier for markets and store what it gives; give the markets that it lacks.

        A request that fails is split, and its halves wait until the others are done: what is left in the end is
        the market that fails.
        """
        size = 1 if tier is Tier.HISTORICAL else markets_per_request(self._day.period_minutes)
        waiting = deque(markets[start : start + size] for start in range(0, len(markets), size))
        lacking: list[ChosenMarket] = []
        while waiting:
            asked = waiting.popleft()
            try:
                answer = self._fetch(tier, [market.ticker for market in asked])
            except ExchangeError as error:
                self._note_failure(error)
                if len(asked) == 1:
                    self._record_failed(tier, asked[0], error)
                    if not waiting and not self._has_answer:
                        raise
                else:
                    middle = len(asked) // 2
                    waiting += (asked[:middle], asked[middle:])
                continue
            self._failures_in_a_row = 0
            self._has_answer = True
            lacking += self._store(tier, asked, answer)
            self._session.tell_progress(
                f"candlesticks of {self._day.utc_date}: {self._report.tally.received:,} so far, "
                f"{len(waiting):,} requests to go"
            )
        return lacking

    def _fetch(self, tier: Tier, tickers: list[str]) -> Answer[Page[Candlesticks]]:
        day, tiers = self._day, self._session.client.tiers
        if tier is Tier.LIVE:
            return tiers.fetch_candlesticks(
                tickers, start=day.first_end, end=day.end, period_minutes=day.period_minutes
            )
        try:
            return tiers.fetch_historical_candlesticks(
                tickers[0], start=day.first_end, end=day.end, period_minutes=day.period_minutes
            )
        except NotFoundError:
            return Answer(Page([]), self._session.clock.now())

    def _note_failure(self, error: ExchangeError) -> None:
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= _MOST_FAILURES_IN_A_ROW:
            raise error

    def _store(
        self, tier: Tier, asked: Sequence[ChosenMarket], answer: Answer[Page[Candlesticks]]
    ) -> list[ChosenMarket]:
        """Store an answer in one transaction; give the markets of which it has nothing."""
        found = self._by_market(asked, answer.content.records)
        lacking = [market for market in asked if self._is_lacking(tier, market, found.get(market.id))]
        rows = {
            (market_id, candle.end_at): candle for market_id, candles in found.items() for candle in candles
        }
        rejects = answer.content.rejects
        duplicates = sum(map(len, found.values())) - len(rows)
        counted = Tally(
            pages=1,
            received=len(rows) + duplicates + len(rejects),
            duplicates=duplicates,
            quarantined=len(rejects),
        )
        left = {market.id for market in lacking}
        covered = [
            CoverageRow(market.id, self._covered, tier, None) for market in asked if market.id not in left
        ]
        with self._session.database.begin() as connection:
            tally = counted + upsert_candlesticks(connection, self._day.period_minutes, rows)
            record_coverage(connection, self._day.key, covered, answer.received_at)
            add_to_quarantine(connection, self._report.run, "candlesticks", rejects, answer.received_at)
            add_page(connection, self._report.run, tally)
        self._report.tally += tally
        return lacking

    def _by_market(
        self, asked: Sequence[ChosenMarket], records: Sequence[Candlesticks]
    ) -> dict[int, list[Candlestick]]:
        """Give the candlesticks of the day by market; what was not asked for is left out and counted."""
        ids = {market.ticker: market.id for market in asked}
        found: dict[int, list[Candlestick]] = {}
        for record in records:
            within = [
                candle
                for candle in record.candlesticks
                if record.ticker in ids and self._day.start < candle.end_at <= self._day.end
            ]
            self._outside += len(record.candlesticks) - len(within)
            if record.ticker in ids:
                found.setdefault(ids[record.ticker], []).extend(within)
        return found

    def _is_lacking(self, tier: Tier, market: ChosenMarket, candles: list[Candlestick] | None) -> bool:
        """Whether to look for a market in the other tier: nobody knows how the live one answers for archived ones."""
        return candles is None or (not candles and tier is Tier.LIVE and self._may_be_archived(market))

    def _record_failed(self, tier: Tier, market: ChosenMarket, error: ExchangeError) -> None:
        self._failed.append(market.ticker)
        self._record([CoverageRow(market.id, Coverage.FAILED, tier, str(error))])

    def _record_silent(self, markets: Sequence[ChosenMarket]) -> None:
        """Record the markets of which neither tier has a candlestick: known without one, or not known at all."""
        lookup = MarketLookup(self._session, [market.ticker for market in markets])
        known = {outcome.ticker for answer in lookup for outcome in answer.page.records}
        gone = frozenset(lookup.gone)
        self._failed += [*lookup.failed, *lookup.unasked]
        if gone:
            named = [market.ticker for market in markets if market.ticker in gone]
            self._report.notes.append(f"neither tier knows {_some(named)} any more")

        def row(market: ChosenMarket) -> CoverageRow:
            if market.ticker in known or market.ticker in lookup.unreadable:
                return CoverageRow(market.id, self._covered, None, "neither tier has a candlestick of it")
            state = Coverage.UNKNOWN if market.ticker in gone else Coverage.FAILED
            return CoverageRow(market.id, state, None, lookup.why_lacking(market.ticker))

        self._record([row(market) for market in markets])

    def _record(self, rows: Sequence[CoverageRow]) -> None:
        if rows:
            with self._session.database.begin() as connection:
                record_coverage(connection, self._day.key, rows, self._session.clock.now())

    def _conclude(self) -> None:
        """Tell the report what lacks; all of it is asked for by the next run."""
        reasons = []
        for why in dict.fromkeys(self._unstored.values()):
            lacking = [ticker for ticker, its_own in self._unstored.items() if its_own == why]
            reasons.append(f"{_some(lacking)}: {why}; check KALSHI_CANDLESTICK_MARKETS, or run again")
        if self._failed:
            reasons.append(f"{_some(self._failed)} failed, as candlestick_coverage tells: run again")
        if not self._day.is_over:
            reasons.append(f"the day is not over: stored up to {datetime_of(self._day.end):%H:%M:%S} UTC")
        if self._outside:
            self._report.notes.append(f"{self._outside:,} candlesticks were not asked for, and left out")
        self._report.failures = len(self._unstored) + len(self._failed)
        self._report.state = State.PARTIAL if reasons else State.COMPLETE
        self._report.reason = "; ".join(reasons) or None


def _some(tickers: Sequence[str]) -> str:
    """Name a few of many."""
    more = f" and {len(tickers) - 3:,} more" if len(tickers) > 3 else ""
    return ", ".join(tickers[:3]) + more
