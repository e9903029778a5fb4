"""The result of a run in one line."""

from kalshi_pipeline.ingest.replay import Replay
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.quoting import printable


def report_line(report: Report) -> str:
    """Return the result of a run in one line."""
    return printable(report.line)


def replay_line(found: Replay) -> str:
    """Return how many records in quarantine were stored and how many were not, in one line."""
    if not (found.read or found.unread):
        return "no quarantined record is left to read"
    stored = [f"{count:,} {name}" for name, count in sorted(found.stored.items())]
    others = {
        "quotes too late": found.too_late,
        "superseded": found.superseded,
        "still cannot be read": found.unread,
    }
    parts = [f"{count:,} {name}" for name, count in others.items() if count]
    return ", ".join(
        [f"{found.read:,} records can be read now", *(f"{part} stored" for part in stored), *parts]
    )
