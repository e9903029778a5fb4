"""The campaign over a few faults of each kind; `poe faults` injects many."""

from pathlib import Path

import pytest

from kalshi_pipeline_tests.faults import clocks, crowd, disks, interruptions, mixed, records
from kalshi_pipeline_tests.faults.outcome import Outcome


def check(outcome: Outcome) -> None:
    assert outcome.problems == []
    assert outcome.injected > 0 or outcome.notes
    assert outcome.survived == outcome.injected
    assert (outcome.rows_lost, outcome.wrong_numbers, outcome.tracebacks) == (0, 0, 0)


@pytest.mark.timeout(300)
def test_killed_runs_lose_nothing(tmp_path: Path) -> None:
    check(interruptions.kill(tmp_path, 8))


@pytest.mark.timeout(300)
def test_stopped_runs_lose_nothing_and_exit_by_their_signal(tmp_path: Path) -> None:
    check(interruptions.stop(tmp_path, 6))


@pytest.mark.timeout(300)
def test_ticks_under_mixed_faults_store_what_the_exchange_says(tmp_path: Path) -> None:
    check(mixed.mix(tmp_path, 8))


@pytest.mark.timeout(300)
def test_odd_records_are_stored_or_kept_in_quarantine(tmp_path: Path) -> None:
    for outcome in records.send(tmp_path, 300):
        check(outcome)


@pytest.mark.timeout(300)
def test_full_disk_costs_nothing_but_time(tmp_path: Path) -> None:
    check(disks.fill(tmp_path, 3))


@pytest.mark.timeout(300)
def test_wrong_clock_writes_nothing(tmp_path: Path) -> None:
    check(clocks.step(tmp_path, 3))


@pytest.mark.timeout(300)
def test_collectors_share_a_store(tmp_path: Path) -> None:
    check(crowd.gather(tmp_path, 1))


def test_what_is_wrong_is_counted() -> None:
    outcome = Outcome("a fault")
    outcome.count(problems=[], seconds_to_good=2.0)
    outcome.count(problems=["it was not good"], seconds_to_good=4.0)
    outcome.count(problems=[], rows_lost=3, wrong_numbers=1, has_traceback=True)
    assert outcome.row == ["a fault", "3", "1", "3", "1", "1", "3.0 (4.0)"]
