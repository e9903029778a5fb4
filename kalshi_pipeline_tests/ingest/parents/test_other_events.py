"""An answer with other events than requested does not prove that the requested ones are missing."""

from collections.abc import Callable

from kalshi_pipeline.ingest.run.session import open_session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline_tests.clock import NOON
from kalshi_pipeline_tests.conftest import Query

_PLACEHOLDERS = "SELECT count(*) FROM events WHERE is_placeholder"


def test_answer_with_other_events_does_not_show_that_events_are_missing(
    settings_for: Callable[..., Settings], query: Query
) -> None:
    world = World(WorldConfig(markets=1_500, combos=0))
    with Sandbox(world, faults=Faults(crossed=1.0, paths=("/events",))) as sandbox:
        with open_session(settings_for(sandbox.url, event_lookups=100)) as session:
            report = take_snapshot(session, NOON)
            assert report.state is State.COMPLETE
            ((placeholders,),) = query(_PLACEHOLDERS)
            assert placeholders > 0
            assert query("SELECT count(*) FROM event_lookups") == [(0,)]
            assert any("other events than requested" in note for note in report.notes)
            sandbox.faults = Faults()
            sync_events(session)
        assert query(_PLACEHOLDERS) == [(0,)]
