"""The entry point: it handles signals before it imports the rest of the program, which takes a second or more."""

import os
import sys

from kalshi_pipeline.signals import exit_at_signals


def main() -> None:
    """Run the command line."""
    _open_closed_channels()
    exit_at_signals()
    from kalshi_pipeline.cli import app

    app.main()


def _open_closed_channels() -> None:
    """Open standard streams that were closed before the start, for example by `2>&-`; they discard all output.

    Otherwise a file or a connection would get a stream's descriptor, and receive its messages.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # it gets the lowest free descriptor
            os.set_inheritable(opened, True)  # noqa: FBT003 (it takes no names)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 (to the end)
