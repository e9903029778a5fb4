import gc

import pytest

from kalshi_pipeline.ingest.run.garbage_collection import few_collections

BEFORE = gc.get_threshold()


def _fail() -> None:
    with few_collections():
        assert gc.isenabled()
        assert gc.get_threshold()[0] > 10 * BEFORE[0]
        raise ValueError("a run that fails")


def test_garbage_collection_is_restored_after_a_run() -> None:
    with pytest.raises(ValueError, match="a run that fails"):
        _fail()
    assert gc.get_threshold() == BEFORE
