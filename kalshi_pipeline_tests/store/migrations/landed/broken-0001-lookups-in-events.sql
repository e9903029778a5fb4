BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE events (
	id INTEGER NOT NULL, 
	ticker TEXT NOT NULL, 
	series_id INTEGER, 
	title TEXT, 
	sub_title TEXT, 
	category TEXT, 
	mutually_exclusive BOOLEAN, 
	strike_at BIGINT, 
	looked_up_at BIGINT, 
	is_placeholder BOOLEAN NOT NULL, 
	first_seen_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_events PRIMARY KEY (id), 
	CONSTRAINT fk_events_series_id FOREIGN KEY(series_id) REFERENCES series (id), 
	CONSTRAINT uq_events_ticker UNIQUE (ticker)
);
CREATE TABLE latest_quotes (
	market_id INTEGER NOT NULL, 
	tick_id INTEGER NOT NULL, 
	yes_bid BIGINT, 
	yes_ask BIGINT, 
	yes_bid_size BIGINT, 
	yes_ask_size BIGINT, 
	last_price BIGINT, 
	volume BIGINT, 
	open_interest BIGINT, 
	received_at BIGINT NOT NULL, 
	CONSTRAINT pk_latest_quotes PRIMARY KEY (market_id), 
	CONSTRAINT fk_latest_quotes_market_id FOREIGN KEY(market_id) REFERENCES markets (id), 
	CONSTRAINT fk_latest_quotes_tick_id FOREIGN KEY(tick_id) REFERENCES ticks (id)
);
CREATE TABLE listings (
	id INTEGER NOT NULL, 
	asset TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	started_at BIGINT, 
	finished_at BIGINT, 
	state TEXT NOT NULL, 
	reason TEXT, 
	pages INTEGER NOT NULL, 
	received INTEGER NOT NULL, 
	inserted INTEGER NOT NULL, 
	unchanged INTEGER NOT NULL, 
	quarantined INTEGER NOT NULL, 
	duplicates INTEGER NOT NULL, 
	placeholders INTEGER NOT NULL, 
	healed INTEGER NOT NULL, 
	changed INTEGER NOT NULL, 
	CONSTRAINT pk_listings PRIMARY KEY (id)
);
CREATE TABLE markets (
	id INTEGER NOT NULL, 
	ticker TEXT NOT NULL, 
	event_id INTEGER NOT NULL, 
	title TEXT, 
	yes_sub_title TEXT, 
	no_sub_title TEXT, 
	market_type TEXT, 
	status TEXT, 
	result TEXT, 
	created_at BIGINT, 
	open_at BIGINT, 
	close_at BIGINT, 
	expected_expiration_at BIGINT, 
	occurrence_at BIGINT, 
	strike_type TEXT, 
	floor_strike FLOAT, 
	cap_strike FLOAT, 
	rules_primary TEXT, 
	is_provisional BOOLEAN, 
	is_combo BOOLEAN NOT NULL, 
	collection_ticker TEXT, 
	is_placeholder BOOLEAN NOT NULL, 
	first_seen_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_markets PRIMARY KEY (id), 
	CONSTRAINT fk_markets_event_id FOREIGN KEY(event_id) REFERENCES events (id), 
	CONSTRAINT uq_markets_ticker UNIQUE (ticker)
);
CREATE TABLE price_snapshots (
	tick_id INTEGER NOT NULL, 
	market_id INTEGER NOT NULL, 
	yes_bid BIGINT, 
	yes_ask BIGINT, 
	yes_bid_size BIGINT, 
	yes_ask_size BIGINT, 
	last_price BIGINT, 
	volume BIGINT, 
	open_interest BIGINT, 
	received_at BIGINT NOT NULL, 
	CONSTRAINT pk_price_snapshots PRIMARY KEY (tick_id, market_id), 
	CONSTRAINT fk_price_snapshots_market_id FOREIGN KEY(market_id) REFERENCES markets (id), 
	CONSTRAINT fk_price_snapshots_tick_id FOREIGN KEY(tick_id) REFERENCES ticks (id)
)
 WITHOUT ROWID

;
CREATE TABLE quarantine (
	id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	record_key TEXT NOT NULL, 
	raw TEXT NOT NULL, 
	error TEXT NOT NULL, 
	run TEXT NOT NULL, 
	first_seen_at BIGINT NOT NULL, 
	last_seen_at BIGINT NOT NULL, 
	CONSTRAINT pk_quarantine PRIMARY KEY (id), 
	CONSTRAINT uq_quarantine_kind_record_key UNIQUE (kind, record_key)
);
CREATE TABLE series (
	id INTEGER NOT NULL, 
	ticker TEXT NOT NULL, 
	title TEXT, 
	category TEXT, 
	frequency TEXT, 
	tags TEXT, 
	is_placeholder BOOLEAN NOT NULL, 
	first_seen_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_series PRIMARY KEY (id), 
	CONSTRAINT uq_series_ticker UNIQUE (ticker)
);
INSERT INTO "series" VALUES(1,'KXRAIN',NULL,NULL,NULL,NULL,1,1795348800000000,1795348800000000);
CREATE TABLE ticks (
	id INTEGER NOT NULL, 
	tick_at BIGINT NOT NULL, 
	period_seconds FLOAT, 
	is_paused BOOLEAN, 
	scope TEXT NOT NULL, 
	started_at BIGINT, 
	finished_at BIGINT, 
	state TEXT NOT NULL, 
	reason TEXT, 
	pages INTEGER NOT NULL, 
	received INTEGER NOT NULL, 
	inserted INTEGER NOT NULL, 
	unchanged INTEGER NOT NULL, 
	quarantined INTEGER NOT NULL, 
	duplicates INTEGER NOT NULL, 
	placeholders INTEGER NOT NULL, 
	healed INTEGER NOT NULL, 
	CONSTRAINT pk_ticks PRIMARY KEY (id), 
	CONSTRAINT uq_ticks_tick_at UNIQUE (tick_at)
);
CREATE INDEX ix_listings_asset ON listings (asset, id);
CREATE INDEX ix_events_placeholder ON events (looked_up_at) WHERE is_placeholder;
CREATE INDEX ix_events_series_id ON events (series_id);
CREATE INDEX ix_markets_event_id ON markets (event_id);
CREATE INDEX ix_price_snapshots_market_id_tick_id ON price_snapshots (market_id, tick_id);
CREATE VIEW latest_prices AS
SELECT
    m.ticker AS ticker,
    e.ticker AS event_ticker,
    s.ticker AS series_ticker,
    coalesce(m.title, m.yes_sub_title) AS title,
    m.status AS status,
    strftime('%Y-%m-%dT%H:%M:%S', t.tick_at / 1000000, 'unixepoch') || printf('.%06dZ', t.tick_at % 1000000) AS tick_at,
    strftime('%Y-%m-%dT%H:%M:%S', q.received_at / 1000000, 'unixepoch') || printf('.%06dZ', q.received_at % 1000000) AS received_at,
    
    q.yes_bid / 1000000.0 AS yes_bid,
    q.yes_ask / 1000000.0 AS yes_ask,
    (1000000 - q.yes_ask) / 1000000.0 AS no_bid,
    (1000000 - q.yes_bid) / 1000000.0 AS no_ask,
    q.last_price / 1000000.0 AS last_price,
    q.yes_bid_size / 100.0 AS yes_bid_size,
    q.yes_ask_size / 100.0 AS yes_ask_size,
    q.volume / 100.0 AS volume,
    q.open_interest / 100.0 AS open_interest

FROM latest_quotes AS q
JOIN markets AS m ON m.id = q.market_id
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id
JOIN ticks AS t ON t.id = q.tick_id;
CREATE VIEW price_history AS
SELECT
    m.ticker AS ticker,
    strftime('%Y-%m-%dT%H:%M:%S', t.tick_at / 1000000, 'unixepoch') || printf('.%06dZ', t.tick_at % 1000000) AS tick_at,
    strftime('%Y-%m-%dT%H:%M:%S', q.received_at / 1000000, 'unixepoch') || printf('.%06dZ', q.received_at % 1000000) AS received_at,
    
    q.yes_bid / 1000000.0 AS yes_bid,
    q.yes_ask / 1000000.0 AS yes_ask,
    (1000000 - q.yes_ask) / 1000000.0 AS no_bid,
    (1000000 - q.yes_bid) / 1000000.0 AS no_ask,
    q.last_price / 1000000.0 AS last_price,
    q.yes_bid_size / 100.0 AS yes_bid_size,
    q.yes_ask_size / 100.0 AS yes_ask_size,
    q.volume / 100.0 AS volume,
    q.open_interest / 100.0 AS open_interest

FROM price_snapshots AS q
JOIN markets AS m ON m.id = q.market_id
JOIN ticks AS t ON t.id = q.tick_id;
COMMIT;
