"""The streams of a command: results on standard output, messages for people on standard error."""

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
# The last write error of each stream.
_failed: dict[TextIO, OSError] = {}

Shown = ParamSpec("Shown")


def write_anything(*streams: TextIO) -> None:
    """Prevent encoding errors of the streams.

    A terminal shows the nearest letters of the same width, so that columns stay aligned. Files and pipes are UTF-8 in
    every locale, because programs need every letter.
    """
    codecs.register_error(_PLAIN, _plainly)
    for stream in streams:
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding=None if stream.isatty() else "utf-8", errors=_PLAIN)


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Return the replacement of the first of some characters that an encoding does not have."""
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
    """End the block if its reader closes the pipe, as `head` does.

    This is not a failure, and the rest is discarded. A collecting command continues, because its data does not depend
    on its output. It also continues if the stream cannot be written for another reason, such as a full disk, which
    `end_output` reports at the end.
    """
    try:
        yield
        stream.flush()
    except BrokenPipeError:
        _discard(stream)
    except OSError as error:
        _failed[stream] = error


def end_output() -> str | None:
    """Flush standard output.

    Return why some of it could not be written, or None. The rest is discarded, because Python would try again and exit
    with its own code.
    """
    for stream in (sys.stdout, sys.stderr):
        with quiet_pipe(stream):
            pass
        if stream in _failed:
            _discard(stream)
    error = _failed.get(sys.stdout)
    return None if error is None else error.strerror or str(error)


def is_of_output(error: OSError) -> bool:
    """Return whether an error means that standard output cannot be written, by writing to it once more."""
    with quiet_pipe(sys.stdout):
        sys.stdout.write("\n")
    failure = _failed.get(sys.stdout)
    return failure is not None and failure.errno == error.errno


def _discard(stream: TextIO) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def print_line(line: str) -> None:
    """Print a line of the result. Exchange texts in it cannot add lines."""
    _print(sys.stdout, line)


def print_message(line: str) -> None:
    """Print a line for people, apart from the results. Exchange texts in it cannot add lines."""
    _print(sys.stderr, line)


def _print(stream: TextIO, line: str) -> None:
    with _shown.hidden(), quiet_pipe(stream):
        stream.write(f"{printable(pasteable(line))}\n")


def print_if_possible(print_it: Callable[Shown, None]) -> Callable[Shown, None]:
    """Return the function, which then prints nothing if the terminal or the pipe is gone, or the disk is full."""

    def print_or_not(*args: Shown.args, **kwargs: Shown.kwargs) -> None:
        with contextlib.suppress(OSError, ValueError):
            print_it(*args, **kwargs)

    return print_or_not


class StatusLine:
    """One line at the bottom of a terminal: the current step's number, and its progress."""

    def __init__(self) -> None:
        self._steps = self._text = ""
        self._is_shown = False

    def step(self, name: str, number: int, total: int) -> None:
        """Show a bar of the finished steps; none for a single step."""
        done = round(_BAR_CELLS * (number - 1) / total)
        bar = f"{'█' * done}{'░' * (_BAR_CELLS - done)} {number} of {total} "
        self._steps, self._text = (bar if total > 1 else "") + name, ""
        self._draw()

    def show(self, text: str) -> None:
        """Show the progress of the step."""
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
        """Hide the line during the block."""
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
    """Show the start of a step in the status line, if there is one."""
    _shown.step(name, number, total)
