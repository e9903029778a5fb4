"""Reads the file `.env`: its variables and its problems. `settings` decides which variables are settings."""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from dotenv.main import resolve_variables
from dotenv.parser import Binding, parse_stream

# Also in the syntax of other shells and files: `set NAME=…`, `$env:NAME = …`, `"NAME": …`.
_NAME_OF_LINE = re.compile(
    r"""\s*(?:(?:export|set|setx|setenv)\s+|\$env:|-\s+)*["']?([^\W\d][\w.-]*)""", re.IGNORECASE
)


class EnvFile(NamedTuple):
    """The variables of a file, and one line per problem."""

    values: Mapping[str, str]
    problems: list[str]


def read_env_file(path: Path, is_ours: Callable[[str], bool]) -> EnvFile:
    """Read a file of variables; a missing file is empty.

    A line that sets nothing is a problem if it names a variable that `is_ours`; other lines are ignored.
    """
    try:
        if path.is_fifo():  # opening one would block until something writes to it
            return EnvFile({}, [f"{path} is a named pipe: make it a file, or remove it"])
        text = path.read_text(encoding="utf-8-sig")
        if "\0" in text:
            raise ValueError("UTF-16 has these")
    except FileNotFoundError:
        broken = [f"{path} is a link to a file that does not exist: remove it, or create that file"]
        return EnvFile({}, broken if path.is_symlink() else [])
    except IsADirectoryError:
        return EnvFile({}, [f"{path} is a folder, and settings are read from a file of that name: rename it"])
    except OSError as error:
        return EnvFile({}, [f"{path} cannot be read ({error.strerror}): make it readable, or remove it"])
    except ValueError:
        return EnvFile({}, [f"{path} is not UTF-8 text: save it as UTF-8"])
    bindings = [*parse_stream(io.StringIO(text))]
    pairs = [
        (binding.key, binding.value) for binding in bindings if binding.key and binding.value is not None
    ]
    values = {
        name: value for name, value in resolve_variables(pairs, override=True).items() if value is not None
    }
    return EnvFile(values, [line for binding in bindings for line in _problems_of(path, binding, is_ours)])


def _problems_of(path: Path, binding: Binding, is_ours: Callable[[str], bool]) -> Iterator[str]:
    """Yield a line for each of our variables that a binding names without setting it."""
    is_set = binding.value is not None
    for number, line in enumerate(binding.original.string.splitlines(), binding.original.line):
        match = _NAME_OF_LINE.match(line)
        if match is None or not is_ours(name := match[1]):
            continue
        if is_set and name == binding.key:
            is_set = False  # such a line further down is inside quotation marks
        else:
            yield f"{path}, line {number}: {name} is not set by this line: write {name.upper()}=value"
