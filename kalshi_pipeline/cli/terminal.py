"""The two channels of a command: results on standard output, messages for people on standard error."""

import codecs
import contextlib
import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterator
from typing import ParamSpec, TextIO

from kalshi_pipeline.cli.pasting import pasteable
from kalshi_pipeline.quoting import printable

_PLAIN = "kalshi_plain"
_PLAIN_SIGNS = {
    "…": ".",
    "→": ">",
    "█": "#",
    "░": ".",
    "\N{EN DASH}": "-",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
}
_BAR_CELLS = 20
# Streams with the last error of writing to them.
_failed: dict[TextIO, OSError] = {}

Shown = ParamSpec("Shown")


def write_anything(*streams: TextIO) -> None:
    """Let no text end a command because a stream's encoding does not have its letters.

    A terminal shows the nearest letters, as wide as those that it does not have, so that columns stay aligned. Files
    and pipes are UTF-8 whatever the locale: a program that reads them needs every letter.
    """
    codecs.register_error(_PLAIN, _plainly)
    for stream in streams:
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding=None if stream.isatty() else "utf-8", errors=_PLAIN)


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Return what is written instead of the first of some characters that an encoding does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    char = error.object[error.start]
    if "\ud800" <= char <= "\udfff":
        return ascii(char)[1:-1], error.start + 1
    letter = _PLAIN_SIGNS.get(char) or unicodedata.normalize("NFKD", char)[0]
    cells = 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return (letter if letter.isascii() else "?").ljust(cells, "?")[:cells], error.start + 1


@contextlib.contextmanager
def quiet_pipe(stream: TextIO) -> Iterator[None]:
    """End the block if its reader closes the pipe, as `head` does: this is not a failure, and the rest is discarded.

    A command that collects continues: what it stores does not depend on who reads its report. It also continues if the
    stream cannot be written for another reason, such as a full disk; `end_output` reports that at the end.
    """
    try:
        yield
        stream.flush()
    except BrokenPipeError:
        _discard(stream)
    except OSError as error:
        _failed[stream] = error


def end_output() -> str | None:
    """Write what is left of the standard output; return why some of it could not be written, None if all of it was.

    What still cannot be written is discarded: Python itself would try again, and end with an exit code of its own.
    """
    for stream in (sys.stdout, sys.stderr):
        with quiet_pipe(stream):
            pass
        if stream in _failed:
            _discard(stream)
    error = _failed.get(sys.stdout)
    return None if error is None else error.strerror or str(error)


def is_of_output(error: OSError) -> bool:
    """Return whether an error is that the standard output cannot be written, by writing to it once more."""
    with quiet_pipe(sys.stdout):
        sys.stdout.write("\n")
    failure = _failed.get(sys.stdout)
    return failure is not None and failure.errno == error.errno


def _discard(stream: TextIO) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def print_line(line: str) -> None:
    """Print a line of the result. It may hold texts of the exchange: it stays one line."""
    _print(sys.stdout, line)


def print_message(line: str) -> None:
    """Print a line for a person, apart from the results. It may hold texts of the exchange: it stays one line."""
    _print(sys.stderr, line)


def _print(stream: TextIO, line: str) -> None:
    with _shown.hidden(), quiet_pipe(stream):
        stream.write(f"{printable(pasteable(line))}\n")


def print_if_possible(print_it: Callable[Shown, None]) -> Callable[Shown, None]:
    """Return a function that prints the same, or nothing where the terminal or the pipe is gone, or the disk full."""

    def print_or_not(*args: Shown.args, **kwargs: Shown.kwargs) -> None:
        with contextlib.suppress(OSError, ValueError):
            print_it(*args, **kwargs)

    return print_or_not


class StatusLine:
    """One line at the bottom of a terminal: the number of the step that runs, and its progress."""

    def __init__(self) -> None:
        self._steps = self._text = ""
        self._is_shown = False

    def step(self, name: str, number: int, total: int) -> None:
        """Show a bar of the steps before this one; none if there is but one."""
        done = round(_BAR_CELLS * (number - 1) / total)
        bar = f"{'█' * done}{'░' * (_BAR_CELLS - done)} {number} of {total} "
        self._steps, self._text = (bar if total > 1 else "") + name, ""
        self._draw()

    def show(self, text: str) -> None:
        """Show what the step is doing."""
        self._text = text
        self._draw()

    @contextlib.contextmanager
    def on_terminal(self) -> Iterator[None]:
        """Show the line during the block."""
        self._is_shown = True
        try:
            yield
        finally:
            self._clear()
            self._is_shown = False

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the line away during the block."""
        self._clear()
        try:
            yield
        finally:
            self._draw()

    def _draw(self) -> None:
        if self._is_shown:
            line = printable(": ".join(filter(None, (self._steps, self._text))))
            width = shutil.get_terminal_size().columns - 1
            self._write("\r\x1b[K" + (line if len(line) <= width else line[: width - 1] + "…"))

    def _clear(self) -> None:
        if self._is_shown:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        with quiet_pipe(sys.stderr):
            sys.stderr.write(text)


_shown = StatusLine()


@contextlib.contextmanager
def status_line() -> Iterator[StatusLine | None]:
    """Show the status line during the block, if there is a terminal to show it on."""
    if not sys.stderr.isatty():
        yield None
        return
    with _shown.on_terminal():
        yield _shown


def show_step(name: str, number: int, total: int) -> None:
    """Show in the status line, if there is one, that a step begins."""
    _shown.step(name, number, total)
