"""Records parsed into structs of known fields give the same documents as records parsed in full."""

import json
import re
from collections.abc import Iterator

import msgspec
import pytest

from kalshi_pipeline.exchange.documents import Source
from kalshi_pipeline.exchange.known_fields import KnownFields, UnknownFieldsError
from kalshi_pipeline.records import DocumentFields

MOVING = re.compile("moving_.*")


def known(*names: str) -> KnownFields:
    fields = KnownFields(MOVING, str)
    fields.learn(names)
    return fields


def as_sent(fields: DocumentFields) -> str:
    return msgspec.json.encode(fields).decode()


def test_fields_are_in_the_order_of_their_names_whatever_that_of_the_record() -> None:
    fields = known("b", "a", "A", "a_b", "ab", "a1")
    sent = ['"ab":1', '"A":2', '"b":[{"y":1,"x":2}]', '"a1":null', '"a_b":"\\u00e9"', '"a":true']
    for record in (sent, sent[::-1]):
        read = fields.read(("{" + ",".join(record) + "}").encode())
        assert as_sent(read) == '{"A":2,"a":true,"a1":null,"a_b":"é","ab":1,"b":[{"y":1,"x":2}]}'


def test_moving_and_missing_fields_are_left_out() -> None:
    read = known("a", "b", "moving_bid").read(b'{"moving_bid":"0.10","a":1.50}')
    assert as_sent(read) == '{"a":"1.50"}'
    assert [read.get(name) for name in ("b", "moving_bid", "c")] == [None, None, None]


def test_last_of_two_values_counts_as_in_a_dict() -> None:
    assert as_sent(known("a").read(b'{"a":1,"a":2}')) == '{"a":2}'


@pytest.mark.parametrize(
    "sent",
    [
        '{"a":1,"new":2}',
        '{"a":NaN}',
        f'{{"a":{"[" * 5000}{"]" * 5000}}}',
        '{"a":"\\ud800"}',
        '{"a":1',
        "[1]",
        "null",
    ],
    ids=["new", "nan", "depth", "half", "cut", "list", "null"],
)
def test_odd_record_is_not_read(sent: str) -> None:
    fields = known("a")
    with pytest.raises(UnknownFieldsError):
        fields.read(sent.encode())
    assert as_sent(fields.read(b'{"a":1}')) == '{"a":1}'


def test_nothing_is_known_at_first() -> None:
    with pytest.raises(UnknownFieldsError):
        KnownFields(MOVING, str).read(b"{}")


@pytest.mark.parametrize(
    "name",
    ["class", "None", "__init__", "_x", "a-b", "a b", "1a", "get", "keys", "é", "", "a" * 200, 'a"b', "a\n"],
)
def test_name_that_no_struct_can_have_is_never_known(name: str) -> None:
    fields = known("a", name)
    assert as_sent(fields.read(b'{"a":1}')) == '{"a":1}'
    with pytest.raises(UnknownFieldsError):
        fields.read(json.dumps({name: 1}).encode())


def test_only_so_many_names_are_known() -> None:
    fields = known("a")
    fields.learn(f"field{number}" for number in range(300))
    with pytest.raises(UnknownFieldsError):
        fields.read(b'{"field1":1}')
    assert as_sent(fields.read(b'{"a":1}')) == '{"a":1}'


def lines() -> Iterator[bytes]:
    """Bodies of a record with more fields each time, some with names that no struct can have."""
    for number in range(1, 40):
        fields = {f"f{n}": n for n in range(number, 0, -1)} | {"ticker": "T", "class": 1, "yes_bid": number}
        yield json.dumps({"markets": [fields, {"ticker": f"U{number}", "yes_ask_dollars": "0.1"}]}).encode()


def test_documents_have_every_field_however_many_were_known_before() -> None:
    for number, body in enumerate(lines(), 1):
        first, second = Source(body, "markets").documents()
        for name in (f"f{number}", "class", "ticker"):
            assert first.fields.get(name) is not None
        assert first.fields.get("yes_bid") is None
        assert msgspec.json.encode(second.fields).decode() == f'{{"ticker":"U{number}"}}'
