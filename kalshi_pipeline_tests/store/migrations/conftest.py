"""Shared fixtures of the tests of migrations."""

from pathlib import Path

import pytest

from kalshi_pipeline_tests.store.migrations.stored import Stored, stored


@pytest.fixture
def newest(migrated_template: Path) -> Stored:
    """An empty database with the newest schema."""
    return stored(migrated_template)
