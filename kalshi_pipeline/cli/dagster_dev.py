"""Dagster with its UI, in a separate process with the project's settings."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from kalshi_pipeline.cli.dagster_home import SETTINGS_FILE, collecting_alone, prepare_home, reserved
from kalshi_pipeline.cli.sessions import settings_to_collect
from kalshi_pipeline.cli.terminal import print_line, print_message
from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.errors import ConfigurationError, DagsterEndedError
from kalshi_pipeline.processes import pids_of_session, words_of
from kalshi_pipeline.settings import environment_with
from kalshi_pipeline.signals import interruptible_children

DEFAULT_HOME = Path(".dagster")
STARTING = (
    "Dagster starts, which takes half a minute to two: four processes load its code, then its UI answers"
)
_END_SECONDS = 40
_LOOK_SECONDS = 5
# Dagster itself restarts the code process if its parent has ended, which takes some time.
_MOST_SECONDS_WITHOUT_CODE = 60.0
_NO_OTHER_COMMAND = "ignore:Function `dev_command` is superseded"
_WORDS_OF_CODE = ["dagster", "api", "grpc"]


def run_dev(host: str, port: int, home: Path | None, db: str | None) -> None:
    """Run Dagster until it is stopped.

    Raises ConfigurationError for unusable settings or port, or if another one uses the state folder or the database;
    StoreError if the folder of the database cannot be written; and DagsterEndedError if Dagster ends unexpectedly, or
    can no longer collect because one of its processes has ended.
    """
    settings = settings_to_collect(db)
    port = free_port(host, port)
    folder = prepare_home(home or DEFAULT_HOME)
    changes = {"KALSHI_DATABASE_URL": settings.database_url} if db else {}
    with reserved(folder), collecting_alone(settings.database_url):
        print_message(f"Dagster keeps its own state in {folder}; the data goes to {settings.database_url}")
        print_message(f"{STARTING}. Below are results, warnings and errors only: its UI shows each step")
        print_line(f"http://{host}:{port}")
        with dagster_dev(folder, host, port, changes) as dagster:
            loss = dagster.watch(
                _LOOK_SECONDS, (host, port), lambda: print_message("Dagster is ready; Ctrl-C ends it")
            )
    raise DagsterEndedError(loss)


def free_port(host: str, port: int) -> int:
    """Return the port, or a free one for 0. Raises ConfigurationError if it cannot be used."""
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


def _is_listening(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


class Dagster:
    """Dagster in a process with children. It ends itself when some of its children end."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", clock: Clock = SYSTEM_CLOCK, home: Path | None = None
    ) -> None:
        self._process = process
        self._clock = clock
        self._home = home
        self._had_code_at: float | None = None

    def watch(
        self,
        seconds: float,
        address: tuple[str, int],
        report_ready: Callable[[], None],
        between: Callable[[], None] = lambda: None,
    ) -> str:
        """Poll until a process that collecting needs has ended, and return which one, in words.

        `between` is called at each poll, and `report_ready` once, when the UI listens at the address.
        """
        is_ready = False
        while (loss := self.loss_within(seconds)) is None:
            between()
            if not is_ready and (is_ready := _is_listening(address)):
                report_ready()
        return loss

    def loss_within(self, seconds: float) -> str | None:
        """Wait, and return in words which process that collecting needs has ended; None if none has.

        This includes the code process, without which Dagster and its UI continue, but evaluate no sensor. It is found
        only on Linux. The state folder counts too: without it, Dagster starts no run, and writes errors without end.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(seconds)
            return f"Dagster ended with code {code}: its last lines above say why; start it again"
        if self._home is not None and not (self._home / SETTINGS_FILE).exists():
            return f"the folder of Dagster's state, {self._home}, was removed or emptied: start it again"
        now = self._clock.monotonic()
        if any(_holds_code(pid) for pid in pids_of_session(self._process.pid)):
            self._had_code_at = now
        if self._had_code_at is None or now - self._had_code_at < _MOST_SECONDS_WITHOUT_CODE:
            return None
        return "Dagster's process that holds the code has ended, so nothing is collected: start it again"

    def stop(self) -> None:
        """End it and its children, including those left over if it was killed."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_SECONDS)
        if sys.platform == "win32":
            self._process.kill()
        elif self._process.returncode is None or self._process.returncode < 0:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _holds_code(pid: int) -> bool:
    try:
        words = words_of(pid, "cmdline")
    except OSError:  # it has just ended
        return False
    return any(words[at : at + len(_WORDS_OF_CODE)] == _WORDS_OF_CODE for at in range(len(words)))


@contextlib.contextmanager
def dagster_dev(
    home: Path, host: str, port: int, changes: Mapping[str, str], *, log: Path | None = None
) -> Iterator[Dagster]:
    """Start Dagster with its UI and its state in a prepared folder, and stop it at the end of the block.

    Its warnings, errors and run results go to the terminal, or to the file `log`.
    """
    command = [sys.executable, "-W", _NO_OTHER_COMMAND, "-m", "dagster", "dev", "-h", host, "-p", str(port)]
    command += ["-w", str(home / "workspace.yaml"), "--log-level", "warning"]
    environment = environment_with({**changes, "DAGSTER_HOME": str(home)})
    with interruptible_children(), contextlib.nullcontext() if log is None else log.open("wb") as output:
        # In its own session, so that Ctrl-C reaches it once, from here.
        process = subprocess.Popen(  # noqa: S603  (this Python)
            command, env=environment, start_new_session=True, stdout=output, stderr=output
        )
    dagster = Dagster(process, home=home)
    try:
        yield dagster
    finally:
        dagster.stop()
