"""Groups of commands: registration, look-up by name, and one-line errors.

Every command, even `--help` and completion, imports this module and those of all commands, so they import nothing slow.
A command imports what it needs when it runs.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import typer
from typer.core import TyperGroup

from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.quoting import cut

# The class of every error about arguments; typer exports it only under this name.
UsageError: type[Any] = typer.BadParameter.__mro__[1]
_MESSAGES = (
    (re.compile(r"Value error, "), ""),
    (re.compile(r"Input should be a valid integer\b.*"), "pass a whole number"),
    (re.compile(r"Input should be a valid number\b.*"), "pass a number"),
    (re.compile(r"Input should be greater than or equal to (\S+)"), r"pass \1 or more"),
    (re.compile(r"Input should be less than or equal to (\S+)"), r"pass \1 or less"),
)
_ADVICE_OF_OPTION: Mapping[str, str] = {
    "--status": "pass a status, such as open; `kalshi data status` shows the last runs",
}


class Commands(TyperGroup):
    """The commands of a group, which names those of other groups."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401  (typer does not export its types)
        """Return a command. Raises ConfigurationError for one of another group."""
        word = args[0]
        is_completion = ctx.resilient_parsing
        if not is_completion and word not in self.commands and _is_of_another_group(ctx, word):
            raise ConfigurationError([f"{ctx.info_name} has no command {word}: run `kalshi {word}`"])
        return super().resolve_command(ctx, args)


def _is_of_another_group(ctx: Any, word: str) -> bool:  # noqa: ANN401
    """Return whether a word is a command of the whole program, where all commands also work without their group."""
    root = ctx.find_root()
    return root is not ctx and word in root.command.commands


class Group:
    """Commands under one name, in order of registration."""

    def __init__(
        self,
        name: str | None,
        help_text: str,
        *,
        of: type[TyperGroup] = Commands,
        has_completion: bool = False,
        epilog: str | None = None,
    ) -> None:
        self.name = name
        self.typer = typer.Typer(
            name=name,
            help=help_text,
            epilog=epilog,
            cls=of,
            no_args_is_help=True,
            add_completion=has_completion,
            context_settings={"help_option_names": ["-h", "--help"]},
            # Importing rich takes longer than everything else that help needs.
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
        )
        self._functions: list[tuple[Callable[..., None], dict[str, Any]]] = []

    def command(
        self, *examples: str, name: str | None = None
    ) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """Register a function as a command; `examples` are what follows the program's name."""

        def register(function: Callable[..., None]) -> Callable[..., None]:
            lines = "\n".join(f"  kalshi {example}" for example in examples)
            options: dict[str, Any] = {
                "name": name or function.__name__.strip("_").replace("_", "-"),
                "epilog": f"\b\n{'Example' if len(examples) == 1 else 'Examples'}:\n{lines}",
            }
            self._functions.append((function, options))
            self.typer.command(**options)(function)
            return function

        return register

    def add(self, group: "Group", *, is_hidden: bool = False) -> None:
        """Put a group into this one."""
        self.typer.add_typer(group.typer, hidden=is_hidden)

    def add_spellings(self, group: "Group", *, are_hidden: bool = True) -> None:
        """Let the commands of another group also work without its name."""
        for function, options in group._functions:  # noqa: SLF001  (it is of this class)
            self.typer.command(**options, hidden=are_hidden)(function)

    @property
    def names(self) -> list[str]:
        """The names of its commands."""
        return [str(options["name"]) for _, options in self._functions]


class DefaultCommand(Commands):
    """A group with the default command `get`: a word unlike any command is its argument."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  (typer does not export its type)
        """Put the name in."""
        if args and args[0] != "--help" and not self._is_command(ctx, args[0]):
            args = ["get", *args]
        return super().parse_args(ctx, args)

    def _is_command(self, ctx: Any, word: str) -> bool:  # noqa: ANN401
        is_near = word.islower() and bool(get_close_matches(word, self.commands))
        return word in self.commands or is_near or _is_of_another_group(ctx, word)


def _in_words(message: str) -> str:
    """Return an error about a value as a next action, where the library says what its input should be."""
    for library, ours in _MESSAGES:
        message = library.sub(ours, message)
    return message


def usage_lines(error: Any) -> list[str]:  # noqa: ANN401  (typer does not export its type)
    """Return the error of the arguments and a hint to the help, in one line; without arguments, return the help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return str(error.format_message()).splitlines()
    message = cut(" ".join(_in_words(str(error.format_message())).split())).rstrip(".")
    option = str(
        getattr(error, "option_name", None) or getattr(getattr(error, "param", None), "opts", [""])[0]
    )
    advice = _ADVICE_OF_OPTION.get(option)
    command = None if error.ctx is None else f"`{error.ctx.command_path} --help` shows how to write it"
    return ["; ".join(filter(None, (message, advice or command)))]


def nearest(word: str, known: Sequence[str]) -> str:
    """Return a suggestion for an unknown word, or the known words."""
    if close := get_close_matches(word, known, n=1):
        return f"did you mean {close[0]}?"
    *others, last = known
    return f"choose {', '.join(others)} or {last}" if others else f"choose {last}"


def one_of(option: str, word: str, known: Sequence[str], meant: str | None = None) -> str:
    """Return a word in lower case. Raises ConfigurationError for an unknown word, which suggests `meant` if given."""
    if word.lower() in known:
        return word.lower()
    # Without a word, as in `snapshot --status --db`, the next option is taken for one.
    runs = "; `kalshi data status` shows the last runs" if option == "--status" else ""
    advice = f"did you mean {meant}?" if meant else f"{nearest(word.lower(), known)}{runs}"
    raise ConfigurationError([f"{option} {cut(repr(word))} is not known: {advice}"])


def with_parameters(
    function: Callable[..., object], call: Callable[..., None], more: Sequence[inspect.Parameter]
) -> Callable[..., None]:
    """Return `call` with the name, help and options of a function, without its first parameter and with more
    options.
    """
    _, *own = inspect.signature(function, eval_str=True).parameters.values()
    parameters = [*own, *more]
    call.__name__, call.__doc__ = function.__name__, function.__doc__
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return call
