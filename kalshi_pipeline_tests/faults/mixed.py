"""Ticks at an exchange with faults in a fifth of its answers, compared with the exchange."""

import random
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from kalshi_pipeline.sandbox import Faults
from kalshi_pipeline_tests.faults.compared import compare
from kalshi_pipeline_tests.faults.interruptions import TASKS, again_until_done, undisturbed_runs
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.places import Place, place
from kalshi_pipeline_tests.faults.stored import Content, content, lost_and_wrong, placeholders, unsound
from kalshi_pipeline_tests.ingest.listed import events

SHARE = 0.2
TIMEOUT_SECONDS = 2.0
# Each is one kind of fault; a tick gets one to three of them.
KINDS: dict[str, dict[str, Any]] = {
    "5xx": {"server_errors": SHARE},
    "429": {"too_many": SHARE},
    "429 with Retry-After": {"too_many": SHARE, "retry_after": "1"},
    "429 that asks for an hour": {"too_many": SHARE, "retry_after": "3600"},
    "5xx with a date as Retry-After": {
        "server_errors": SHARE,
        "retry_after": "Wed, 21 Oct 2015 07:28:00 GMT",
    },
    "errors as 200": {"errors_as_success": SHARE},
    "HTML instead of JSON": {"not_json": SHARE},
    "cut bodies": {"truncated": SHARE},
    "resets": {"resets": SHARE},
    "slow answers": {"slow": SHARE, "slow_seconds": 1.0},
    "answers after the timeout": {"slow": SHARE, "slow_seconds": TIMEOUT_SECONDS + 0.5},
    "dripping answers": {"dripping": SHARE, "drip_seconds": 1.0},
    "answers that drip for too long": {"dripping": SHARE, "drip_seconds": 4 * TIMEOUT_SECONDS},
    "empty pages": {"empty_pages": True},
    "overlapping pages": {"overlap": 7},
    "repeated cursor": {"repeated_cursor": True},
    "ever-new cursors": {"endless": True},
    "cursor ignored": {"ignored": ("cursor",)},
    "status ignored": {"ignored": ("status",)},
    "tickers ignored": {"ignored": ("tickers",)},
    "limit ignored": {"ignored": ("limit",)},
    "created filter ignored": {"created_filter": "ignored"},
    "created filter refused": {"created_filter": "refused"},
    "no list": {"missing_key": True},
    "odd envelopes": {"odd_envelopes": SHARE},
    "odd fields": {"odd_fields": SHARE},
    "unreadable records": {"unreadable": SHARE},
    "unknown words": {"unknown_words": True},
    "unreachable": {"unreachable_after": 1},
    "historical tier fails": {"historical_errors": 503},
    "compressed data with wrong bytes": {"broken_gzip": SHARE},
    "half of a body as if it were all": {"short_length": SHARE},
    "answers to other requests": {"crossed": SHARE},
    "listings without half of their records": {"unlisted": 0.5},
    "listings without any record": {"unlisted": 1.0},
    "repeated records with other numbers": {"overlap": 7, "overlap_differs": True},
    "candlesticks of another length": {"other_period": True},
}
# What alters records is compared in `mix`: in `disturb` it would be stored as it came, and stay. What no listing has is
# looked up where the store knows it; a backfill knows no other trades and settlements than those listed.
_OF_TICKS = (
    "odd fields",
    "unreadable records",
    "unknown words",
    "listings without half of their records",
    "listings without any record",
    "429 that asks for an hour",  # a backfill waits that hour
)


def mix(
    folder: Path, ticks: int, seed: int = 1, on_tick: Callable[[int, float], None] = lambda *_: None
) -> Outcome:
    """Take ticks while faults come and go. After each, compare the store with the exchange."""
    outcome, chance = Outcome(f"mixed faults at {SHARE:.0%}"), random.Random(seed)
    turns = chance.sample(list(KINDS), len(KINDS))
    with place(folder, retry_seconds="3", timeout_seconds=str(TIMEOUT_SECONDS)) as here:
        here.collect()
        waiting: list[float] = []
        for number in range(ticks):
            here.exchange.world.step()
            kinds = [turns[number % len(turns)], *chance.sample(turns, chance.choice((0, 0, 1, 2)))]
            here.exchange.faults = Faults(seed=chance.randint(1, 10**6), **_together(kinds))
            ended = here.commands.run("snapshot")
            seconds = ended.seconds
            on_tick(number, seconds)
            here.exchange.faults = Faults()
            lost, wrong, problems = compare(
                here,
                are_all_read="unreadable records" not in kinds,
                may_be_null="odd fields" in kinds,
                # A market whose status is an unknown word, in a listing that ignores its filter.
                may_have_ended={"unknown words", "status ignored"} <= {*kinds},
            )
            if ended.code not in (0, 3):
                problems.append(f"exit code {ended.code}: {ended.output[-300:]}")
            waiting.append(seconds)
            if ended.code == 0:
                outcome.seconds_to_good.append(sum(waiting))
                waiting.clear()
            outcome.count(
                problems=[
                    f"tick {number} ({', '.join(kinds)}): {p}" for p in [*problems, *unsound(here.store)]
                ],
                rows_lost=lost,
                wrong_numbers=wrong,
                has_traceback=ended.has_traceback,
            )
        here.exchange.world.step()
        good = here.commands.run("snapshot")
        if good.code:
            outcome.problems.append(f"the tick after all faults ended with {good.code}: {good.output[-300:]}")
        lost, wrong, problems = compare(here)
        outcome.rows_lost, outcome.wrong_numbers = outcome.rows_lost + lost, outcome.wrong_numbers + wrong
        outcome.problems += problems
    return outcome


def disturb(folder: Path, count: int, seed: int = 1) -> Outcome:
    """Run every command with faults, then without. Its store must then equal an undisturbed one."""
    outcome, chance = Outcome(f"mixed faults at {SHARE:.0%} in collects and backfills"), random.Random(seed)
    turns = [kind for kind in chance.sample(list(KINDS), len(KINDS)) if kind not in _OF_TICKS]
    with place(folder, retry_seconds="3", timeout_seconds=str(TIMEOUT_SECONDS)) as here:
        for task_number, (task, start, undisturbed, _) in enumerate(undisturbed_runs(folder, here, count)):
            for number in range(task_number, count, len(TASKS)):
                kinds = [turns[number % len(turns)], *chance.sample(turns, chance.choice((0, 0, 1, 2)))]
                here.begin_with(start)
                here.exchange.faults = Faults(seed=chance.randint(1, 10**6), **_together(kinds))
                ended = here.commands.run(*task.arguments)
                here.exchange.faults = Faults()
                problems = unsound(here.store)
                if ended.code not in (0, 3):
                    problems.append(f"exit code {ended.code}: {ended.output[-300:]}")
                again, seconds = again_until_done(here, task.arguments)
                if again.code:
                    problems.append(f"then exit code {again.code}: {again.output[-300:]}")
                # An event has no status, so a listing that ignores the filter also adds events that are not open.
                also = events(here.exchange.url) if "status ignored" in kinds else frozenset()
                lost, wrong, sentences = _compare_healed(here, undisturbed, also)
                where = f"{task.name} ({', '.join(kinds)}): "
                outcome.count(
                    problems=[where + problem for problem in [*problems, *sentences]],
                    rows_lost=lost,
                    wrong_numbers=wrong,
                    has_traceback=ended.has_traceback or again.has_traceback,
                    seconds_to_good=ended.seconds + seconds,
                )
    return outcome


def _compare_healed(here: Place, undisturbed: Content, also: Collection[str]) -> tuple[int, int, list[str]]:
    """Compare a store, which may also have some events, with an undisturbed one. If it has placeholders, collect first,
    which fills them.
    """
    found = content(here.store)
    if placeholders(found) <= placeholders(undisturbed):
        return lost_and_wrong(found, undisturbed, may_also_have=also)
    here.collect()
    return lost_and_wrong(content(here.store), undisturbed, may_have_more=True)


def _together(kinds: Collection[str]) -> dict[str, Any]:
    """Return the combined settings of several kinds of faults, with the union of their ignored parameters."""
    faults: dict[str, Any] = {}
    for settings in map(KINDS.__getitem__, kinds):
        ignored = (*faults.get("ignored", ()), *settings.get("ignored", ()))
        faults |= {**settings, "ignored": ignored}
    return faults
