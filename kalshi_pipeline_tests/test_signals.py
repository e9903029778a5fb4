"""What SIGINT and SIGTERM do to a block that runs until one of them comes."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from kalshi_pipeline.signals import until_signalled

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Python's own handlers, however the tests were started, and those of before at the end."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in SIGNALS]


@pytest.mark.parametrize("number", SIGNALS)
def test_block_ends_at_a_signal_and_leaves_the_handlers_as_they_were(number: signal.Signals) -> None:
    before, reached = handlers(), []
    with until_signalled():
        reached.append("begun")
        signal.raise_signal(number)
        reached.append("gone on")
    assert reached == ["begun"]
    assert handlers() == before


@pytest.mark.parametrize("second", SIGNALS)
@pytest.mark.parametrize("first", SIGNALS)
def test_second_signal_does_not_cut_off_the_end(first: signal.Signals, second: signal.Signals) -> None:
    reached = []
    with until_signalled():
        try:
            signal.raise_signal(first)
        finally:
            signal.raise_signal(second)
            reached.append("closed")
    assert reached == ["closed"]


def test_ignored_sigint_stays_ignored_and_sigterm_still_ends_the_block() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    before, reached = handlers(), []
    with until_signalled():
        signal.raise_signal(signal.SIGINT)
        reached.append("gone on")
        signal.raise_signal(signal.SIGTERM)
        reached.append("gone on again")
    assert reached == ["gone on"]
    assert handlers() == before


def test_error_of_the_block_is_raised() -> None:
    before = handlers()
    with pytest.raises(ValueError, match="of the block"), until_signalled():
        raise ValueError("of the block")
    assert handlers() == before


def test_block_of_another_thread_runs_with_the_handlers_that_are_there() -> None:
    def run() -> list[object]:
        with until_signalled():
            return handlers()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run).result() == handlers()
