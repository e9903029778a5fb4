"""Documents, descriptions, changes and legs match a recomputation from the exchange's answers."""

from pathlib import Path

import pytest

from kalshi_pipeline_tests.ingest.describing_lives import DescribingLife


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Live a few lives, or in full many."""
    if "seed" in metafunc.fixturenames:
        count = 60 if metafunc.config.getoption("full") else 2
        metafunc.parametrize("seed", range(2, 2 + count), ids="seed {}".format)


def test_stored_descriptions_match_the_answers(seed: int, tmp_path: Path, migrated_template: Path) -> None:
    life = DescribingLife(seed, migrated_template, tmp_path)
    assert [*life.live(30)] == []
    assert min(life.counts[name] for name in ("details", "descriptions", "changes")) > 20
