"""What the tests of the flows share."""

import pytest

from kalshi_pipeline.sandbox import Sandbox
from kalshi_pipeline_tests.ingest.listed import open_markets


@pytest.fixture
def ticker(sandbox: Sandbox) -> str:
    """A market that trades."""
    listed = open_markets(sandbox.url, mve_filter="exclude")
    return next(ticker for ticker, market in sorted(listed.items()) if market["status"] == "active")
