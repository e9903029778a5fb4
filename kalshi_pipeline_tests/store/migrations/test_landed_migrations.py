"""Landed migrations are frozen, because existing databases were made by them."""

import hashlib
from pathlib import Path

import pytest

import kalshi_pipeline
from kalshi_pipeline.store.dialects.sqlite import Sqlite
from kalshi_pipeline.store.schema.views import definitions
from kalshi_pipeline.store.upgrade import NEWEST_REVISION

VERSIONS = Path(kalshi_pipeline.__file__).parent / "store" / "migrations" / "versions"
LANDED = {
    "0001_first_schema.py": "f8c685692435faed7fded2b36285e5780501cebae994c4be04c77a56259d370d",
    "0002_histories_that_end.py": "af80ce76c93025e68cd73ab2e01d0763149060ed6077d9ffb0cfee5d3a2d4d16",
    "0003_what_happened_to_markets.py": "d60aedf4004b7d93f7157906a79076d7736095c9bef31d54f26e4ee1a2dd40e6",
    "0004_sightings.py": "aab14b35d60757666580dca4c72628a5972d64b1c459565a416bf4863ace71a2",
    "0005_scopes.py": "def3b8b28f5eaae025c32ac77825682ea228dc08461df7205124d250ecb2f30e",
    "0006_evidence.py": "6ab0ef91d91aeb37ea72b3a04e77a579c8d7f1a19c1e4e3f6b43f17a4a6a1295",
    "0007_taken_back.py": "21a11b4a77975cc64a9c073506f9f5d17c371aa937fb6644d730a0e9c39689fb",
    "0008_fingerprints.py": "6a21ea726f7f4fcd6e52262206226922d8e6def0bb9dacd05854e0791d8a527c",
    "0009_descriptions.py": "68fba9be962cb0edf9525afd7b43c761f9caef0ef73b48860a13e835ae99c0ec",
    "0010_fee_changes.py": "f0a59386cb904b6d311ae66eae566adb07c2ecf803cfb6289dbc13e6a4703d08",
    "0011_documents.py": "1fe3e5df82d9897bf95a7f7bc5cf9510fe5cc86ec5c04afc7681650c37c49646",
    "0012_unchanged_blocks.py": "0719b37d32f8589e77b1813c1866d70488c3df1d35a65486e5a46ab6df32a3a1",
    "0013_refusals.py": "53a22cbefbf49c0d114d6461a987f2495b65e0e17bbf626d5d0dd532a6d71f3e",
    "0014_runs_of_ticks.py": "0b5bcd51488c4871677ca987f60b0b09b990293172add3062ae893f0a4331d77",
    "0015_void_ticks.py": "8f5127f277dc13ba8db76aed961230e20db4f8d10d98fde224b7ce0981bd452a",
    "0016_set_aside_rows.py": "aa94e035cb30bec8d9cd36336b2830e7ccc68ab09ef9aa344a98c9d283afc9d9",
    "0017_generated_columns.py": "c0d5d944addd8180e5329527dc66f7e04627362e0ce618c0b9e930fdfceda908",
    "0018_views_with_old_statistics.py": "bf214bf2fab541a5b6dacce08d81d52ad439406715b0c15f2e4960947933c9a3",
    "0019_fees_in_force.py": "b93df49d8dd499c6c6899c6bcc180b43743854c689a07c1335bea910ffb50ded",
    "0020_quotes_read_last.py": "cb32c28f46e6bffed780f6d0519203bc5f01df0e21dfe1843418cdfd81f265b5",
}

# Only an upgrade creates views, so a changed definition needs a new revision, even an empty one.
VIEWS = ("0020", "886f7de5ab0ef657642c0fadecaf4c7549355d789e6a1e4e608c19a7cd246d16")


@pytest.mark.parametrize("name", LANDED)
def test_landed_migration_is_unchanged(name: str) -> None:
    """A schema change needs a new migration."""
    assert hashlib.sha256((VERSIONS / name).read_bytes()).hexdigest() == LANDED[name]


def test_every_migration_is_among_the_landed_ones() -> None:
    assert sorted(path.name for path in VERSIONS.glob("*.py")) == sorted(LANDED)


def test_views_are_those_of_the_newest_revision() -> None:
    text = "\n".join(f"{name}: {query}" for name, query in definitions(Sqlite.words).items())
    assert (NEWEST_REVISION, hashlib.sha256(text.encode()).hexdigest()) == VIEWS
