"""Dagster with its UI, in a process of its own, with the project's settings of it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from kalshi_pipeline.cli.dagster_home import prepare_home
from kalshi_pipeline.cli.options import settings_of
from kalshi_pipeline.cli.terminal import print_line, print_message
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.settings import environment_with, load_settings

DEFAULT_HOME = Path(".dagster")
_END_SECONDS = 20


def run_dev(host: str, port: int, home: Path | None, db: str | None) -> None:
    """Run Dagster until it is stopped. ConfigurationError for settings or a port that cannot be used."""
    settings = load_settings(**settings_of(db))
    port = free_port(host, port)
    folder = prepare_home(home or DEFAULT_HOME)
    print_message(f"Dagster keeps its own state in {folder}; the data goes to {settings.database_url}")
    print_line(f"http://{host}:{port}")
    changes = {"KALSHI_DATABASE_URL": settings.database_url} if db else {}
    with dagster_dev(folder, host, port, changes) as process:
        code = process.wait()
    if code:
        raise ConfigurationError([f"Dagster ended with code {code}: its last lines above say why"])


def free_port(host: str, port: int) -> int:
    """Return the port, or a free one for 0; ConfigurationError if it cannot be listened on."""
    try:
        with socket.create_server((host, port)) as server:
            found: int = server.getsockname()[1]
            return found
    except OSError as error:
        raise ConfigurationError(
            [
                f"{host}:{port} cannot be used ({error.strerror or error}): choose another --port, or 0 for a free one"
            ]
        ) from error


@contextlib.contextmanager
def dagster_dev(
    home: Path, host: str, port: int, changes: Mapping[str, str], *, is_quiet: bool = False
) -> Iterator["subprocess.Popen[bytes]"]:
    """Start Dagster with its UI and its state in a prepared folder, and stop it at the end of the block.

    A quiet one reports warnings only.
    """
    command = [sys.executable, "-m", "dagster", "dev", "-h", host, "-p", str(port)]
    command += ["-w", str(home / "workspace.yaml")]
    command += ["--log-level", "warning"] if is_quiet else []
    environment = environment_with({**changes, "DAGSTER_HOME": str(home)})
    # In a session of its own, so that Ctrl-C reaches it once, from here.
    process = subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603  (this Python)
    try:
        yield process
    finally:
        _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGINT)
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
