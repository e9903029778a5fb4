"""Compares the fields that the exchange sends with those of earlier weeks, to notice changes of its API."""

from kalshi_pipeline.api import FieldChange, Store
from kalshi_pipeline.monitoring.checks import Check, Finding
from kalshi_pipeline.units import iso_of

FIELDS_ARE_AS_BEFORE = Check(
    "fields_are_as_before",
    "The exchange sends the same fields as in the weeks before, with the same types.",
    is_error=False,
)
_MOST_NAMED = 20


def compare_with_weeks_before(store: Store) -> Finding:
    """Compare the fields of all documents of the newest week with those of earlier weeks."""
    found = store.compare_fields()
    numbers = {"documents": found.documents, "changes": len(found.changes)}
    if found.week_at is None:
        text = "no documents were listed yet"
        return Finding(FIELDS_ARE_AS_BEFORE, passed=True, text=text, numbers=numbers)
    week = f"the week from {iso_of(found.week_at)[:10]}"
    if not found.changes:
        text = f"{found.documents:,} documents of {week}: no field is new, missing, or of another type"
        return Finding(FIELDS_ARE_AS_BEFORE, passed=True, text=text, numbers=numbers)
    named = ", ".join(map(_sentence, found.changes[:_MOST_NAMED]))
    more = len(found.changes) - _MOST_NAMED
    rest = f", and {more:,} more" if more > 0 else ""
    text = f"in {week}: {named}{rest}; compare with the changelog of the exchange's API"
    return Finding(FIELDS_ARE_AS_BEFORE, passed=False, text=text, numbers=numbers)


def _sentence(change: FieldChange) -> str:
    before, now = " or ".join(change.before), " or ".join(change.now)
    if not change.before:
        return f"{change.kind}.{change.field} is new ({now})"
    if not change.now:
        return f"{change.kind}.{change.field} is missing (was {before})"
    return f"{change.kind}.{change.field} is {now} (was {before})"
