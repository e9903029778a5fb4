"""The report of a run, with the vocabulary that metadata, the command line and the tests share."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from kalshi_pipeline.errors import ExchangeError
from kalshi_pipeline.ingest.record_faults import FAULT_NAMES
from kalshi_pipeline.store.writing.runs import Run, State, Subject
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.vocabulary import StatusFilter

_ALWAYS_COUNTED = ("received", "inserted", "changed", "unchanged")
_RARELY_COUNTED = (
    "quarantined",
    "duplicates",
    "out_of_scope",
    "placeholders",
    "healed",
    "ended",
    "gone",
    "paused",
    "unconfirmed",
)
_EXPECTED_STATUSES = (None, StatusFilter.OPEN, StatusFilter.SETTLED)
"""The default status filters of a sync and a snapshot, and that of settlements."""


class OtherTable(NamedTuple):
    """The rows of a table that a run inserted and changed, and its present row count."""

    inserted: int
    changed: int
    rows: int

    def after(self, earlier: Self | None) -> Self:
        """Return the sum of two parts of a run; this is the later part."""
        if earlier is None:
            return self
        return self._replace(
            inserted=earlier.inserted + self.inserted, changed=earlier.changed + self.changed
        )


@dataclass
class Report:
    """The outcome of a run, filled in while it runs.

    `kind` is the kind of documents that the asset has instead of a table. `windows` is the number of parallel walks;
    `rows` is the row count of the table afterwards, and `part_rows` the count of the run's part, such as a day (None
    for a run over everything). `open_placeholders` counts placeholders of all parents. `unknown_words` counts unknown
    vocabulary, `odd_fields` unreadable fields by the API's names, `unmirrored` quotes whose NO side does not mirror the
    YES side, `negative_sizes` quotes with a negative size, and `failures` selected items that could not be fetched.
    `counts` has the counts of this kind of run, `notes` further remarks for the reader, and `elsewhere` the changes of
    other tables, by name. `most_seconds` is the longest wait that the exchange may request (None: KALSHI_WALK_SECONDS).
    `requests_per_second` is the request limit in force at the end, which is below the setting after `too_many` refusals
    (429). `answer_age_seconds` is the largest `Age` of an answer of `/markets`. `clock_offset_seconds` is how far this
    computer's clock was ahead of the exchange's at the start, None if unknown. `inactive_shards` is JSON text of the
    shards that did not trade then, None if all did or if unknown. `error` stopped the run after it had stored pages.
    `awaits_end` is True for a day that is partial only because it has not ended.
    """

    asset: str
    run: Run
    subject: Subject
    kind: str | None = None
    tick_at: int | None = None
    is_paused: bool | None = None
    inactive_shards: str | None = None
    state: State = State.RUNNING
    reason: str | None = None
    error: ExchangeError | None = None
    awaits_end: bool = False
    windows: int = 1
    tally: Tally = field(default_factory=Tally)
    rows: int = 0
    part_rows: int | None = None
    open_placeholders: int = 0
    requests: int = 0
    retries: int = 0
    too_many: int = 0
    requests_per_second: float | None = None
    most_seconds: float | None = None
    seconds: float = 0.0
    answer_age_seconds: int = 0
    clock_offset_seconds: float | None = None
    unmirrored: int = 0
    negative_sizes: int = 0
    elsewhere: dict[str, OtherTable] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    failures: int = 0
    unknown_words: Counter[str] = field(default_factory=Counter)
    odd_fields: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def conclude(self, reasons: Sequence[str]) -> None:
        """Set the state: partial for these reasons, or complete if there are none."""
        self.state = State.PARTIAL if reasons else State.COMPLETE
        self.reason = "; ".join(reasons) or None

    def leave_partial(self, reason: str) -> None:
        """Set the state to partial, for a reason."""
        self.state, self.reason = State.PARTIAL, reason

    @property
    def is_complete(self) -> bool:
        """Whether every page was seen."""
        return self.state is State.COMPLETE

    @property
    def odd_fields_line(self) -> str | None:
        """A line that counts the unreadable fields, or None."""
        if not self.odd_fields:
            return None
        return (
            f"odd fields: {', '.join(f'{name} {count:,}' for name, count in self.odd_fields.most_common())}"
        )

    @property
    def line(self) -> str:
        """What the run did, in one line."""
        tally = self.tally
        parts = [
            f"{self._name} {self.state}",
            *(f"{getattr(tally, name):,} {name}" for name in _ALWAYS_COUNTED),
            *(_counted(count, name) for name in _RARELY_COUNTED if (count := getattr(tally, name))),
            *(f"{count:,} {name}" for name in FAULT_NAMES if (count := self.counts[name])),
        ]
        if self.answer_age_seconds:
            parts.append(f"answers up to {self.answer_age_seconds:,} s old")
        if (odd_fields := self.odd_fields_line) is not None:
            parts.append(odd_fields)
        pages = "1 page" if tally.pages == 1 else f"{tally.pages:,} pages"
        parts.append(f"{pages}, {self.seconds:.1f} s")
        return ", ".join(parts) + (f" ({self.reason})" if self.reason else "")

    @property
    def _name(self) -> str:
        """The asset, preceded by the status filter of its listing unless that is the default."""
        status = self.subject.scope and self.subject.scope.status
        return self.asset if status in _EXPECTED_STATUSES else f"{status} {self.asset}"

    @property
    def shortfall(self) -> str | None:
        """A line that names a partial run and its reason, or None. An unfinished day does not count as partial here."""
        if self.state is not State.PARTIAL or self.awaits_end:
            return None
        day = self.subject.day
        return state_line(self.asset if day is None else f"{self.asset} of {day}", self.state, self.reason)

    @property
    def skip(self) -> str | None:
        """A line that names a skipped run and its reason, or None."""
        return state_line(self.asset, self.state, self.reason) if self.state is State.SKIPPED else None


def _counted(count: int, name: str) -> str:
    words = name.replace("_", " ")
    return f"{count:,} {words.removesuffix('s') if count == 1 else words}"


def state_line(name: str, state: State, reason: str | None) -> str:
    """Return the line that names something partial or skipped."""
    return f"{name} is {state}: {reason}"
