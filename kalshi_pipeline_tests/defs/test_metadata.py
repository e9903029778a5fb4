"""Exchange texts in Dagster's UI have no effect as Markdown, in a terminal or in a browser."""

import json

import dagster as dg
import pytest

from kalshi_pipeline.defs.metadata import markdown, run_metadata
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.quoting import is_printable, printable
from kalshi_pipeline.store.schema.tables import ticks
from kalshi_pipeline.store.writing.runs import Run, State, Subject


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("3 markets could not be read", "3 markets could not be read", id="ordinary"),
        pytest.param("[win](javascript:x)", r"\[win\](javascript:x)", id="link"),
        pytest.param("![x](http://a.b/c)", r"!\[x\](`` http://a.b/c) ``", id="image"),
        pytest.param("see https://a.b/`c`", "see `` https://a.b/'c' ``", id="address"),
        pytest.param("WWW.a.b or me@a.b", "`` WWW.a.b `` or `` me@a.b ``", id="address-without-scheme"),
        pytest.param("<script>a&lt;</script>", r"\<script\>a\&lt;\</script\>", id="html"),
        pytest.param("# a *b* _c_ `d` ~e~ |f|", r"\# a \*b\* \_c\_ \`d\` \~e\~ \|f\|", id="marks"),
        pytest.param("a\n\n- b\x1b[31m\u202e", "a  - b\ufffd\\[31m\ufffd", id="lines"),
        pytest.param(r"a\[b", r"a\\\[b", id="backslash"),
    ],
)
def test_markdown_shows_a_text_as_it_is(text: str, shown: str) -> None:
    assert markdown(text) == shown


def test_metadata_of_a_run_has_no_control_characters() -> None:
    hostile = "KX\x1b]52;c;aGk=\x07\u202e[a](b)\n"
    subject = Subject(selection=hostile)
    report = Report("price_snapshots", Run(ticks, 1, State.PARTIAL), subject, reason=hostile, notes=[hostile])
    report.unknown_words[hostile] = report.odd_fields[hostile] = 1
    report.tick_at, report.inactive_shards = 0, json.dumps([{hostile: hostile}])
    values = {
        name: value.value if isinstance(value, dg.MetadataValue) else value
        for name, value in run_metadata(report).items()
    }
    assert is_printable(json.dumps(values, ensure_ascii=False, default=str))
    assert values["notes"] == "- KX\ufffd\\]52;c;aGk=\ufffd\ufffd\\[a\\](b) "
    assert values["unknown_words"] == {values["reason"]: 1} == {printable(hostile): 1}
