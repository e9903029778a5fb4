"""The signals that end a program: SIGINT, which is Ctrl-C, and SIGTERM."""

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def until_signalled() -> Iterator[None]:
    """Leave the block, without an error, at the first SIGINT or SIGTERM.

    It is left by a KeyboardInterrupt, which ends here. Later signals are ignored: they must not cut off what the
    block does at its end. A SIGINT that is ignored, as in the background jobs of a shell, stays ignored. Signals
    reach the main thread only; in any other thread the block just runs.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        numbers.append(signal.SIGINT)

    def interrupt(*_: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
