"""Candlesticks of selected markets, one UTC day at a time, from the tier that has them.

`candlestick_days` records the outcome for each market and day, so a run requests only what is missing, even after a
change of the selection.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from kalshi_pipeline.errors import ExchangeError, NotFoundError
from kalshi_pipeline.exchange.batches import can_be_listed
from kalshi_pipeline.exchange.candlesticks import Candlesticks
from kalshi_pipeline.exchange.pages import Page
from kalshi_pipeline.exchange.transport import Answer
from kalshi_pipeline.ingest.candlestick_days import Day, OfDay, joined, markets_per_request
from kalshi_pipeline.ingest.parents.lookup import MarketLookup
from kalshi_pipeline.ingest.parents.outcomes import Cutoff
from kalshi_pipeline.ingest.parents.selected_markets import store_selected
from kalshi_pipeline.ingest.record_faults import SECOND_VALUES, faults_of_candlesticks
from kalshi_pipeline.ingest.run.recorded_listing import begin_listing, closing_run, store_page
from kalshi_pipeline.ingest.run.repair import repairing
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.run.ticker_batches import TickerBatches
from kalshi_pipeline.records import Candlestick, Reject
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Connection
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
from kalshi_pipeline.store.writing.runs import State, Subject
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.units import datetime_of
from kalshi_pipeline.vocabulary import Tier

_FAILED_REQUESTS = 5
_LONGEST_SECONDS = 86_400.0
_UNREADABLE = "the exchange returned an unreadable record, which may be this market's"
_OTHERS = "the exchange returned other markets than requested"


@repairing
def collect_candlesticks(session: Session, day: date, *, again: bool = False) -> Report:
    """Store the candlesticks of a UTC day of the selected markets that were open on it.

    KALSHI_CANDLESTICK_SERIES and KALSHI_CANDLESTICK_MARKETS select the markets, KALSHI_CANDLESTICK_MINUTES the length
    of the periods. A market whose day is complete is not requested, except with `again`. A market that fails is
    recorded in `candlestick_days` and does not affect the others.
    """
    settings = session.settings
    series, markets = settings.candlestick_series, settings.candlestick_markets
    subject = candlestick_day(settings, day)
    report = begin_listing(session, "candlesticks", subject=subject, walk_seconds=_LONGEST_SECONDS)
    with closing_run(session, report):
        if series or markets:
            seen = Day.seen_at(day, settings.candlestick_minutes, session.clock.now())
            _Collection(session, report, seen).run(again=again)
        else:
            report.state = State.COMPLETE
            report.notes.append(
                "no market is selected, so nothing is stored: set KALSHI_CANDLESTICK_SERIES or "
                "KALSHI_CANDLESTICK_MARKETS"
            )
    return report


def candlestick_day(settings: Settings, day: date) -> Subject:
    """Return the subject of a day's run, from the settings."""
    series, markets = settings.candlestick_series, settings.candlestick_markets
    choice = f"{','.join(series) or 'no series'} and {len(markets)} markets"
    return Subject(day=str(day), selection=f"{settings.candlestick_minutes} min, {choice}")


class _Collection:
    """A run over the markets of one day."""

    def __init__(self, session: Session, report: Report, day: Day) -> None:
        self._session = session
        self._report = report
        self._day = day
        self._covered = Coverage.COMPLETE if day.is_over else Coverage.PARTIAL
        self._cutoff = Cutoff(None, has_tiers=False)
        self._has_answer = False
        self._failed: list[str] = []
        self._doubted: dict[str, str] = {}
        """Why the last answer without these markets does not show that they have no candlestick."""
        self._empty: list[ChosenMarket] = []
        """Markets whose last answer had no candlestick of the day, which may be a mistake: to be requested again."""
        self._asked_again: set[tuple[Tier, int]] = set()
        self._unstored: dict[str, str] = {}
        self._outside = 0

    def run(self, *, again: bool) -> None:
        markets = self._missing_markets(again=again)
        if markets and self._day.end > self._day.start:
            self._cutoff = Cutoff.fetch(self._session)
            self._ask_both_tiers(markets)
        self._conclude()

    def _missing_markets(self, *, again: bool) -> list[ChosenMarket]:
        """Return the markets to request: selected, open on that day, and not complete yet."""
        settings, notes = self._session.settings, self._report.notes
        self._unstored = store_selected(self._session, self._report, settings.candlestick_markets)
        with self._session.database.read() as connection:
            selected = chosen_markets(
                connection, settings.candlestick_series, settings.candlestick_markets, alive=self._day.alive
            )
            covered = set() if again else covered_markets(connection, self._day.key)
            empty = empty_series(connection, settings.candlestick_series)
        if empty:
            notes.append(
                f"no market of {', '.join(empty)} is stored: check the ticker of the series, then run "
                "`kalshi data sync`"
            )
        markets = [market for market in selected if market.id not in covered]
        if len(markets) < len(selected):
            notes.append(f"{len(selected) - len(markets):,} of {len(selected):,} markets were already stored")
        return markets

    def _ask_both_tiers(self, markets: Sequence[ChosenMarket]) -> None:
        """Query the tier that should have each market, then the other one."""
        archived = [market for market in markets if self._is_archived(market)]
        were_asked = {market.id for market in archived}
        others = [market for market in markets if market.id not in were_asked]
        missing = self._ask(Tier.HISTORICAL, archived)
        missing = self._ask(Tier.LIVE, [*others, *missing])
        in_neither = [market for market in missing if market.id in were_asked or self._cutoff.at is None]
        missing = [market for market in missing if market.id not in were_asked]
        if self._cutoff.at is not None:
            in_neither += self._ask(Tier.HISTORICAL, missing)
        # A batch may omit a market only because a part of the exchange did not answer in time.
        self._record_without_candlestick(self._ask(Tier.LIVE, in_neither))

    def _is_archived(self, market: ChosenMarket) -> bool:
        return self._cutoff.current_tier(market.settled_at) is Tier.HISTORICAL

    def _may_be_archived(self, market: ChosenMarket) -> bool:
        """Return whether a market without a known settlement may have settled before the cutoff."""
        return market.settled_at is None and self._cutoff.current_tier(market.close_at) is Tier.HISTORICAL

    def _ask(self, tier: Tier, markets: Sequence[ChosenMarket]) -> list[ChosenMarket]:
        """Fetch markets from a tier and store them; return the markets that the tier does not have.

        Markets without a candlestick of the day are requested once more at the end.
        """
        missing = self._ask_batches(tier, markets)
        while self._empty:
            again, self._empty = self._empty, []
            self._asked_again |= {(tier, market.id) for market in again}
            missing += self._ask_batches(tier, again)
        return missing

    def _ask_batches(self, tier: Tier, markets: Sequence[ChosenMarket]) -> list[ChosenMarket]:
        """Fetch and store markets in batches; a failed one is split, until only the failing market is left."""
        size = 1 if tier is Tier.HISTORICAL else markets_per_request(self._day.period_minutes)
        of_ticker = {market.ticker: market for market in markets}
        batches = TickerBatches(list(of_ticker), size, _FAILED_REQUESTS)
        missing: list[ChosenMarket] = []
        for tickers in batches:
            asked = [of_ticker[ticker] for ticker in tickers]
            try:
                answer = self._fetch(tier, asked)
            except ExchangeError as error:
                batches.fail(tickers, error)
                if len(asked) == 1:
                    self._record_failed(tier, asked[0], error)
                if batches.are_stopped or not (batches.waiting or self._has_answer):
                    raise
                continue
            batches.succeed()
            self._has_answer = True
            missing += self._store(tier, asked, answer)
            self._session.report_progress(
                f"candlesticks of {self._day.utc_date}: {self._report.tally.new:,} so far, "
                f"{batches.waiting:,} requests to go"
            )
        return missing

    def _fetch(self, tier: Tier, asked: Sequence[ChosenMarket]) -> Answer[Page[Candlesticks]]:
        day, tiers, first = self._day, self._session.client.tiers, asked[0]
        span = {"start": day.first_end, "end": day.end, "period_minutes": day.period_minutes}
        try:
            if tier is Tier.HISTORICAL:
                return tiers.fetch_historical_candlesticks(first.ticker, **span)
            if can_be_listed(first.ticker):
                return tiers.fetch_candlesticks([market.ticker for market in asked], **span)
            if first.series_ticker is None:
                raise ExchangeError("its series is unknown, and its ticker needs a request by series")
            return tiers.fetch_candlesticks_alone(first.ticker, first.series_ticker, **span)
        except NotFoundError:
            if can_be_listed(first.ticker) and tier is Tier.LIVE:
                raise
            return Answer(Page([]), self._session.clock.now())

    def _store(
        self, tier: Tier, asked: Sequence[ChosenMarket], answer: Answer[Page[Candlesticks]]
    ) -> list[ChosenMarket]:
        """Store an answer in one transaction, and return the markets missing from it."""
        by_ticker = joined(answer.content.records)
        nothing = Candlesticks("", [])
        found = {market: by_ticker.get(market.ticker, nothing) for market in asked}
        of_day = {market: self._day.select(it.candlesticks, it.unreadable) for market, it in found.items()}
        refused = {market: said.problem for market, said in of_day.items() if said.problem is not None}
        missing = [
            market
            for market, said in of_day.items()
            if market not in refused
            and self._is_missing(tier, market, said.candlesticks, is_named=market.ticker in by_ticker)
        ]
        unfilled = [
            market
            for market, said in of_day.items()
            if not (said.candlesticks or market in refused or market in missing)
            and (tier, market.id) not in self._asked_again
        ]
        self._empty += unfilled
        self._doubt(asked, by_ticker, answer.content.rejects)
        self._failed += [market.ticker for market in refused]
        not_covered = {*missing, *refused, *unfilled}
        coverage = [
            *(CoverageRow(it.id, self._covered, tier, None) for it in asked if it not in not_covered),
            *(CoverageRow(it.id, Coverage.FAILED, tier, problem) for it, problem in refused.items()),
        ]
        self._store_page(
            answer, of_day, coverage, received=sum(len(it.candlesticks) for it in by_ticker.values())
        )
        return missing

    def _store_page(
        self,
        answer: Answer[Page[Candlesticks]],
        of_day: Mapping[ChosenMarket, OfDay],
        coverage: Sequence[CoverageRow],
        *,
        received: int,
    ) -> None:
        rows = {
            (market.id, candle.end_at): candle
            for market, said in of_day.items()
            for candle in said.candlesticks
        }
        in_scope = sum(len(said.candlesticks) for said in of_day.values())
        self._outside += received - in_scope
        self._report.counts += faults_of_candlesticks(rows.values())
        self._report.counts += Counter({SECOND_VALUES: _count_second_values(of_day, rows)})

        def merge(connection: Connection, rows: Mapping[tuple[int, int], Candlestick]) -> Tally:
            tally = upsert_candlesticks(connection, self._day.period_minutes, rows)
            record_coverage(connection, self._day.key, coverage, answer.received_at)
            return tally

        store_page(
            self._session,
            self._report,
            rows,
            merge,
            records=len(rows),
            duplicates=in_scope - len(rows),
            out_of_scope=received - in_scope,
            rejects=answer.content.rejects,
            received_at=answer.received_at,
        )

    def _doubt(
        self, asked: Sequence[ChosenMarket], named: Collection[str], rejects: Sequence[Reject]
    ) -> None:
        """Record the markets that may be in an answer's unreadable records, or were exchanged for others.

        A record without a ticker may be any of them.
        """
        rejected = {reject.ticker for reject in rejects}
        are_others = not {market.ticker for market in asked}.issuperset(named)
        for market in asked:
            self._doubted.pop(market.ticker, None)
            if market.ticker in named:
                continue
            if not rejected.isdisjoint({None, market.ticker}):
                self._doubted[market.ticker] = _UNREADABLE
            elif are_others:
                self._doubted[market.ticker] = _OTHERS

    def _is_missing(
        self, tier: Tier, market: ChosenMarket, candles: Sequence[Candlestick], *, is_named: bool
    ) -> bool:
        """Return whether to try the other tier, because the live tier's answer for archived markets is not
        documented.
        """
        return not is_named or (not candles and tier is Tier.LIVE and self._may_be_archived(market))

    def _record_failed(self, tier: Tier, market: ChosenMarket, error: ExchangeError) -> None:
        self._failed.append(market.ticker)
        self._record([CoverageRow(market.id, Coverage.FAILED, tier, str(error))])

    def _record_without_candlestick(self, markets: Sequence[ChosenMarket]) -> None:
        """Record markets without a candlestick in either tier: known markets as covered, others as unknown
        or failed.
        """
        lookup = MarketLookup(self._session, [market.ticker for market in markets])
        known = {outcome.ticker for answer in lookup for outcome in answer.page.records}
        gone = frozenset(lookup.gone)
        self._failed += dict.fromkeys([*lookup.failed, *lookup.unasked, *self._doubted])
        if gone:
            named = [market.ticker for market in markets if market.ticker in gone]
            self._report.notes.append(f"neither tier knows {_some(named)} any more")

        def row(market: ChosenMarket) -> CoverageRow:
            if market.ticker in self._doubted:
                return CoverageRow(market.id, Coverage.FAILED, None, self._doubted[market.ticker])
            if market.ticker in known or market.ticker in lookup.unreadable:
                return CoverageRow(market.id, self._covered, None, "neither tier has a candlestick of it")
            state = Coverage.UNKNOWN if market.ticker in gone else Coverage.FAILED
            return CoverageRow(market.id, state, None, lookup.why_missing(market.ticker))

        self._record([row(market) for market in markets])

    def _record(self, rows: Sequence[CoverageRow]) -> None:
        if rows:
            with self._session.database.begin() as connection:
                record_coverage(connection, self._day.key, rows, self._session.clock.now())

    def _conclude(self) -> None:
        """Set the report's state, and note what is missing, which the next run requests."""
        reasons = []
        for why in dict.fromkeys(self._unstored.values()):
            tickers = [ticker for ticker, its_own in self._unstored.items() if its_own == why]
            reasons.append(f"{_some(tickers)}: {why}; check the ticker, or run again")
        if self._failed:
            reasons.append(f"{_some(self._failed)} failed (see candlestick_coverage): run again")
        self._report.awaits_end = not (reasons or self._day.is_over)
        if not self._day.is_over:
            reasons.append(f"the day is not over: stored up to {datetime_of(self._day.end):%H:%M:%S} UTC")
        if self._outside:
            self._report.notes.append(f"{self._outside:,} candlesticks that were not requested were dropped")
        self._report.failures = len(self._unstored) + len(self._failed)
        self._report.conclude(reasons)


def _count_second_values(
    of_day: Mapping[ChosenMarket, OfDay], rows: Mapping[tuple[int, int], Candlestick]
) -> int:
    return sum(
        candle != rows[market.id, candle.end_at]
        for market, said in of_day.items()
        for candle in said.candlesticks
    )


def _some(tickers: Sequence[str]) -> str:
    """Return the first few tickers, and the number of the others."""
    more = f" and {len(tickers) - 3:,} more" if len(tickers) > 3 else ""
    return ", ".join(tickers[:3]) + more
