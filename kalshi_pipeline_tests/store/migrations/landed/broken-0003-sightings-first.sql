BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE event_lookups (
	event_id INTEGER NOT NULL, 
	asked_at BIGINT NOT NULL, 
	CONSTRAINT pk_event_lookups PRIMARY KEY (event_id), 
	CONSTRAINT fk_event_lookups_event_id FOREIGN KEY(event_id) REFERENCES events (id)
);
CREATE TABLE events (
	id INTEGER NOT NULL, 
	ticker TEXT NOT NULL, 
	series_id INTEGER, 
	title TEXT, 
	sub_title TEXT, 
	category TEXT, 
	mutually_exclusive BOOLEAN, 
	strike_at BIGINT, 
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
	received_ms INTEGER NOT NULL, 
	is_terminal BOOLEAN NOT NULL, 
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
	changed INTEGER NOT NULL, windows INTEGER DEFAULT '1' NOT NULL, 
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
	received_ms INTEGER NOT NULL, 
	is_terminal BOOLEAN NOT NULL, 
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
CREATE TABLE sightings (
	tick_id INTEGER NOT NULL, 
	market_id INTEGER NOT NULL, 
	received_ms INTEGER NOT NULL, 
	CONSTRAINT pk_sightings PRIMARY KEY (tick_id, market_id), 
	CONSTRAINT fk_sightings_market_id FOREIGN KEY(market_id) REFERENCES markets (id), 
	CONSTRAINT fk_sightings_tick_id FOREIGN KEY(tick_id) REFERENCES ticks (id)
)
 WITHOUT ROWID

;
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
	healed INTEGER NOT NULL, windows INTEGER DEFAULT '1' NOT NULL, keyframes INTEGER DEFAULT '0' NOT NULL, ended INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_ticks PRIMARY KEY (id), 
	CONSTRAINT uq_ticks_tick_at UNIQUE (tick_at)
);
CREATE INDEX ix_listings_asset ON listings (asset, id);
CREATE INDEX ix_events_series_id ON events (series_id);
CREATE INDEX ix_markets_event_id ON markets (event_id);
CREATE INDEX ix_series_placeholder ON series (first_seen_at) WHERE is_placeholder = 1;
CREATE INDEX ix_events_placeholder ON events (first_seen_at) WHERE is_placeholder = 1;
CREATE INDEX ix_markets_placeholder ON markets (first_seen_at) WHERE is_placeholder = 1;
CREATE INDEX ix_markets_active_created_at ON markets (is_combo, created_at, status) WHERE status = 'active';
CREATE INDEX ix_price_snapshots_market_id_tick_id ON price_snapshots (market_id, tick_id);
CREATE VIEW movers_1h AS
WITH ends AS MATERIALIZED (
    SELECT
        (SELECT id FROM ticks WHERE state = 'complete' ORDER BY tick_at DESC LIMIT 1) AS tick_id,
        (SELECT id FROM ticks WHERE state IN ('running', 'complete', 'partial') AND tick_at <= (SELECT max(tick_at) - 1 * 3600000000 FROM ticks WHERE state = 'complete') ORDER BY tick_at DESC LIMIT 1)
            AS base_tick_id
),
found AS MATERIALIZED (
    SELECT
        l.market_id AS market_id,
        CASE WHEN l.tick_id <= ends.tick_id THEN l.tick_id ELSE (SELECT max(p.tick_id) FROM price_snapshots AS p WHERE p.market_id = l.market_id AND p.tick_id <= ends.tick_id) END AS tick_id,
        CASE WHEN l.tick_id <= ends.base_tick_id THEN l.tick_id ELSE (SELECT max(p.tick_id) FROM price_snapshots AS p WHERE p.market_id = l.market_id AND p.tick_id <= ends.base_tick_id) END AS base_tick_id
    FROM ends
    JOIN latest_quotes AS l ON l.tick_id > ends.base_tick_id
)
SELECT
    m.ticker AS ticker,
    coalesce(m.title, m.yes_sub_title) AS title,
    strftime('%Y-%m-%dT%H:%M:%S', t.tick_at / 1000000, 'unixepoch') || printf('.%06dZ', t.tick_at % 1000000) AS quoted_at,
    strftime('%Y-%m-%dT%H:%M:%S', r.tick_at / 1000000, 'unixepoch') || printf('.%06dZ', r.tick_at % 1000000) AS base_quoted_at,
    (q.yes_bid + q.yes_ask) / 2000000.0 AS midpoint,
    (b.yes_bid + b.yes_ask) / 2000000.0 AS base_midpoint,
    (q.yes_bid + q.yes_ask - b.yes_bid - b.yes_ask) / 2000000.0 AS midpoint_change,
    q.last_price / 1000000.0 AS last_price,
    b.last_price / 1000000.0 AS base_last_price,
    (q.last_price - b.last_price) / 1000000.0 AS last_price_change,
    (q.volume - b.volume) / 100.0 AS volume_change
FROM found AS f
JOIN price_snapshots AS q ON q.tick_id = f.tick_id AND q.market_id = f.market_id
JOIN price_snapshots AS b ON b.tick_id = f.base_tick_id AND b.market_id = f.market_id
JOIN ticks AS t ON t.id = f.tick_id
JOIN ticks AS r ON r.id = f.base_tick_id
JOIN markets AS m ON m.id = f.market_id
WHERE midpoint_change <> 0 OR last_price_change <> 0
ORDER BY abs(midpoint_change) DESC NULLS LAST, abs(last_price_change) DESC NULLS LAST, m.ticker;
CREATE VIEW movers_24h AS
WITH ends AS MATERIALIZED (
    SELECT
        (SELECT id FROM ticks WHERE state = 'complete' ORDER BY tick_at DESC LIMIT 1) AS tick_id,
        (SELECT id FROM ticks WHERE state IN ('running', 'complete', 'partial') AND tick_at <= (SELECT max(tick_at) - 24 * 3600000000 FROM ticks WHERE state = 'complete') ORDER BY tick_at DESC LIMIT 1)
            AS base_tick_id
),
found AS MATERIALIZED (
    SELECT
        l.market_id AS market_id,
        CASE WHEN l.tick_id <= ends.tick_id THEN l.tick_id ELSE (SELECT max(p.tick_id) FROM price_snapshots AS p WHERE p.market_id = l.market_id AND p.tick_id <= ends.tick_id) END AS tick_id,
        CASE WHEN l.tick_id <= ends.base_tick_id THEN l.tick_id ELSE (SELECT max(p.tick_id) FROM price_snapshots AS p WHERE p.market_id = l.market_id AND p.tick_id <= ends.base_tick_id) END AS base_tick_id
    FROM ends
    JOIN latest_quotes AS l ON l.tick_id > ends.base_tick_id
)
SELECT
    m.ticker AS ticker,
    coalesce(m.title, m.yes_sub_title) AS title,
    strftime('%Y-%m-%dT%H:%M:%S', t.tick_at / 1000000, 'unixepoch') || printf('.%06dZ', t.tick_at % 1000000) AS quoted_at,
    strftime('%Y-%m-%dT%H:%M:%S', r.tick_at / 1000000, 'unixepoch') || printf('.%06dZ', r.tick_at % 1000000) AS base_quoted_at,
    (q.yes_bid + q.yes_ask) / 2000000.0 AS midpoint,
    (b.yes_bid + b.yes_ask) / 2000000.0 AS base_midpoint,
    (q.yes_bid + q.yes_ask - b.yes_bid - b.yes_ask) / 2000000.0 AS midpoint_change,
    q.last_price / 1000000.0 AS last_price,
    b.last_price / 1000000.0 AS base_last_price,
    (q.last_price - b.last_price) / 1000000.0 AS last_price_change,
    (q.volume - b.volume) / 100.0 AS volume_change
FROM found AS f
JOIN price_snapshots AS q ON q.tick_id = f.tick_id AND q.market_id = f.market_id
JOIN price_snapshots AS b ON b.tick_id = f.base_tick_id AND b.market_id = f.market_id
JOIN ticks AS t ON t.id = f.tick_id
JOIN ticks AS r ON r.id = f.base_tick_id
JOIN markets AS m ON m.id = f.market_id
WHERE midpoint_change <> 0 OR last_price_change <> 0
ORDER BY abs(midpoint_change) DESC NULLS LAST, abs(last_price_change) DESC NULLS LAST, m.ticker;
CREATE VIEW latest_prices AS
WITH newest AS MATERIALIZED (
    SELECT
        scope,
        max(tick_at) AS newest_at,
        max(CASE WHEN state = 'complete' THEN tick_at END) AS complete_at
    FROM ticks
    WHERE state IN ('running', 'complete', 'partial')
    GROUP BY scope
),
standings AS MATERIALIZED (
    SELECT scope, newest_at, complete_at, strftime('%Y-%m-%dT%H:%M:%S', complete_at / 1000000, 'unixepoch') || printf('.%06dZ', complete_at % 1000000) AS confirmed_at FROM newest
),
sighted AS MATERIALIZED (
    SELECT max(tick_id) AS last_id FROM sightings
)
SELECT
    m.ticker AS ticker,
    e.ticker AS event_ticker,
    s.ticker AS series_ticker,
    coalesce(m.title, m.yes_sub_title) AS title,
    m.status AS status,
    strftime('%Y-%m-%dT%H:%M:%S', t.tick_at / 1000000, 'unixepoch') || printf('.%06dZ', t.tick_at % 1000000) AS tick_at,
    strftime('%Y-%m-%dT%H:%M:%S', (t.tick_at + coalesce(g.received_ms, q.received_ms) * 1000) / 1000000, 'unixepoch') || printf('.%06dZ', (t.tick_at + coalesce(g.received_ms, q.received_ms) * 1000) % 1000000) AS received_at,
    
    q.yes_bid / 1000000.0 AS yes_bid,
    q.yes_ask / 1000000.0 AS yes_ask,
    (1000000 - q.yes_ask) / 1000000.0 AS no_bid,
    (1000000 - q.yes_bid) / 1000000.0 AS no_ask,
    q.last_price / 1000000.0 AS last_price,
    q.yes_bid_size / 100.0 AS yes_bid_size,
    q.yes_ask_size / 100.0 AS yes_ask_size,
    q.volume / 100.0 AS volume,
    q.open_interest / 100.0 AS open_interest
,
    q.is_terminal AS is_terminal,
    (SELECT confirmed_at FROM standings WHERE scope = t.scope AND complete_at >= t.tick_at) AS confirmed_at,
    (SELECT newest_at = t.tick_at FROM standings WHERE scope = t.scope) AS is_observed,
    (SELECT newest_at IS complete_at FROM standings WHERE scope = t.scope) AS is_tick_complete
FROM sighted
CROSS JOIN latest_quotes AS q
JOIN markets AS m ON m.id = q.market_id
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id
LEFT JOIN sightings AS g
    ON g.market_id = q.market_id AND g.tick_id = (SELECT i.id FROM ticks AS i WHERE i.id > q.tick_id AND i.id <= sighted.last_id AND EXISTS (SELECT 1 FROM sightings AS j WHERE j.tick_id = i.id AND j.market_id = q.market_id) ORDER BY i.id DESC LIMIT 1)
JOIN ticks AS t ON t.id = coalesce(g.tick_id, q.tick_id);
CREATE VIEW price_history AS
SELECT
    m.ticker AS ticker,
    strftime('%Y-%m-%dT%H:%M:%S', t.tick_at / 1000000, 'unixepoch') || printf('.%06dZ', t.tick_at % 1000000) AS tick_at,
    strftime('%Y-%m-%dT%H:%M:%S', (t.tick_at + q.received_ms * 1000) / 1000000, 'unixepoch') || printf('.%06dZ', (t.tick_at + q.received_ms * 1000) % 1000000) AS received_at,
    
    q.yes_bid / 1000000.0 AS yes_bid,
    q.yes_ask / 1000000.0 AS yes_ask,
    (1000000 - q.yes_ask) / 1000000.0 AS no_bid,
    (1000000 - q.yes_bid) / 1000000.0 AS no_ask,
    q.last_price / 1000000.0 AS last_price,
    q.yes_bid_size / 100.0 AS yes_bid_size,
    q.yes_ask_size / 100.0 AS yes_ask_size,
    q.volume / 100.0 AS volume,
    q.open_interest / 100.0 AS open_interest
,
    q.is_terminal AS is_terminal,
    t.state = 'complete' AS is_tick_complete
FROM price_snapshots AS q
JOIN markets AS m ON m.id = q.market_id
JOIN ticks AS t ON t.id = q.tick_id
UNION ALL
SELECT
    m.ticker,
    strftime('%Y-%m-%dT%H:%M:%S', t.tick_at / 1000000, 'unixepoch') || printf('.%06dZ', t.tick_at % 1000000) AS tick_at,
    strftime('%Y-%m-%dT%H:%M:%S', (t.tick_at + g.received_ms * 1000) / 1000000, 'unixepoch') || printf('.%06dZ', (t.tick_at + g.received_ms * 1000) % 1000000) AS received_at,
    
    q.yes_bid / 1000000.0 AS yes_bid,
    q.yes_ask / 1000000.0 AS yes_ask,
    (1000000 - q.yes_ask) / 1000000.0 AS no_bid,
    (1000000 - q.yes_bid) / 1000000.0 AS no_ask,
    q.last_price / 1000000.0 AS last_price,
    q.yes_bid_size / 100.0 AS yes_bid_size,
    q.yes_ask_size / 100.0 AS yes_ask_size,
    q.volume / 100.0 AS volume,
    q.open_interest / 100.0 AS open_interest
,
    0,
    t.state = 'complete'
FROM (
    SELECT (SELECT min(tick_id) FROM sightings) AS first_id, (SELECT max(tick_id) FROM sightings) AS last_id
) AS sighted
CROSS JOIN markets AS m
CROSS JOIN latest_quotes AS l
CROSS JOIN ticks AS t
CROSS JOIN sightings AS g
CROSS JOIN price_snapshots AS q
WHERE sighted.first_id IS NOT NULL AND l.market_id = m.id
    AND t.id >= sighted.first_id AND t.id <= sighted.last_id
    AND t.id > (SELECT min(f.tick_id) FROM price_snapshots AS f WHERE f.market_id = m.id)
    AND (t.id < l.tick_id OR NOT l.is_terminal)
    AND g.tick_id = t.id AND g.market_id = m.id
    AND q.market_id = m.id AND q.tick_id = (
        SELECT max(p.tick_id) FROM price_snapshots AS p WHERE p.market_id = m.id AND p.tick_id < t.id
    );
CREATE VIEW quotes_by_tick AS
SELECT
    m.ticker AS ticker,
    t.id AS tick_id,
    strftime('%Y-%m-%dT%H:%M:%S', t.tick_at / 1000000, 'unixepoch') || printf('.%06dZ', t.tick_at % 1000000) AS tick_at,
    strftime('%Y-%m-%dT%H:%M:%S', r.tick_at / 1000000, 'unixepoch') || printf('.%06dZ', r.tick_at % 1000000) AS quoted_at,
    strftime('%Y-%m-%dT%H:%M:%S', (r.tick_at + coalesce(g.received_ms, q.received_ms) * 1000) / 1000000, 'unixepoch') || printf('.%06dZ', (r.tick_at + coalesce(g.received_ms, q.received_ms) * 1000) % 1000000) AS received_at,
    
    q.yes_bid / 1000000.0 AS yes_bid,
    q.yes_ask / 1000000.0 AS yes_ask,
    (1000000 - q.yes_ask) / 1000000.0 AS no_bid,
    (1000000 - q.yes_bid) / 1000000.0 AS no_ask,
    q.last_price / 1000000.0 AS last_price,
    q.yes_bid_size / 100.0 AS yes_bid_size,
    q.yes_ask_size / 100.0 AS yes_ask_size,
    q.volume / 100.0 AS volume,
    q.open_interest / 100.0 AS open_interest
,
    r.id = t.id AS is_observed,
    t.state = 'complete' AS is_tick_complete
FROM ticks AS t
CROSS JOIN latest_quotes AS l
JOIN markets AS m ON m.id = l.market_id
CROSS JOIN price_snapshots AS q
LEFT JOIN sightings AS g
    ON g.market_id = l.market_id AND g.tick_id = (SELECT i.id FROM ticks AS i WHERE i.id > q.tick_id AND i.id <= (SELECT max(tick_id) FROM sightings WHERE tick_id <= t.id) AND EXISTS (SELECT 1 FROM sightings AS j WHERE j.tick_id = i.id AND j.market_id = l.market_id) ORDER BY i.id DESC LIMIT 1)
JOIN ticks AS r ON r.id = coalesce(g.tick_id, q.tick_id)
WHERE t.state IN ('running', 'complete', 'partial') AND (l.tick_id > t.id OR NOT l.is_terminal)
    AND q.market_id = l.market_id AND q.tick_id = CASE WHEN l.tick_id <= t.id THEN l.tick_id ELSE (
        SELECT max(p.tick_id) FROM price_snapshots AS p WHERE p.market_id = l.market_id AND p.tick_id <= t.id
    ) END
    AND NOT q.is_terminal
    AND r.scope = t.scope;
COMMIT;
