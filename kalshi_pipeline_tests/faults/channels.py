"""Commands do their work even if their standard streams are closed or cannot be written."""

from pathlib import Path
from typing import NamedTuple

from kalshi_pipeline.sandbox import WorldConfig
from kalshi_pipeline_tests.faults.interruptions import TASKS, again_until_done, undisturbed_runs
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.places import CONFIG, place
from kalshi_pipeline_tests.faults.stored import content, lost_and_wrong, unsound

_UNWRITTEN = 4


class Channels(NamedTuple):
    """The standard streams that are closed when a command starts, and those on a full disk."""

    name: str
    closed: tuple[int, ...] = ()
    full: tuple[int, ...] = ()

    @property
    def codes(self) -> tuple[int, ...]:
        """The allowed exit codes: output that could not be written is an error, after the work is done."""
        return (0, _UNWRITTEN) if 1 in self.full else (0,)


KINDS = (
    Channels("standard output closed", closed=(1,)),
    Channels("standard error closed", closed=(2,)),
    Channels("all channels closed", closed=(0, 1, 2)),
    Channels("standard output on a full disk", full=(1,)),
    Channels("both outputs on a full disk", full=(1, 2)),
)


def close(folder: Path, count: int, config: WorldConfig = CONFIG) -> Outcome:
    """Run commands without some of their streams, and compare their stores with undisturbed ones."""
    outcome = Outcome("closed and full channels")
    with place(folder, config) as here:
        for task_number, (task, start, undisturbed, _) in enumerate(undisturbed_runs(folder, here, count)):
            for number in range(task_number, count, len(TASKS)):
                kind = KINDS[number % len(KINDS)]
                here.begin_with(start)
                ended = here.commands.run(*task.arguments, closed=kind.closed, full=kind.full)
                problems = (
                    [] if ended.code in kind.codes else [f"exit code {ended.code}: {ended.output[-300:]}"]
                )
                lost, wrong, sentences = lost_and_wrong(content(here.store), undisturbed)
                problems += [*sentences, *unsound(here.store)]
                again, seconds = again_until_done(here, task.arguments)
                if again.code:
                    problems.append(f"then exit code {again.code}: {again.output[-300:]}")
                outcome.count(
                    problems=[f"{task.name}, {kind.name}: {problem}" for problem in problems],
                    rows_lost=lost,
                    wrong_numbers=wrong,
                    has_traceback=ended.has_traceback or again.has_traceback,
                    seconds_to_good=seconds,
                )
    return outcome
