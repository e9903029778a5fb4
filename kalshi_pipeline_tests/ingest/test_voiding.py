"""Voided ticks of a wrong clock leave no trace in any answer, immediately and after further ticks."""

from pathlib import Path

import pytest

from kalshi_pipeline_tests.ingest.voiding_lives import VoidingLife


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Live a few lives, or in full many."""
    if "seed" in metafunc.fixturenames:
        count = 60 if metafunc.config.getoption("full") else 3
        metafunc.parametrize("seed", range(count), ids="seed {}".format)


def test_store_with_voided_ticks_answers_as_one_without_them(
    seed: int, tmp_path: Path, migrated_template: Path
) -> None:
    life = VoidingLife(seed, migrated_template, tmp_path)
    assert [*life.live(16)] == []
    assert life.counts["voided"] > 0
    assert life.counts["answers"] > 100
