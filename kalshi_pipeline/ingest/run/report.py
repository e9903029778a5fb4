"""What a run did, in the one vocabulary that metadata, the command line and the tests share."""

from collections import Counter
from dataclasses import dataclass, field

from kalshi_pipeline.store.writing.runs import Run, State
from kalshi_pipeline.store.writing.tally import Tally


@dataclass
class Report:
    """A run's outcome, filled while it goes on.

    `windows` is how many walks its listing had at once, `rows` what its table holds afterwards, `part_rows` what
    it holds of the part that the run was about (None for runs about all), and
    `open_placeholders` counts those of all parents. `unknown_words` counts vocabulary that this version does not
    know (R14), `unmirrored` the quotes whose NO side does not follow from the YES side, `failures` what was chosen
    and could not be got; `notes` is what a reader should know besides, and `counts` what only runs of its kind count.
    """

    asset: str
    run: Run
    scope: str
    tick_at: int | None = None
    is_paused: bool | None = None
    state: State = State.RUNNING
    reason: str | None = None
    windows: int = 1
    tally: Tally = field(default_factory=Tally)
    rows: int = 0
    part_rows: int | None = None
    open_placeholders: int = 0
    requests: int = 0
    retries: int = 0
    seconds: float = 0.0
    unmirrored: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failures: int = 0
    unknown_words: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether every page was seen."""
        return self.state is State.COMPLETE
