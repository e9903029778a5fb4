"""The outcome of the faults of one kind."""

import statistics
from dataclasses import dataclass, field


@dataclass
class Outcome:
    """How many faults were injected and survived, and what they cost.

    `rows_lost` are rows that only an undisturbed store has, `wrong_numbers` differ from the exchange's, `tracebacks`
    counts runs that ended with one. `seconds_to_good` has the time from each fault to the end of the next complete run.
    `problems` are sentences, one for each problem.
    """

    name: str
    injected: int = 0
    survived: int = 0
    rows_lost: int = 0
    wrong_numbers: int = 0
    tracebacks: int = 0
    seconds_to_good: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(
        self,
        *,
        problems: list[str],
        rows_lost: int = 0,
        wrong_numbers: int = 0,
        has_traceback: bool = False,
        seconds_to_good: float | None = None,
    ) -> None:
        """Count one fault. It is survived if nothing is lost and nothing is wrong."""
        self.injected += 1
        self.rows_lost += rows_lost
        self.wrong_numbers += wrong_numbers
        self.tracebacks += has_traceback
        self.problems += problems
        if seconds_to_good is not None:
            self.seconds_to_good.append(seconds_to_good)
        self.survived += not (problems or rows_lost or wrong_numbers or has_traceback)

    @property
    def row(self) -> list[str]:
        """The cells of its row."""
        seconds = self.seconds_to_good
        typical = f"{statistics.median(seconds):.1f} ({max(seconds):.1f})" if seconds else "-"
        counts = (self.injected, self.survived, self.rows_lost, self.wrong_numbers, self.tracebacks)
        return [self.name, *(f"{count:,}" for count in counts), typical]
