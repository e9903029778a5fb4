"""The campaign with a few faults of each kind; `poe faults` injects many."""

from datetime import date
from pathlib import Path

import pytest

from kalshi_pipeline_tests.faults import (
    channels,
    clocks,
    crowd,
    disks,
    files,
    interruptions,
    mixed,
    phases,
    published,
    records,
    upgrades,
)
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.places import SMALL


def check(outcome: Outcome) -> None:
    assert outcome.problems == []
    assert outcome.injected > 0 or outcome.notes
    assert outcome.survived == outcome.injected
    assert (outcome.rows_lost, outcome.wrong_numbers, outcome.tracebacks) == (0, 0, 0)


@pytest.mark.timeout(300)
def test_killed_runs_lose_nothing(tmp_path: Path) -> None:
    check(interruptions.kill(tmp_path, 4, SMALL))


@pytest.mark.timeout(300)
def test_stopped_runs_lose_nothing_and_exit_by_their_signal(tmp_path: Path) -> None:
    check(interruptions.stop(tmp_path, 4, SMALL))


@pytest.mark.timeout(300)
def test_killed_upgrades_end_as_undisturbed_ones(tmp_path: Path) -> None:
    check(upgrades.kill(tmp_path, 2, SMALL))


@pytest.mark.timeout(300)
def test_stopped_upgrades_end_as_undisturbed_ones(tmp_path: Path) -> None:
    check(upgrades.stop(tmp_path, 2, SMALL))


@pytest.mark.timeout(300)
def test_runs_end_soon_after_a_signal_wherever_they_wait(tmp_path: Path) -> None:
    check(phases.stop(tmp_path, 3, SMALL))


@pytest.mark.timeout(300)
def test_ticks_under_mixed_faults_store_what_the_exchange_says(tmp_path: Path) -> None:
    check(mixed.mix(tmp_path, 6))


@pytest.mark.timeout(300)
def test_commands_that_met_mixed_faults_end_with_the_store_of_undisturbed_ones(tmp_path: Path) -> None:
    check(mixed.disturb(tmp_path, 3))


@pytest.mark.timeout(300)
def test_odd_records_are_stored_as_they_say_or_kept_in_quarantine(tmp_path: Path) -> None:
    for outcome in records.send(tmp_path, 60):
        check(outcome)


@pytest.mark.timeout(300)
def test_full_disk_loses_nothing(tmp_path: Path) -> None:
    check(disks.fill(tmp_path, 2, SMALL))


@pytest.mark.timeout(300)
def test_commands_whose_files_other_programs_move_or_lock_end_as_undisturbed_ones(tmp_path: Path) -> None:
    check(files.disturb(tmp_path, 4, SMALL))


@pytest.mark.timeout(300)
def test_commands_without_channels_store_what_undisturbed_ones_do(tmp_path: Path) -> None:
    check(channels.close(tmp_path, 3, SMALL))


@pytest.mark.timeout(300)
def test_wrong_clock_writes_nothing(tmp_path: Path) -> None:
    check(clocks.step(tmp_path, 2, SMALL))


@pytest.mark.timeout(300)
def test_collectors_share_a_store(tmp_path: Path) -> None:
    check(crowd.gather(tmp_path, 1, SMALL))


def test_differences_are_counted() -> None:
    outcome = Outcome("a fault")
    outcome.count(problems=[], seconds_to_good=2.0)
    outcome.count(problems=["it was not good"], seconds_to_good=4.0)
    outcome.count(problems=[], rows_lost=3, wrong_numbers=1, has_traceback=True)
    assert outcome.row == ["a fault", "3", "1", "3", "1", "1", "3.0 (4.0)"]


def test_rows_of_other_parts_stay_as_they_were() -> None:
    one, other = Outcome("one"), Outcome("other")
    day = date(2026, 11, 27)
    page = f"Before\n{published.BEGIN}\n{published.END}\nAfter\n"
    page = published.with_rows(page, {"b": published.rows_of([other], "b", day, is_quick=True)}, ["a", "b"])
    one.count(problems=[])
    page = published.with_rows(page, {"a": published.rows_of([one], "a", day, is_quick=False)}, ["a", "b"])
    rows = [line for line in page.splitlines() if line.startswith("| ")][2:]
    assert [row.split(" | ")[:4] for row in rows] == [["| a", "one", "1", "1"], ["| b", "other", "0", "0"]]
    assert [row.endswith("quick |") for row in rows] == [False, True]
    assert (page.splitlines()[0], page.splitlines()[-1]) == ("Before", "After")
    assert published.with_rows(page, {}, ["a", "b"]) == page
