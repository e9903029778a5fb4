"""`kalshi dev` starts Dagster with the project's settings and a given folder for its state."""

import os
import socket
import tomllib
from pathlib import Path

import dagster as dg
import pytest

from kalshi_pipeline.cli.dagster_dev import free_port
from kalshi_pipeline.cli.dagster_home import collecting_alone, prepare_home, reserved
from kalshi_pipeline.defs.instance_settings import settings_not_in_force
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline_tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]


def test_prepared_home_has_the_projects_settings_and_all_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster may be started in any folder."""
    home = prepare_home(tmp_path / "a folder's 'home'")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with dg.DagsterInstance.get() as instance:
        assert settings_not_in_force(instance) is None
        instance.get_runs()
        assert type(instance.run_launcher).__name__ == "ForkingRunLauncher"
        assert Path(instance.storage_directory()).is_relative_to(home)
    assert list(elsewhere.iterdir()) == []
    assert (home / "storage").is_dir()


def test_settings_are_rewritten_unless_the_user_took_them_over(tmp_path: Path) -> None:
    home = prepare_home(tmp_path)
    settings = home / "dagster.yaml"
    written = settings.read_text()
    settings.write_text(written.splitlines()[0] + "\nan: older version\n")
    prepare_home(tmp_path)
    assert settings.read_text() == written
    settings.write_text("my: own\n")
    prepare_home(tmp_path)
    assert settings.read_text() == "my: own\n"


def test_wheel_contains_the_settings() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    assert build["targets"]["wheel"]["force-include"] == {
        name: f"kalshi_pipeline/{name}" for name in ("dagster.yaml", "workspace.yaml")
    }


def test_second_dev_with_the_same_state_is_refused_in_one_line(run: Run, tmp_path: Path) -> None:
    """Both daemons would launch runs."""
    home = prepare_home(tmp_path)
    with reserved(home):
        result = run("dev", "--port", "0", "--home", str(tmp_path))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        f"another Dagster of this program runs with its state in {home}: stop it first\n"
    )
    with reserved(home):
        pass


def test_second_dev_on_the_same_database_is_refused_in_one_line(
    run: Run, tmp_path: Path, database_path: Path
) -> None:
    """It would collect everything twice, whatever folder it keeps its own state in."""
    with collecting_alone(f"sqlite:///{database_path}"):
        result = run("dev", "--port", "0", "--home", str(tmp_path / "home"))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        f"another Dagster of this program collects into {database_path}, with its state elsewhere: stop it first, "
        "or name another database with --db\n"
    )
    with collecting_alone(f"sqlite:///{database_path}"):
        pass


def test_port_that_is_in_use_is_refused_in_one_line(run: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run("dev", "--port", str(port), "--home", str(tmp_path / "home"))
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith(f"127.0.0.1:{port} cannot be used (")


def test_free_port_can_be_used() -> None:
    port = free_port("127.0.0.1", 0)
    assert free_port("127.0.0.1", port) == port
    with pytest.raises(ConfigurationError, match="cannot be used"):
        free_port("192.0.2.1", 0)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_unwritable_home_is_reported_in_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("dev", "--port", "0", "--home", str(tmp_path / "file" / "home"))
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "file" in result.stderr
