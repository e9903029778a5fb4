"""Batches of tickers in which some tickers fail."""

from collections.abc import Callable, Collection

import pytest

from kalshi_pipeline.errors import ExchangeError, RefusedError, TransientExchangeError
from kalshi_pipeline.ingest.run.ticker_batches import TickerBatches

TICKERS = [f"T{number}" for number in range(450)]
DOWN = TransientExchangeError("down")
TOO_LONG = RefusedError("too long", 414)
BAD_REQUEST = RefusedError("bad request", 400)


def ask(
    batches: TickerBatches, problem: Callable[[Collection[str]], ExchangeError | None]
) -> tuple[list[str], int]:
    """Request all tickers. Return the answered ones, and the number of requests."""
    answered: list[str] = []
    requests = 0
    for asked in batches:
        requests += 1
        if (error := problem(asked)) is None:
            batches.succeed()
            answered += asked
        else:
            batches.fail(asked, error)
    return answered, requests


def test_ticker_that_fails_is_found_after_all_others_and_left_out() -> None:
    batches = TickerBatches(TICKERS)
    answered, _ = ask(batches, lambda asked: DOWN if "T217" in asked else None)
    assert answered[:250] == [*TICKERS[:200], *TICKERS[400:]]
    assert sorted(answered) == sorted(set(TICKERS) - {"T217"})
    assert (batches.failed, batches.unasked) == ({"T217": DOWN}, [])


@pytest.mark.parametrize("status", [413, 414, 431])
@pytest.mark.parametrize(("most", "refused"), [(100, 1), (13, 4), (7, 5), (1, 7)])
def test_size_that_is_refused_is_requested_once(status: int, most: int, refused: int) -> None:
    """200, 100, 50 and so on are refused once each, however many tickers remain."""
    batches, refusal = TickerBatches(TICKERS), RefusedError("too long", status)
    refusals: list[int] = []

    def problem(asked: Collection[str]) -> ExchangeError | None:
        if len(asked) <= most:
            return None
        refusals.append(len(asked))
        return refusal

    answered, requests = ask(batches, problem)
    assert (sorted(answered), len(refusals)) == (sorted(TICKERS), refused)
    assert requests - refused <= 2 * -(-len(TICKERS) // most)
    assert (batches.failed, batches.unasked) == ({}, [])


def test_batches_that_are_refused_are_halved_until_they_are_taken() -> None:
    batches = TickerBatches(TICKERS)
    answered, requests = ask(batches, lambda asked: BAD_REQUEST if len(asked) > 13 else None)
    assert (sorted(answered), requests) == (sorted(TICKERS), 69)
    assert (batches.failed, batches.unasked) == ({}, [])


def test_ticker_that_is_refused_costs_the_others_no_size() -> None:
    batches = TickerBatches(TICKERS)
    answered, requests = ask(batches, lambda asked: BAD_REQUEST if "T217" in asked else None)
    assert (sorted(answered), requests) == (sorted({*TICKERS} - {"T217"}), 19)
    assert batches.failed == {"T217": BAD_REQUEST}


def test_exchange_that_is_down_is_asked_three_times() -> None:
    """The requested tickers failed; the rest was never requested."""
    batches = TickerBatches([*TICKERS, *TICKERS])
    answered, requests = ask(batches, lambda _: DOWN)
    assert (answered, requests) == ([], 3)
    assert (list(batches.failed), batches.unasked) == (
        TICKERS[:200] + TICKERS[200:400] + TICKERS[400:],
        TICKERS[150:],
    )


def test_exchange_that_refuses_everything_is_asked_a_bounded_number_of_times() -> None:
    batches = TickerBatches(TICKERS)
    answered, requests = ask(batches, lambda _: TOO_LONG)
    assert (answered, requests) == ([], 20)
    assert sorted([*batches.failed, *batches.unasked]) == sorted(TICKERS)
    assert {*TICKERS[:200]} <= batches.failed.keys()


def test_half_of_a_batch_that_failed_was_requested_where_there_is_no_time_for_it() -> None:
    batches = TickerBatches(TICKERS)
    for number, asked in enumerate(batches):
        if number < 3:
            batches.fail(asked, DOWN) if number == 0 else batches.succeed()
        else:
            assert asked == TICKERS[:100]
            batches.stop(asked)
    assert batches.failed == dict.fromkeys(TICKERS[:200], DOWN)
    assert batches.unasked == []


def test_batch_for_which_there_is_no_time_was_not_requested() -> None:
    batches = TickerBatches(TICKERS)
    for asked in batches:
        batches.stop(asked)
    assert (batches.failed, batches.unasked) == ({}, TICKERS)
