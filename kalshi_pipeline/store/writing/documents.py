"""Documents: a record of the exchange with all its fields, stored whenever it differs from the previous one.

They are encoded, compared and compressed while nothing is locked, and then inserted in a separate transaction.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    Text,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    update,
)

from kalshi_pipeline.records import Document, Event, Leg, Market, Series
from kalshi_pipeline.store.dialects.statements import in_parts, insert_or_ignore, upsert
from kalshi_pipeline.store.document_blocks import compressed, dictionary_of, digest_of, line_of
from kalshi_pipeline.store.schema.from_records import record_columns, shared_fields
from kalshi_pipeline.store.schema.tables import (
    DOCUMENTS_OF,
    combo_legs,
    document_blocks,
    document_dictionaries,
    document_fields,
    document_key,
    document_subjects,
    markets,
    subject_documents,
)
from kalshi_pipeline.store.writing.ids import InsertNew, insert_many
from kalshi_pipeline.store.writing.merging import Staging
from kalshi_pipeline.store.writing.texts import document_texts, key_of
from kalshi_pipeline.units import MICROS_PER_DAY

_WEEK = 7 * MICROS_PER_DAY
_FIRST_MONDAY = 4 * MICROS_PER_DAY  # 1970 began on a Thursday
_MANY = 100
_MOST_TOGETHER = 500  # to read one of them, all are decompressed
_DICTIONARY_LASTS = 30 * MICROS_PER_DAY
_MOST_NESTED = 200
_WITH_DATA_AS_KEYS = frozenset({"custom_strike"})
_JSON_TYPES = {str: "text", bool: "boolean", type(None): "null", list: "list", dict: "object"}

_staged = Staging(
    "staged_documents",
    Column("ticker", Text),
    Column("digest", BigInteger),
    Column("is_first_only", Boolean),
)
_new = Staging(
    "new_documents",
    Column("row_id", Integer),
    Column("seen_at", BigInteger),
    Column("digest", BigInteger),
    Column("block_id", Integer),
    Column("line", Integer),
)


class DocumentKind:
    """A kind of documents: of which table's rows, where they are kept, and which of their texts are shared."""

    def __init__(self, name: str, shared: Sequence[str] = ()) -> None:
        parent, table = DOCUMENTS_OF.get(name, (document_subjects, subject_documents))
        self.name = name
        self.shared = shared
        self.parent = parent
        stage, stored, new = _staged.table.c, table.c, _new.table.c
        key = document_key(table)
        is_of = parent.c.ticker == stage.ticker
        if parent is document_subjects:
            is_of = and_(is_of, parent.c.kind == name)
        newest = (
            select(func.max(stored.seen_at)).where(key == parent.c.id).correlate(parent).scalar_subquery()
        )
        self.find_new = (
            select(stage.staged_row, parent.c.id, stored.seen_at)
            .select_from(
                _staged.table.join(parent, is_of).outerjoin(
                    table, and_(key == parent.c.id, stored.seen_at == newest)
                )
            )
            .where(or_(stored.digest.is_(None), and_(~stage.is_first_only, stored.digest != stage.digest)))
            .order_by(stage.staged_row)
        )
        self.insert_new = insert_or_ignore(
            table,
            [key.name, "seen_at", "digest", "block_id", "line"],
            # Another program may have deleted the row meanwhile.
            select(parent.c.id, new.seen_at, new.digest, new.block_id, new.line).join(
                parent, parent.c.id == new.row_id
            ),
        )

    def family_of(self, ticker: str) -> str:
        """Return the family of similar documents that one belongs to. It only affects how well they compress."""
        return ticker.partition("-")[0] if self.parent is markets else ""


SERIES = DocumentKind("series", shared_fields(Series))
EVENT = DocumentKind("event", shared_fields(Event))
MARKET = DocumentKind("market", shared_fields(Market))


@cache
def other_kind(name: str) -> DocumentKind:
    """Return a kind of what has no table of its own, such as milestones; its rows are made by `record_subjects`."""
    return DocumentKind(name)


class Prepared(NamedTuple):
    """A document as it will be stored, if it is new, or, with `is_first_only`, if its row has none yet.

    `texts` are the shared texts that its line names by their keys.
    """

    ticker: str
    line: bytes
    digest: int
    texts: dict[int, str]
    legs: tuple[Leg, ...] | None
    seen_at: int
    is_first_only: bool


class NewDocument(NamedTuple):
    """A document that differs from the one before it, and the key of its row."""

    row_id: int
    seen_at: int
    prepared: Prepared


class Dictionary(NamedTuple):
    """The dictionary for blocks of a family: stored under a key, or new."""

    family: str
    body: bytes
    id: int | None = None


class Block(NamedTuple):
    """New documents, compressed together: with a dictionary, if they are few."""

    documents: list[NewDocument]
    body: bytes
    dictionary: Dictionary | None = None


def prepare_document(
    kind: DocumentKind, document: Document, seen_at: int, *, is_first_only: bool = False
) -> Prepared:
    """Return a document as it will be stored; its fields are taken apart."""
    ticker, fields, legs = document
    shared: dict[str, int] = {}
    bodies: dict[int, str] = {}
    for name in kind.shared:
        text = fields.get(name)
        if text.__class__ is str:
            shared[name] = key = key_of(text)
            bodies[key] = text
            del fields[name]
    line = line_of(fields, shared)
    return Prepared(ticker, line, digest_of(line), bodies, legs, seen_at, is_first_only)


_staged_subjects = Staging("staged_subjects", Column("ticker", Text))
_subject = _staged_subjects.table.c
_kind, _asked_at = bindparam("of_kind", type_=Text), bindparam("at", type_=BigInteger)
_insert_subjects = InsertNew(
    document_subjects,
    ["kind", "ticker", "asked_at"],
    select(_kind, _subject.ticker, _asked_at)
    .distinct()
    .where(~exists().where(document_subjects.c.kind == _kind, document_subjects.c.ticker == _subject.ticker)),
)
_date_subjects = (
    update(document_subjects)
    .values(asked_at=_asked_at)
    .where(document_subjects.c.kind == _kind, document_subjects.c.ticker.in_(select(_subject.ticker)))
)


def record_subjects(connection: Connection, kind: DocumentKind, tickers: Sequence[str], asked_at: int) -> int:
    """Record that the exchange was asked for subjects of a kind without a table of its own; return how many are new."""
    _staged_subjects.fill(connection, [(ticker,) for ticker in tickers])
    bound = {"of_kind": kind.name, "at": asked_at}
    connection.execute(_date_subjects, bound)
    return _insert_subjects.run(connection, bound)


def find_new_documents(
    connection: Connection, kind: DocumentKind, prepared: Sequence[Prepared]
) -> list[NewDocument]:
    """Return those that differ from the newest stored document of their row; one whose row is not stored is left out.

    Each is dated after the one before it, even if the clock went back. No two of them may be of one row.
    """
    _staged.fill(
        connection,
        [(document.ticker, document.digest, document.is_first_only) for document in prepared],
    )
    found: list[NewDocument] = []
    for number, row_id, last in connection.execute(kind.find_new).all():
        document = prepared[number - 1]
        seen_at = document.seen_at if last is None else max(document.seen_at, last + 1)
        found.append(NewDocument(row_id, seen_at, document))
    return found


def compress_documents(
    connection: Connection, kind: DocumentKind, documents: Sequence[NewDocument]
) -> list[Block]:
    """Return new documents in blocks.

    Many show each other what they have in common. Few are compressed by family, with its dictionary of this month,
    which is made of the first of them.
    """
    if len(documents) >= _MANY:
        ordered = sorted(documents, key=lambda document: document.prepared.ticker)
        starts = range(0, len(ordered), _MOST_TOGETHER)
        return [_compressed(ordered[start : start + _MOST_TOGETHER]) for start in starts]
    families: dict[str, list[NewDocument]] = defaultdict(list)
    for document in documents:
        families[kind.family_of(document.prepared.ticker)].append(document)
    known = _newest_dictionaries(connection, kind, list(families))
    blocks: list[Block] = []
    for family, members in families.items():
        made_at, dictionary = known.get(family, (None, None))
        if made_at is None or members[0].seen_at - made_at > _DICTIONARY_LASTS:
            dictionary = Dictionary(family, dictionary_of(members[0].prepared.line))
        blocks.append(_compressed(members, dictionary))
    return blocks


def _compressed(documents: list[NewDocument], dictionary: Dictionary | None = None) -> Block:
    lines = [document.prepared.line for document in documents]
    return Block(documents, compressed(lines, None if dictionary is None else dictionary.body), dictionary)


def _newest_dictionaries(
    connection: Connection, kind: DocumentKind, families: Sequence[str]
) -> dict[str, tuple[int, Dictionary]]:
    """Return the newest dictionary of each family that has one, with the instant at which it was made."""
    table = document_dictionaries.c
    newest: dict[str, tuple[int, Dictionary]] = {}
    for some in in_parts(families):
        last = (
            select(func.max(table.id))
            .where(table.kind == kind.name, table.family.in_(some))
            .group_by(table.family)
        )
        query = select(table.family, table.body, table.id, table.made_at).where(table.id.in_(last))
        for *dictionary, made_at in connection.execute(query):
            newest[dictionary[0]] = made_at, Dictionary(*dictionary)
    return newest


def insert_documents(connection: Connection, kind: DocumentKind, blocks: Sequence[Block]) -> int:
    """Insert new documents with their dictionaries, shared texts and legs, and return how many they are."""
    documents = [document for block in blocks for document in block.documents]
    if not documents:
        return 0
    fresh = [
        (block.dictionary, block.documents[0].seen_at)
        for block in blocks
        if block.dictionary is not None and block.dictionary.id is None
    ]
    first_id = insert_many(
        connection,
        document_dictionaries,
        [
            {"kind": kind.name, "family": dictionary.family, "made_at": made_at, "body": dictionary.body}
            for dictionary, made_at in fresh
        ],
    )
    made = {dictionary.family: key for key, (dictionary, _) in enumerate(fresh, first_id)}
    first_id = insert_many(
        connection,
        document_blocks,
        [
            {
                "dictionary_id": block.dictionary and (block.dictionary.id or made[block.dictionary.family]),
                "body": block.body,
            }
            for block in blocks
        ],
    )
    _store_texts(connection, documents)
    _new.fill(
        connection,
        [
            (document.row_id, document.seen_at, document.prepared.digest, block_id, number)
            for block_id, block in enumerate(blocks, first_id)
            for number, document in enumerate(block.documents)
        ],
    )
    connection.execute(kind.insert_new)
    _store_legs(connection, documents)
    return len(documents)


def _store_texts(connection: Connection, documents: Sequence[NewDocument]) -> None:
    found: dict[int, str] = {}
    for document in documents:
        found |= document.prepared.texts
    if found:
        document_texts.hold(connection, found)
        document_texts.store(connection)


_staged_legs = Staging("staged_legs", Column("row_id", Integer), *record_columns(Leg))
_leg_market = markets.alias("leg_market")
_leg = _staged_legs.table.c
_staged_combos = Staging("staged_combos", Column("row_id", Integer))
_delete_legs = delete(combo_legs).where(combo_legs.c.market_id.in_(select(_staged_combos.table.c.row_id)))
_insert_legs = insert_or_ignore(
    combo_legs,
    ["market_id", "position", "leg_market_id", "leg_ticker", "leg_event_ticker", "side", "settlement_value"],
    select(
        markets.c.id,
        _leg.position,
        _leg_market.c.id,
        case((_leg_market.c.id.is_(None), _leg.market_ticker), else_=null()),
        case((_leg_market.c.id.is_(None), _leg.event_ticker), else_=null()),
        _leg.side,
        _leg.settlement_value,
    ).select_from(
        _staged_legs.table.join(markets, markets.c.id == _leg.row_id).outerjoin(
            _leg_market, _leg_market.c.ticker == _leg.market_ticker
        )
    ),
)


def _store_legs(connection: Connection, documents: Sequence[NewDocument]) -> None:
    """Replace the stored legs of each combo: an empty list deletes them, legs that are not sent are kept."""
    legs = {
        document.row_id: document.prepared.legs
        for document in documents
        if document.prepared.legs is not None
    }
    if not legs:
        return
    _staged_combos.fill(connection, [(row_id,) for row_id in legs])
    connection.execute(_delete_legs)
    _staged_legs.fill(connection, [(row_id, *leg) for row_id, of_combo in legs.items() for leg in of_combo])
    connection.execute(_insert_legs)


_staged_fields = Staging("staged_fields", *document_fields.columns)
_before = document_fields.alias("before")
_field = _staged_fields.table.c
_add_fields = upsert(
    document_fields,
    ["kind", "week_at", "field", "type", "documents"],
    select(
        _field.kind,
        _field.week_at,
        _field.field,
        _field.type,
        _field.documents + func.coalesce(_before.c.documents, literal(0)),
    ).select_from(
        _staged_fields.table.outerjoin(
            _before,
            and_(
                *(
                    _before.c[column.name] == _field[column.name]
                    for column in document_fields.primary_key.columns
                )
            ),
        )
    ),
)


Layout: TypeAlias = tuple[str, tuple[str, ...], tuple[type, ...]]
"""The kind of a document, and the names and the types of its fields."""


def layout_of(kind: DocumentKind, document: Document) -> Layout:
    """Return of which fields a document consists; those of objects in it, and of objects in lists, have dotted names.

    Of these at most _MOST_NESTED are named, and none of an object whose keys are data themselves.
    """
    fields = document.fields
    names, values = tuple(fields.keys()), tuple(fields.values())
    types = tuple(map(type, values))
    if dict in types or list in types:
        nested = dict.fromkeys(islice(_nested_in(zip(names, values, strict=True)), _MOST_NESTED))
        names += tuple(name for name, _ in nested)
        types += tuple(python_type for _, python_type in nested)
    return kind.name, names, types


def _nested_in(fields: Iterable[tuple[str, Any]], prefix: str = "") -> Iterator[tuple[str, type]]:
    for name, value in fields:
        if name in _WITH_DATA_AS_KEYS:
            continue
        inner = value if value.__class__ is list else (value,)
        for part in inner:
            if part.__class__ is dict:
                path = f"{prefix}{name}."
                yield from ((path + key, type(found)) for key, found in part.items())
                yield from _nested_in(part.items(), path)


def count_fields(connection: Connection, layouts: Mapping[Layout, int], at: int) -> None:
    """Add to the counts of fields and of their types, in the week of an instant, those of documents with layouts."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for (kind, names, types), count in layouts.items():
        counts[kind, "", ""] += count
        for name, python_type in zip(names, types, strict=True):
            counts[kind, name, _JSON_TYPES.get(python_type, "number")] += count
    week_at = _week_of(at)
    rows = [(kind, week_at, name, type_, count) for (kind, name, type_), count in counts.items()]
    _staged_fields.fill(connection, rows)
    connection.execute(_add_fields)


def _week_of(instant: int) -> int:
    return instant - (instant - _FIRST_MONDAY) % _WEEK
