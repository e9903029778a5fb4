"""How Dagster's UI presents assets."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy
from dagster._core.loader import LoadingContextForTest
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._serdes import serialize_value

from kalshi_pipeline.definitions import defs
from kalshi_pipeline.defs.exchange import exchange
from kalshi_pipeline.defs.presentation import Cadence, freshness_of, table_uri
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.monitoring.checks import RUN_CHECKS
from kalshi_pipeline.settings import Settings
from kalshi_pipeline_tests.defs.running import Runner

GROUPS = {
    "reference": {
        *("exchange", "series", "events", "markets", "series_fee_changes", "event_fee_changes"),
        *("collections", "event_metadata", "incentive_programs", "milestones", "structured_targets"),
    },
    "prices": {"price_snapshots", "order_books"},
    "outcomes": {"settlements"},
    "history": {"trades", "candlesticks"},
    "maintenance": {"run_complete"},
}
GRAPH = defs.resolve_asset_graph()
NODES = {key.to_user_string(): GRAPH.get(key) for key in GRAPH.get_all_asset_keys()}


def windows(policy: dg.FreshnessPolicy | None) -> tuple[timedelta | None, timedelta] | None:
    """Return after how long a policy warns and fails."""
    if policy is None:
        return None
    assert isinstance(policy, TimeWindowFreshnessPolicy)
    warn = policy.warn_window
    return None if warn is None else warn.to_timedelta(), policy.fail_window.to_timedelta()


@pytest.mark.filterwarnings("ignore:Property `ScheduleDefinition.environment_vars`:DeprecationWarning")
def test_code_location_can_be_sent_to_the_webserver() -> None:
    """A value that Dagster cannot serialize as JSON, such as our enums, prevents the whole location from loading."""
    assert serialize_value(RepositorySnap.from_def(defs.get_repository_def()))


def test_groups_fold_the_graph() -> None:
    found = {name: {asset for asset, node in NODES.items() if node.group_name == name} for name in GROUPS}
    assert found == GROUPS
    assert set().union(*GROUPS.values()) == NODES.keys()


@pytest.mark.parametrize("asset", sorted(NODES))
def test_asset_has_tags_and_what_is_stored_has_a_version_a_source_and_an_address(asset: str) -> None:
    node = NODES[asset]
    assert {"domain", "tier", "cadence"} <= node.tags.keys()
    if asset == exchange.key.to_user_string():
        return
    assert node.code_version
    (reference,) = node.metadata["dagster/code_references"].value.code_references
    source = Path(reference.file_path).read_text(encoding="utf-8").splitlines()
    assert any(word in source[reference.line_number - 1] for word in ("@", "def "))
    table = node.metadata.get("dagster/table_name")
    if table is not None:
        assert node.metadata["dagster/uri"].endswith(f"data/kalshi.db#{table}")


@pytest.mark.parametrize(
    ("asset", "shown"),
    [
        ("price_snapshots", (timedelta(minutes=10), timedelta(minutes=15))),
        ("markets", (timedelta(hours=2), timedelta(hours=3))),
        ("settlements", (timedelta(hours=2), timedelta(hours=3))),
        ("trades", None),
        ("candlesticks", None),
        ("order_books", None),
        ("run_complete", None),
        ("exchange", None),
    ],
)
def test_freshness_follows_the_cadence(asset: str, shown: tuple[timedelta, timedelta] | None) -> None:
    """Assets by day have no policy, because a day of years ago would count as fresh."""
    assert windows(NODES[asset].freshness_policy) == shown


@pytest.mark.parametrize(
    ("minutes", "shown"),
    [
        ("0.25", (timedelta(minutes=2), timedelta(minutes=3))),
        ("1", (timedelta(minutes=2), timedelta(minutes=3))),
        ("60", (timedelta(hours=2), timedelta(hours=3))),
        ("not a number", (timedelta(minutes=10), timedelta(minutes=15))),
    ],
)
def test_freshness_of_snapshots_is_that_of_the_setting(
    minutes: str, shown: tuple[timedelta, timedelta], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An invalid setting does not keep the code from loading."""
    monkeypatch.setenv("KALSHI_SNAPSHOT_MINUTES", minutes)
    assert windows(freshness_of(Cadence.EVERY_TICK)) == shown


def test_order_books_are_late_only_where_some_are_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALSHI_ORDER_BOOK_MINUTES", "2")
    assert freshness_of(Cadence.EVERY_BOOK) is None
    monkeypatch.setenv("KALSHI_ORDER_BOOK_MARKETS", "KXA")
    assert windows(freshness_of(Cadence.EVERY_BOOK)) == (timedelta(minutes=4), timedelta(minutes=6))


def test_table_has_the_address_of_its_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KALSHI_DATABASE_URL", f"sqlite:///{tmp_path / 'own.db'}")
    assert table_uri("trades") == f"sqlite:///{tmp_path / 'own.db'}#trades"


def test_checks_of_separate_jobs_belong_to_an_asset_that_is_never_materialized() -> None:
    """On an asset that is materialized more often than they run, the UI would show them as not evaluated."""
    own = {key for key in GRAPH.asset_check_keys if key.name not in RUN_CHECKS}
    assert {key.name for key in own} == {"windows_see_everything", "fields_are_as_before"}
    assert [key for key in own if GRAPH.get(key.asset_key).is_materializable] == []


async def _is_shown(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> bool:
    context = LoadingContextForTest(instance)
    (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    return await record.targets_latest_materialization(context)


def test_result_of_a_comparison_is_shown_until_the_next_one(run: Runner) -> None:
    run("check_windows")
    run("collect")
    key = dg.AssetCheckKey(exchange.key, "windows_see_everything")
    assert asyncio.run(_is_shown(run.instance, key))


NOT_OF_A_RUN = {"snapshot_minutes", "order_book_minutes", "fork_runs"}


def config_fields() -> dict[str, dg.Field]:
    resources = defs.get_repository_def().get_top_level_resources()
    config: Any = resources["pipeline"].config_schema.config_type
    return dict(config.fields)


def test_launchpad_has_the_settings_of_a_run_with_their_descriptions() -> None:
    """Settings of when and how runs start are excluded."""
    fields = config_fields()
    assert fields.keys() == Settings.model_fields.keys() - NOT_OF_A_RUN | {"overrides"}
    for name in fields.keys() - {"overrides"}:
        assert fields[name].description == Settings.model_fields[name].description
        assert not fields[name].is_required


@pytest.mark.parametrize(
    ("config", "pages"),
    [
        pytest.param({"max_pages": 1}, 1, id="field"),
        pytest.param({"overrides": {"max_pages": "1"}}, 1, id="text"),
        pytest.param({"max_pages": 2, "overrides": {"max_pages": "1"}}, 2, id="field-before-text"),
    ],
)
def test_config_of_a_run_sets_settings(config: dict[str, Any], pages: int) -> None:
    assert Pipeline(**config).settings().max_pages == pages
