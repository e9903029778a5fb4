"""The signals that stop a program: SIGINT (Ctrl-C), SIGTERM, and SIGHUP (its terminal was closed)."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator

from kalshi_pipeline.errors import StoppedError

STOPPING = tuple(
    number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None
)
"""The signals that this system has; Windows has no SIGHUP."""

_MOMENT_SECONDS = 0.01


@contextlib.contextmanager
def keeping_handlers() -> Iterator[None]:
    """Restore signal handlers after a block that changes them.

    Dagster handles SIGTERM like SIGINT, which background jobs of a shell ignore.
    """
    before = {number: signal.getsignal(number) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_at_signals() -> None:
    """From now on, end the program with one line at a signal that no other handler takes.

    No further code runs, so use this only when nothing needs closing. Ignored signals stay ignored.
    """

    def stop(number: int, _frame: object) -> None:
        stopped = StoppedError(signal.Signals(number).name, number)
        # Standard error may be closed, or a pipe that nothing reads.
        with contextlib.suppress(OSError, ValueError):
            os.write(sys.stderr.fileno(), f"stopped by {stopped}\n".encode())
        os._exit(stopped.exit_code)

    for number in _heeded():
        signal.signal(number, stop)


@contextlib.contextmanager
def interruptible_children() -> Iterator[None]:
    """Let child processes of the block handle SIGINT even if this process ignores it.

    Background jobs of a shell ignore SIGINT, and their children inherit that.
    """
    if (
        signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return
    with keeping_handlers():
        # A child process resets handlers to the default, but inherits ignored signals.
        signal.signal(signal.SIGINT, lambda *_: None)
        yield


def _heeded() -> list[signal.Signals]:
    return [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]


@contextlib.contextmanager
def raising_signals() -> Iterator[None]:
    """Raise StoppedError in the block at the first stopping signal.

    Later signals are ignored, so that they do not interrupt the block's clean-up. A signal that was ignored before the
    block stays ignored, such as SIGINT in background jobs of a shell and SIGHUP under nohup. Signals reach only the
    main thread; in other threads this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heeded = _heeded()
    report_unraisable = sys.unraisablehook

    def stop(number: int, _frame: object) -> None:
        for heard in heeded:
            signal.signal(heard, signal.SIG_IGN)
        raise StoppedError(signal.Signals(number).name, number)

    def listen() -> None:
        for number in heeded:
            signal.signal(number, stop)

    def stop_again(unraisable: "sys.UnraisableHookArgs") -> None:
        """Send the signal again, because Python ignores exceptions during garbage collection."""
        if isinstance(unraisable.exc_value, StoppedError):
            listen()
            threading.Timer(_MOMENT_SECONDS, os.kill, (os.getpid(), unraisable.exc_value.number)).start()
        else:
            report_unraisable(unraisable)

    with keeping_handlers():
        listen()
        sys.unraisablehook = stop_again
        try:
            yield
        finally:
            sys.unraisablehook = report_unraisable
