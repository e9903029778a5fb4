"""Both readers parse odd records of every kind as the oracle does (`mutated` tries more of them)."""

import pytest

from kalshi_pipeline_tests.exchange.mutated import KINDS, differences


@pytest.mark.parametrize("kind", KINDS)
def test_odd_records_are_read_alike_and_as_the_contract_says(kind: str) -> None:
    assert list(differences(KINDS[kind], 400, seed=1)) == []
