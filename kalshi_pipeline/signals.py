"""The signals that stop a program: SIGINT, which is Ctrl-C, SIGTERM, and SIGHUP, as when its terminal is closed."""

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
"""Those of them that this system has: Windows has no SIGHUP."""

_MOMENT_SECONDS = 0.01


@contextlib.contextmanager
def keeping_handlers() -> Iterator[None]:
    """Put back how signals are handled after a block that changes it.

    Dagster does, and lets SIGTERM be handled as SIGINT is, which a background job of a shell ignores.
    """
    before = {number: signal.getsignal(number) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_at_signals() -> None:
    """End the program in one line at a signal that stops it, from now to its end, where nothing else heeds signals.

    It is for the times when nothing is left to close: nothing more of the program is run. What is ignored stays
    ignored.
    """

    def stop(number: int, _frame: object) -> None:
        stopped = StoppedError(signal.Signals(number).name, number)
        os.write(sys.stderr.fileno(), f"stopped by {stopped}\n".encode())
        os._exit(stopped.exit_code)

    for number in _heeded():
        signal.signal(number, stop)


@contextlib.contextmanager
def interruptible_children() -> Iterator[None]:
    """Let programs that the block starts heed SIGINT, also where this one ignores it.

    The background jobs of a shell ignore it, and so would whatever they start.
    """
    if (
        signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return
    with keeping_handlers():
        # A program that is started has the default instead of a handler, but keeps what is ignored.
        signal.signal(signal.SIGINT, lambda *_: None)
        yield


def _heeded() -> list[signal.Signals]:
    return [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]


@contextlib.contextmanager
def raising_signals() -> Iterator[None]:
    """Raise StoppedError in the block at the first signal that stops a program.

    Later ones are ignored: they must not cut off what the block does at its end. A signal that is ignored before the
    block stays ignored, as SIGINT is in the background jobs of a shell and SIGHUP under nohup. Signals reach the main
    thread only; in any other thread the block just runs.
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
        """Send the signal once more: Python ignores what is raised while it collects garbage."""
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
