"""The ticks of the last day in the metadata of a snapshot, in words and as a picture."""

import re
from base64 import b64decode
from xml.etree import ElementTree

from kalshi_pipeline.defs.metadata import day_metadata
from kalshi_pipeline.monitoring.picture import LastDay, drawn, quotes_of_tick
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.units import MICROS_PER_HOUR
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.defs.running import Runner, metadata_of

_SVG = "{http://www.w3.org/2000/svg}"
TALLY = Tally(received=30, inserted=7, keyframes=2, unchanged=20, ended=3, unconfirmed=1, quarantined=3)


def bars_of(svg: str) -> list[tuple[str, float]]:
    """Return the colour and the height of each bar, from left to right and bottom to top."""
    rects = ElementTree.fromstring(svg).findall(f"{_SVG}rect")
    return [
        (rect.attrib["fill"], float(rect.attrib["height"]))
        for rect in rects
        if rect.attrib["width"] == "20" and rect.attrib["height"] != "1"
    ]


def test_bars_are_as_high_as_their_share_of_the_busiest_hour() -> None:
    day = LastDay(0, {0: {"complete": 12}, 5 * MICROS_PER_HOUR: {"complete": 3, "failed": 3}})
    assert bars_of(drawn(day)) == [("#2f9e63", 70.0), ("#2f9e63", 17.5), ("#d2453c", 17.5)]
    assert day.states == {"complete": 15, "failed": 3}


def test_day_without_a_tick_is_drawn() -> None:
    assert bars_of(drawn(LastDay(0, {}))) == []


def test_quotes_are_counted_by_result() -> None:
    assert [*quotes_of_tick(TALLY).values()] == [5, 2, 20, 3, 1, 3]


def test_picture_is_markdown_with_an_image_of_its_own() -> None:
    """The image is a data URL, so the UI requests it from no other host."""
    metadata = day_metadata(LastDay(0, {0: {"complete": 11, "missed": 1}}), TALLY)
    assert metadata["last_day"] == "11 complete, 1 missed"
    text = str(getattr(metadata["last_day_picture"], "value", ""))
    image = re.match(r"!\[[^]]+\]\(data:image/svg\+xml;base64,([^)]+)\)\n", text)
    assert image is not None
    assert ElementTree.fromstring(b64decode(image.group(1))).tag == f"{_SVG}svg"
    assert "| complete | 11 |" in text
    assert "| unchanged, not stored again | 20 |" in text


def test_snapshot_has_the_ticks_of_its_last_day(run: Runner, query: Query) -> None:
    """The day ends with the hour of the tick; an older tick is excluded."""
    for tick in ("2026-10-07T12:59:00Z", "2026-10-07T13:00:00Z", "2026-10-08T12:00:00Z"):
        result = run("snapshot", tags={"kalshi/tick": tick})
    assert query("SELECT count(*) FROM ticks") == [(3,)]
    words = metadata_of(result, "price_snapshots")["last_day"]
    assert sum(int(part.split()[0]) for part in words.split(", ")) == 2
