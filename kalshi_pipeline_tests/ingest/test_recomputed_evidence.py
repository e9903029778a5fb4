"""Lives of a misbehaving exchange: the store matches a recomputation from its answers."""

from pathlib import Path

import pytest

from kalshi_pipeline_tests.ingest.recomputing import live


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Live a few lives, or in full many."""
    if "seed" in metafunc.fixturenames:
        count = 60 if metafunc.config.getoption("full") else 3
        metafunc.parametrize("seed", range(count), ids="seed {}".format)


def test_stored_lives_match_a_recomputation_from_the_answers(seed: int, database_path: Path) -> None:
    """Compares states of ticks, ends and their proofs, every stored quote, spans, and quotes in force with
    confirmations.
    """
    life = live(seed, database_path)
    assert life.differences == []
    assert (life.counts["wrong"], life.counts["ended without proof"]) == (0, 0)
    assert life.counts["values"] > 1000
