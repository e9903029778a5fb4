BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0020');
CREATE TABLE backfill_progress (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	scope_id INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	reason TEXT, 
	cursor TEXT, 
	since_at BIGINT, 
	newest_at BIGINT, 
	started_at BIGINT NOT NULL, 
	finished_at BIGINT, 
	pages INTEGER NOT NULL, 
	received INTEGER NOT NULL, 
	inserted INTEGER NOT NULL, 
	quarantined INTEGER NOT NULL, 
	CONSTRAINT pk_backfill_progress PRIMARY KEY (id), 
	CONSTRAINT fk_backfill_progress_scope_id FOREIGN KEY(scope_id) REFERENCES scopes (id), 
	CONSTRAINT uq_backfill_progress_name_scope_id UNIQUE (name, scope_id)
);
INSERT INTO "backfill_progress" VALUES(1,'settlements/live',6,'complete',NULL,NULL,NULL,1795749691000000,1795749152740689,1795749152766373,1,20,16,0);
INSERT INTO "backfill_progress" VALUES(2,'trades/2026-11-26/live',8,'complete',NULL,NULL,NULL,NULL,1795749152771192,1795749152781266,1,12,11,0);
INSERT INTO "backfill_progress" VALUES(3,'trades/2026-11-26/historical',8,'complete',NULL,NULL,NULL,NULL,1795749152771192,1795749152787744,1,9,9,0);
INSERT INTO "backfill_progress" VALUES(4,'settlements/live',9,'complete',NULL,NULL,NULL,1795712164681757,1795749152853349,1795749152865676,1,1,0,0);
INSERT INTO "backfill_progress" VALUES(5,'settlements/historical',9,'complete',NULL,NULL,NULL,NULL,1795749152866040,1795749152872319,1,0,0,0);
CREATE TABLE candlestick_days (
	day_at BIGINT NOT NULL, 
	period_minutes INTEGER NOT NULL, 
	market_id INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	tier TEXT, 
	reason TEXT, 
	asked_at BIGINT NOT NULL, asked_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', asked_at / 1000000, 'unixepoch') || substr(asked_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, day TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%d', day_at / 1000000, 'unixepoch')) VIRTUAL, 
	CONSTRAINT pk_candlestick_days PRIMARY KEY (day_at, period_minutes, market_id), 
	CONSTRAINT fk_candlestick_days_market_id FOREIGN KEY(market_id) REFERENCES markets (id)
)
 WITHOUT ROWID

;
INSERT INTO "candlestick_days" VALUES(1795564800000000,1440,6,'complete','live',NULL,1795749152811988);
INSERT INTO "candlestick_days" VALUES(1795651200000000,1440,6,'complete','live',NULL,1795749152800213);
CREATE TABLE candlesticks (
	market_id INTEGER NOT NULL, 
	period_minutes INTEGER NOT NULL, 
	end_at BIGINT NOT NULL, 
	yes_bid_open BIGINT, 
	yes_bid_high BIGINT, 
	yes_bid_low BIGINT, 
	yes_bid_close BIGINT, 
	yes_ask_open BIGINT, 
	yes_ask_high BIGINT, 
	yes_ask_low BIGINT, 
	yes_ask_close BIGINT, 
	price_open BIGINT, 
	price_high BIGINT, 
	price_low BIGINT, 
	price_close BIGINT, 
	price_mean BIGINT, 
	price_previous BIGINT, 
	volume BIGINT, 
	open_interest BIGINT, end_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', end_at / 1000000, 'unixepoch') || substr(end_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, yes_bid_open_dollars REAL GENERATED ALWAYS AS (yes_bid_open / 1000000.0) VIRTUAL, yes_bid_high_dollars REAL GENERATED ALWAYS AS (yes_bid_high / 1000000.0) VIRTUAL, yes_bid_low_dollars REAL GENERATED ALWAYS AS (yes_bid_low / 1000000.0) VIRTUAL, yes_bid_close_dollars REAL GENERATED ALWAYS AS (yes_bid_close / 1000000.0) VIRTUAL, yes_ask_open_dollars REAL GENERATED ALWAYS AS (yes_ask_open / 1000000.0) VIRTUAL, yes_ask_high_dollars REAL GENERATED ALWAYS AS (yes_ask_high / 1000000.0) VIRTUAL, yes_ask_low_dollars REAL GENERATED ALWAYS AS (yes_ask_low / 1000000.0) VIRTUAL, yes_ask_close_dollars REAL GENERATED ALWAYS AS (yes_ask_close / 1000000.0) VIRTUAL, price_open_dollars REAL GENERATED ALWAYS AS (price_open / 1000000.0) VIRTUAL, price_high_dollars REAL GENERATED ALWAYS AS (price_high / 1000000.0) VIRTUAL, price_low_dollars REAL GENERATED ALWAYS AS (price_low / 1000000.0) VIRTUAL, price_close_dollars REAL GENERATED ALWAYS AS (price_close / 1000000.0) VIRTUAL, price_mean_dollars REAL GENERATED ALWAYS AS (price_mean / 1000000.0) VIRTUAL, price_previous_dollars REAL GENERATED ALWAYS AS (price_previous / 1000000.0) VIRTUAL, volume_contracts REAL GENERATED ALWAYS AS (volume / 100.0) VIRTUAL, open_interest_contracts REAL GENERATED ALWAYS AS (open_interest / 100.0) VIRTUAL, 
	CONSTRAINT pk_candlesticks PRIMARY KEY (market_id, period_minutes, end_at), 
	CONSTRAINT fk_candlesticks_market_id FOREIGN KEY(market_id) REFERENCES markets (id)
)
 WITHOUT ROWID

;
INSERT INTO "candlesticks" VALUES(6,1440,1795582800000000,370000,420000,340000,360000,390000,440000,360000,380000,NULL,NULL,NULL,NULL,NULL,360000,0,66500);
INSERT INTO "candlesticks" VALUES(6,1440,1795669200000000,360000,420000,340000,340000,380000,440000,360000,360000,NULL,NULL,NULL,NULL,NULL,360000,0,66500);
CREATE TABLE combo_legs (
	market_id INTEGER NOT NULL, 
	position BIGINT NOT NULL, 
	leg_market_id INTEGER, 
	leg_ticker TEXT, 
	leg_event_ticker TEXT, 
	side TEXT, 
	settlement_value BIGINT, settlement_value_dollars REAL GENERATED ALWAYS AS (settlement_value / 1000000.0) VIRTUAL, 
	CONSTRAINT pk_combo_legs PRIMARY KEY (market_id, position), 
	CONSTRAINT fk_combo_legs_market_id FOREIGN KEY(market_id) REFERENCES markets (id), 
	CONSTRAINT fk_combo_legs_leg_market_id FOREIGN KEY(leg_market_id) REFERENCES markets (id)
)
 WITHOUT ROWID

;
INSERT INTO "combo_legs" VALUES(3,0,1,NULL,NULL,'yes',NULL);
INSERT INTO "combo_legs" VALUES(3,1,NULL,'ELSEWHERE-1','ELSEWHERE','no',1000000);
CREATE TABLE document_blocks (
	id INTEGER NOT NULL, 
	dictionary_id INTEGER, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_document_blocks PRIMARY KEY (id), 
	CONSTRAINT fk_document_blocks_dictionary_id FOREIGN KEY(dictionary_id) REFERENCES document_dictionaries (id)
);
INSERT INTO "document_blocks" VALUES(1,1,X'28B52FFD20BFED0000600A544F54414C484947484E590500422C45040E06B6E8100E53908215');
INSERT INTO "document_blocks" VALUES(2,2,X'28B52FFD20C2750100C00A544F54414C32374D4941484F5539484947484E5930384107004503A308AC8EF001002761981A51F30B295801');
INSERT INTO "document_blocks" VALUES(3,3,X'28B52FFD606A009D0000200A37393004000412524859F938A5EE690002');
INSERT INTO "document_blocks" VALUES(4,4,X'28B52FFD20313D0000000100D2480101');
INSERT INTO "document_blocks" VALUES(5,1,X'28B52FFD20BF1D010070310A544F54414C31484947484E590700422C45040C80DD81793A04C760900A670002');
INSERT INTO "document_blocks" VALUES(6,2,X'28B52FFD20C2DD01001402310A544F54414C32374D4941484F553931484947484E5930384131227D2C7B7D5D0900459BA308AC8EF0010C17E64918A646A80C3041210520');
INSERT INTO "document_blocks" VALUES(7,3,X'28B52FFD606A00C500003031310A37393006000412524859F9704A005D40E21D0956');
INSERT INTO "document_blocks" VALUES(8,4,X'28B52FFD20316D00003831227D2C7B7D5D010029A480');
CREATE TABLE document_dictionaries (
	id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	family TEXT NOT NULL, 
	made_at BIGINT NOT NULL, 
	body BLOB NOT NULL, 
	CONSTRAINT pk_document_dictionaries PRIMARY KEY (id)
);
INSERT INTO "document_dictionaries" VALUES(1,'series','',1795700000000000,X'28B52FFD203FF901005B7B2274616773223A5B2261222C2262225D2C227469636B6572223A224B584E464C47414D45222C227469746C65223A225365726965732030227D2C7B7D5D');
INSERT INTO "document_dictionaries" VALUES(2,'event','',1795700000000000,X'28B52FFD20421102005B7B226576656E745F7469636B6572223A224B584E464C47414D452D3236444543313441544D50484938222C227469746C65223A224576656E742030227D2C7B7D5D');
INSERT INTO "document_dictionaries" VALUES(3,'market','KXNFLTOTAL',1795700000000000,X'28B52FFD2078C103005B7B22615F6E65775F6669656C64223A302C227469636B6572223A224B584E464C544F54414C2D323644454332374D4941484F55392D3138342E35222C227469746C65223A224D61726B65742030227D2C7B2272756C65735F7365636F6E64617279223A3432393738303938343433383236363030337D5D');
INSERT INTO "document_dictionaries" VALUES(4,'milestone','',1795700000000000,X'28B52FFD20318901005B7B226964223A2230623566376331652D6D696C6573746F6E65222C227469746C65223A2247616D652030227D2C7B7D5D');
CREATE TABLE document_fields (
	kind TEXT NOT NULL, 
	week_at BIGINT NOT NULL, 
	field TEXT NOT NULL, 
	type TEXT NOT NULL, 
	documents INTEGER NOT NULL, 
	CONSTRAINT pk_document_fields PRIMARY KEY (kind, week_at, field, type)
)
 WITHOUT ROWID

;
INSERT INTO "document_fields" VALUES('event',1795392000000000,'','',6);
INSERT INTO "document_fields" VALUES('event',1795392000000000,'event_ticker','text',6);
INSERT INTO "document_fields" VALUES('event',1795392000000000,'title','text',6);
INSERT INTO "document_fields" VALUES('market',1795392000000000,'','',6);
INSERT INTO "document_fields" VALUES('market',1795392000000000,'a_new_field','number',6);
INSERT INTO "document_fields" VALUES('market',1795392000000000,'ticker','text',6);
INSERT INTO "document_fields" VALUES('market',1795392000000000,'title','text',6);
INSERT INTO "document_fields" VALUES('milestone',1795392000000000,'','',2);
INSERT INTO "document_fields" VALUES('milestone',1795392000000000,'id','text',2);
INSERT INTO "document_fields" VALUES('milestone',1795392000000000,'title','text',2);
INSERT INTO "document_fields" VALUES('series',1795392000000000,'','',6);
INSERT INTO "document_fields" VALUES('series',1795392000000000,'tags','list',6);
INSERT INTO "document_fields" VALUES('series',1795392000000000,'ticker','text',6);
INSERT INTO "document_fields" VALUES('series',1795392000000000,'title','text',6);
CREATE TABLE document_subjects (
	id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	ticker TEXT NOT NULL, 
	asked_at BIGINT NOT NULL, 
	CONSTRAINT pk_document_subjects PRIMARY KEY (id), 
	CONSTRAINT uq_document_subjects_kind_ticker UNIQUE (kind, ticker)
);
INSERT INTO "document_subjects" VALUES(1,'milestone','0b5f7c1e-milestone',1795700000000000);
CREATE TABLE event_changes (
	id INTEGER NOT NULL, 
	event_id INTEGER NOT NULL, 
	seen_at BIGINT NOT NULL, 
	field TEXT NOT NULL, 
	"before" TEXT, 
	"after" TEXT, seen_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', seen_at / 1000000, 'unixepoch') || substr(seen_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, 
	CONSTRAINT pk_event_changes PRIMARY KEY (id), 
	CONSTRAINT fk_event_changes_event_id FOREIGN KEY(event_id) REFERENCES events (id)
);
INSERT INTO "event_changes" VALUES(1,20,1795752900000000,'series_ticker','KXRAIN','KXFIXTURE');
INSERT INTO "event_changes" VALUES(2,20,1795753200000000,'exchange_index','5','10');
CREATE TABLE event_documents (
	event_id INTEGER NOT NULL, 
	seen_at BIGINT NOT NULL, 
	digest BIGINT NOT NULL, 
	block_id INTEGER NOT NULL, 
	line INTEGER NOT NULL, 
	CONSTRAINT pk_event_documents PRIMARY KEY (event_id, seen_at), 
	CONSTRAINT fk_event_documents_event_id FOREIGN KEY(event_id) REFERENCES events (id), 
	CONSTRAINT fk_event_documents_block_id FOREIGN KEY(block_id) REFERENCES document_blocks (id)
)
 WITHOUT ROWID

;
INSERT INTO "event_documents" VALUES(1,1795700000000000,-3502867769393846053,2,0);
INSERT INTO "event_documents" VALUES(1,1795703600000000,-5761564445737579300,6,0);
INSERT INTO "event_documents" VALUES(2,1795700000000000,4068599507330045602,2,1);
INSERT INTO "event_documents" VALUES(2,1795703600000000,-8835911031425414130,6,1);
INSERT INTO "event_documents" VALUES(3,1795700000000000,-5198917122782723125,2,2);
INSERT INTO "event_documents" VALUES(3,1795703600000000,3142671457993337791,6,2);
CREATE TABLE event_fee_changes (
	change_id TEXT NOT NULL, 
	event_ticker TEXT NOT NULL, 
	series_ticker TEXT, 
	fee_type_override TEXT, 
	fee_multiplier_override BIGINT, 
	scheduled_at BIGINT NOT NULL, 
	first_seen_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	withdrawn_at BIGINT, fee_multiplier_override_decimal REAL GENERATED ALWAYS AS (fee_multiplier_override / 1000000.0) VIRTUAL, scheduled_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', scheduled_at / 1000000, 'unixepoch') || substr(scheduled_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, first_seen_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', first_seen_at / 1000000, 'unixepoch') || substr(first_seen_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, changed_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', changed_at / 1000000, 'unixepoch') || substr(changed_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, withdrawn_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', withdrawn_at / 1000000, 'unixepoch') || substr(withdrawn_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, 
	CONSTRAINT pk_event_fee_changes PRIMARY KEY (change_id)
)
 WITHOUT ROWID

;
INSERT INTO "event_fee_changes" VALUES('c-1','KXNFLGAME-26DEC14ATMPHI8','KXNFLGAME','quadratic',250000,1795751600000000,1795752600000000,1795752600000000,NULL);
INSERT INTO "event_fee_changes" VALUES('c-2','KXNFLGAME-26DEC14ATMPHI8','KXNFLGAME',NULL,NULL,1795752600000000,1795752600000000,1795752600000000,NULL);
CREATE TABLE event_lookups (
	event_id INTEGER NOT NULL, 
	asked_at BIGINT NOT NULL, 
	CONSTRAINT pk_event_lookups PRIMARY KEY (event_id), 
	CONSTRAINT fk_event_lookups_event_id FOREIGN KEY(event_id) REFERENCES events (id)
);
INSERT INTO "event_lookups" VALUES(11,1795749153129767);
INSERT INTO "event_lookups" VALUES(12,1795749153129767);
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
	changed_at BIGINT NOT NULL, strike_period TEXT, collateral_return_type TEXT, fee_type_override TEXT, fee_multiplier_override BIGINT, settlement_sources_id BIGINT CONSTRAINT fk_events_settlement_sources_id REFERENCES texts (id), product_metadata_id BIGINT CONSTRAINT fk_events_product_metadata_id REFERENCES texts (id), competition TEXT, competition_scope TEXT, exchange_index BIGINT, reading INTEGER DEFAULT '0' NOT NULL, strike_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', strike_at / 1000000, 'unixepoch') || substr(strike_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, fee_multiplier_override_decimal REAL GENERATED ALWAYS AS (fee_multiplier_override / 1000000.0) VIRTUAL, first_seen_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', first_seen_at / 1000000, 'unixepoch') || substr(first_seen_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, changed_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', changed_at / 1000000, 'unixepoch') || substr(changed_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, 
	CONSTRAINT pk_events PRIMARY KEY (id), 
	CONSTRAINT fk_events_series_id FOREIGN KEY(series_id) REFERENCES series (id), 
	CONSTRAINT uq_events_ticker UNIQUE (ticker)
);
INSERT INTO "events" VALUES(1,'KXNFLGAME-26DEC14ATMPHI8',1,'Atlético Madrid vs Philadelphia','Atlético Madrid vs Philadelphia (Dec 14, 2026)','Sports',1,NULL,0,1795749152096912,1795749152096912,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(2,'KXNFLTOTAL-26DEC27MIAHOU9',2,'Miami at Houston: Total points','On Dec 27, 2026','Sports',0,NULL,0,1795749152096912,1795749152096912,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(3,'KXHIGHNY-26DEC08A',3,'Highest temperature in New York City on Dec 8, 2026? ','On Dec 8, 2026','Climate and Weather',1,1796764200000000,0,1795749152157368,1795749152157368,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(4,'KXMVECROSSCATEGORY-S20260575C7F831D',9,'Combo','MVE','Sports',0,NULL,0,1795749152304499,1795749153081210,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(5,'KXMVESPORTSMULTIGAMEEXTENDED-S2026F3890E8B40E',10,'Combo','MVE','Sports',0,NULL,0,1795749152304499,1795749153081210,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(6,'KXMVECROSSCATEGORY-S20267D8B6F4F1FA',9,'Combo','MVE','Sports',0,NULL,0,1795749152304499,1795749153081210,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(7,'KXMVESPORTSMULTIGAMEEXTENDED-S2026C5E357A9A27',10,'Combo','MVE','Sports',0,NULL,0,1795749152340465,1795749153081210,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(8,'KXBTCD-26DEC10B',4,'Bitcoin price on Dec 10, 2026?','On Dec 10, 2026','Crypto',0,1796881740000000,0,1795749152651473,1795749152651473,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(9,'KXCPI-26NOV267',8,'What will CPI, year over year be in Nov 26, 2026?','On Nov 26, 2026','Economics',0,NULL,0,1795749152751576,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(10,'KXBTCMAX-26NOV266',7,'How high will  Bitcoin get by Nov 26, 2026?','On Nov 26, 2026','Crypto',0,1795673520000000,0,1795749152751576,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(11,'KXMVECROSSCATEGORY-S202697C4CBF3A8D',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(12,'KXMVESPORTSMULTIGAMEEXTENDED-S20262F54D81BFB7',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(13,'KXMVECROSSCATEGORY-S20265222DD6BF19',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(14,'KXMVESPORTSMULTIGAMEEXTENDED-S20269D97441391B',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(15,'KXMVECROSSCATEGORY-S2026A1D028A04F3',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(16,'KXMVESPORTSMULTIGAMEEXTENDED-S2026709EA14C653',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(17,'KXMVECROSSCATEGORY-S202682AA15654E6',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(18,'KXMVESPORTSMULTIGAMEEXTENDED-S20268640FBB5737',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(19,'KXMVECROSSCATEGORY-S202636F5E3A8257',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "events" VALUES(20,'KXFIXTURE-26',12,'Will it rain in New York?','On Nov 23, 2026','Weather',0,1795435200000000,0,1795348800000000,1795753200000000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,10,2);
INSERT INTO "events" VALUES(21,'KXRAIN-26NOV23',NULL,NULL,NULL,NULL,NULL,NULL,1,1795348800000000,1795348800000000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
CREATE TABLE last_ids (
	table_name TEXT NOT NULL, 
	last_id INTEGER NOT NULL, 
	CONSTRAINT pk_last_ids PRIMARY KEY (table_name)
)
 WITHOUT ROWID

;
INSERT INTO "last_ids" VALUES('document_blocks',8);
INSERT INTO "last_ids" VALUES('document_dictionaries',4);
INSERT INTO "last_ids" VALUES('document_subjects',1);
INSERT INTO "last_ids" VALUES('events',21);
INSERT INTO "last_ids" VALUES('listings',13);
INSERT INTO "last_ids" VALUES('markets',52);
INSERT INTO "last_ids" VALUES('order_books',4);
INSERT INTO "last_ids" VALUES('scopes',9);
INSERT INTO "last_ids" VALUES('series',12);
INSERT INTO "last_ids" VALUES('set_aside_rows',2);
INSERT INTO "last_ids" VALUES('ticks',30);
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
	is_terminal BOOLEAN NOT NULL, yes_bid_dollars REAL GENERATED ALWAYS AS (yes_bid / 1000000.0) VIRTUAL, yes_ask_dollars REAL GENERATED ALWAYS AS (yes_ask / 1000000.0) VIRTUAL, yes_bid_size_contracts REAL GENERATED ALWAYS AS (yes_bid_size / 100.0) VIRTUAL, yes_ask_size_contracts REAL GENERATED ALWAYS AS (yes_ask_size / 100.0) VIRTUAL, last_price_dollars REAL GENERATED ALWAYS AS (nullif(last_price, 0) / 1000000.0) VIRTUAL, volume_contracts REAL GENERATED ALWAYS AS (volume / 100.0) VIRTUAL, open_interest_contracts REAL GENERATED ALWAYS AS (open_interest / 100.0) VIRTUAL, no_bid_dollars REAL GENERATED ALWAYS AS ((1000000 - yes_ask) / 1000000.0) VIRTUAL, no_ask_dollars REAL GENERATED ALWAYS AS ((1000000 - yes_bid) / 1000000.0) VIRTUAL, midpoint_dollars REAL GENERATED ALWAYS AS ((yes_bid + yes_ask) / 2000000.0) VIRTUAL, spread_dollars REAL GENERATED ALWAYS AS ((yes_ask - yes_bid) / 1000000.0) VIRTUAL, 
	CONSTRAINT pk_latest_quotes PRIMARY KEY (market_id), 
	CONSTRAINT fk_latest_quotes_market_id FOREIGN KEY(market_id) REFERENCES markets (id), 
	CONSTRAINT fk_latest_quotes_tick_id FOREIGN KEY(tick_id) REFERENCES ticks (id)
);
INSERT INTO "latest_quotes" VALUES(1,8,NULL,NULL,NULL,NULL,NULL,NULL,NULL,900041,1);
INSERT INTO "latest_quotes" VALUES(2,10,NULL,NULL,NULL,NULL,NULL,NULL,NULL,300017,1);
INSERT INTO "latest_quotes" VALUES(3,30,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "latest_quotes" VALUES(4,14,NULL,NULL,NULL,NULL,NULL,NULL,NULL,912,1);
INSERT INTO "latest_quotes" VALUES(5,2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,93300222,1);
INSERT INTO "latest_quotes" VALUES(6,17,NULL,NULL,NULL,NULL,NULL,NULL,NULL,925,1);
INSERT INTO "latest_quotes" VALUES(7,30,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "latest_quotes" VALUES(8,6,NULL,NULL,NULL,NULL,NULL,NULL,NULL,3900039,1);
INSERT INTO "latest_quotes" VALUES(9,14,NULL,NULL,NULL,NULL,NULL,NULL,NULL,912,1);
INSERT INTO "latest_quotes" VALUES(10,4,887000,889000,856300,182000,0,0,0,92100383,0);
INSERT INTO "latest_quotes" VALUES(11,4,NULL,NULL,NULL,NULL,NULL,NULL,NULL,92100396,1);
INSERT INTO "latest_quotes" VALUES(12,3,489000,494000,7081,1455000,0,0,0,92400347,0);
INSERT INTO "latest_quotes" VALUES(13,4,NULL,NULL,NULL,NULL,NULL,NULL,NULL,92100396,1);
INSERT INTO "latest_quotes" VALUES(14,4,NULL,NULL,0,0,0,0,0,92100383,0);
INSERT INTO "latest_quotes" VALUES(15,9,NULL,NULL,NULL,NULL,NULL,NULL,NULL,600023,1);
INSERT INTO "latest_quotes" VALUES(16,30,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "latest_quotes" VALUES(17,11,NULL,NULL,NULL,NULL,NULL,NULL,NULL,144,1);
INSERT INTO "latest_quotes" VALUES(18,30,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "latest_quotes" VALUES(19,11,NULL,NULL,NULL,NULL,NULL,NULL,NULL,144,1);
INSERT INTO "latest_quotes" VALUES(20,30,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "latest_quotes" VALUES(36,30,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "latest_quotes" VALUES(37,20,NULL,NULL,NULL,NULL,NULL,NULL,NULL,921,1);
INSERT INTO "latest_quotes" VALUES(47,30,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "latest_quotes" VALUES(48,30,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "latest_quotes" VALUES(52,30,500000,520000,12050,8000,300000,98765,43210,1000,0);
CREATE TABLE listings (
	id INTEGER NOT NULL, 
	asset TEXT NOT NULL, 
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
	changed INTEGER NOT NULL, windows INTEGER DEFAULT '1' NOT NULL, out_of_scope INTEGER DEFAULT '0' NOT NULL, scope_id INTEGER CONSTRAINT fk_listings_scope_id REFERENCES scopes (id), day TEXT, selection TEXT, started_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', started_at / 1000000, 'unixepoch') || substr(started_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, finished_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', finished_at / 1000000, 'unixepoch') || substr(finished_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, seconds REAL GENERATED ALWAYS AS ((finished_at - started_at) / 1000000.0) VIRTUAL, 
	CONSTRAINT pk_listings PRIMARY KEY (id)
);
INSERT INTO "listings" VALUES(1,'series',1795749152075418,1795749152089600,'complete',NULL,1,10,10,0,0,0,0,0,0,1,0,4,NULL,NULL);
INSERT INTO "listings" VALUES(2,'events',1795749152091945,1795749152103405,'complete',NULL,1,2,2,0,0,0,0,0,0,1,0,4,NULL,NULL);
INSERT INTO "listings" VALUES(3,'markets',1795749152104343,1795749152121772,'complete',NULL,1,8,8,0,0,0,0,0,0,1,0,4,NULL,NULL);
INSERT INTO "listings" VALUES(4,'markets',1795749152213153,1795749152251849,'complete',NULL,1,8,0,5,3,0,0,0,0,1,0,4,NULL,NULL);
INSERT INTO "listings" VALUES(5,'order_books',1795749152716587,1795749152729357,'complete',NULL,1,2,2,0,0,0,0,0,0,1,0,NULL,NULL,'2 markets');
INSERT INTO "listings" VALUES(6,'order_books',1795749152731546,1795749152736117,'complete',NULL,1,2,2,0,0,0,0,0,0,1,0,NULL,NULL,'2 markets');
INSERT INTO "listings" VALUES(7,'settlements',1795749152736938,1795749152769357,'complete',NULL,1,20,16,4,0,0,0,0,0,1,0,6,NULL,NULL);
INSERT INTO "listings" VALUES(8,'trades',1795749152771225,1795749152790103,'complete',NULL,2,21,20,0,0,0,0,0,0,1,1,8,'2026-11-26',NULL);
INSERT INTO "listings" VALUES(9,'candlesticks',1795749152792195,1795749152805111,'complete',NULL,1,1,1,0,0,0,0,0,0,1,0,NULL,'2026-11-26','1440 min, no series and 1 markets');
INSERT INTO "listings" VALUES(10,'candlesticks',1795749152806130,1795749152813861,'complete',NULL,1,1,1,0,0,0,0,0,0,1,0,NULL,'2026-11-25','1440 min, no series and 1 markets');
INSERT INTO "listings" VALUES(11,'settlements backfill',1795749152845754,1795749152874755,'complete',NULL,2,1,0,1,0,0,0,0,0,1,0,7,NULL,NULL);
INSERT INTO "listings" VALUES(12,'markets',1795749153057096,1795749153087682,'complete',NULL,1,7,0,7,0,0,0,4,0,1,0,4,NULL,NULL);
INSERT INTO "listings" VALUES(13,'markets',1795749153119147,1795749153152406,'complete',NULL,1,19,9,10,0,0,9,0,0,1,0,5,NULL,NULL);
CREATE TABLE lost_markets (
	market_id INTEGER NOT NULL, 
	since_at BIGINT NOT NULL, 
	CONSTRAINT pk_lost_markets PRIMARY KEY (market_id), 
	CONSTRAINT fk_lost_markets_market_id FOREIGN KEY(market_id) REFERENCES markets (id)
);
INSERT INTO "lost_markets" VALUES(36,1795752300920451);
CREATE TABLE market_changes (
	id INTEGER NOT NULL, 
	market_id INTEGER NOT NULL, 
	seen_at BIGINT NOT NULL, 
	field TEXT NOT NULL, 
	"before" TEXT, 
	"after" TEXT, seen_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', seen_at / 1000000, 'unixepoch') || substr(seen_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, 
	CONSTRAINT pk_market_changes PRIMARY KEY (id), 
	CONSTRAINT fk_market_changes_market_id FOREIGN KEY(market_id) REFERENCES markets (id)
);
INSERT INTO "market_changes" VALUES(1,5,1795749152169356,'status','active','closed');
INSERT INTO "market_changes" VALUES(2,5,1795749152169356,'close_at','1798385280000000','1795749211000000');
INSERT INTO "market_changes" VALUES(3,8,1795749152321430,'status','active','closed');
INSERT INTO "market_changes" VALUES(4,8,1795749152321430,'close_at','1797235800000000','1795749271000000');
INSERT INTO "market_changes" VALUES(5,5,1795749152348971,'status','closed','determined');
INSERT INTO "market_changes" VALUES(6,11,1795749152348971,'status','active','closed');
INSERT INTO "market_changes" VALUES(7,13,1795749152348971,'status','active','closed');
INSERT INTO "market_changes" VALUES(8,5,1795749152348971,'result','','yes');
INSERT INTO "market_changes" VALUES(9,11,1795749152348971,'close_at','1796764200000000','1795749331000000');
INSERT INTO "market_changes" VALUES(10,13,1795749152348971,'close_at','1797030000000000','1795749331000000');
INSERT INTO "market_changes" VALUES(11,4,1795749152414819,'status','active','closed');
INSERT INTO "market_changes" VALUES(12,8,1795749152414819,'status','closed','determined');
INSERT INTO "market_changes" VALUES(13,8,1795749152414819,'result','','scalar');
INSERT INTO "market_changes" VALUES(14,4,1795749152414819,'close_at','1798385280000000','1795749391000000');
INSERT INTO "market_changes" VALUES(15,5,1795749152488787,'status','determined','finalized');
INSERT INTO "market_changes" VALUES(16,9,1795749152488787,'status','active','closed');
INSERT INTO "market_changes" VALUES(17,11,1795749152488787,'status','closed','determined');
INSERT INTO "market_changes" VALUES(18,13,1795749152488787,'status','closed','determined');
INSERT INTO "market_changes" VALUES(19,11,1795749152488787,'result','','yes');
INSERT INTO "market_changes" VALUES(20,13,1795749152488787,'result','','yes');
INSERT INTO "market_changes" VALUES(21,9,1795749152488787,'close_at','1796764200000000','1795749451000000');
INSERT INTO "market_changes" VALUES(22,1,1795749152630410,'status','active','closed');
INSERT INTO "market_changes" VALUES(23,4,1795749152630410,'status','closed','determined');
INSERT INTO "market_changes" VALUES(24,8,1795749152630410,'status','determined','finalized');
INSERT INTO "market_changes" VALUES(25,4,1795749152630410,'result','','yes');
INSERT INTO "market_changes" VALUES(26,1,1795749152630410,'close_at','1798385280000000','1795749511000000');
INSERT INTO "market_changes" VALUES(27,9,1795749152662386,'status','closed','determined');
INSERT INTO "market_changes" VALUES(28,11,1795749152662386,'status','determined','finalized');
INSERT INTO "market_changes" VALUES(29,13,1795749152662386,'status','determined','finalized');
INSERT INTO "market_changes" VALUES(30,15,1795749152662386,'status','active','closed');
INSERT INTO "market_changes" VALUES(31,9,1795749152662386,'result','','no');
INSERT INTO "market_changes" VALUES(32,15,1795749152662386,'close_at','1796764200000000','1795749571000000');
INSERT INTO "market_changes" VALUES(33,1,1795749152682474,'status','closed','determined');
INSERT INTO "market_changes" VALUES(34,2,1795749152682474,'status','active','closed');
INSERT INTO "market_changes" VALUES(35,4,1795749152682474,'status','determined','finalized');
INSERT INTO "market_changes" VALUES(36,1,1795749152682474,'result','','yes');
INSERT INTO "market_changes" VALUES(37,2,1795749152682474,'close_at','1798385280000000','1795749631000000');
INSERT INTO "market_changes" VALUES(38,9,1795749152751576,'status','determined','finalized');
INSERT INTO "market_changes" VALUES(39,3,1795749152929931,'status','active','inactive');
INSERT INTO "market_changes" VALUES(40,1,1795749153049037,'status','determined','finalized');
INSERT INTO "market_changes" VALUES(41,2,1795749153049037,'status','closed','determined');
INSERT INTO "market_changes" VALUES(42,7,1795749153049037,'status','active','determined');
INSERT INTO "market_changes" VALUES(43,15,1795749153049037,'status','closed','finalized');
INSERT INTO "market_changes" VALUES(44,17,1795749153049037,'status','active','closed');
INSERT INTO "market_changes" VALUES(45,19,1795749153049037,'status','active','closed');
INSERT INTO "market_changes" VALUES(46,2,1795749153049037,'result','','yes');
INSERT INTO "market_changes" VALUES(47,7,1795749153049037,'result','','scalar');
INSERT INTO "market_changes" VALUES(48,15,1795749153049037,'result','','no');
INSERT INTO "market_changes" VALUES(49,7,1795749153049037,'close_at','1797235800000000','1795749691000000');
INSERT INTO "market_changes" VALUES(50,17,1795749153049037,'close_at','1796764200000000','1795749751000000');
INSERT INTO "market_changes" VALUES(51,19,1795749153049037,'close_at','1796764200000000','1795749811000000');
INSERT INTO "market_changes" VALUES(52,2,1795749153140161,'status','determined','finalized');
INSERT INTO "market_changes" VALUES(53,17,1795749153140161,'status','closed','determined');
INSERT INTO "market_changes" VALUES(54,17,1795749153140161,'result','','no');
INSERT INTO "market_changes" VALUES(55,19,1795749900909639,'status','closed','finalized');
INSERT INTO "market_changes" VALUES(56,19,1795749900909639,'result','','no');
INSERT INTO "market_changes" VALUES(57,18,1795750200905695,'status','active','inactive');
INSERT INTO "market_changes" VALUES(58,18,1795750800903213,'status','inactive','active');
INSERT INTO "market_changes" VALUES(59,6,1795750800908908,'status','active','finalized');
INSERT INTO "market_changes" VALUES(60,6,1795750800908908,'result','','yes');
INSERT INTO "market_changes" VALUES(61,7,1795752300903213,'status','determined','active');
INSERT INTO "market_changes" VALUES(62,7,1795752300903213,'result','scalar','');
INSERT INTO "market_changes" VALUES(63,17,1795752300922933,'result','no','yes');
INSERT INTO "market_changes" VALUES(64,17,1795752300923664,'settlement_value','0','1000000');
INSERT INTO "market_changes" VALUES(65,47,1795348800000000,'rules_secondary','-3877384133940213768','6472564159978227613');
CREATE TABLE market_documents (
	market_id INTEGER NOT NULL, 
	seen_at BIGINT NOT NULL, 
	digest BIGINT NOT NULL, 
	block_id INTEGER NOT NULL, 
	line INTEGER NOT NULL, 
	CONSTRAINT pk_market_documents PRIMARY KEY (market_id, seen_at), 
	CONSTRAINT fk_market_documents_market_id FOREIGN KEY(market_id) REFERENCES markets (id), 
	CONSTRAINT fk_market_documents_block_id FOREIGN KEY(block_id) REFERENCES document_blocks (id)
)
 WITHOUT ROWID

;
INSERT INTO "market_documents" VALUES(1,1795700000000000,-632900519236511299,3,0);
INSERT INTO "market_documents" VALUES(1,1795703600000000,-1547980400015835145,7,0);
INSERT INTO "market_documents" VALUES(2,1795700000000000,-6268869532330343106,3,1);
INSERT INTO "market_documents" VALUES(2,1795703600000000,5243287238984711035,7,1);
INSERT INTO "market_documents" VALUES(3,1795700000000000,-3045854328446465877,3,2);
INSERT INTO "market_documents" VALUES(3,1795703600000000,-8835803043171006875,7,2);
CREATE TABLE market_fingerprints (
	market_id INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	fingerprint BIGINT, 
	CONSTRAINT pk_market_fingerprints PRIMARY KEY (market_id), 
	CONSTRAINT fk_market_fingerprints_market_id FOREIGN KEY(market_id) REFERENCES markets (id)
);
INSERT INTO "market_fingerprints" VALUES(1,0,NULL);
INSERT INTO "market_fingerprints" VALUES(2,0,NULL);
INSERT INTO "market_fingerprints" VALUES(3,0,NULL);
INSERT INTO "market_fingerprints" VALUES(4,0,NULL);
INSERT INTO "market_fingerprints" VALUES(5,0,NULL);
INSERT INTO "market_fingerprints" VALUES(6,0,NULL);
INSERT INTO "market_fingerprints" VALUES(7,0,NULL);
INSERT INTO "market_fingerprints" VALUES(8,0,NULL);
INSERT INTO "market_fingerprints" VALUES(9,0,NULL);
INSERT INTO "market_fingerprints" VALUES(10,0,NULL);
INSERT INTO "market_fingerprints" VALUES(11,0,NULL);
INSERT INTO "market_fingerprints" VALUES(12,0,NULL);
INSERT INTO "market_fingerprints" VALUES(13,0,NULL);
INSERT INTO "market_fingerprints" VALUES(14,0,NULL);
INSERT INTO "market_fingerprints" VALUES(15,0,NULL);
INSERT INTO "market_fingerprints" VALUES(16,0,NULL);
INSERT INTO "market_fingerprints" VALUES(17,0,NULL);
INSERT INTO "market_fingerprints" VALUES(18,0,NULL);
INSERT INTO "market_fingerprints" VALUES(19,0,NULL);
INSERT INTO "market_fingerprints" VALUES(20,0,NULL);
INSERT INTO "market_fingerprints" VALUES(21,0,NULL);
INSERT INTO "market_fingerprints" VALUES(22,0,NULL);
INSERT INTO "market_fingerprints" VALUES(23,0,NULL);
INSERT INTO "market_fingerprints" VALUES(24,0,NULL);
INSERT INTO "market_fingerprints" VALUES(25,0,NULL);
INSERT INTO "market_fingerprints" VALUES(26,0,NULL);
INSERT INTO "market_fingerprints" VALUES(27,0,NULL);
INSERT INTO "market_fingerprints" VALUES(28,0,NULL);
INSERT INTO "market_fingerprints" VALUES(29,0,NULL);
INSERT INTO "market_fingerprints" VALUES(30,0,NULL);
INSERT INTO "market_fingerprints" VALUES(31,0,NULL);
INSERT INTO "market_fingerprints" VALUES(32,0,NULL);
INSERT INTO "market_fingerprints" VALUES(33,0,NULL);
INSERT INTO "market_fingerprints" VALUES(34,0,NULL);
INSERT INTO "market_fingerprints" VALUES(35,0,NULL);
INSERT INTO "market_fingerprints" VALUES(36,0,NULL);
INSERT INTO "market_fingerprints" VALUES(37,0,NULL);
INSERT INTO "market_fingerprints" VALUES(38,0,NULL);
INSERT INTO "market_fingerprints" VALUES(39,0,NULL);
INSERT INTO "market_fingerprints" VALUES(40,0,NULL);
INSERT INTO "market_fingerprints" VALUES(41,0,NULL);
INSERT INTO "market_fingerprints" VALUES(42,0,NULL);
INSERT INTO "market_fingerprints" VALUES(43,0,NULL);
INSERT INTO "market_fingerprints" VALUES(44,0,NULL);
INSERT INTO "market_fingerprints" VALUES(45,0,NULL);
INSERT INTO "market_fingerprints" VALUES(46,0,NULL);
INSERT INTO "market_fingerprints" VALUES(47,2,NULL);
INSERT INTO "market_fingerprints" VALUES(48,2,NULL);
INSERT INTO "market_fingerprints" VALUES(49,2,NULL);
INSERT INTO "market_fingerprints" VALUES(50,2,NULL);
INSERT INTO "market_fingerprints" VALUES(52,2,NULL);
CREATE TABLE market_lookups (
	market_id INTEGER NOT NULL, 
	asked_at BIGINT NOT NULL, missing_at BIGINT, 
	CONSTRAINT pk_market_lookups PRIMARY KEY (market_id), 
	CONSTRAINT fk_market_lookups_market_id FOREIGN KEY(market_id) REFERENCES markets (id)
);
INSERT INTO "market_lookups" VALUES(3,1795749152248920,NULL);
INSERT INTO "market_lookups" VALUES(7,1795751700919720,NULL);
INSERT INTO "market_lookups" VALUES(9,1795749152683298,NULL);
INSERT INTO "market_lookups" VALUES(10,1795749153072615,NULL);
INSERT INTO "market_lookups" VALUES(12,1795749153072615,NULL);
INSERT INTO "market_lookups" VALUES(14,1795749153072615,NULL);
INSERT INTO "market_lookups" VALUES(16,1795750200915776,NULL);
INSERT INTO "market_lookups" VALUES(17,1795752300924395,NULL);
INSERT INTO "market_lookups" VALUES(18,1795752300915045,1795752300915045);
INSERT INTO "market_lookups" VALUES(36,1795752300919720,NULL);
INSERT INTO "market_lookups" VALUES(37,1795752300929070,1795750800915045);
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
	changed_at BIGINT NOT NULL, gone_at BIGINT, latest_expiration_at BIGINT, functional_strike TEXT, custom_strike TEXT, expiration_value TEXT, rules_secondary_id BIGINT CONSTRAINT fk_markets_rules_secondary_id REFERENCES texts (id), price_level_structure TEXT, price_ranges_id BIGINT CONSTRAINT fk_markets_price_ranges_id REFERENCES texts (id), settlement_bounds_type TEXT, settlement_floor BIGINT, settlement_timer_seconds BIGINT, can_close_early BOOLEAN, early_close_condition_id BIGINT CONSTRAINT fk_markets_early_close_condition_id REFERENCES texts (id), fee_waiver_expiration_at BIGINT, primary_participant_key TEXT, exchange_index BIGINT, reading INTEGER DEFAULT '0' NOT NULL, created_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', created_at / 1000000, 'unixepoch') || substr(created_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, open_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', open_at / 1000000, 'unixepoch') || substr(open_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, close_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', close_at / 1000000, 'unixepoch') || substr(close_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, expected_expiration_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', expected_expiration_at / 1000000, 'unixepoch') || substr(expected_expiration_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, occurrence_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', occurrence_at / 1000000, 'unixepoch') || substr(occurrence_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, latest_expiration_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', latest_expiration_at / 1000000, 'unixepoch') || substr(latest_expiration_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, settlement_floor_dollars REAL GENERATED ALWAYS AS (settlement_floor / 1000000.0) VIRTUAL, fee_waiver_expiration_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', fee_waiver_expiration_at / 1000000, 'unixepoch') || substr(fee_waiver_expiration_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, gone_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', gone_at / 1000000, 'unixepoch') || substr(gone_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, first_seen_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', first_seen_at / 1000000, 'unixepoch') || substr(first_seen_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, changed_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', changed_at / 1000000, 'unixepoch') || substr(changed_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, shown_title TEXT GENERATED ALWAYS AS (coalesce(title, yes_sub_title)) VIRTUAL, 
	CONSTRAINT pk_markets PRIMARY KEY (id), 
	CONSTRAINT fk_markets_event_id FOREIGN KEY(event_id) REFERENCES events (id), 
	CONSTRAINT uq_markets_ticker UNIQUE (ticker)
);
INSERT INTO "markets" VALUES(1,'KXNFLTOTAL-26DEC27MIAHOU9-184.5',2,'Miami at Houston: Total points more than 184.5','more than 184.5','more than 184.5','binary','finalized','yes',1794453141836010,1794453120000000,1795749511000000,1795587511000000,NULL,'greater',184.5,NULL,'If the two teams collectively score more than 184.5 points in the Miami at Houston Pro Football game originally scheduled for Dec 27, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152112954,1795749153049037,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(2,'KXNFLTOTAL-26DEC27MIAHOU9-187.5',2,'Miami at Houston: Total points more than 187.5','more than 187.5','more than 187.5','binary','finalized','yes',1794453141836010,1794453120000000,1795749631000000,1795587631000000,NULL,'greater',187.5,NULL,'If the two teams collectively score more than 187.5 points in the Miami at Houston Pro Football game originally scheduled for Dec 27, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152112954,1795749153140161,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(3,'KXNFLTOTAL-26DEC27MIAHOU9-190.5',2,'Miami at Houston: Total points more than 190.5','more than 190.5','more than 190.5','binary','closed','',1794453141836010,1794453120000000,1798385280000000,1798223280000000,NULL,'greater',190.5,NULL,'If the two teams collectively score more than 190.5 points in the Miami at Houston Pro Football game originally scheduled for Dec 27, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152112954,1795749152929931,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(4,'KXNFLTOTAL-26DEC27MIAHOU9-193.5',2,'Miami at Houston: Total points more than 193.5','more than 193.5','more than 193.5','binary','finalized','yes',1794453141836010,1794453120000000,1795749391000000,1795587391000000,NULL,'greater',193.5,NULL,'If the two teams collectively score more than 193.5 points in the Miami at Houston Pro Football game originally scheduled for Dec 27, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152112954,1795749152682474,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(5,'KXNFLTOTAL-26DEC27MIAHOU9-196.5',2,'Miami at Houston: Total points more than 196.5','more than 196.5','more than 196.5','binary','finalized','yes',1794453141836010,1794453120000000,1795749211000000,1795587211000000,NULL,'greater',196.5,NULL,'If the two teams collectively score more than 196.5 points in the Miami at Houston Pro Football game originally scheduled for Dec 27, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152112954,1795749152488787,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(6,'KXNFLGAME-26DEC14ATMPHI8-ATM',1,'Atlético Madrid vs Philadelphia Atlético Madrid','Atlético Madrid','Atlético Madrid','binary','finalized','yes',1793157140324525,1793157120000000,1797235800000000,1797073800000000,NULL,'structured',NULL,NULL,'If Atlético Madrid wins the Atlético Madrid vs Philadelphia Pro Football game originally scheduled for Dec 14, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152112954,1795750800908908,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(7,'KXNFLGAME-26DEC14ATMPHI8-PHI',1,'Atlético Madrid vs Philadelphia Philadelphia','Philadelphia','Philadelphia','binary','closed','',1793157140324525,1793157120000000,1795749691000000,1795587691000000,NULL,'structured',NULL,NULL,'If Philadelphia wins the Atlético Madrid vs Philadelphia Pro Football game originally scheduled for Dec 14, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152112954,1795752300903213,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(8,'KXNFLGAME-26DEC14ATMPHI8-TIE',1,'Atlético Madrid vs Philadelphia Tie','Tie','Tie','binary','finalized','scalar',1793157140324525,1793157120000000,1795749271000000,1795587271000000,NULL,'structured',NULL,NULL,'If Tie wins the Atlético Madrid vs Philadelphia Pro Football game originally scheduled for Dec 14, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152112954,1795749152630410,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(9,'KXHIGHNY-26DEC08A-T51',3,'Highest temperature in New York City on Dec 8, 2026?  50° or below','50° or below','50° or below','binary','finalized','no',1795749171000000,1795749120000000,1795749451000000,1795587451000000,1796764200000000,'less',NULL,51.0,'If the highest temperature recorded in New York City for Dec 8, 2026, is 50° or below fahrenheit according to the National Weather Service''s Climatological Report (Daily), then the market resolves to Yes.',NULL,0,NULL,0,1795749152157368,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(10,'KXMVECROSSCATEGORY-S20260575C7F831D-52A3A22A5E9',4,'no more than 184.5,yes more than 193.5,yes more than 193.5','no more than 184.5,yes more than 193.5,yes more than 193.5','no more than 184.5,yes more than 193.5,yes more than 193.5','binary','active','',1795749251000000,1795749251000000,1797044400000000,1796882400000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVECROSSCATEGORY-R',0,1795749152304499,1795749152304499,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(11,'KXHIGHNY-26DEC08A-B51.5',3,'Highest temperature in New York City on Dec 8, 2026?  51° to 52°','51° to 52°','51° to 52°','binary','finalized','yes',1795749231000000,1795749180000000,1795749331000000,1795587331000000,1796764200000000,'between',51.0,52.0,'If the highest temperature recorded in New York City for Dec 8, 2026, is 51° to 52° fahrenheit according to the National Weather Service''s Climatological Report (Daily), then the market resolves to Yes.',NULL,0,NULL,0,1795749152304499,1795749152662386,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(12,'KXMVESPORTSMULTIGAMEEXTENDED-S2026F3890E8B40E-8D1D11AF8E0',5,'no more than 184.5,no more than 190.5,yes more than 187.5,no Philadelphia,yes Tie','no more than 184.5,no more than 190.5,yes more than 187.5,no Philadelphia,yes Tie','no more than 184.5,no more than 190.5,yes more than 187.5,no Philadelphia,yes Tie','binary','active','',1795749191000000,1795749191000000,1797044400000000,1796882400000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVESPORTSMULTIGAMEEXTENDED-R',0,1795749152304499,1795749152304499,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(13,'KXMVECROSSCATEGORY-S20267D8B6F4F1FA-38DFC1C5483',6,'yes Atlético Madrid,yes more than 187.5,yes more than 193.5,yes more than 187.5,yes Atlético Madrid','yes Atlético Madrid,yes more than 187.5,yes more than 193.5,yes more than 187.5,yes Atlético Madrid','yes Atlético Madrid,yes more than 187.5,yes more than 193.5,yes more than 187.5,yes Atlético Madrid','binary','finalized','yes',1795734727622569,1795734727622569,1795749331000000,1795587331000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVECROSSCATEGORY-R',0,1795749152304499,1795749152662386,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(14,'KXMVESPORTSMULTIGAMEEXTENDED-S2026C5E357A9A27-B7E59EC95E5',7,'no Philadelphia,yes more than 187.5,no Philadelphia,no Philadelphia,yes Atlético Madrid','no Philadelphia,yes more than 187.5,no Philadelphia,no Philadelphia,yes Atlético Madrid','no Philadelphia,yes more than 187.5,no Philadelphia,no Philadelphia,yes Atlético Madrid','binary','active','',1795749311000000,1795749311000000,1797045300000000,1796883300000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVESPORTSMULTIGAMEEXTENDED-R',0,1795749152340465,1795749152340465,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(15,'KXHIGHNY-26DEC08A-B53.5',3,'Highest temperature in New York City on Dec 8, 2026?  53° to 54°','53° to 54°','53° to 54°','binary','finalized','no',1795749291000000,1795749240000000,1795749571000000,1795587571000000,1796764200000000,'between',53.0,54.0,'If the highest temperature recorded in New York City for Dec 8, 2026, is 53° to 54° fahrenheit according to the National Weather Service''s Climatological Report (Daily), then the market resolves to Yes.',NULL,0,NULL,0,1795749152340465,1795749153049037,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(16,'KXHIGHNY-26DEC08A-B57.5',3,'Highest temperature in New York City on Dec 8, 2026?  57° to 58°','57° to 58°','57° to 58°','binary','closed','',1795749411000000,1795749360000000,1796764200000000,1796602200000000,1796764200000000,'between',57.0,58.0,'If the highest temperature recorded in New York City for Dec 8, 2026, is 57° to 58° fahrenheit according to the National Weather Service''s Climatological Report (Daily), then the market resolves to Yes.',NULL,0,NULL,0,1795749152474948,1795749152474948,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(17,'KXHIGHNY-26DEC08A-T59',3,'Highest temperature in New York City on Dec 8, 2026?  60° or above','60° or above','60° or above','binary','determined','yes',1795749471000000,1795749420000000,1795749751000000,1795587751000000,1796764200000000,'greater',59.0,NULL,'If the highest temperature recorded in New York City for Dec 8, 2026, is 60° or above fahrenheit according to the National Weather Service''s Climatological Report (Daily), then the market resolves to Yes.',1,0,NULL,0,1795749152611128,1795752300922933,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(18,'KXBTCD-26DEC10B-T89647.99',8,'Bitcoin price on Dec 10, 2026? $89,647.99 or above','$89,647.99 or above','$89,647.99 or above','binary','closed','',1795749531000000,1795749480000000,1796881740000000,1796719740000000,1796881740000000,'greater_or_equal',89647.99,NULL,'If the simple average of the sixty seconds of CF Benchmarks'' Bitcoin Real-Time Index before the close is $89,647.99 or above on Dec 10, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152651473,1795750800903213,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(19,'KXHIGHNY-26DEC08A-B55.5',3,'Highest temperature in New York City on Dec 8, 2026?  55° to 56°','55° to 56°','55° to 56°','binary','finalized','no',1795749351000000,1795749540000000,1795749811000000,1795587811000000,1796764200000000,'between',55.0,56.0,'If the highest temperature recorded in New York City for Dec 8, 2026, is 55° to 56° fahrenheit according to the National Weather Service''s Climatological Report (Daily), then the market resolves to Yes.',NULL,0,NULL,0,1795749152651473,1795749900909639,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(20,'KXBTCD-26DEC10B-T89897.99',8,'Bitcoin price on Dec 10, 2026? $89,897.99 or above','$89,897.99 or above','$89,897.99 or above','binary','closed','',1795749591000000,1795749540000000,1796881740000000,1796719740000000,1796881740000000,'greater_or_equal',89897.99,NULL,'If the simple average of the sixty seconds of CF Benchmarks'' Bitcoin Real-Time Index before the close is $89,897.99 or above on Dec 10, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152675687,1795749152675687,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(21,'KXCPI-26NOV267-VALUE',9,'What will CPI, year over year be in Nov 26, 2026? Value','Value','Value','scalar','finalized','scalar',1795636831000000,1795636800000000,1795705920000000,1795543920000000,NULL,'functional',NULL,NULL,'The market resolves to the value of CPI, year over year for Nov 26, 2026, mapped between the bounds of the contract. Value',NULL,0,NULL,0,1795749152751576,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(22,'KXBTCMAX-26NOV266-T3631.99',10,'How high will  Bitcoin get by Nov 26, 2026? $3,631.99 or above','$3,631.99 or above','$3,631.99 or above','binary','finalized','yes',1795604431000000,1795604400000000,1795673520000000,1795511520000000,1795673520000000,'greater_or_equal',3631.99,NULL,'If Bitcoin trades $3,631.99 or above before Nov 26, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152751576,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(23,'KXBTCMAX-26NOV266-T3881.99',10,'How high will  Bitcoin get by Nov 26, 2026? $3,881.99 or above','$3,881.99 or above','$3,881.99 or above','binary','finalized','yes',1795604431000000,1795604400000000,1795673520000000,1795511520000000,1795673520000000,'greater_or_equal',3881.99,NULL,'If Bitcoin trades $3,881.99 or above before Nov 26, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152751576,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(24,'KXBTCMAX-26NOV266-T4131.99',10,'How high will  Bitcoin get by Nov 26, 2026? $4,131.99 or above','$4,131.99 or above','$4,131.99 or above','binary','finalized','yes',1795604431000000,1795604400000000,1795673520000000,1795511520000000,1795673520000000,'greater_or_equal',4131.99,NULL,'If Bitcoin trades $4,131.99 or above before Nov 26, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152751576,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(25,'KXBTCMAX-26NOV266-T4381.99',10,'How high will  Bitcoin get by Nov 26, 2026? $4,381.99 or above','$4,381.99 or above','$4,381.99 or above','binary','finalized','yes',1795604431000000,1795604400000000,1795673520000000,1795511520000000,1795673520000000,'greater_or_equal',4381.99,NULL,'If Bitcoin trades $4,381.99 or above before Nov 26, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152751576,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(26,'KXBTCMAX-26NOV266-T4631.99',10,'How high will  Bitcoin get by Nov 26, 2026? $4,631.99 or above','$4,631.99 or above','$4,631.99 or above','binary','finalized','yes',1795604431000000,1795604400000000,1795673520000000,1795511520000000,1795673520000000,'greater_or_equal',4631.99,NULL,'If Bitcoin trades $4,631.99 or above before Nov 26, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152751576,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(27,'KXBTCMAX-26NOV266-T4881.99',10,'How high will  Bitcoin get by Nov 26, 2026? $4,881.99 or above','$4,881.99 or above','$4,881.99 or above','binary','finalized','yes',1795604431000000,1795604400000000,1795673520000000,1795511520000000,1795673520000000,'greater_or_equal',4881.99,NULL,'If Bitcoin trades $4,881.99 or above before Nov 26, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152751576,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(28,'KXBTCMAX-26NOV266-T5131.99',10,'How high will  Bitcoin get by Nov 26, 2026? $5,131.99 or above','$5,131.99 or above','$5,131.99 or above','binary','finalized','yes',1795604431000000,1795604400000000,1795673520000000,1795511520000000,1795673520000000,'greater_or_equal',5131.99,NULL,'If Bitcoin trades $5,131.99 or above before Nov 26, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152751576,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(29,'KXBTCMAX-26NOV266-T5381.99',10,'How high will  Bitcoin get by Nov 26, 2026? $5,381.99 or above','$5,381.99 or above','$5,381.99 or above','binary','finalized','yes',1795604431000000,1795604400000000,1795673520000000,1795511520000000,1795673520000000,'greater_or_equal',5381.99,NULL,'If Bitcoin trades $5,381.99 or above before Nov 26, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152751576,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(30,'KXBTCMAX-26NOV266-T5631.99',10,'How high will  Bitcoin get by Nov 26, 2026? $5,631.99 or above','$5,631.99 or above','$5,631.99 or above','binary','finalized','yes',1795604431000000,1795604400000000,1795673520000000,1795511520000000,1795673520000000,'greater_or_equal',5631.99,NULL,'If Bitcoin trades $5,631.99 or above before Nov 26, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152751576,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(31,'KXBTCMAX-26NOV266-T5881.99',10,'How high will  Bitcoin get by Nov 26, 2026? $5,881.99 or above','$5,881.99 or above','$5,881.99 or above','binary','finalized','yes',1795604431000000,1795604400000000,1795673520000000,1795511520000000,1795673520000000,'greater_or_equal',5881.99,NULL,'If Bitcoin trades $5,881.99 or above before Nov 26, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152751576,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(32,'KXBTCMAX-26NOV266-T6131.99',10,'How high will  Bitcoin get by Nov 26, 2026? $6,131.99 or above','$6,131.99 or above','$6,131.99 or above','binary','finalized','yes',1795604431000000,1795604400000000,1795673520000000,1795511520000000,1795673520000000,'greater_or_equal',6131.99,NULL,'If Bitcoin trades $6,131.99 or above before Nov 26, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152751576,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(33,'KXBTCMAX-26NOV266-T6381.99',10,'How high will  Bitcoin get by Nov 26, 2026? $6,381.99 or above','$6,381.99 or above','$6,381.99 or above','binary','finalized','no',1795604431000000,1795604400000000,1795673520000000,1795511520000000,1795673520000000,'greater_or_equal',6381.99,NULL,'If Bitcoin trades $6,381.99 or above before Nov 26, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152751576,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(34,'KXBTCMAX-26NOV266-T6631.99',10,'How high will  Bitcoin get by Nov 26, 2026? $6,631.99 or above','$6,631.99 or above','$6,631.99 or above','binary','finalized','no',1795604431000000,1795604400000000,1795673520000000,1795511520000000,1795673520000000,'greater_or_equal',6631.99,NULL,'If Bitcoin trades $6,631.99 or above before Nov 26, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152751576,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(35,'KXBTCMAX-26NOV266-T6881.99',10,'How high will  Bitcoin get by Nov 26, 2026? $6,881.99 or above','$6,881.99 or above','$6,881.99 or above','binary','finalized','no',1795604431000000,1795604400000000,1795673520000000,1795511520000000,1795673520000000,'greater_or_equal',6881.99,NULL,'If Bitcoin trades $6,881.99 or above before Nov 26, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152751576,1795749152751576,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(36,'KXBTCD-26DEC10B-T90647.99',8,'Bitcoin price on Dec 10, 2026? $90,647.99 or above','$90,647.99 or above','$90,647.99 or above','binary','closed','',1795749771000000,1795749720000000,1796881740000000,1796719740000000,1796881740000000,'greater_or_equal',90647.99,NULL,'If the simple average of the sixty seconds of CF Benchmarks'' Bitcoin Real-Time Index before the close is $90,647.99 or above on Dec 10, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152929931,1795749152929931,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(37,'KXBTCD-26DEC10B-T90147.99',8,'Bitcoin price on Dec 10, 2026? $90,147.99 or above','$90,147.99 or above','$90,147.99 or above','binary','active','',1795749651000000,1795749600000000,1796881740000000,1796719740000000,1796881740000000,'greater_or_equal',90147.99,NULL,'If the simple average of the sixty seconds of CF Benchmarks'' Bitcoin Real-Time Index before the close is $90,147.99 or above on Dec 10, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749152929931,1795749152929931,1795751700915776,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(38,'KXMVECROSSCATEGORY-S202697C4CBF3A8D-8729AEFBAD6',11,'no more than 184.5,yes more than 193.5,yes Atlético Madrid,yes Atlético Madrid,yes Tie','no more than 184.5,yes more than 193.5,yes Atlético Madrid,yes Atlético Madrid,yes Tie','no more than 184.5,yes more than 193.5,yes Atlético Madrid,yes Atlético Madrid,yes Tie','binary','active','',1795749851000000,1795749851000000,1797045300000000,1796883300000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVECROSSCATEGORY-R',0,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(39,'KXMVESPORTSMULTIGAMEEXTENDED-S20262F54D81BFB7-232E2D6BE72',12,'no more than 184.5,no more than 184.5,no more than 184.5,yes more than 193.5,yes more than 187.5,yes more than 193.5','no more than 184.5,no more than 184.5,no more than 184.5,yes more than 193.5,yes more than 187.5,yes more than 193.5','no more than 184.5,no more than 184.5,no more than 184.5,yes more than 193.5,yes more than 187.5,yes more than 193.5','binary','active','',1795749791000000,1795749791000000,1797045300000000,1796883300000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVESPORTSMULTIGAMEEXTENDED-R',0,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(40,'KXMVECROSSCATEGORY-S20265222DD6BF19-9554E6507C2',13,'no more than 190.5,no Philadelphia,yes more than 187.5,no more than 196.5','no more than 190.5,no Philadelphia,yes more than 187.5,no more than 196.5','no more than 190.5,no Philadelphia,yes more than 187.5,no more than 196.5','binary','active','',1795749731000000,1795749731000000,1797045300000000,1796883300000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVECROSSCATEGORY-R',0,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(41,'KXMVESPORTSMULTIGAMEEXTENDED-S20269D97441391B-3C95A9ABE0C',14,'yes Atlético Madrid,no more than 196.5,yes Tie,yes more than 187.5,no more than 190.5,yes more than 187.5','yes Atlético Madrid,no more than 196.5,yes Tie,yes more than 187.5,no more than 190.5,yes more than 187.5','yes Atlético Madrid,no more than 196.5,yes Tie,yes more than 187.5,no more than 190.5,yes more than 187.5','binary','active','',1795749671000000,1795749671000000,1797045300000000,1796883300000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVESPORTSMULTIGAMEEXTENDED-R',0,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(42,'KXMVECROSSCATEGORY-S2026A1D028A04F3-53C45DAF5DD',15,'yes more than 187.5,yes Tie,no Philadelphia,no more than 184.5,yes Tie,no Philadelphia','yes more than 187.5,yes Tie,no Philadelphia,no more than 184.5,yes Tie,no Philadelphia','yes more than 187.5,yes Tie,no Philadelphia,no more than 184.5,yes Tie,no Philadelphia','binary','active','',1795749611000000,1795749611000000,1797045300000000,1796883300000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVECROSSCATEGORY-R',0,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(43,'KXMVESPORTSMULTIGAMEEXTENDED-S2026709EA14C653-BAABB5DF522',16,'no Philadelphia,yes more than 187.5,no more than 196.5,no more than 184.5,no more than 196.5,yes more than 187.5','no Philadelphia,yes more than 187.5,no more than 196.5,no more than 184.5,no more than 196.5,yes more than 187.5','no Philadelphia,yes more than 187.5,no more than 196.5,no more than 184.5,no more than 196.5,yes more than 187.5','binary','active','',1795749551000000,1795749551000000,1797045300000000,1796883300000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVESPORTSMULTIGAMEEXTENDED-R',0,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(44,'KXMVECROSSCATEGORY-S202682AA15654E6-F29FDEB1658',17,'yes Tie,no more than 190.5,yes Tie,no more than 184.5','yes Tie,no more than 190.5,yes Tie,no more than 184.5','yes Tie,no more than 190.5,yes Tie,no more than 184.5','binary','active','',1795749491000000,1795749491000000,1797045300000000,1796883300000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVECROSSCATEGORY-R',0,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(45,'KXMVESPORTSMULTIGAMEEXTENDED-S20268640FBB5737-E5D28D86A92',18,'no more than 184.5,yes Atlético Madrid,no Philadelphia,no more than 196.5,yes more than 193.5','no more than 184.5,yes Atlético Madrid,no Philadelphia,no more than 196.5,yes more than 193.5','no more than 184.5,yes Atlético Madrid,no Philadelphia,no more than 196.5,yes more than 193.5','binary','active','',1795749431000000,1795749431000000,1797045300000000,1796883300000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVESPORTSMULTIGAMEEXTENDED-R',0,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(46,'KXMVECROSSCATEGORY-S202636F5E3A8257-313D460DF7A',19,'yes more than 193.5,yes Tie,no more than 184.5','yes more than 193.5,yes Tie,no more than 184.5','yes more than 193.5,yes Tie,no more than 184.5','binary','active','',1795749371000000,1795749371000000,1797045300000000,1796883300000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVECROSSCATEGORY-R',0,1795749153129767,1795749153129767,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "markets" VALUES(47,'KXFIXTURE-26-A',20,'Will it rain in New York on Nov 23?','It rains','It stays dry','binary','closed','',1795345200000000,1795347000000000,1795352400000000,1795354200000000,1795353600000000,'greater',0.1,2.5,'If it rains more than 0.1 inches, the market resolves to Yes.',0,0,NULL,0,1795348800000000,1795348800000000,NULL,1795356000000000,NULL,'{"city":"New York"}',NULL,6472564159978227613,'linear_cent',5707776178263122389,'default',NULL,60,1,5844014441909262911,NULL,NULL,0,2);
INSERT INTO "markets" VALUES(48,'KXFIXTURE-26-B',20,'Will it rain in New York on Nov 23?','It rains','It stays dry','binary','closed','',1795345200000000,1795347000000000,1795352400000000,1795354200000000,1795353600000000,'greater',0.1,2.5,'If it rains more than 0.1 inches, the market resolves to Yes.',0,0,NULL,0,1795348800000000,1795348800000000,NULL,1795356000000000,NULL,'{"city":"New York"}',NULL,708370067546495405,'linear_cent',5707776178263122389,'default',NULL,60,1,5844014441909262911,NULL,NULL,0,2);
INSERT INTO "markets" VALUES(49,'KXVOID-1',21,'Will it rain in New York on Nov 23?','It rains','It stays dry','binary','closed','',1795345200000000,1795347000000000,1795352400000000,1795354200000000,1795353600000000,'greater',0.1,2.5,'If it rains more than 0.1 inches, the market resolves to Yes.',0,0,NULL,0,1795348800000000,1795348800000000,NULL,1795356000000000,NULL,'{"city":"New York"}',NULL,708370067546495405,'linear_cent',5707776178263122389,'default',NULL,60,1,5844014441909262911,NULL,NULL,0,2);
INSERT INTO "markets" VALUES(50,'KXVOID-2',21,'Will it rain in New York on Nov 23?','It rains','It stays dry','binary','closed','',1795345200000000,1795347000000000,1795352400000000,1795354200000000,1795353600000000,'greater',0.1,2.5,'If it rains more than 0.1 inches, the market resolves to Yes.',0,0,NULL,0,1795348800000000,1795348800000000,NULL,1795356000000000,NULL,'{"city":"New York"}',NULL,708370067546495405,'linear_cent',5707776178263122389,'default',NULL,60,1,5844014441909262911,NULL,NULL,0,2);
INSERT INTO "markets" VALUES(52,'KXASIDE-2',21,'Will it rain in New York on Nov 23?','It rains','It stays dry','binary','active','',1795345200000000,1795347000000000,1795352400000000,1795354200000000,1795353600000000,'greater',0.1,2.5,'If it rains more than 0.1 inches, the market resolves to Yes.',0,0,NULL,0,1795348800000000,1795348800000000,NULL,1795356000000000,NULL,'{"city":"New York"}',NULL,708370067546495405,'linear_cent',5707776178263122389,'default',NULL,60,1,5844014441909262911,NULL,NULL,0,2);
CREATE TABLE order_book_levels (
	order_book_id INTEGER NOT NULL, 
	is_yes BOOLEAN NOT NULL, 
	price BIGINT NOT NULL, 
	size BIGINT NOT NULL, price_dollars REAL GENERATED ALWAYS AS (price / 1000000.0) VIRTUAL, size_contracts REAL GENERATED ALWAYS AS (size / 100.0) VIRTUAL, side TEXT GENERATED ALWAYS AS (CASE WHEN is_yes THEN 'yes' ELSE 'no' END) VIRTUAL, 
	CONSTRAINT pk_order_book_levels PRIMARY KEY (order_book_id, is_yes, price), 
	CONSTRAINT fk_order_book_levels_order_book_id FOREIGN KEY(order_book_id) REFERENCES order_books (id)
)
 WITHOUT ROWID

;
INSERT INTO "order_book_levels" VALUES(1,0,500000,326765);
INSERT INTO "order_book_levels" VALUES(1,0,530000,400085);
INSERT INTO "order_book_levels" VALUES(1,0,540000,416254);
INSERT INTO "order_book_levels" VALUES(1,0,570000,177206);
INSERT INTO "order_book_levels" VALUES(1,0,600000,45227);
INSERT INTO "order_book_levels" VALUES(1,0,630000,4322721);
INSERT INTO "order_book_levels" VALUES(1,1,250000,353603);
INSERT INTO "order_book_levels" VALUES(1,1,260000,184189);
INSERT INTO "order_book_levels" VALUES(1,1,270000,34224);
INSERT INTO "order_book_levels" VALUES(1,1,300000,114856);
INSERT INTO "order_book_levels" VALUES(1,1,320000,353803);
INSERT INTO "order_book_levels" VALUES(1,1,330000,382880);
INSERT INTO "order_book_levels" VALUES(1,1,350000,2077200);
INSERT INTO "order_book_levels" VALUES(2,0,20000,92787);
INSERT INTO "order_book_levels" VALUES(2,0,50000,300301);
INSERT INTO "order_book_levels" VALUES(2,0,70000,471248);
INSERT INTO "order_book_levels" VALUES(2,0,100000,355873);
INSERT INTO "order_book_levels" VALUES(2,0,120000,448086);
INSERT INTO "order_book_levels" VALUES(2,0,130000,4457987);
INSERT INTO "order_book_levels" VALUES(3,0,500000,326765);
INSERT INTO "order_book_levels" VALUES(3,0,530000,400085);
INSERT INTO "order_book_levels" VALUES(3,0,540000,416254);
INSERT INTO "order_book_levels" VALUES(3,0,570000,177206);
INSERT INTO "order_book_levels" VALUES(3,0,600000,45227);
INSERT INTO "order_book_levels" VALUES(3,0,630000,4322721);
INSERT INTO "order_book_levels" VALUES(3,1,250000,353603);
INSERT INTO "order_book_levels" VALUES(3,1,260000,184189);
INSERT INTO "order_book_levels" VALUES(3,1,270000,34224);
INSERT INTO "order_book_levels" VALUES(3,1,300000,114856);
INSERT INTO "order_book_levels" VALUES(3,1,320000,353803);
INSERT INTO "order_book_levels" VALUES(3,1,330000,382880);
INSERT INTO "order_book_levels" VALUES(3,1,350000,2077200);
CREATE TABLE order_books (
	id INTEGER NOT NULL, 
	market_id INTEGER NOT NULL, 
	received_at BIGINT NOT NULL, received_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', received_at / 1000000, 'unixepoch') || substr(received_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, 
	CONSTRAINT pk_order_books PRIMARY KEY (id), 
	CONSTRAINT fk_order_books_market_id FOREIGN KEY(market_id) REFERENCES markets (id), 
	CONSTRAINT uq_order_books_market_id_received_at UNIQUE (market_id, received_at)
);
INSERT INTO "order_books" VALUES(1,6,1795749152724691);
INSERT INTO "order_books" VALUES(3,6,1795749152734936);
INSERT INTO "order_books" VALUES(2,7,1795749152724691);
INSERT INTO "order_books" VALUES(4,7,1795749152734936);
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
	is_terminal BOOLEAN NOT NULL, yes_bid_dollars REAL GENERATED ALWAYS AS (yes_bid / 1000000.0) VIRTUAL, yes_ask_dollars REAL GENERATED ALWAYS AS (yes_ask / 1000000.0) VIRTUAL, yes_bid_size_contracts REAL GENERATED ALWAYS AS (yes_bid_size / 100.0) VIRTUAL, yes_ask_size_contracts REAL GENERATED ALWAYS AS (yes_ask_size / 100.0) VIRTUAL, last_price_dollars REAL GENERATED ALWAYS AS (nullif(last_price, 0) / 1000000.0) VIRTUAL, volume_contracts REAL GENERATED ALWAYS AS (volume / 100.0) VIRTUAL, open_interest_contracts REAL GENERATED ALWAYS AS (open_interest / 100.0) VIRTUAL, no_bid_dollars REAL GENERATED ALWAYS AS ((1000000 - yes_ask) / 1000000.0) VIRTUAL, no_ask_dollars REAL GENERATED ALWAYS AS ((1000000 - yes_bid) / 1000000.0) VIRTUAL, midpoint_dollars REAL GENERATED ALWAYS AS ((yes_bid + yes_ask) / 2000000.0) VIRTUAL, spread_dollars REAL GENERATED ALWAYS AS ((yes_ask - yes_bid) / 1000000.0) VIRTUAL, 
	CONSTRAINT pk_price_snapshots PRIMARY KEY (tick_id, market_id), 
	CONSTRAINT fk_price_snapshots_market_id FOREIGN KEY(market_id) REFERENCES markets (id), 
	CONSTRAINT fk_price_snapshots_tick_id FOREIGN KEY(tick_id) REFERENCES ticks (id)
)
 WITHOUT ROWID

;
INSERT INTO "price_snapshots" VALUES(1,1,50000,100000,926000,642900,30000,135278,42644,93600178,0);
INSERT INTO "price_snapshots" VALUES(1,2,860000,880000,678157,484000,890000,263885,107507,93600178,0);
INSERT INTO "price_snapshots" VALUES(1,3,520000,540000,587200,598,540000,298200,298200,93600178,0);
INSERT INTO "price_snapshots" VALUES(1,4,670000,690000,1014484,645103,660000,78100,56800,93600178,0);
INSERT INTO "price_snapshots" VALUES(1,5,280000,290000,2938064,32285,280000,114991,42219,93600178,0);
INSERT INTO "price_snapshots" VALUES(1,6,380000,400000,376100,54500,410000,239156,239156,93600178,0);
INSERT INTO "price_snapshots" VALUES(1,7,NULL,860000,0,2214700,860000,109100,108551,93600178,0);
INSERT INTO "price_snapshots" VALUES(1,8,NULL,NULL,0,0,30000,3033,2033,93600178,0);
INSERT INTO "price_snapshots" VALUES(2,1,70000,120000,1687838,418335,120000,313596,0,93300198,0);
INSERT INTO "price_snapshots" VALUES(2,3,510000,530000,100,1022787,540000,298200,298200,93300198,0);
INSERT INTO "price_snapshots" VALUES(2,5,NULL,NULL,NULL,NULL,NULL,NULL,NULL,93300222,1);
INSERT INTO "price_snapshots" VALUES(2,7,NULL,870000,0,174,860000,109100,108551,93300198,0);
INSERT INTO "price_snapshots" VALUES(2,9,290000,320000,729400,3250300,0,0,0,93300198,0);
INSERT INTO "price_snapshots" VALUES(3,1,70000,120000,1687838,418335,120000,313596,0,92400347,0);
INSERT INTO "price_snapshots" VALUES(3,2,860000,880000,678157,484000,890000,263885,107507,92400347,0);
INSERT INTO "price_snapshots" VALUES(3,3,520000,540000,1624300,25000,540000,298200,298200,92400347,0);
INSERT INTO "price_snapshots" VALUES(3,4,670000,690000,1014484,645103,660000,78100,56800,92400347,0);
INSERT INTO "price_snapshots" VALUES(3,6,380000,400000,376100,54500,410000,239156,239156,92400347,0);
INSERT INTO "price_snapshots" VALUES(3,7,NULL,890000,0,417300,860000,109100,108551,92400347,0);
INSERT INTO "price_snapshots" VALUES(3,9,290000,320000,729400,3250300,0,0,0,92400347,0);
INSERT INTO "price_snapshots" VALUES(3,10,NULL,NULL,0,0,0,0,0,92400347,0);
INSERT INTO "price_snapshots" VALUES(3,11,920000,950000,2413400,1063516,0,0,0,92400347,0);
INSERT INTO "price_snapshots" VALUES(3,12,489000,494000,7081,1455000,0,0,0,92400347,0);
INSERT INTO "price_snapshots" VALUES(3,13,NULL,NULL,0,0,0,0,0,92400347,0);
INSERT INTO "price_snapshots" VALUES(4,6,360000,380000,1959006,133,380000,240532,240532,92100383,0);
INSERT INTO "price_snapshots" VALUES(4,7,NULL,890000,0,79500,860000,109100,108551,92100383,0);
INSERT INTO "price_snapshots" VALUES(4,10,887000,889000,856300,182000,0,0,0,92100383,0);
INSERT INTO "price_snapshots" VALUES(4,11,NULL,NULL,NULL,NULL,NULL,NULL,NULL,92100396,1);
INSERT INTO "price_snapshots" VALUES(4,13,NULL,NULL,NULL,NULL,NULL,NULL,NULL,92100396,1);
INSERT INTO "price_snapshots" VALUES(4,14,NULL,NULL,0,0,0,0,0,92100383,0);
INSERT INTO "price_snapshots" VALUES(4,15,NULL,NULL,0,0,0,0,0,92100383,0);
INSERT INTO "price_snapshots" VALUES(5,1,70000,120000,1687838,418335,120000,313596,0,4200011,0);
INSERT INTO "price_snapshots" VALUES(5,2,860000,880000,678157,484000,890000,263885,107507,4200011,0);
INSERT INTO "price_snapshots" VALUES(5,3,520000,540000,1624300,25000,540000,298200,298200,4200011,0);
INSERT INTO "price_snapshots" VALUES(6,1,60000,110000,2308800,106200,110000,346712,33116,3900015,0);
INSERT INTO "price_snapshots" VALUES(6,2,860000,880000,678157,484000,890000,263885,107507,3900015,0);
INSERT INTO "price_snapshots" VALUES(6,3,520000,540000,1624300,25000,540000,298200,298200,3900015,0);
INSERT INTO "price_snapshots" VALUES(6,6,350000,370000,2077200,4322721,380000,240532,240532,3900015,0);
INSERT INTO "price_snapshots" VALUES(6,7,NULL,880000,0,80200,860000,109100,108551,3900015,0);
INSERT INTO "price_snapshots" VALUES(6,8,NULL,NULL,NULL,NULL,NULL,NULL,NULL,3900039,1);
INSERT INTO "price_snapshots" VALUES(6,15,NULL,NULL,0,0,0,0,0,3900015,0);
INSERT INTO "price_snapshots" VALUES(6,16,250000,270000,156600,529400,0,0,0,3900015,0);
INSERT INTO "price_snapshots" VALUES(8,1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,900041,1);
INSERT INTO "price_snapshots" VALUES(8,2,840000,860000,32698,1914500,860000,385885,229507,900013,0);
INSERT INTO "price_snapshots" VALUES(8,7,NULL,870000,0,4457987,860000,109100,108551,900013,0);
INSERT INTO "price_snapshots" VALUES(8,17,690000,700000,4600,251014,0,0,0,900013,0);
INSERT INTO "price_snapshots" VALUES(9,15,NULL,NULL,NULL,NULL,NULL,NULL,NULL,600023,1);
INSERT INTO "price_snapshots" VALUES(9,17,710000,720000,37427,60000,0,0,0,600006,0);
INSERT INTO "price_snapshots" VALUES(9,18,851000,851200,4869732,4847922,0,0,0,600006,0);
INSERT INTO "price_snapshots" VALUES(9,19,660000,710000,1502100,160508,0,0,0,600006,0);
INSERT INTO "price_snapshots" VALUES(10,2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,300017,1);
INSERT INTO "price_snapshots" VALUES(10,17,690000,700000,14600,227369,0,0,0,300007,0);
INSERT INTO "price_snapshots" VALUES(10,19,640000,690000,123000,399327,690000,7117,0,300007,0);
INSERT INTO "price_snapshots" VALUES(10,20,830700,831000,1044700,2971200,0,0,0,300007,0);
INSERT INTO "price_snapshots" VALUES(11,7,NULL,NULL,NULL,NULL,NULL,NULL,NULL,144,1);
INSERT INTO "price_snapshots" VALUES(11,16,250000,270000,2335300,1068700,270000,207617,135000,18,0);
INSERT INTO "price_snapshots" VALUES(11,17,NULL,NULL,NULL,NULL,NULL,NULL,NULL,144,1);
INSERT INTO "price_snapshots" VALUES(11,18,851100,851300,4920300,1550534,0,0,0,18,0);
INSERT INTO "price_snapshots" VALUES(11,19,NULL,NULL,NULL,NULL,NULL,NULL,NULL,144,1);
INSERT INTO "price_snapshots" VALUES(11,20,830500,830800,29100,5900,830800,197300,0,18,0);
INSERT INTO "price_snapshots" VALUES(11,36,203700,204200,4400,216495,0,0,0,18,0);
INSERT INTO "price_snapshots" VALUES(11,37,206600,206700,430610,800,0,0,0,18,0);
INSERT INTO "price_snapshots" VALUES(14,3,410000,430000,1200,750,410000,10300,5300,904,0);
INSERT INTO "price_snapshots" VALUES(14,4,NULL,NULL,NULL,NULL,NULL,NULL,NULL,912,1);
INSERT INTO "price_snapshots" VALUES(14,6,410000,430000,1200,750,410000,10600,5600,902,0);
INSERT INTO "price_snapshots" VALUES(14,9,NULL,NULL,NULL,NULL,NULL,NULL,NULL,912,1);
INSERT INTO "price_snapshots" VALUES(14,16,410000,430000,1200,750,410000,11600,6600,902,0);
INSERT INTO "price_snapshots" VALUES(14,18,800000,810000,1200,750,800000,11800,6800,902,0);
INSERT INTO "price_snapshots" VALUES(14,20,410000,430000,1200,750,410000,12000,7000,902,0);
INSERT INTO "price_snapshots" VALUES(14,36,410000,430000,1200,750,410000,13600,8600,902,0);
INSERT INTO "price_snapshots" VALUES(14,37,410000,430000,1200,750,410000,13700,8700,902,0);
INSERT INTO "price_snapshots" VALUES(15,20,860000,870000,1200,750,860000,12000,7000,902,0);
INSERT INTO "price_snapshots" VALUES(15,37,220000,430000,1200,750,220000,13700,8700,902,0);
INSERT INTO "price_snapshots" VALUES(17,6,NULL,NULL,NULL,NULL,NULL,NULL,NULL,925,1);
INSERT INTO "price_snapshots" VALUES(17,16,250000,270000,1200,750,250000,11600,6600,902,0);
INSERT INTO "price_snapshots" VALUES(17,18,790000,810000,1200,750,790000,11800,6800,902,0);
INSERT INTO "price_snapshots" VALUES(20,37,NULL,NULL,NULL,NULL,NULL,NULL,NULL,921,1);
INSERT INTO "price_snapshots" VALUES(22,7,330000,390000,1200,750,330000,10700,5700,902,0);
INSERT INTO "price_snapshots" VALUES(23,47,290000,310000,12050,8000,300000,98765,43210,1000,0);
INSERT INTO "price_snapshots" VALUES(23,48,290000,310000,12050,8000,300000,98765,43210,1000,0);
INSERT INTO "price_snapshots" VALUES(30,3,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "price_snapshots" VALUES(30,7,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "price_snapshots" VALUES(30,16,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "price_snapshots" VALUES(30,18,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "price_snapshots" VALUES(30,20,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "price_snapshots" VALUES(30,36,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "price_snapshots" VALUES(30,47,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "price_snapshots" VALUES(30,48,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "price_snapshots" VALUES(30,52,500000,520000,12050,8000,300000,98765,43210,1000,0);
CREATE TABLE quarantine (
	id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	record_key TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	bytes BIGINT NOT NULL, 
	times BIGINT NOT NULL, 
	run TEXT NOT NULL, 
	first_seen_at BIGINT NOT NULL, 
	last_seen_at BIGINT NOT NULL, 
	replayed_at BIGINT, 
	error TEXT NOT NULL, 
	raw TEXT NOT NULL, 
	CONSTRAINT pk_quarantine PRIMARY KEY (id), 
	CONSTRAINT uq_quarantine_kind_record_key_digest UNIQUE (kind, record_key, digest)
);
INSERT INTO "quarantine" VALUES(1,'markets','KXHIGHNY-26DEC08A-T51','d1',2223,3,'listings/4',1795749152224671,1795749152224671,NULL,'yes_bid_dollars: ''abc'' is not a decimal number','{"can_close_early": true, "early_close_condition": "This market will close and expire early if the event occurs.", "event_ticker": "KXHIGHNY-26DEC08A", "exchange_index": 0, "market_type": "binary", "notional_value_dollars": "1.0000", "price_level_structure": "linear_cent", "price_ranges": [{"end": "1.0000", "start": "0.0000", "step": "0.0100"}], "rules_secondary": "Revisions made after expiration do not count, and a value that has not been published when the market expires is replaced by the last one that was.  The Exchange may close the market early where the outcome is known; if it has to be determined by another source, members are told at least one day before.\n\nPersons employed by the source agency, and persons who hold material non-public information on the value, may not trade. More than one market of this event can be open at the same time; each is settled on its own. ", "settlement_bounds_type": "default", "settlement_timer_seconds": 1800, "cap_strike": 51, "strike_type": "less", "occurrence_datetime": "2026-12-08T21:10:00Z", "no_sub_title": "50\u00b0 or below", "rules_primary": "If the highest temperature recorded in New York City for Dec 8, 2026, is 50\u00b0 or below fahrenheit according to the National Weather Service''s Climatological Report (Daily), then the market resolves to Yes.", "title": "Highest temperature in New York City on Dec 8, 2026?  50\u00b0 or below", "yes_sub_title": "50\u00b0 or below", "last_price_dollars": "0.0000", "no_ask_dollars": "0.7100", "no_bid_dollars": "0.6800", "open_interest_fp": "0.00", "previous_price_dollars": "0.0000", "previous_yes_ask_dollars": "1.0000", "previous_yes_bid_dollars": "0.0000", "volume_24h_fp": "0.00", "volume_fp": "0.00", "yes_ask_dollars": "0.3200", "yes_ask_size_fp": "32503.00", "yes_bid_dollars": "abc", "yes_bid_size_fp": "7294.00", "close_time": "2026-12-08T21:10:00Z", "created_time": "2026-11-27T03:12:51Z", "expected_expiration_time": "2026-12-07T00:10:00Z", "expiration_time": "2026-12-15T21:10:00Z", "expiration_value": "", "latest_expiration_time": "2026-12-15T21:10:00Z", "open_time": "2026-11-27T03:12:00Z", "result": "", "status": "active", "ticker": "KXHIGHNY-26DEC08A-T51", "updated_time": "2026-11-27T03:12:51Z"}');
INSERT INTO "quarantine" VALUES(2,'markets','KXNFLTOTAL-26DEC27MIAHOU9','',2137,1,'listings/4',1795749152224671,1795749152240810,NULL,'ticker: Input should be a valid string','{"can_close_early": true, "early_close_condition": "This market will close and expire early if the event occurs.", "event_ticker": "KXNFLTOTAL-26DEC27MIAHOU9", "exchange_index": 3, "market_type": "binary", "notional_value_dollars": "1.0000", "price_level_structure": "linear_cent", "price_ranges": [{"end": "1.0000", "start": "0.0000", "step": "0.0100"}], "rules_secondary": "Revisions made after expiration do not count, and a value that has not been published when the market expires is replaced by the last one that was.  The Exchange may close the market early where the outcome is known; if it has to be determined by another source, members are told at least one day before.\n\nPersons employed by the source agency, and persons who hold material non-public information on the value, may not trade. More than one market of this event can be open at the same time; each is settled on its own. ", "settlement_bounds_type": "default", "settlement_timer_seconds": 60, "floor_strike": 184.5, "strike_type": "greater", "no_sub_title": "more than 184.5", "rules_primary": "If the two teams collectively score more than 184.5 points in the Miami at Houston Pro Football game originally scheduled for Dec 27, 2026, then the market resolves to Yes.", "title": "Miami at Houston: Total points more than 184.5", "yes_sub_title": "more than 184.5", "last_price_dollars": "0.1200", "no_ask_dollars": "0.9300", "no_bid_dollars": "0.8800", "open_interest_fp": "0.00", "previous_price_dollars": "0.0300", "previous_yes_ask_dollars": "0.1000", "previous_yes_bid_dollars": "0.0500", "volume_24h_fp": "2459.96", "volume_fp": "3135.96", "yes_ask_dollars": "0.1200", "yes_ask_size_fp": "4183.35", "yes_bid_dollars": "0.0700", "yes_bid_size_fp": "16878.38", "close_time": "2026-12-27T15:28:00Z", "created_time": "2026-11-12T03:12:21.83601Z", "expected_expiration_time": "2026-12-25T18:28:00Z", "expiration_time": "2027-01-03T15:28:00Z", "expiration_value": "", "latest_expiration_time": "2027-01-03T15:28:00Z", "open_time": "2026-11-12T03:12:00Z", "result": "", "status": "active", "ticker": {"moved": true}, "updated_time": "2026-11-12T03:12:21.83601Z"}');
INSERT INTO "quarantine" VALUES(3,'markets','0a2ccb2ff33cc42a5d9d7b3548ad0a3be7f3e02662dc4b2cb0aa2fac9a42eb40','',2065,1,'listings/4',1795749152224671,1795749152240810,NULL,'ticker: Field required; event_ticker: Field required','{"can_close_early": true, "early_close_condition": "This market will close and expire early if the event occurs.", "exchange_index": 3, "market_type": "binary", "notional_value_dollars": "1.0000", "price_level_structure": "linear_cent", "price_ranges": [{"end": "1.0000", "start": "0.0000", "step": "0.0100"}], "rules_secondary": "Revisions made after expiration do not count, and a value that has not been published when the market expires is replaced by the last one that was.  The Exchange may close the market early where the outcome is known; if it has to be determined by another source, members are told at least one day before.\n\nPersons employed by the source agency, and persons who hold material non-public information on the value, may not trade. More than one market of this event can be open at the same time; each is settled on its own. ", "settlement_bounds_type": "default", "settlement_timer_seconds": 60, "floor_strike": 190.5, "strike_type": "greater", "no_sub_title": "more than 190.5", "rules_primary": "If the two teams collectively score more than 190.5 points in the Miami at Houston Pro Football game originally scheduled for Dec 27, 2026, then the market resolves to Yes.", "title": "Miami at Houston: Total points more than 190.5", "yes_sub_title": "more than 190.5", "last_price_dollars": "0.5400", "no_ask_dollars": "0.4900", "no_bid_dollars": "0.4700", "open_interest_fp": "2982.00", "previous_price_dollars": "0.5400", "previous_yes_ask_dollars": "0.5400", "previous_yes_bid_dollars": "0.5200", "volume_24h_fp": "1491.00", "volume_fp": "2982.00", "yes_ask_dollars": "0.5300", "yes_ask_size_fp": "10227.87", "yes_bid_dollars": "0.5100", "yes_bid_size_fp": "1.00", "close_time": "2026-12-27T15:28:00Z", "created_time": "2026-11-12T03:12:21.83601Z", "expected_expiration_time": "2026-12-25T18:28:00Z", "expiration_time": "2027-01-03T15:28:00Z", "expiration_value": "", "latest_expiration_time": "2027-01-03T15:28:00Z", "open_time": "2026-11-12T03:12:00Z", "result": "", "status": "active", "updated_time": "2026-11-12T03:12:21.83601Z"}');
INSERT INTO "quarantine" VALUES(4,'markets','KXNFLTOTAL-26DEC27MIAHOU9-196.5','',2140,1,'listings/4',1795749152240810,1795749152240810,NULL,'yes_bid_dollars: ''abc'' is not a decimal number','{"can_close_early": true, "early_close_condition": "This market will close and expire early if the event occurs.", "event_ticker": "KXNFLTOTAL-26DEC27MIAHOU9", "exchange_index": 3, "market_type": "binary", "notional_value_dollars": "1.0000", "price_level_structure": "linear_cent", "price_ranges": [{"end": "1.0000", "start": "0.0000", "step": "0.0100"}], "rules_secondary": "Revisions made after expiration do not count, and a value that has not been published when the market expires is replaced by the last one that was.  The Exchange may close the market early where the outcome is known; if it has to be determined by another source, members are told at least one day before.\n\nPersons employed by the source agency, and persons who hold material non-public information on the value, may not trade. More than one market of this event can be open at the same time; each is settled on its own. ", "settlement_bounds_type": "default", "settlement_timer_seconds": 60, "floor_strike": 196.5, "strike_type": "greater", "no_sub_title": "more than 196.5", "rules_primary": "If the two teams collectively score more than 196.5 points in the Miami at Houston Pro Football game originally scheduled for Dec 27, 2026, then the market resolves to Yes.", "title": "Miami at Houston: Total points more than 196.5", "yes_sub_title": "more than 196.5", "last_price_dollars": "0.2800", "no_ask_dollars": "1.0000", "no_bid_dollars": "0.0000", "open_interest_fp": "422.19", "previous_price_dollars": "0.2800", "previous_yes_ask_dollars": "0.2900", "previous_yes_bid_dollars": "0.2800", "volume_24h_fp": "575.91", "volume_fp": "1149.91", "yes_ask_dollars": "1.0000", "yes_ask_size_fp": "0.00", "yes_bid_dollars": "abc", "yes_bid_size_fp": "0.00", "close_time": "2026-11-27T03:13:31Z", "created_time": "2026-11-12T03:12:21.83601Z", "expected_expiration_time": "2026-11-25T06:13:31Z", "expiration_time": "2027-01-03T15:28:00Z", "expiration_value": "", "latest_expiration_time": "2027-01-03T15:28:00Z", "open_time": "2026-11-12T03:12:00Z", "result": "", "status": "closed", "ticker": "KXNFLTOTAL-26DEC27MIAHOU9-196.5", "updated_time": "2026-11-27T03:13:31Z"}');
INSERT INTO "quarantine" VALUES(5,'markets','KXHIGHNY-26DEC08A-T51','d2',2,1,'ticks/2',1795749152240810,1795749152240810,1795749152240810,'odd','{}');
CREATE TABLE row_counts (
	table_name TEXT NOT NULL, 
	row_count INTEGER NOT NULL, 
	CONSTRAINT pk_row_counts PRIMARY KEY (table_name)
)
 WITHOUT ROWID

;
INSERT INTO "row_counts" VALUES('events',21);
INSERT INTO "row_counts" VALUES('markets',52);
INSERT INTO "row_counts" VALUES('order_books',4);
INSERT INTO "row_counts" VALUES('series',12);
INSERT INTO "row_counts" VALUES('settlements',28);
CREATE TABLE scopes (
	id INTEGER NOT NULL, 
	series TEXT, 
	combos TEXT, 
	status_filter TEXT, 
	sentence TEXT NOT NULL, 
	is_former BOOLEAN NOT NULL, 
	CONSTRAINT pk_scopes PRIMARY KEY (id), 
	CONSTRAINT uq_scopes_series_combos_status_filter_is_former UNIQUE (series, combos, status_filter, is_former)
);
INSERT INTO "scopes" VALUES(1,'','exclude','open','open markets of all series, no combos',1);
INSERT INTO "scopes" VALUES(2,'','include','open','open markets of all series, with combos',1);
INSERT INTO "scopes" VALUES(3,'KXNFLTOTAL','exclude','open','open markets of KXNFLTOTAL, no combos',1);
INSERT INTO "scopes" VALUES(4,'','exclude','open','open markets of all series, no combos',0);
INSERT INTO "scopes" VALUES(5,'','include','open','open markets of all series, with combos',0);
INSERT INTO "scopes" VALUES(6,'','exclude','settled','settled markets of all series, no combos',0);
INSERT INTO "scopes" VALUES(7,'KXCPI','exclude','settled','settled markets of KXCPI, no combos',0);
INSERT INTO "scopes" VALUES(8,'','exclude','all','all markets of all series, no combos',0);
INSERT INTO "scopes" VALUES(9,NULL,NULL,NULL,'KXCPI',0);
CREATE TABLE series (
	id INTEGER NOT NULL, 
	ticker TEXT NOT NULL, 
	title TEXT, 
	category TEXT, 
	frequency TEXT, 
	tags TEXT, 
	is_placeholder BOOLEAN NOT NULL, 
	first_seen_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, categories TEXT, fee_type TEXT, fee_multiplier BIGINT, settlement_sources_id BIGINT CONSTRAINT fk_series_settlement_sources_id REFERENCES texts (id), contract_url TEXT, contract_terms_url TEXT, additional_prohibitions_id BIGINT CONSTRAINT fk_series_additional_prohibitions_id REFERENCES texts (id), product_metadata_id BIGINT CONSTRAINT fk_series_product_metadata_id REFERENCES texts (id), competition TEXT, competition_scope TEXT, exchange_index BIGINT, reading INTEGER DEFAULT '0' NOT NULL, fee_multiplier_decimal REAL GENERATED ALWAYS AS (fee_multiplier / 1000000.0) VIRTUAL, first_seen_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', first_seen_at / 1000000, 'unixepoch') || substr(first_seen_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, changed_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', changed_at / 1000000, 'unixepoch') || substr(changed_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, 
	CONSTRAINT pk_series PRIMARY KEY (id), 
	CONSTRAINT uq_series_ticker UNIQUE (ticker)
);
INSERT INTO "series" VALUES(1,'KXNFLGAME','Pro Football: away vs home','Sports','custom','Football',0,1795749152085007,1795749152085007,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "series" VALUES(2,'KXNFLTOTAL','Pro Football: away at home: Total points','Sports','custom','Basketball,Football',0,1795749152085007,1795749152085007,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "series" VALUES(3,'KXHIGHNY','Highest temperature in New York City on the day? ','Climate and Weather','daily','Daily temperature,Weather',0,1795749152085007,1795749152085007,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "series" VALUES(4,'KXBTCD','Bitcoin price on the day?','Crypto','hourly','Crypto',0,1795749152085007,1795749152085007,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "series" VALUES(5,'KXPRESWIN','Who will be the next President?','Politics','one_off',NULL,0,1795749152085007,1795749152085007,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "series" VALUES(6,'KXFEDMENTION','What will the Fed chair say on the day?','Mentions','custom','Fed,Politicians',0,1795749152085007,1795749152085007,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "series" VALUES(7,'KXBTCMAX','How high will  Bitcoin get by the day?','Crypto','weekly','Crypto,Pre-market',0,1795749152085007,1795749152085007,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "series" VALUES(8,'KXCPI','What will CPI, year over year be in the day?','Economics','monthly','Inflation,Growth',0,1795749152085007,1795749152085007,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "series" VALUES(9,'KXMVECROSSCATEGORY','Combo','Sports','custom',NULL,0,1795749152085007,1795749152085007,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "series" VALUES(10,'KXMVESPORTSMULTIGAMEEXTENDED','Combo','Sports','custom',NULL,0,1795749152085007,1795749152085007,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "series" VALUES(11,'KXRAIN',NULL,NULL,NULL,NULL,1,1795348800000000,1795348800000000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "series" VALUES(12,'KXFIXTURE','Rain in New York','Climate','daily','["rain", "weather"]',0,1795752900000000,1795753200000000,NULL,'quadratic',500000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2);
CREATE TABLE series_changes (
	id INTEGER NOT NULL, 
	series_id INTEGER NOT NULL, 
	seen_at BIGINT NOT NULL, 
	field TEXT NOT NULL, 
	"before" TEXT, 
	"after" TEXT, seen_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', seen_at / 1000000, 'unixepoch') || substr(seen_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, 
	CONSTRAINT pk_series_changes PRIMARY KEY (id), 
	CONSTRAINT fk_series_changes_series_id FOREIGN KEY(series_id) REFERENCES series (id)
);
INSERT INTO "series_changes" VALUES(1,12,1795753200000000,'fee_multiplier','1000000','500000');
CREATE TABLE series_documents (
	series_id INTEGER NOT NULL, 
	seen_at BIGINT NOT NULL, 
	digest BIGINT NOT NULL, 
	block_id INTEGER NOT NULL, 
	line INTEGER NOT NULL, 
	CONSTRAINT pk_series_documents PRIMARY KEY (series_id, seen_at), 
	CONSTRAINT fk_series_documents_series_id FOREIGN KEY(series_id) REFERENCES series (id), 
	CONSTRAINT fk_series_documents_block_id FOREIGN KEY(block_id) REFERENCES document_blocks (id)
)
 WITHOUT ROWID

;
INSERT INTO "series_documents" VALUES(1,1795700000000000,575478623881450081,1,0);
INSERT INTO "series_documents" VALUES(1,1795703600000000,-1759413478172841306,5,0);
INSERT INTO "series_documents" VALUES(2,1795700000000000,-1551624924605429348,1,1);
INSERT INTO "series_documents" VALUES(2,1795703600000000,8843063796662086690,5,1);
INSERT INTO "series_documents" VALUES(3,1795700000000000,2047214651880367268,1,2);
INSERT INTO "series_documents" VALUES(3,1795703600000000,3998753880916590159,5,2);
CREATE TABLE series_fee_changes (
	change_id TEXT NOT NULL, 
	series_ticker TEXT NOT NULL, 
	fee_type TEXT, 
	fee_multiplier BIGINT, 
	scheduled_at BIGINT NOT NULL, 
	first_seen_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	withdrawn_at BIGINT, fee_multiplier_decimal REAL GENERATED ALWAYS AS (fee_multiplier / 1000000.0) VIRTUAL, scheduled_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', scheduled_at / 1000000, 'unixepoch') || substr(scheduled_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, first_seen_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', first_seen_at / 1000000, 'unixepoch') || substr(first_seen_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, changed_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', changed_at / 1000000, 'unixepoch') || substr(changed_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, withdrawn_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', withdrawn_at / 1000000, 'unixepoch') || substr(withdrawn_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, 
	CONSTRAINT pk_series_fee_changes PRIMARY KEY (change_id)
)
 WITHOUT ROWID

;
INSERT INTO "series_fee_changes" VALUES('s-1','KXNFLGAME','quadratic',1000000,1795742600000000,1795752600000000,1795752600000000,NULL);
INSERT INTO "series_fee_changes" VALUES('s-2','KXNFLGAME','flat',500000,1795752600000000,1795752600000000,1795752600000000,1795752600000000);
CREATE TABLE set_aside_rows (
	id INTEGER NOT NULL, 
	table_name TEXT NOT NULL, 
	"row" TEXT NOT NULL, 
	why TEXT NOT NULL, 
	run TEXT, 
	set_aside_at BIGINT NOT NULL, 
	CONSTRAINT pk_set_aside_rows PRIMARY KEY (id)
);
INSERT INTO "set_aside_rows" VALUES(1,'latest_quotes','{"market_id": 51, "tick_id": 30, "yes_bid": 300000, "yes_ask": 320000, "yes_bid_size": 12050, "yes_ask_size": 8000, "last_price": 300000, "volume": 98765, "open_interest": 43210, "received_ms": 1000, "is_terminal": false}','market_id 51 is in no row of markets','ticks/99',1795754200000000);
INSERT INTO "set_aside_rows" VALUES(2,'market_fingerprints','{"market_id": 51, "version": 2, "fingerprint": null}','market_id 51 is in no row of markets','ticks/99',1795754200000000);
CREATE TABLE settlement_amendments (
	id INTEGER NOT NULL, 
	market_id INTEGER NOT NULL, 
	seen_at BIGINT NOT NULL, 
	result_before TEXT, 
	result_after TEXT, 
	value_before BIGINT, 
	value_after BIGINT, seen_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', seen_at / 1000000, 'unixepoch') || substr(seen_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, value_before_dollars REAL GENERATED ALWAYS AS (value_before / 1000000.0) VIRTUAL, value_after_dollars REAL GENERATED ALWAYS AS (value_after / 1000000.0) VIRTUAL, 
	CONSTRAINT pk_settlement_amendments PRIMARY KEY (id), 
	CONSTRAINT fk_settlement_amendments_market_id FOREIGN KEY(market_id) REFERENCES markets (id)
);
INSERT INTO "settlement_amendments" VALUES(1,17,1795752300923664,'no','yes',0,1000000);
CREATE TABLE settlements (
	market_id INTEGER NOT NULL, 
	result TEXT, 
	settlement_value BIGINT, 
	settled_at BIGINT, 
	settled_at_source TEXT NOT NULL, 
	tier TEXT NOT NULL, 
	first_seen_at BIGINT NOT NULL, 
	amended_at BIGINT, withdrawn_at BIGINT, settlement_value_dollars REAL GENERATED ALWAYS AS (settlement_value / 1000000.0) VIRTUAL, settled_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', settled_at / 1000000, 'unixepoch') || substr(settled_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, first_seen_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', first_seen_at / 1000000, 'unixepoch') || substr(first_seen_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, amended_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', amended_at / 1000000, 'unixepoch') || substr(amended_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, withdrawn_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', withdrawn_at / 1000000, 'unixepoch') || substr(withdrawn_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, 
	CONSTRAINT pk_settlements PRIMARY KEY (market_id), 
	CONSTRAINT fk_settlements_market_id FOREIGN KEY(market_id) REFERENCES markets (id)
);
INSERT INTO "settlements" VALUES(1,'yes',1000000,1795749751000000,'settlement_ts','live',1795749153050232,NULL,NULL);
INSERT INTO "settlements" VALUES(2,'yes',1000000,1795749871000000,'settlement_ts','live',1795749153143609,NULL,NULL);
INSERT INTO "settlements" VALUES(4,'yes',1000000,1795749631000000,'settlement_ts','live',1795749152682999,NULL,NULL);
INSERT INTO "settlements" VALUES(5,'yes',1000000,1795749451000000,'settlement_ts','live',1795749152492546,NULL,NULL);
INSERT INTO "settlements" VALUES(6,'yes',1000000,1795750200000000,'settlement_ts','live',1795750800909639,NULL,NULL);
INSERT INTO "settlements" VALUES(7,'scalar',370000,1795751700918989,'first_seen','live',1795751700918989,NULL,1795752300903213);
INSERT INTO "settlements" VALUES(8,'scalar',500000,1795749511000000,'settlement_ts','live',1795749152634159,NULL,NULL);
INSERT INTO "settlements" VALUES(9,'no',0,1795749691000000,'settlement_ts','live',1795749152759772,NULL,NULL);
INSERT INTO "settlements" VALUES(11,'yes',1000000,1795749571000000,'settlement_ts','live',1795749152663235,NULL,NULL);
INSERT INTO "settlements" VALUES(13,'yes',1000000,1795749571000000,'settlement_ts','live',1795749152663235,NULL,NULL);
INSERT INTO "settlements" VALUES(15,'no',0,1795749811000000,'settlement_ts','live',1795749153050232,NULL,NULL);
INSERT INTO "settlements" VALUES(17,'yes',1000000,1795751700918989,'first_seen','live',1795751700918989,1795752300923664,NULL);
INSERT INTO "settlements" VALUES(19,'no',0,1795750200000000,'settlement_ts','live',1795749900910370,NULL,NULL);
INSERT INTO "settlements" VALUES(21,'scalar',753300,1795712164681757,'settlement_ts','live',1795749152759772,NULL,NULL);
INSERT INTO "settlements" VALUES(22,'yes',1000000,1795677516117096,'settlement_ts','live',1795749152759772,NULL,NULL);
INSERT INTO "settlements" VALUES(23,'yes',1000000,1795677516117096,'settlement_ts','live',1795749152759772,NULL,NULL);
INSERT INTO "settlements" VALUES(24,'yes',1000000,1795677516117096,'settlement_ts','live',1795749152759772,NULL,NULL);
INSERT INTO "settlements" VALUES(25,'yes',1000000,1795677516117096,'settlement_ts','live',1795749152759772,NULL,NULL);
INSERT INTO "settlements" VALUES(26,'yes',1000000,1795677516117096,'settlement_ts','live',1795749152759772,NULL,NULL);
INSERT INTO "settlements" VALUES(27,'yes',1000000,1795677516117096,'settlement_ts','live',1795749152759772,NULL,NULL);
INSERT INTO "settlements" VALUES(28,'yes',1000000,1795677516117096,'settlement_ts','live',1795749152759772,NULL,NULL);
INSERT INTO "settlements" VALUES(29,'yes',1000000,1795677516117096,'settlement_ts','live',1795749152759772,NULL,NULL);
INSERT INTO "settlements" VALUES(30,'yes',1000000,1795677516117096,'settlement_ts','live',1795749152759772,NULL,NULL);
INSERT INTO "settlements" VALUES(31,'yes',1000000,1795677516117096,'settlement_ts','live',1795749152759772,NULL,NULL);
INSERT INTO "settlements" VALUES(32,'yes',1000000,1795677516117096,'settlement_ts','live',1795749152759772,NULL,NULL);
INSERT INTO "settlements" VALUES(33,'no',0,1795677516117096,'settlement_ts','live',1795749152759772,NULL,NULL);
INSERT INTO "settlements" VALUES(34,'no',0,1795677516117096,'settlement_ts','live',1795749152759772,NULL,NULL);
INSERT INTO "settlements" VALUES(35,'no',0,1795677516117096,'settlement_ts','live',1795749152759772,NULL,NULL);
CREATE TABLE subject_documents (
	subject_id INTEGER NOT NULL, 
	seen_at BIGINT NOT NULL, 
	digest BIGINT NOT NULL, 
	block_id INTEGER NOT NULL, 
	line INTEGER NOT NULL, 
	CONSTRAINT pk_subject_documents PRIMARY KEY (subject_id, seen_at), 
	CONSTRAINT fk_subject_documents_subject_id FOREIGN KEY(subject_id) REFERENCES document_subjects (id), 
	CONSTRAINT fk_subject_documents_block_id FOREIGN KEY(block_id) REFERENCES document_blocks (id)
)
 WITHOUT ROWID

;
INSERT INTO "subject_documents" VALUES(1,1795700000000000,-8242973065393759973,4,0);
INSERT INTO "subject_documents" VALUES(1,1795703600000000,2006207446385975044,8,0);
CREATE TABLE texts (
	id BIGINT NOT NULL, 
	body TEXT NOT NULL, 
	CONSTRAINT pk_texts PRIMARY KEY (id)
);
INSERT INTO "texts" VALUES(-3877384133940213768,'The rules of minute 5.');
INSERT INTO "texts" VALUES(5707776178263122389,'[{"end":"1.0000","start":"0.0000","step":"0.0100"}]');
INSERT INTO "texts" VALUES(5844014441909262911,'It closes once it has rained.');
INSERT INTO "texts" VALUES(708370067546495405,'If the rain gauge fails, the market resolves to No.');
INSERT INTO "texts" VALUES(6472564159978227613,'The rules of minute 10.');
INSERT INTO "texts" VALUES(429780984438266003,'Second rules of all of them.');
CREATE TABLE ticks (
	id INTEGER NOT NULL, 
	tick_at BIGINT NOT NULL, 
	period_seconds FLOAT, 
	is_paused BOOLEAN, 
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
	healed INTEGER NOT NULL, windows INTEGER DEFAULT '1' NOT NULL, keyframes INTEGER DEFAULT '0' NOT NULL, ended INTEGER DEFAULT '0' NOT NULL, scope_id INTEGER CONSTRAINT fk_ticks_scope_id REFERENCES scopes (id), out_of_scope INTEGER DEFAULT '0' NOT NULL, paused INTEGER DEFAULT '0' NOT NULL, unconfirmed INTEGER DEFAULT '0' NOT NULL, gone INTEGER DEFAULT '0' NOT NULL, run_id TEXT, inactive_shards TEXT, tick_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%SZ', tick_at / 1000000, 'unixepoch')) VIRTUAL, started_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', started_at / 1000000, 'unixepoch') || substr(started_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, finished_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', finished_at / 1000000, 'unixepoch') || substr(finished_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, seconds REAL GENERATED ALWAYS AS ((finished_at - started_at) / 1000000.0) VIRTUAL, is_complete BOOLEAN GENERATED ALWAYS AS (state = 'complete') VIRTUAL, day TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%d', tick_at / 1000000, 'unixepoch')) VIRTUAL, 
	CONSTRAINT pk_ticks PRIMARY KEY (id), 
	CONSTRAINT uq_ticks_tick_at UNIQUE (tick_at)
);
INSERT INTO "ticks" VALUES(1,1795655551954816,NULL,0,1795749152123225,1795749152142885,'complete',NULL,1,8,8,0,0,0,0,0,1,0,0,1,0,0,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(2,1795655851954816,NULL,0,1795749152145378,1795749152178366,'complete',NULL,1,8,4,4,0,0,0,0,1,0,1,1,0,0,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(3,1795656751954816,NULL,0,1795749152286706,1795749152328531,'complete',NULL,1,11,11,0,0,0,3,0,1,5,0,2,0,0,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(4,1795657051954816,NULL,0,1795749152331335,1795749152352115,'complete',NULL,1,11,5,6,0,0,1,0,1,0,2,2,0,0,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(5,1795744952386013,NULL,0,1795749152386854,1795749152421750,'complete',NULL,1,3,3,0,0,0,0,0,1,3,0,3,0,0,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(6,1795745252456294,NULL,0,1795749152456874,1795749152497055,'complete',NULL,1,7,7,0,0,0,0,0,1,3,1,1,0,0,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(7,1795747352530244,NULL,NULL,1795749152531103,1795749152544410,'failed','http://127.0.0.1:37643/trade-api/v2/markets answered 502 (bad gateway), after 0 s of retries: see that the exchange is up and KALSHI_API_URL is right, then run again',0,0,0,0,0,0,0,0,1,0,0,1,0,0,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(8,1795748252595431,NULL,0,1795749152596046,1795749152638564,'complete',NULL,1,7,3,4,0,0,0,0,1,0,1,1,0,0,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(9,1795748552640990,NULL,0,1795749152641329,1795749152665060,'complete',NULL,1,8,3,5,0,0,0,0,1,0,1,1,0,0,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(10,1795748852666401,NULL,0,1795749152666723,1795749152684342,'complete',NULL,1,8,3,5,0,0,0,0,1,0,1,1,0,0,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(11,1795749152908782,300.0,0,1795749152909826,1795749153054999,'complete',NULL,1,7,5,2,0,0,0,0,1,0,3,1,0,0,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(12,1795749300000000,300.0,NULL,NULL,NULL,'missed','no run was started for it',0,0,0,0,0,0,0,0,1,0,0,4,0,0,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(13,1795749600000000,300.0,NULL,NULL,NULL,'missed','no run was started for it',0,0,0,0,0,0,0,0,1,0,0,4,0,0,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(14,1795749900000000,300.0,0,1795749900900731,1795749900913294,'complete',NULL,2,7,7,0,0,0,0,0,1,0,2,4,0,1,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(15,1795750200000000,300.0,0,1795750200900731,1795750200922644,'complete',NULL,2,6,2,4,0,0,0,0,1,0,0,4,0,2,1,0,NULL,NULL);
INSERT INTO "ticks" VALUES(16,1795750500000000,300.0,NULL,NULL,NULL,'missed','no run was started for it',0,0,0,0,0,0,0,0,1,0,0,4,0,0,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(17,1795750800000000,300.0,0,1795750800900731,1795750800926588,'complete',NULL,2,5,2,3,0,0,0,0,1,0,1,4,0,1,1,0,NULL,NULL);
INSERT INTO "ticks" VALUES(18,1795751100000000,300.0,NULL,NULL,NULL,'missed','no run was started for it',0,0,0,0,0,0,0,0,1,0,0,4,0,0,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(19,1795751400000000,300.0,NULL,NULL,NULL,'missed','no run was started for it',0,0,0,0,0,0,0,0,1,0,0,4,0,0,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(20,1795751700000000,300.0,0,1795751700900731,1795751700921913,'complete',NULL,2,5,0,5,0,0,0,0,1,0,1,4,0,1,0,1,NULL,NULL);
INSERT INTO "ticks" VALUES(21,1795752000000000,300.0,NULL,NULL,NULL,'missed','no run was started for it',0,0,0,0,0,0,0,0,1,0,0,4,0,0,0,0,NULL,NULL);
INSERT INTO "ticks" VALUES(22,1795752300000000,300.0,0,1795752300900731,1795752300930532,'complete',NULL,2,5,1,4,0,0,0,0,1,0,0,4,0,1,1,0,NULL,NULL);
INSERT INTO "ticks" VALUES(23,1795752600000000,NULL,NULL,1795752601000000,1795752602000000,'complete',NULL,1,2,2,0,0,0,0,0,1,0,0,4,0,0,6,0,NULL,NULL);
INSERT INTO "ticks" VALUES(24,1795752900000000,NULL,NULL,1795752901000000,1795752902000000,'complete',NULL,1,2,0,2,0,0,0,0,1,0,0,4,0,0,6,0,NULL,NULL);
INSERT INTO "ticks" VALUES(25,1795753200000000,NULL,NULL,1795753201000000,1795753202000000,'complete',NULL,1,2,0,2,0,0,0,0,1,0,0,4,0,0,6,0,NULL,NULL);
INSERT INTO "ticks" VALUES(26,1795753500000000,NULL,0,1795753501000000,1795753502000000,'partial','an example',0,0,0,0,0,0,0,0,1,0,0,4,0,0,0,0,'run-1',NULL);
INSERT INTO "ticks" VALUES(27,1795753800000000,NULL,0,1795753801000000,1795753802000000,'partial','an example',0,0,0,0,0,0,0,0,1,0,0,4,0,0,0,0,'run-2','[{"description":"Combos","exchange_active":true,"exchange_index":1,"trading_active":false}]');
INSERT INTO "ticks" VALUES(30,1795754100000000,NULL,NULL,1795754101000000,1795754102000000,'complete',NULL,1,2,2,0,0,0,0,0,1,0,8,4,0,0,0,0,NULL,NULL);
CREATE TABLE trades (
	created_at BIGINT NOT NULL, 
	trade_id BLOB NOT NULL, 
	market_id INTEGER NOT NULL, 
	yes_price BIGINT NOT NULL, 
	contracts BIGINT, 
	taker_side TEXT, 
	is_block BOOLEAN, created_at_iso TEXT GENERATED ALWAYS AS (strftime('%Y-%m-%dT%H:%M:%S.', created_at / 1000000, 'unixepoch') || substr(created_at % 1000000 + 1000000, 2) || 'Z') VIRTUAL, yes_price_dollars REAL GENERATED ALWAYS AS (yes_price / 1000000.0) VIRTUAL, contracts_decimal REAL GENERATED ALWAYS AS (contracts / 100.0) VIRTUAL, no_price_dollars REAL GENERATED ALWAYS AS ((1000000 - yes_price) / 1000000.0) VIRTUAL, 
	CONSTRAINT pk_trades PRIMARY KEY (created_at, trade_id), 
	CONSTRAINT fk_trades_market_id FOREIGN KEY(market_id) REFERENCES markets (id)
)
 WITHOUT ROWID

;
INSERT INTO "trades" VALUES(1795655876784748,X'C920311179C1976826AB4BA31E47CB88',22,229700,110985,'yes',0);
INSERT INTO "trades" VALUES(1795657012265373,X'52B1640CC2997A280F7BF62D75526548',26,232900,50226,'no',0);
INSERT INTO "trades" VALUES(1795658533719241,X'59FD99F35DE95B7A91653173B3B79902',24,926400,47400,'no',0);
INSERT INTO "trades" VALUES(1795659086666641,X'94132114E1326789B22480BAC7E2DA3D',28,659000,200,'yes',0);
INSERT INTO "trades" VALUES(1795659889536951,X'9600F25886CC4F00AFE92BCDDB067B00',33,745000,4300,'yes',0);
INSERT INTO "trades" VALUES(1795661734884740,X'6A48780F28365CCF7F0DB111263FE0FB',22,229400,185907,'no',0);
INSERT INTO "trades" VALUES(1795662092229365,X'1BDE7E1F2D5C7C4FF06B9D05A4A2767B',22,229300,500,'no',0);
INSERT INTO "trades" VALUES(1795662143276790,X'04C9F1F0328A2045A22741FB9BE811A9',29,544000,6388,'no',0);
INSERT INTO "trades" VALUES(1795662751000000,X'5971A2DCA7F5238C3558431F3ECBBA7C',25,281000,133100,'yes',0);
INSERT INTO "trades" VALUES(1795667499784213,X'E966E41FBA7530C9568A603FE0585C7D',35,786900,512,'yes',0);
INSERT INTO "trades" VALUES(1795670716650266,X'6D7417DD9EAE01415B2B1FEEE8AB9655',32,656000,178300,'no',0);
INSERT INTO "trades" VALUES(1795671530756915,X'273DF4024BB84E8FDE8BCF742281B5BB',33,744000,162200,'yes',0);
INSERT INTO "trades" VALUES(1795671697163392,X'7FC2A60C7D7B0095DC6ECF52F5713839',28,657000,33700,'yes',0);
INSERT INTO "trades" VALUES(1795672623096623,X'F151595FCC210279E2F117F179E1CFED',22,229400,120,'yes',0);
INSERT INTO "trades" VALUES(1795677151000000,X'EDA3702BBEED97E980A95B7D3F6C521D',5,280000,12119,'no',0);
INSERT INTO "trades" VALUES(1795679668508902,X'9216E527ACE124B68F433BCF22DC2AEE',21,449000,162500,'yes',0);
INSERT INTO "trades" VALUES(1795691551000000,X'430DE969B69B497E115FD685F2C20F56',7,860000,366,'yes',0);
INSERT INTO "trades" VALUES(1795705951000000,X'20A71DCA92F2D86AA02702F4D36318B2',3,540000,8200,'no',0);
INSERT INTO "trades" VALUES(1795720351000000,X'A998F283FA33AC2D91AD78E3A5A4EBB1',6,410000,172656,'no',0);
INSERT INTO "trades" VALUES(1795734751000000,X'ACE04A727408C7C2C68C7E6CC18E5AEA',1,30000,61756,'no',0);
CREATE TABLE unchanged_blocks (
	tick_id INTEGER NOT NULL, 
	block INTEGER NOT NULL, 
	received_ms INTEGER NOT NULL, 
	remainders BLOB NOT NULL, 
	CONSTRAINT pk_unchanged_blocks PRIMARY KEY (tick_id, block, received_ms), 
	CONSTRAINT fk_unchanged_blocks_tick_id FOREIGN KEY(tick_id) REFERENCES ticks (id)
)
 WITHOUT ROWID

;
INSERT INTO "unchanged_blocks" VALUES(8,0,900013,X'03060F10');
INSERT INTO "unchanged_blocks" VALUES(9,0,600006,X'0203060710');
INSERT INTO "unchanged_blocks" VALUES(10,0,300007,X'0306071012');
CREATE TABLE unlisted_spans (
	market_id INTEGER NOT NULL, 
	from_tick_id INTEGER NOT NULL, 
	to_tick_id INTEGER, 
	CONSTRAINT pk_unlisted_spans PRIMARY KEY (market_id, from_tick_id), 
	CONSTRAINT fk_unlisted_spans_market_id FOREIGN KEY(market_id) REFERENCES markets (id), 
	CONSTRAINT fk_unlisted_spans_from_tick_id FOREIGN KEY(from_tick_id) REFERENCES ticks (id), 
	CONSTRAINT fk_unlisted_spans_to_tick_id FOREIGN KEY(to_tick_id) REFERENCES ticks (id)
)
 WITHOUT ROWID

;
INSERT INTO "unlisted_spans" VALUES(3,23,30);
INSERT INTO "unlisted_spans" VALUES(7,23,30);
INSERT INTO "unlisted_spans" VALUES(16,15,17);
INSERT INTO "unlisted_spans" VALUES(16,23,30);
INSERT INTO "unlisted_spans" VALUES(18,22,30);
INSERT INTO "unlisted_spans" VALUES(20,23,30);
INSERT INTO "unlisted_spans" VALUES(36,23,30);
INSERT INTO "unlisted_spans" VALUES(37,17,20);
CREATE TABLE void_snapshots (
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
	CONSTRAINT pk_void_snapshots PRIMARY KEY (tick_id, market_id), 
	CONSTRAINT fk_void_snapshots_tick_id FOREIGN KEY(tick_id) REFERENCES void_ticks (id)
)
 WITHOUT ROWID

;
INSERT INTO "void_snapshots" VALUES(28,3,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "void_snapshots" VALUES(28,7,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "void_snapshots" VALUES(28,16,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "void_snapshots" VALUES(28,18,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "void_snapshots" VALUES(28,20,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "void_snapshots" VALUES(28,36,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "void_snapshots" VALUES(28,47,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "void_snapshots" VALUES(28,48,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2000,1);
INSERT INTO "void_snapshots" VALUES(28,49,300000,320000,12050,8000,300000,98765,43210,1000,0);
INSERT INTO "void_snapshots" VALUES(28,50,500000,520000,12050,8000,300000,98765,43210,1000,0);
INSERT INTO "void_snapshots" VALUES(29,49,310000,330000,12050,8000,300000,98765,43210,1000,0);
CREATE TABLE void_ticks (
	id INTEGER NOT NULL, 
	tick_at BIGINT NOT NULL, 
	period_seconds FLOAT, 
	is_paused BOOLEAN, 
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
	windows INTEGER NOT NULL, 
	keyframes INTEGER NOT NULL, 
	ended INTEGER NOT NULL, 
	scope_id INTEGER, 
	out_of_scope INTEGER NOT NULL, 
	paused INTEGER NOT NULL, 
	unconfirmed INTEGER NOT NULL, 
	gone INTEGER NOT NULL, 
	run_id TEXT, 
	inactive_shards TEXT, 
	voided_at BIGINT NOT NULL, 
	CONSTRAINT pk_void_ticks PRIMARY KEY (id), 
	CONSTRAINT fk_void_ticks_scope_id FOREIGN KEY(scope_id) REFERENCES scopes (id)
);
INSERT INTO "void_ticks" VALUES(28,1795840200000000,NULL,NULL,1795840201000000,1795840202000000,'complete',NULL,1,2,2,0,0,0,0,0,1,0,8,4,0,0,0,0,NULL,NULL,1795753860000000);
INSERT INTO "void_ticks" VALUES(29,1795840500000000,NULL,NULL,1795840501000000,1795840502000000,'complete',NULL,1,2,1,1,0,0,0,0,1,0,0,4,0,0,0,0,NULL,NULL,1795753860000000);
CREATE TABLE void_unchanged_blocks (
	tick_id INTEGER NOT NULL, 
	block INTEGER NOT NULL, 
	received_ms INTEGER NOT NULL, 
	remainders BLOB NOT NULL, 
	CONSTRAINT pk_void_unchanged_blocks PRIMARY KEY (tick_id, block, received_ms), 
	CONSTRAINT fk_void_unchanged_blocks_tick_id FOREIGN KEY(tick_id) REFERENCES void_ticks (id)
)
 WITHOUT ROWID

;
INSERT INTO "void_unchanged_blocks" VALUES(29,0,1000,X'32');
CREATE INDEX ix_listings_asset ON listings (asset, id);
CREATE INDEX ix_events_series_id ON events (series_id);
CREATE INDEX ix_markets_event_id ON markets (event_id);
CREATE INDEX ix_series_placeholder ON series (first_seen_at) WHERE is_placeholder = 1;
CREATE INDEX ix_events_placeholder ON events (first_seen_at) WHERE is_placeholder = 1;
CREATE INDEX ix_markets_placeholder ON markets (first_seen_at) WHERE is_placeholder = 1;
CREATE INDEX ix_markets_active_created_at ON markets (is_combo, created_at, status) WHERE status = 'active';
CREATE INDEX ix_price_snapshots_market_id_tick_id ON price_snapshots (market_id, tick_id);
CREATE INDEX ix_market_changes_market_id_id ON market_changes (market_id, id);
CREATE INDEX ix_settlements_settled_at ON settlements (settled_at);
CREATE INDEX ix_settlements_without_value ON settlements (result, settlement_value) WHERE settlement_value IS NULL;
CREATE INDEX ix_markets_unsettled ON markets (status, is_combo, gone_at) WHERE status IS NOT 'finalized' AND gone_at IS NULL;
CREATE INDEX ix_unlisted_spans_open ON unlisted_spans (market_id) WHERE to_tick_id IS NULL;
CREATE INDEX ix_settlement_amendments_market_id_id ON settlement_amendments (market_id, id);
CREATE INDEX ix_markets_gone ON markets (gone_at) WHERE gone_at IS NOT NULL;
CREATE INDEX ix_market_lookups_missing ON market_lookups (missing_at) WHERE missing_at IS NOT NULL;
CREATE INDEX ix_trades_market_id_created_at ON trades (market_id, created_at DESC);
CREATE INDEX ix_series_changes_series_id_id ON series_changes (series_id, id);
CREATE INDEX ix_event_changes_event_id_id ON event_changes (event_id, id);
CREATE INDEX ix_series_fee_changes_series_ticker ON series_fee_changes (series_ticker, scheduled_at);
CREATE INDEX ix_event_fee_changes_event_ticker ON event_fee_changes (event_ticker, scheduled_at);
CREATE INDEX ix_document_dictionaries_family ON document_dictionaries (kind, family, id);
CREATE INDEX ix_combo_legs_leg_market_id ON combo_legs (leg_market_id);
CREATE INDEX ix_ticks_tick_at_iso ON ticks (tick_at_iso);
CREATE INDEX ix_market_changes_seen_at ON market_changes (seen_at);
CREATE INDEX ix_candlesticks_end_at ON candlesticks (end_at);
CREATE INDEX ix_order_books_received_at ON order_books (received_at);
CREATE VIEW latest_prices AS
WITH standings AS MATERIALIZED (
    SELECT s.*, of_scope.newest_at, of_scope.complete_at, of_scope.scheduled_id, p.period_seconds
    FROM (
        SELECT
            t.scope_id,
            max(t.tick_at) AS newest_at,
            max(CASE WHEN t.state = 'complete' THEN t.tick_at END) AS complete_at,
            max(CASE WHEN t.period_seconds IS NOT NULL THEN t.id END) AS scheduled_id
        FROM ticks AS t
        WHERE t.state IN ('running', 'complete', 'partial')
        GROUP BY t.scope_id
    ) AS of_scope
    JOIN scopes AS s ON s.id = of_scope.scope_id
    LEFT JOIN ticks AS p ON p.id = of_scope.scheduled_id
),
repeats AS MATERIALIZED (
    SELECT max(tick_id) AS last_id FROM unchanged_blocks
),
now AS MATERIALIZED (
    SELECT max(tick_at) AS tick_at FROM ticks WHERE state IN ('running', 'complete', 'partial')
),
known AS (
    SELECT
        m.ticker AS ticker,
        m.event_id AS event_id,
        m.shown_title AS title,
        m.status AS status,
        q.*,
        coalesce(g.received_ms, q.received_ms) AS sent_ms,
        t.tick_at AS sent_at,
        (SELECT max(z.newest_at) FROM standings AS z WHERE z.newest_at > t.tick_at AND CASE WHEN z.is_former THEN z.id = t.scope_id ELSE (z.status_filter IN ('open', 'all') AND (z.combos = 'include' OR (z.combos = 'only') = m.is_combo) AND (z.series = '' OR instr(',' || z.series || ',', ',' || (SELECT y.ticker FROM events AS x JOIN series AS y ON y.id = x.series_id AND y.is_placeholder >= 0 WHERE x.id = m.event_id) || ',') > 0)) END) AS newest_at,
        CASE WHEN EXISTS (SELECT 1 FROM unlisted_spans AS u WHERE u.market_id = m.id AND (u.to_tick_id IS NULL OR u.to_tick_id > q.tick_id)) THEN nullif(max(max(max(0, coalesce((SELECT max(k.tick_at) FROM ticks AS k JOIN scopes AS z ON z.id = k.scope_id WHERE k.id > q.tick_id AND k.state = 'complete' AND CASE WHEN z.is_former THEN z.id = t.scope_id ELSE (z.status_filter IN ('open', 'all') AND (z.combos = 'include' OR (z.combos = 'only') = m.is_combo) AND (z.series = '' OR instr(',' || z.series || ',', ',' || (SELECT y.ticker FROM events AS x JOIN series AS y ON y.id = x.series_id AND y.is_placeholder >= 0 WHERE x.id = m.event_id) || ',') > 0)) END AND NOT EXISTS (SELECT 1 FROM unlisted_spans AS u WHERE u.market_id = m.id AND u.from_tick_id <= k.id AND (u.to_tick_id IS NULL OR u.to_tick_id > k.id))), 0)), coalesce(CASE WHEN t.state = 'complete' THEN t.tick_at END, 0)), coalesce(CASE WHEN o.state = 'complete' THEN o.tick_at END, 0)), 0) ELSE coalesce((SELECT max(z.complete_at) FROM standings AS z WHERE z.complete_at > t.tick_at AND CASE WHEN z.is_former THEN z.id = t.scope_id ELSE (z.status_filter IN ('open', 'all') AND (z.combos = 'include' OR (z.combos = 'only') = m.is_combo) AND (z.series = '' OR instr(',' || z.series || ',', ',' || (SELECT y.ticker FROM events AS x JOIN series AS y ON y.id = x.series_id AND y.is_placeholder >= 0 WHERE x.id = m.event_id) || ',') > 0)) END), CASE WHEN t.state = 'complete' THEN t.tick_at END, (SELECT max(z.complete_at) FROM standings AS z WHERE z.complete_at > o.tick_at AND CASE WHEN z.is_former THEN z.id = o.scope_id ELSE (z.status_filter IN ('open', 'all') AND (z.combos = 'include' OR (z.combos = 'only') = m.is_combo) AND (z.series = '' OR instr(',' || z.series || ',', ',' || (SELECT y.ticker FROM events AS x JOIN series AS y ON y.id = x.series_id AND y.is_placeholder >= 0 WHERE x.id = m.event_id) || ',') > 0)) END), CASE WHEN o.state = 'complete' THEN o.tick_at END) END AS confirmed_at,
        coalesce((SELECT z.period_seconds FROM standings AS z WHERE z.period_seconds IS NOT NULL AND CASE WHEN z.is_former THEN z.id = t.scope_id ELSE (z.status_filter IN ('open', 'all') AND (z.combos = 'include' OR (z.combos = 'only') = m.is_combo) AND (z.series = '' OR instr(',' || z.series || ',', ',' || (SELECT y.ticker FROM events AS x JOIN series AS y ON y.id = x.series_id AND y.is_placeholder >= 0 WHERE x.id = m.event_id) || ',') > 0)) END ORDER BY z.scheduled_id DESC LIMIT 1), 300) * 1000000 AS period
    FROM repeats
    CROSS JOIN latest_quotes AS q
    JOIN markets AS m ON m.id = q.market_id
    LEFT JOIN unchanged_blocks AS g ON g.tick_id = (SELECT i.id FROM ticks AS i WHERE i.id > q.tick_id AND i.id <= repeats.last_id AND EXISTS (SELECT 1 FROM unchanged_blocks AS j WHERE j.tick_id = i.id AND j.block = q.market_id / 128 AND instr(j.remainders, CAST("char"(q.market_id % 128) AS BLOB)) > 0) ORDER BY i.id DESC LIMIT 1) AND g.block = q.market_id / 128 AND instr(g.remainders, CAST("char"(q.market_id % 128) AS BLOB)) > 0
    JOIN ticks AS t ON t.id = coalesce(g.tick_id, q.tick_id)
    JOIN ticks AS o ON o.id = q.tick_id
)
SELECT
    q.ticker AS ticker,
    e.ticker AS event_ticker,
    s.ticker AS series_ticker,
    q.title AS title,
    q.status AS status,
    CAST(strftime('%Y-%m-%dT%H:%M:%SZ', q.sent_at / 1000000, 'unixepoch') AS TEXT) AS tick_at,
    CAST(strftime('%Y-%m-%dT%H:%M:%S.', (q.sent_at + q.sent_ms * 1000) / 1000000, 'unixepoch') || substr((q.sent_at + q.sent_ms * 1000) % 1000000 + 1000000, 2) || 'Z' AS TEXT) AS received_at,
    
    q.yes_bid_dollars AS yes_bid,
    q.yes_ask_dollars AS yes_ask,
    q.no_bid_dollars AS no_bid,
    q.no_ask_dollars AS no_ask,
    q.last_price_dollars AS last_price,
    q.yes_bid_size_contracts AS yes_bid_size,
    q.yes_ask_size_contracts AS yes_ask_size,
    q.volume_contracts AS volume,
    q.open_interest_contracts AS open_interest
,
    q.is_terminal AS is_terminal,
    CAST(strftime('%Y-%m-%dT%H:%M:%SZ', q.confirmed_at / 1000000, 'unixepoch') AS TEXT) AS confirmed_at,
    CAST(CASE
        WHEN q.is_terminal THEN 'unknown'
        WHEN (q.newest_at IS NULL OR q.newest_at = q.confirmed_at)
            AND now.tick_at - coalesce(q.newest_at, q.sent_at) < q.period THEN 'observed'
        WHEN now.tick_at - q.confirmed_at <= 2 * q.period THEN 'carried'
        ELSE 'stale'
    END = 'observed' AS INTEGER) AS is_observed,
    CAST(coalesce(coalesce(q.newest_at, q.sent_at) = q.confirmed_at, 0) AS INTEGER) AS is_tick_complete,
    CAST(CASE
        WHEN q.is_terminal THEN 'unknown'
        WHEN (q.newest_at IS NULL OR q.newest_at = q.confirmed_at)
            AND now.tick_at - coalesce(q.newest_at, q.sent_at) < q.period THEN 'observed'
        WHEN now.tick_at - q.confirmed_at <= 2 * q.period THEN 'carried'
        ELSE 'stale'
    END AS TEXT) AS state,
    q.sent_at AS tick_at_us,
    
    q.midpoint_dollars AS midpoint,
    q.spread_dollars AS spread

FROM known AS q
CROSS JOIN now
JOIN events AS e ON e.id = q.event_id
LEFT JOIN series AS s ON s.id = e.series_id AND s.is_placeholder >= 0;
CREATE VIEW stored_quotes AS
SELECT
    m.ticker AS ticker,
    t.tick_at_iso AS tick_at,
    CAST(strftime('%Y-%m-%dT%H:%M:%S.', (t.tick_at + q.received_ms * 1000) / 1000000, 'unixepoch') || substr((t.tick_at + q.received_ms * 1000) % 1000000 + 1000000, 2) || 'Z' AS TEXT) AS received_at,
    
    q.yes_bid_dollars AS yes_bid,
    q.yes_ask_dollars AS yes_ask,
    q.no_bid_dollars AS no_bid,
    q.no_ask_dollars AS no_ask,
    q.last_price_dollars AS last_price,
    q.yes_bid_size_contracts AS yes_bid_size,
    q.yes_ask_size_contracts AS yes_ask_size,
    q.volume_contracts AS volume,
    q.open_interest_contracts AS open_interest
,
    q.is_terminal AS is_terminal,
    t.is_complete AS is_tick_complete,
    
    e.ticker AS event_ticker,
    s.ticker AS series_ticker
,
    t.id AS tick_id,
    t.tick_at AS tick_at_us,
    
    q.midpoint_dollars AS midpoint,
    q.spread_dollars AS spread

FROM price_snapshots AS k
JOIN ticks AS t ON t.id = k.tick_id AND likelihood(t.state <> '', 0.2)
JOIN markets AS m ON m.id = k.market_id
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id AND s.is_placeholder >= 0

CROSS JOIN price_snapshots AS q
WHERE q.tick_id = k.tick_id AND q.market_id = k.market_id AND likelihood(+m.is_combo >= 0, 0.3);
CREATE VIEW repeated_quotes AS
SELECT
    m.ticker AS ticker,
    t.tick_at_iso AS tick_at,
    CAST(strftime('%Y-%m-%dT%H:%M:%S.', (t.tick_at + g.received_ms * 1000) / 1000000, 'unixepoch') || substr((t.tick_at + g.received_ms * 1000) % 1000000 + 1000000, 2) || 'Z' AS TEXT) AS received_at,
    
    q.yes_bid_dollars AS yes_bid,
    q.yes_ask_dollars AS yes_ask,
    q.no_bid_dollars AS no_bid,
    q.no_ask_dollars AS no_ask,
    q.last_price_dollars AS last_price,
    q.yes_bid_size_contracts AS yes_bid_size,
    q.yes_ask_size_contracts AS yes_ask_size,
    q.volume_contracts AS volume,
    q.open_interest_contracts AS open_interest
,
    q.is_terminal AS is_terminal,
    t.is_complete AS is_tick_complete,
    
    e.ticker AS event_ticker,
    s.ticker AS series_ticker
,
    t.id AS tick_id,
    t.tick_at AS tick_at_us,
    
    q.midpoint_dollars AS midpoint,
    q.spread_dollars AS spread

FROM ticks AS t
CROSS JOIN unchanged_blocks AS g
JOIN markets AS m ON likelihood(m.id >= g.block * 128, 0.01)
    AND likelihood(m.id < g.block * 128 + 128, 0.01)
    AND g.tick_id = t.id AND g.block = m.id / 128 AND instr(g.remainders, CAST("char"(m.id % 128) AS BLOB)) > 0

JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id AND s.is_placeholder >= 0

JOIN latest_quotes AS l ON l.market_id = m.id AND (t.id < l.tick_id OR NOT l.is_terminal)
JOIN price_snapshots AS q ON q.market_id = m.id AND q.tick_id = (
    SELECT max(p.tick_id) FROM price_snapshots AS p WHERE p.market_id = m.id AND p.tick_id < t.id
)
WHERE (SELECT min(tick_id) FROM unchanged_blocks) IS NOT NULL
    AND +t.id >= (SELECT min(tick_id) FROM unchanged_blocks)
    AND +t.id <= (SELECT max(tick_id) FROM unchanged_blocks);
CREATE VIEW price_history AS
SELECT * FROM stored_quotes
UNION ALL
SELECT * FROM repeated_quotes;
CREATE VIEW quotes_by_tick AS
SELECT
    m.ticker AS ticker,
    t.id AS tick_id,
    t.tick_at_iso AS tick_at,
    r.tick_at_iso AS quoted_at,
    CAST(strftime('%Y-%m-%dT%H:%M:%S.', (r.tick_at + coalesce(g.received_ms, q.received_ms) * 1000) / 1000000, 'unixepoch') || substr((r.tick_at + coalesce(g.received_ms, q.received_ms) * 1000) % 1000000 + 1000000, 2) || 'Z' AS TEXT) AS received_at,
    
    q.yes_bid_dollars AS yes_bid,
    q.yes_ask_dollars AS yes_ask,
    q.no_bid_dollars AS no_bid,
    q.no_ask_dollars AS no_ask,
    q.last_price_dollars AS last_price,
    q.yes_bid_size_contracts AS yes_bid_size,
    q.yes_ask_size_contracts AS yes_ask_size,
    q.volume_contracts AS volume,
    q.open_interest_contracts AS open_interest
,
    CAST(r.id = t.id OR (t.state = 'complete' AND NOT EXISTS (SELECT 1 FROM unlisted_spans AS u WHERE u.market_id = m.id AND u.from_tick_id <= t.id AND (u.to_tick_id IS NULL OR u.to_tick_id > t.id))) AS INTEGER) AS is_observed,
    CAST(t.state = 'complete' AND NOT EXISTS (SELECT 1 FROM unlisted_spans AS u WHERE u.market_id = m.id AND u.from_tick_id <= t.id AND (u.to_tick_id IS NULL OR u.to_tick_id > t.id)) AS INTEGER) AS is_tick_complete,
    CAST(CASE WHEN r.id = t.id OR (t.state = 'complete' AND NOT EXISTS (SELECT 1 FROM unlisted_spans AS u WHERE u.market_id = m.id AND u.from_tick_id <= t.id AND (u.to_tick_id IS NULL OR u.to_tick_id > t.id))) THEN 'observed' WHEN t.tick_at - CASE WHEN t.state = 'complete' AND NOT EXISTS (SELECT 1 FROM unlisted_spans AS u WHERE u.market_id = m.id AND u.from_tick_id <= t.id AND (u.to_tick_id IS NULL OR u.to_tick_id > t.id)) THEN t.tick_at ELSE nullif(max(max(max(0, coalesce((SELECT max(k.tick_at) FROM ticks AS k JOIN scopes AS z ON z.id = k.scope_id WHERE k.id <= t.id AND CASE WHEN z.is_former THEN z.id = r.scope_id ELSE (z.status_filter IN ('open', 'all') AND (z.combos = 'include' OR (z.combos = 'only') = m.is_combo) AND (z.series = '' OR instr(',' || z.series || ',', ',' || (SELECT y.ticker FROM events AS x JOIN series AS y ON y.id = x.series_id AND y.is_placeholder >= 0 WHERE x.id = m.event_id) || ',') > 0)) END AND k.id >= q.tick_id AND k.state = 'complete' AND NOT EXISTS (SELECT 1 FROM unlisted_spans AS u WHERE u.market_id = m.id AND u.from_tick_id <= k.id AND (u.to_tick_id IS NULL OR u.to_tick_id > k.id))), 0)), coalesce(CASE WHEN r.state = 'complete' THEN r.tick_at END, 0)), coalesce(CASE WHEN o.state = 'complete' THEN o.tick_at END, 0)), 0) END <= 2 * coalesce(t.period_seconds, (SELECT k.period_seconds FROM ticks AS k JOIN scopes AS z ON z.id = k.scope_id WHERE k.id <= t.id AND CASE WHEN z.is_former THEN z.id = r.scope_id ELSE (z.status_filter IN ('open', 'all') AND (z.combos = 'include' OR (z.combos = 'only') = m.is_combo) AND (z.series = '' OR instr(',' || z.series || ',', ',' || (SELECT y.ticker FROM events AS x JOIN series AS y ON y.id = x.series_id AND y.is_placeholder >= 0 WHERE x.id = m.event_id) || ',') > 0)) END AND k.state IN ('running', 'complete', 'partial') AND k.period_seconds IS NOT NULL ORDER BY k.id DESC LIMIT 1), 300) * 1000000 THEN 'carried' ELSE 'stale' END AS TEXT) AS state,
    CAST(strftime('%Y-%m-%dT%H:%M:%SZ', (CASE WHEN t.state = 'complete' AND NOT EXISTS (SELECT 1 FROM unlisted_spans AS u WHERE u.market_id = m.id AND u.from_tick_id <= t.id AND (u.to_tick_id IS NULL OR u.to_tick_id > t.id)) THEN t.tick_at ELSE nullif(max(max(max(0, coalesce((SELECT max(k.tick_at) FROM ticks AS k JOIN scopes AS z ON z.id = k.scope_id WHERE k.id <= t.id AND CASE WHEN z.is_former THEN z.id = r.scope_id ELSE (z.status_filter IN ('open', 'all') AND (z.combos = 'include' OR (z.combos = 'only') = m.is_combo) AND (z.series = '' OR instr(',' || z.series || ',', ',' || (SELECT y.ticker FROM events AS x JOIN series AS y ON y.id = x.series_id AND y.is_placeholder >= 0 WHERE x.id = m.event_id) || ',') > 0)) END AND k.id >= q.tick_id AND k.state = 'complete' AND NOT EXISTS (SELECT 1 FROM unlisted_spans AS u WHERE u.market_id = m.id AND u.from_tick_id <= k.id AND (u.to_tick_id IS NULL OR u.to_tick_id > k.id))), 0)), coalesce(CASE WHEN r.state = 'complete' THEN r.tick_at END, 0)), coalesce(CASE WHEN o.state = 'complete' THEN o.tick_at END, 0)), 0) END) / 1000000, 'unixepoch') AS TEXT) AS confirmed_at,
    
    e.ticker AS event_ticker,
    s.ticker AS series_ticker
,
    t.tick_at AS tick_at_us,
    
    q.midpoint_dollars AS midpoint,
    q.spread_dollars AS spread

FROM ticks AS t
LEFT JOIN scopes AS z ON z.id = t.scope_id
CROSS JOIN markets AS m
JOIN latest_quotes AS l ON l.market_id = m.id AND (l.tick_id > t.id OR NOT l.is_terminal)

JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id AND s.is_placeholder >= 0

LEFT JOIN price_snapshots AS q ON q.market_id = l.market_id AND q.tick_id = CASE WHEN l.tick_id <= t.id THEN l.tick_id ELSE (SELECT max(p.tick_id) FROM price_snapshots AS p WHERE p.market_id = l.market_id AND p.tick_id <= t.id) END
LEFT JOIN unchanged_blocks AS g ON g.tick_id = (SELECT i.id FROM ticks AS i WHERE i.id > q.tick_id AND i.id <= (SELECT max(tick_id) FROM unchanged_blocks WHERE tick_id <= t.id) AND EXISTS (SELECT 1 FROM unchanged_blocks AS j WHERE j.tick_id = i.id AND j.block = l.market_id / 128 AND instr(j.remainders, CAST("char"(l.market_id % 128) AS BLOB)) > 0) ORDER BY i.id DESC LIMIT 1) AND g.block = l.market_id / 128 AND instr(g.remainders, CAST("char"(l.market_id % 128) AS BLOB)) > 0
JOIN ticks AS r ON r.id = coalesce(g.tick_id, q.tick_id)
JOIN ticks AS o ON o.id = coalesce(q.tick_id, 0)
WHERE t.state IN ('running', 'complete', 'partial') AND NOT coalesce(q.is_terminal, 1)
    AND (r.id = t.id OR CASE WHEN z.is_former THEN z.id = r.scope_id ELSE (z.status_filter IN ('open', 'all') AND (z.combos = 'include' OR (z.combos = 'only') = m.is_combo) AND (z.series = '' OR instr(',' || z.series || ',', ',' || (SELECT y.ticker FROM events AS x JOIN series AS y ON y.id = x.series_id AND y.is_placeholder >= 0 WHERE x.id = m.event_id) || ',') > 0)) END);
CREATE VIEW unchanged_quotes AS
WITH remainders (remainder) AS (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31), (32), (33), (34), (35), (36), (37), (38), (39), (40), (41), (42), (43), (44), (45), (46), (47), (48), (49), (50), (51), (52), (53), (54), (55), (56), (57), (58), (59), (60), (61), (62), (63), (64), (65), (66), (67), (68), (69), (70), (71), (72), (73), (74), (75), (76), (77), (78), (79), (80), (81), (82), (83), (84), (85), (86), (87), (88), (89), (90), (91), (92), (93), (94), (95), (96), (97), (98), (99), (100), (101), (102), (103), (104), (105), (106), (107), (108), (109), (110), (111), (112), (113), (114), (115), (116), (117), (118), (119), (120), (121), (122), (123), (124), (125), (126), (127))
SELECT
    b.tick_id AS tick_id,
    CAST(b.block * 128 + r.remainder AS INTEGER) AS market_id,
    b.received_ms AS received_ms
FROM unchanged_blocks AS b
CROSS JOIN remainders AS r
WHERE instr(b.remainders, CAST("char"(r.remainder) AS BLOB)) > 0;
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
    m.shown_title AS title,
    t.tick_at_iso AS quoted_at,
    r.tick_at_iso AS base_quoted_at,
    q.midpoint_dollars AS midpoint,
    b.midpoint_dollars AS base_midpoint,
    CAST((q.yes_bid + q.yes_ask - b.yes_bid - b.yes_ask) / 2000000.0 AS REAL) AS midpoint_change,
    q.last_price_dollars AS last_price,
    b.last_price_dollars AS base_last_price,
    CAST((nullif(q.last_price, 0) - nullif(b.last_price, 0)) / 1000000.0 AS REAL) AS last_price_change,
    CAST((q.volume - b.volume) / 100.0 AS REAL) AS volume_change,
    
    e.ticker AS event_ticker,
    s.ticker AS series_ticker

FROM found AS f
JOIN price_snapshots AS q ON q.tick_id = f.tick_id AND q.market_id = f.market_id
JOIN price_snapshots AS b ON b.tick_id = f.base_tick_id AND b.market_id = f.market_id
JOIN ticks AS t ON t.id = f.tick_id
JOIN ticks AS r ON r.id = f.base_tick_id
JOIN markets AS m ON m.id = f.market_id
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id AND s.is_placeholder >= 0

WHERE q.yes_bid + q.yes_ask <> b.yes_bid + b.yes_ask
    OR nullif(q.last_price, 0) <> nullif(b.last_price, 0)
ORDER BY
    abs(q.yes_bid + q.yes_ask - b.yes_bid - b.yes_ask) DESC NULLS LAST,
    abs(nullif(q.last_price, 0) - nullif(b.last_price, 0)) DESC NULLS LAST,
    m.ticker;
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
    m.shown_title AS title,
    t.tick_at_iso AS quoted_at,
    r.tick_at_iso AS base_quoted_at,
    q.midpoint_dollars AS midpoint,
    b.midpoint_dollars AS base_midpoint,
    CAST((q.yes_bid + q.yes_ask - b.yes_bid - b.yes_ask) / 2000000.0 AS REAL) AS midpoint_change,
    q.last_price_dollars AS last_price,
    b.last_price_dollars AS base_last_price,
    CAST((nullif(q.last_price, 0) - nullif(b.last_price, 0)) / 1000000.0 AS REAL) AS last_price_change,
    CAST((q.volume - b.volume) / 100.0 AS REAL) AS volume_change,
    
    e.ticker AS event_ticker,
    s.ticker AS series_ticker

FROM found AS f
JOIN price_snapshots AS q ON q.tick_id = f.tick_id AND q.market_id = f.market_id
JOIN price_snapshots AS b ON b.tick_id = f.base_tick_id AND b.market_id = f.market_id
JOIN ticks AS t ON t.id = f.tick_id
JOIN ticks AS r ON r.id = f.base_tick_id
JOIN markets AS m ON m.id = f.market_id
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id AND s.is_placeholder >= 0

WHERE q.yes_bid + q.yes_ask <> b.yes_bid + b.yes_ask
    OR nullif(q.last_price, 0) <> nullif(b.last_price, 0)
ORDER BY
    abs(q.yes_bid + q.yes_ask - b.yes_bid - b.yes_ask) DESC NULLS LAST,
    abs(nullif(q.last_price, 0) - nullif(b.last_price, 0)) DESC NULLS LAST,
    m.ticker;
CREATE VIEW gaps_filled AS
SELECT
    m.ticker AS ticker,
    CAST(strftime('%Y-%m-%dT%H:%M:%SZ', c.end_at / 1000000, 'unixepoch') AS TEXT) AS quote_at,
    CAST(CASE WHEN c.yes_bid_close > 0 AND c.yes_bid_close < 1000000 THEN c.yes_bid_close / 1000000.0 END AS REAL) AS yes_bid,
    CAST(CASE WHEN c.yes_ask_close > 0 AND c.yes_ask_close < 1000000 THEN c.yes_ask_close / 1000000.0 END AS REAL) AS yes_ask,
    CAST(CASE WHEN c.yes_ask_close > 0 AND c.yes_ask_close < 1000000 THEN (1000000 - c.yes_ask_close) / 1000000.0 END AS REAL) AS no_bid,
    CAST(CASE WHEN c.yes_bid_close > 0 AND c.yes_bid_close < 1000000 THEN (1000000 - c.yes_bid_close) / 1000000.0 END AS REAL) AS no_ask,
    CAST(coalesce(c.price_close, c.price_previous) / 1000000.0 AS REAL) AS last_price,
    c.open_interest_contracts AS open_interest,
    c.period_minutes AS period_minutes,
    
    e.ticker AS event_ticker,
    s.ticker AS series_ticker
,
    c.end_at AS quote_at_us,
    CAST(CASE WHEN c.yes_bid_close > 0 AND c.yes_bid_close < 1000000 AND c.yes_ask_close > 0 AND c.yes_ask_close < 1000000 THEN (c.yes_bid_close + c.yes_ask_close) / 2000000.0 END AS REAL) AS midpoint,
    CAST(CASE WHEN c.yes_bid_close > 0 AND c.yes_bid_close < 1000000 AND c.yes_ask_close > 0 AND c.yes_ask_close < 1000000 THEN (c.yes_ask_close - c.yes_bid_close) / 1000000.0 END AS REAL) AS spread
FROM candlesticks AS c
JOIN markets AS m ON m.id = c.market_id
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id AND s.is_placeholder >= 0

WHERE likelihood(+c.market_id > 0, 0.1) AND c.end_at >= coalesce(
    (
        SELECT t.tick_at + max(c.period_minutes * 60000000, coalesce(t.period_seconds, 0) * 1000000)
        FROM ticks AS t
        JOIN scopes AS z ON z.id = t.scope_id
        WHERE t.state = 'complete' AND t.tick_at <= c.end_at AND (z.status_filter IN ('open', 'all') AND (z.combos = 'include' OR (z.combos = 'only') = m.is_combo) AND (z.series = '' OR instr(',' || z.series || ',', ',' || (SELECT y.ticker FROM events AS x JOIN series AS y ON y.id = x.series_id AND y.is_placeholder >= 0 WHERE x.id = m.event_id) || ',') > 0)) AND NOT EXISTS (SELECT 1 FROM unlisted_spans AS u WHERE u.market_id = m.id AND u.from_tick_id <= t.id AND (u.to_tick_id IS NULL OR u.to_tick_id > t.id))
        ORDER BY t.tick_at DESC
        LIMIT 1
    ),
    0
)
AND NOT EXISTS (
    SELECT 1 FROM candlesticks AS f
    WHERE f.market_id = c.market_id AND f.period_minutes IN (1, 60)
    AND +f.period_minutes < c.period_minutes AND f.end_at = c.end_at
);
CREATE VIEW price_history_filled AS
SELECT
    ticker, tick_at AS quote_at, yes_bid, yes_ask, no_bid, no_ask, last_price, yes_bid_size, yes_ask_size, volume, open_interest,
    CAST(is_terminal AS INTEGER) AS is_terminal,
    CAST('snapshot' AS TEXT) AS source, CAST(NULL AS INTEGER) AS period_minutes,
    event_ticker, series_ticker, tick_id, tick_at_us AS quote_at_us,
    midpoint, spread
FROM price_history
UNION ALL
SELECT
    ticker, quote_at, yes_bid, yes_ask, no_bid, no_ask, last_price, CAST(NULL AS REAL), CAST(NULL AS REAL), CAST(NULL AS REAL), open_interest,
    CAST(0 AS INTEGER), CAST('candlestick' AS TEXT), period_minutes, event_ticker, series_ticker,
    CAST(NULL AS INTEGER), quote_at_us, midpoint, spread
FROM gaps_filled;
CREATE VIEW void_unchanged_quotes AS
WITH remainders (remainder) AS (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31), (32), (33), (34), (35), (36), (37), (38), (39), (40), (41), (42), (43), (44), (45), (46), (47), (48), (49), (50), (51), (52), (53), (54), (55), (56), (57), (58), (59), (60), (61), (62), (63), (64), (65), (66), (67), (68), (69), (70), (71), (72), (73), (74), (75), (76), (77), (78), (79), (80), (81), (82), (83), (84), (85), (86), (87), (88), (89), (90), (91), (92), (93), (94), (95), (96), (97), (98), (99), (100), (101), (102), (103), (104), (105), (106), (107), (108), (109), (110), (111), (112), (113), (114), (115), (116), (117), (118), (119), (120), (121), (122), (123), (124), (125), (126), (127))
SELECT
    b.tick_id AS tick_id,
    CAST(b.block * 128 + r.remainder AS INTEGER) AS market_id,
    b.received_ms AS received_ms
FROM void_unchanged_blocks AS b
CROSS JOIN remainders AS r
WHERE instr(b.remainders, CAST("char"(r.remainder) AS BLOB)) > 0;
CREATE VIEW tick_history AS
SELECT
    t.id AS tick_id,
    t.tick_at_iso AS tick_at,
    t.period_seconds AS period_seconds,
    t.state AS state,
    t.reason AS reason,
    z.sentence AS scope,
    t.is_paused AS is_paused,
    t.inactive_shards AS inactive_shards,
    t.started_at_iso AS started_at,
    t.finished_at_iso AS finished_at,
    t.pages AS pages, t.windows AS windows, t.received AS received, t.inserted AS inserted, t.unchanged AS unchanged, t.keyframes AS keyframes, t.ended AS ended, t.gone AS gone, t.paused AS paused, t.unconfirmed AS unconfirmed, t.out_of_scope AS out_of_scope, t.quarantined AS quarantined, t.duplicates AS duplicates, t.placeholders AS placeholders, t.healed AS healed,
    t.tick_at AS tick_at_us,
    t.started_at AS started_at_us,
    t.seconds AS seconds
FROM ticks AS t
LEFT JOIN scopes AS z ON z.id = t.scope_id;
CREATE VIEW listing_history AS
SELECT
    l.id AS listing_id,
    l.asset AS asset,
    l.state AS state,
    l.reason AS reason,
    z.sentence AS scope,
    l.day AS day,
    l.selection AS selection,
    l.started_at_iso AS started_at,
    l.finished_at_iso AS finished_at,
    l.pages AS pages, l.windows AS windows, l.received AS received, l.inserted AS inserted, l.unchanged AS unchanged, l.out_of_scope AS out_of_scope, l.quarantined AS quarantined, l.duplicates AS duplicates, l.placeholders AS placeholders, l.healed AS healed,
    l.changed AS changed,
    l.started_at AS started_at_us,
    l.seconds AS seconds
FROM listings AS l
LEFT JOIN scopes AS z ON z.id = l.scope_id;
CREATE VIEW run_history AS
SELECT
    CAST('price_snapshots' AS TEXT) AS asset,
    CAST('ticks/' || tick_id AS TEXT) AS run,
    tick_at AS tick_at,
    CAST(NULL AS TEXT) AS day,
    CAST(NULL AS TEXT) AS selection,
    CAST(NULL AS INTEGER) AS changed,
    state,
    reason,
    scope,
    started_at,
    finished_at,
    pages, windows, received, inserted, unchanged, out_of_scope, quarantined, duplicates, placeholders, healed,
    started_at_us,
    seconds
FROM tick_history
UNION ALL
SELECT
    asset,
    'listings/' || listing_id,
    NULL,
    day,
    selection,
    changed,
    state,
    reason,
    scope,
    started_at,
    finished_at,
    pages, windows, received, inserted, unchanged, out_of_scope, quarantined, duplicates, placeholders, healed,
    started_at_us,
    seconds
FROM listing_history;
CREATE VIEW coverage_by_day AS
SELECT
    t.day AS day,
    CAST(count(t.id) AS INTEGER) AS ticks,
    CAST(sum(t.state = 'complete') AS INTEGER) AS complete_ticks,
    CAST(sum(t.state = 'partial') AS INTEGER) AS partial_ticks,
    CAST(sum(t.state = 'failed') AS INTEGER) AS failed_ticks,
    CAST(sum(t.state = 'skipped') AS INTEGER) AS skipped_ticks,
    CAST(sum(t.state = 'missed') AS INTEGER) AS missed_ticks,
    CAST(sum(t.state = 'running') AS INTEGER) AS running_ticks,
    CAST(strftime('%Y-%m-%dT%H:%M:%SZ', min(t.tick_at) / 1000000, 'unixepoch') AS TEXT) AS first_tick_at,
    CAST(strftime('%Y-%m-%dT%H:%M:%SZ', max(t.tick_at) / 1000000, 'unixepoch') AS TEXT) AS last_tick_at,
    CAST(sum(t.inserted) AS INTEGER) AS inserted,
    CAST(max(t.received) AS INTEGER) AS most_received,
    CAST((SELECT max(c.tick_at - (SELECT max(b.tick_at) FROM ticks AS b WHERE b.tick_at < c.tick_at AND b.state = 'complete')) FROM ticks AS c WHERE c.tick_at >= min(t.tick_at) AND c.tick_at <= max(t.tick_at) AND c.state = 'complete') / 1000000.0 AS REAL) AS longest_gap_seconds
FROM ticks AS t
GROUP BY t.day;
CREATE VIEW series_change_history AS
SELECT
    p.ticker AS ticker,
    c.seen_at_iso AS seen_at,
    c.field AS field,
    CAST(CASE WHEN c.field IN ('fee_multiplier', 'settlement_value') THEN CAST(CAST(c.before AS BIGINT) / 1000000.0 AS TEXT) WHEN c.field IN ('settlement_sources', 'additional_prohibitions', 'product_metadata') THEN (SELECT t.body FROM texts AS t WHERE t.id = CAST(c.before AS BIGINT)) ELSE c.before END AS TEXT) AS before,
    CAST(CASE WHEN c.field IN ('fee_multiplier', 'settlement_value') THEN CAST(CAST(c.after AS BIGINT) / 1000000.0 AS TEXT) WHEN c.field IN ('settlement_sources', 'additional_prohibitions', 'product_metadata') THEN (SELECT t.body FROM texts AS t WHERE t.id = CAST(c.after AS BIGINT)) ELSE c.after END AS TEXT) AS after,
    c.seen_at AS seen_at_us
FROM series_changes AS c
JOIN series AS p ON p.id = c.series_id;
CREATE VIEW event_change_history AS
SELECT
    p.ticker AS ticker,
    c.seen_at_iso AS seen_at,
    c.field AS field,
    CAST(CASE WHEN c.field IN ('strike_at') THEN strftime('%Y-%m-%dT%H:%M:%S.', CAST(c.before AS BIGINT) / 1000000, 'unixepoch') || substr(CAST(c.before AS BIGINT) % 1000000 + 1000000, 2) || 'Z' WHEN c.field IN ('fee_multiplier_override', 'settlement_value') THEN CAST(CAST(c.before AS BIGINT) / 1000000.0 AS TEXT) WHEN c.field IN ('settlement_sources', 'product_metadata') THEN (SELECT t.body FROM texts AS t WHERE t.id = CAST(c.before AS BIGINT)) ELSE c.before END AS TEXT) AS before,
    CAST(CASE WHEN c.field IN ('strike_at') THEN strftime('%Y-%m-%dT%H:%M:%S.', CAST(c.after AS BIGINT) / 1000000, 'unixepoch') || substr(CAST(c.after AS BIGINT) % 1000000 + 1000000, 2) || 'Z' WHEN c.field IN ('fee_multiplier_override', 'settlement_value') THEN CAST(CAST(c.after AS BIGINT) / 1000000.0 AS TEXT) WHEN c.field IN ('settlement_sources', 'product_metadata') THEN (SELECT t.body FROM texts AS t WHERE t.id = CAST(c.after AS BIGINT)) ELSE c.after END AS TEXT) AS after,
    c.seen_at AS seen_at_us
FROM event_changes AS c
JOIN events AS p ON p.id = c.event_id;
CREATE VIEW market_change_history AS
SELECT
    m.ticker AS ticker,
    c.seen_at_iso AS seen_at,
    c.field AS field,
    CAST(CASE WHEN c.field IN ('created_at', 'open_at', 'close_at', 'expected_expiration_at', 'occurrence_at', 'latest_expiration_at', 'fee_waiver_expiration_at') THEN strftime('%Y-%m-%dT%H:%M:%S.', CAST(c.before AS BIGINT) / 1000000, 'unixepoch') || substr(CAST(c.before AS BIGINT) % 1000000 + 1000000, 2) || 'Z' WHEN c.field IN ('settlement_floor', 'settlement_value') THEN CAST(CAST(c.before AS BIGINT) / 1000000.0 AS TEXT) WHEN c.field IN ('rules_secondary', 'price_ranges', 'early_close_condition') THEN (SELECT t.body FROM texts AS t WHERE t.id = CAST(c.before AS BIGINT)) ELSE c.before END AS TEXT) AS before,
    CAST(CASE WHEN c.field IN ('created_at', 'open_at', 'close_at', 'expected_expiration_at', 'occurrence_at', 'latest_expiration_at', 'fee_waiver_expiration_at') THEN strftime('%Y-%m-%dT%H:%M:%S.', CAST(c.after AS BIGINT) / 1000000, 'unixepoch') || substr(CAST(c.after AS BIGINT) % 1000000 + 1000000, 2) || 'Z' WHEN c.field IN ('settlement_floor', 'settlement_value') THEN CAST(CAST(c.after AS BIGINT) / 1000000.0 AS TEXT) WHEN c.field IN ('rules_secondary', 'price_ranges', 'early_close_condition') THEN (SELECT t.body FROM texts AS t WHERE t.id = CAST(c.after AS BIGINT)) ELSE c.after END AS TEXT) AS after,
    
    e.ticker AS event_ticker,
    s.ticker AS series_ticker
,
    c.seen_at AS seen_at_us
FROM market_changes AS c
JOIN markets AS m ON m.id = c.market_id
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id AND s.is_placeholder >= 0

WHERE likelihood(+c.market_id > 0, 0.1);
CREATE VIEW change_history AS
SELECT CAST('series' AS TEXT) AS kind, ticker, seen_at, field, before, after, seen_at_us
FROM series_change_history
UNION ALL
SELECT CAST('event' AS TEXT) AS kind, ticker, seen_at, field, before, after, seen_at_us
FROM event_change_history
UNION ALL
SELECT CAST('market' AS TEXT) AS kind, ticker, seen_at, field, before, after, seen_at_us
FROM market_change_history;
CREATE VIEW settlement_history AS
SELECT
    m.ticker AS ticker,
    e.ticker AS event_ticker,
    r.result AS result,
    r.settlement_value_dollars AS settlement_value,
    r.settled_at_iso AS settled_at,
    r.settled_at_source AS settled_at_source,
    r.tier AS tier,
    r.first_seen_at_iso AS first_seen_at,
    r.amended_at_iso AS amended_at,
    m.status AS status,
    s.ticker AS series_ticker,
    r.settled_at AS settled_at_us
FROM settlements AS r
JOIN markets AS m ON m.id = r.market_id
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id AND s.is_placeholder >= 0

WHERE likelihood(+r.market_id > 0, 0.1) AND r.withdrawn_at IS NULL;
CREATE VIEW settlement_amendment_history AS
SELECT
    m.ticker AS ticker,
    a.seen_at_iso AS seen_at,
    a.result_before AS result_before,
    a.result_after AS result_after,
    a.value_before_dollars AS value_before,
    a.value_after_dollars AS value_after,
    
    e.ticker AS event_ticker,
    s.ticker AS series_ticker
,
    a.seen_at AS seen_at_us
FROM settlement_amendments AS a
JOIN markets AS m ON m.id = a.market_id
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id AND s.is_placeholder >= 0

WHERE likelihood(+a.market_id > 0, 0.1);
CREATE VIEW trade_history AS
SELECT
    m.ticker AS ticker,
    CAST(CASE length(t.trade_id) WHEN 16 THEN lower(hex(substr(t.trade_id, 1, 4))) || '-' || lower(hex(substr(t.trade_id, 5, 2))) || '-' || lower(hex(substr(t.trade_id, 7, 2))) || '-' || lower(hex(substr(t.trade_id, 9, 2))) || '-' || lower(hex(substr(t.trade_id, 11, 6))) ELSE rtrim(CAST(t.trade_id AS TEXT)) END AS TEXT) AS trade_id,
    t.created_at_iso AS created_at,
    t.yes_price_dollars AS yes_price,
    t.no_price_dollars AS no_price,
    t.contracts_decimal AS contracts,
    t.taker_side AS taker_side,
    t.is_block AS is_block,
    
    e.ticker AS event_ticker,
    s.ticker AS series_ticker
,
    t.created_at AS created_at_us
FROM trades AS t
JOIN markets AS m ON m.id = t.market_id
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id AND s.is_placeholder >= 0

WHERE likelihood(+t.market_id > 0, 0.1);
CREATE VIEW candlestick_history AS
SELECT
    m.ticker AS ticker,
    c.period_minutes AS period_minutes,
    c.end_at_iso AS end_at,
    c.yes_bid_open_dollars AS yes_bid_open,
    c.yes_bid_high_dollars AS yes_bid_high,
    c.yes_bid_low_dollars AS yes_bid_low,
    c.yes_bid_close_dollars AS yes_bid_close,
    c.yes_ask_open_dollars AS yes_ask_open,
    c.yes_ask_high_dollars AS yes_ask_high,
    c.yes_ask_low_dollars AS yes_ask_low,
    c.yes_ask_close_dollars AS yes_ask_close,
    c.price_open_dollars AS price_open,
    c.price_high_dollars AS price_high,
    c.price_low_dollars AS price_low,
    c.price_close_dollars AS price_close,
    c.price_mean_dollars AS price_mean,
    c.price_previous_dollars AS price_previous,
    c.volume_contracts AS volume,
    c.open_interest_contracts AS open_interest,
    
    e.ticker AS event_ticker,
    s.ticker AS series_ticker
,
    c.end_at AS end_at_us
FROM candlesticks AS c
JOIN markets AS m ON m.id = c.market_id
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id AND s.is_placeholder >= 0

WHERE likelihood(+c.market_id > 0, 0.1);
CREATE VIEW candlestick_coverage AS
SELECT
    m.ticker AS ticker,
    d.day AS day,
    d.period_minutes AS period_minutes,
    d.state AS state,
    d.tier AS tier,
    d.reason AS reason,
    d.asked_at_iso AS asked_at,
    
    e.ticker AS event_ticker,
    s.ticker AS series_ticker
,
    d.asked_at AS asked_at_us
FROM candlestick_days AS d
JOIN markets AS m ON m.id = d.market_id
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id AND s.is_placeholder >= 0;
CREATE VIEW order_book_history AS
SELECT
    m.ticker AS ticker,
    b.received_at_iso AS received_at,
    l.side AS side,
    l.price_dollars AS price,
    l.size_contracts AS size,
    b.received_at AS received_at_us
FROM order_books AS b
JOIN markets AS m ON m.id = b.market_id
LEFT JOIN order_book_levels AS l ON l.order_book_id = b.id
WHERE likelihood(+b.market_id > 0, 0.2);
CREATE VIEW order_book AS
SELECT
    m.ticker AS ticker,
    b.received_at_iso AS received_at,
    l.side AS side,
    CAST((SELECT count(h.price) FROM order_book_levels AS h WHERE h.order_book_id = l.order_book_id AND h.is_yes = l.is_yes AND h.price >= l.price) AS INTEGER) AS level,
    l.price_dollars AS price,
    l.size_contracts AS size,
    CAST((SELECT sum(h.size) FROM order_book_levels AS h WHERE h.order_book_id = l.order_book_id AND h.is_yes = l.is_yes AND h.price >= l.price) / 100.0 AS REAL) AS size_up_to_here,
    
    e.ticker AS event_ticker,
    s.ticker AS series_ticker
,
    b.received_at AS received_at_us
FROM order_books AS b
JOIN order_book_levels AS l ON l.order_book_id = b.id
JOIN markets AS m ON m.id = b.market_id
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id AND s.is_placeholder >= 0

WHERE likelihood(+b.market_id > 0, 0.1);
CREATE VIEW legs_of_combos AS
SELECT
    c.ticker AS combo_ticker,
    l.position AS position,
    CAST(coalesce(m.ticker, l.leg_ticker) AS TEXT) AS leg_ticker,
    CAST(coalesce(e.ticker, l.leg_event_ticker) AS TEXT) AS leg_event_ticker,
    l.side AS side,
    l.settlement_value_dollars AS settlement_value
FROM combo_legs AS l
JOIN markets AS c ON c.id = l.market_id
LEFT JOIN markets AS m ON m.id = l.leg_market_id
LEFT JOIN events AS e ON e.id = m.event_id;
CREATE VIEW events_with_fees AS
SELECT
    f.event_ticker AS event_ticker,
    CAST(coalesce(
        (SELECT p.ticker FROM events AS e JOIN series AS p ON p.id = e.series_id WHERE e.ticker = f.event_ticker),
        (SELECT max(c.series_ticker) FROM event_fee_changes AS c WHERE c.event_ticker = f.event_ticker)
    ) AS TEXT) AS series_ticker
FROM (
    SELECT c.event_ticker FROM event_fee_changes AS c WHERE c.withdrawn_at IS NULL
    UNION
    SELECT v.ticker FROM events AS v WHERE (v.fee_type_override IS NOT NULL OR v.fee_multiplier_override IS NOT NULL) OR NOT EXISTS (SELECT 1 FROM listings AS l WHERE l.asset = 'event_fee_changes' AND l.state = 'complete' AND l.pages > 0)
    UNION
    SELECT v.ticker FROM event_changes AS g JOIN events AS v ON v.id = g.event_id WHERE g.field IN ('fee_type_override', 'fee_multiplier_override')
) AS f;
CREATE VIEW series_fee_starts AS
SELECT c.series_ticker AS series_ticker, c.scheduled_at AS at
FROM series_fee_changes AS c
WHERE c.withdrawn_at IS NULL
UNION
SELECT p.ticker, p.first_seen_at
FROM series AS p
WHERE NOT EXISTS (SELECT 1 FROM series_fee_changes AS c WHERE c.series_ticker = p.ticker AND c.scheduled_at <= p.first_seen_at AND c.withdrawn_at IS NULL)
UNION
SELECT p.ticker, g.seen_at
FROM series_changes AS g
JOIN series AS p ON p.id = g.series_id
WHERE g.field IN ('fee_type', 'fee_multiplier')
    AND NOT EXISTS (SELECT 1 FROM series_fee_changes AS c WHERE c.series_ticker = p.ticker AND c.scheduled_at <= g.seen_at AND c.withdrawn_at IS NULL);
CREATE VIEW fee_starts AS
WITH f AS MATERIALIZED (
    SELECT w.series_ticker, w.event_ticker FROM events_with_fees AS w
)
SELECT p.series_ticker AS series_ticker, CAST(NULL AS TEXT) AS event_ticker, p.at AS at
FROM series_fee_starts AS p
UNION
SELECT e.series_ticker, e.event_ticker, p.at
FROM f AS e
JOIN series_fee_starts AS p ON p.series_ticker = e.series_ticker
UNION
SELECT e.series_ticker, e.event_ticker, c.scheduled_at
FROM f AS e
JOIN event_fee_changes AS c ON c.event_ticker = e.event_ticker AND c.withdrawn_at IS NULL
UNION
SELECT e.series_ticker, e.event_ticker, v.first_seen_at
FROM f AS e
JOIN events AS v ON v.ticker = e.event_ticker
WHERE ((v.fee_type_override IS NOT NULL OR v.fee_multiplier_override IS NOT NULL) OR EXISTS (
        SELECT 1 FROM event_changes AS g WHERE g.event_id = v.id AND g.field IN ('fee_type_override', 'fee_multiplier_override')
    ))
    AND NOT EXISTS (SELECT 1 FROM event_fee_changes AS c WHERE c.event_ticker = v.ticker AND c.scheduled_at <= v.first_seen_at AND c.withdrawn_at IS NULL)
UNION
SELECT e.series_ticker, e.event_ticker, g.seen_at
FROM f AS e
JOIN events AS v ON v.ticker = e.event_ticker
JOIN event_changes AS g ON g.event_id = v.id
WHERE g.field IN ('fee_type_override', 'fee_multiplier_override')
    AND NOT EXISTS (SELECT 1 FROM event_fee_changes AS c WHERE c.event_ticker = v.ticker AND c.scheduled_at <= g.seen_at AND c.withdrawn_at IS NULL);
CREATE VIEW fee_history AS
WITH fee_instants AS (
    SELECT
        b.series_ticker,
        b.event_ticker,
        b.at,
        lead(b.at) OVER (PARTITION BY b.series_ticker, b.event_ticker ORDER BY b.at) AS end_at
    FROM fee_starts AS b
),
of_series AS MATERIALIZED (
    SELECT series_ticker, scheduled_at, min(fee_type) AS fee_type, min(fee_multiplier) AS fee_multiplier, count(scheduled_at) AS meanings FROM (SELECT DISTINCT series_ticker, fee_type, fee_multiplier, scheduled_at FROM series_fee_changes WHERE withdrawn_at IS NULL) AS m GROUP BY series_ticker, scheduled_at
),
of_events AS MATERIALIZED (
    SELECT event_ticker, scheduled_at, min(fee_type_override) AS fee_type, min(fee_multiplier_override) AS fee_multiplier, count(scheduled_at) AS meanings FROM (SELECT DISTINCT event_ticker, fee_type_override, fee_multiplier_override, scheduled_at FROM event_fee_changes WHERE withdrawn_at IS NULL) AS m GROUP BY event_ticker, scheduled_at
),
changes_in_force AS (
    SELECT
        i.*,
        (SELECT max(c.scheduled_at) FROM series_fee_changes AS c WHERE c.series_ticker = i.series_ticker AND c.scheduled_at <= i.at AND c.withdrawn_at IS NULL) AS base_at,
        (SELECT max(c.scheduled_at) FROM event_fee_changes AS c WHERE c.event_ticker = i.event_ticker AND c.scheduled_at <= i.at AND c.withdrawn_at IS NULL) AS override_at
    FROM fee_instants AS i
),
said AS (
    SELECT
        c.*,
        coalesce(o.meanings > 1 OR o.fee_type IS NOT NULL OR o.fee_multiplier IS NOT NULL, 0) AS is_override,
        o.meanings AS override_meanings, o.fee_type AS override_type, o.fee_multiplier AS override_multiplier,
        coalesce(b.meanings, 1) AS base_meanings,
        CASE WHEN b.meanings IS NULL THEN (CASE WHEN EXISTS (SELECT 1 FROM series_changes AS g WHERE g.series_id = p.id AND g.field = 'fee_type' AND g.seen_at > c.at) THEN (SELECT CAST(g.before AS TEXT) FROM series_changes AS g WHERE g.series_id = p.id AND g.field = 'fee_type' AND g.seen_at > c.at ORDER BY g.id LIMIT 1) ELSE p.fee_type END) ELSE b.fee_type END
            AS base_type,
        CASE WHEN b.meanings IS NULL THEN (CASE WHEN EXISTS (SELECT 1 FROM series_changes AS g WHERE g.series_id = p.id AND g.field = 'fee_multiplier' AND g.seen_at > c.at) THEN (SELECT CAST(g.before AS INTEGER) FROM series_changes AS g WHERE g.series_id = p.id AND g.field = 'fee_multiplier' AND g.seen_at > c.at ORDER BY g.id LIMIT 1) ELSE p.fee_multiplier END)
            ELSE b.fee_multiplier END AS base_multiplier,
        c.override_at IS NULL AND (
            (CASE WHEN EXISTS (SELECT 1 FROM event_changes AS g WHERE g.event_id = v.id AND g.field = 'fee_type_override' AND g.seen_at > c.at) THEN (SELECT CAST(g.before AS TEXT) FROM event_changes AS g WHERE g.event_id = v.id AND g.field = 'fee_type_override' AND g.seen_at > c.at ORDER BY g.id LIMIT 1) ELSE v.fee_type_override END) IS NOT NULL OR (CASE WHEN EXISTS (SELECT 1 FROM event_changes AS g WHERE g.event_id = v.id AND g.field = 'fee_multiplier_override' AND g.seen_at > c.at) THEN (SELECT CAST(g.before AS TEXT) FROM event_changes AS g WHERE g.event_id = v.id AND g.field = 'fee_multiplier_override' AND g.seen_at > c.at ORDER BY g.id LIMIT 1) ELSE v.fee_multiplier_override END) IS NOT NULL
        ) AS is_unexplained
    FROM changes_in_force AS c
    LEFT JOIN of_series AS b ON b.series_ticker = c.series_ticker AND b.scheduled_at = c.base_at
    LEFT JOIN of_events AS o ON o.event_ticker = c.event_ticker AND o.scheduled_at = c.override_at
    LEFT JOIN series AS p ON p.ticker = c.series_ticker AND p.first_seen_at <= c.at
    LEFT JOIN events AS v ON v.ticker = c.event_ticker AND v.first_seen_at <= c.at
),
decided AS (
    SELECT
        d.series_ticker, d.event_ticker, d.at, d.end_at, d.is_override, d.is_unexplained,
        CASE WHEN d.is_override THEN d.override_meanings ELSE d.base_meanings END AS meanings,
        CASE WHEN d.is_override THEN CASE WHEN d.override_meanings = 1 THEN d.override_type END WHEN d.base_meanings = 1 THEN d.base_type END AS fee_type,
        CASE WHEN d.is_override THEN CASE WHEN d.override_meanings = 1 THEN d.override_multiplier END WHEN d.base_meanings = 1 THEN d.base_multiplier END AS fee_multiplier,
        CASE WHEN d.is_override THEN d.override_at ELSE d.base_at END AS since_at,
        CASE WHEN d.is_override THEN d.event_ticker ELSE d.series_ticker END AS subject
    FROM said AS d
),
fee_in_force AS (
    SELECT r.*, CASE
        WHEN r.event_ticker IS NOT NULL AND NOT EXISTS (SELECT 1 FROM listings AS l WHERE l.asset = 'event_fee_changes' AND l.state = 'complete' AND l.pages > 0) THEN 'the fee changes of events were never listed'
        WHEN r.is_unexplained
            THEN 'the record of ' || r.event_ticker || ' has an override that no fee change of it explains'
        WHEN r.meanings > 1 THEN 'several fee changes of ' || r.subject || ' take effect at the same time'
        WHEN r.since_at IS NULL AND r.fee_type IS NULL AND r.fee_multiplier IS NULL
            THEN 'the fee of ' || coalesce(r.subject, 'an unknown series') || ' was not observed until then'
        WHEN r.fee_type IS NULL OR r.fee_multiplier IS NULL
            THEN 'the ' || CASE WHEN r.is_override THEN 'override' ELSE 'fee' END || ' of ' || r.subject || ' has no '
                || CASE WHEN r.fee_type IS NULL THEN 'type' ELSE 'multiplier' END
        WHEN r.fee_type NOT IN ('quadratic', 'quadratic_with_maker_fees', 'quadratic_with_combo_maker_fees', 'flat')
            THEN 'the fee type ''' || r.fee_type || ''' of ' || r.subject || ' is not known to this version'
    END AS reason FROM decided AS r
)
SELECT
    f.series_ticker AS series_ticker,
    f.event_ticker AS event_ticker,
    CAST(strftime('%Y-%m-%dT%H:%M:%S.', f.at / 1000000, 'unixepoch') || substr(f.at % 1000000 + 1000000, 2) || 'Z' AS TEXT) AS from_at,
    CAST(strftime('%Y-%m-%dT%H:%M:%S.', f.end_at / 1000000, 'unixepoch') || substr(f.end_at % 1000000 + 1000000, 2) || 'Z' AS TEXT) AS until_at,
    CAST(f.fee_type AS TEXT) AS fee_type,
    CAST(f.fee_multiplier / 1000000.0 AS REAL) AS fee_multiplier,
    CAST(f.is_override AS INTEGER) AS is_override,
    CAST(CASE WHEN f.reason IS NULL THEN 'known' ELSE 'unknown' END AS TEXT) AS state,
    f.at AS from_at_us,
    CAST(f.end_at AS INTEGER) AS until_at_us,
    CAST(f.reason AS TEXT) AS reason
FROM fee_in_force AS f;
CREATE VIEW market_catalogue AS
SELECT
    m.ticker AS ticker,
    e.ticker AS event_ticker,
    s.ticker AS series_ticker,
    CAST(coalesce(s.category, e.category) AS TEXT) AS category,
    m.shown_title AS title,
    m.yes_sub_title AS yes_sub_title,
    m.no_sub_title AS no_sub_title,
    e.title AS event_title,
    m.status AS status,
    m.result AS result,
    CAST(coalesce((SELECT NOT q.is_terminal FROM latest_quotes AS q WHERE q.market_id = m.id), 0) AS INTEGER) AS is_listed,
    m.created_at_iso AS created_at,
    m.open_at_iso AS open_at,
    m.close_at_iso AS announced_close_at,
    m.expected_expiration_at_iso AS expected_expiration_at,
    m.occurrence_at_iso AS occurrence_at,
    m.latest_expiration_at_iso AS latest_expiration_at,
    m.can_close_early AS can_close_early,
    m.rules_primary AS rules_primary,
    r.body AS rules_secondary,
    m.strike_type AS strike_type,
    m.floor_strike AS floor_strike,
    m.cap_strike AS cap_strike,
    m.functional_strike AS functional_strike,
    m.custom_strike AS custom_strike,
    m.is_combo AS is_combo,
    CAST((SELECT count(g.position) FROM combo_legs AS g WHERE g.market_id = m.id) AS INTEGER) AS leg_count,
    e.mutually_exclusive AS mutually_exclusive,
    m.market_type AS market_type,
    m.is_provisional AS is_provisional,
    m.is_placeholder AS is_placeholder,
    m.gone_at_iso AS gone_at,
    m.first_seen_at_iso AS first_seen_at,
    m.changed_at_iso AS changed_at,
    m.id AS market_id,
    m.close_at AS announced_close_at_us,
    CAST((SELECT t.tick_at_iso FROM unlisted_spans AS u JOIN ticks AS t ON t.id = u.from_tick_id WHERE u.market_id = m.id AND u.to_tick_id IS NULL) AS TEXT) AS unlisted_since_at
FROM markets AS m
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id AND s.is_placeholder >= 0
LEFT JOIN texts AS r ON r.id = m.rules_secondary_id;
CREATE VIEW event_catalogue AS
SELECT
    e.ticker AS event_ticker,
    s.ticker AS series_ticker,
    CAST(coalesce(s.category, e.category) AS TEXT) AS category,
    e.title AS title,
    e.sub_title AS sub_title,
    s.title AS series_title,
    e.mutually_exclusive AS mutually_exclusive,
    CAST((SELECT count(m.id) FROM markets AS m WHERE m.event_id = e.id AND 1 = 1) AS INTEGER) AS market_count,
    CAST((SELECT count(m.id) FROM markets AS m WHERE m.event_id = e.id AND coalesce((SELECT NOT q.is_terminal FROM latest_quotes AS q WHERE q.market_id = m.id), 0)) AS INTEGER) AS listed_market_count,
    CAST((SELECT count(m.id) FROM markets AS m WHERE m.event_id = e.id AND m.is_combo) AS INTEGER) AS combo_count,
    CAST(strftime('%Y-%m-%dT%H:%M:%S.', (SELECT min(m.close_at) FROM markets AS m WHERE m.event_id = e.id AND 1 = 1) / 1000000, 'unixepoch') || substr((SELECT min(m.close_at) FROM markets AS m WHERE m.event_id = e.id AND 1 = 1) % 1000000 + 1000000, 2) || 'Z' AS TEXT) AS first_close_at,
    CAST(strftime('%Y-%m-%dT%H:%M:%S.', (SELECT max(m.close_at) FROM markets AS m WHERE m.event_id = e.id AND 1 = 1) / 1000000, 'unixepoch') || substr((SELECT max(m.close_at) FROM markets AS m WHERE m.event_id = e.id AND 1 = 1) % 1000000 + 1000000, 2) || 'Z' AS TEXT) AS last_close_at,
    e.strike_at_iso AS strike_at,
    e.strike_period AS strike_period,
    e.collateral_return_type AS collateral_return_type,
    e.is_placeholder AS is_placeholder,
    e.first_seen_at_iso AS first_seen_at,
    e.changed_at_iso AS changed_at,
    e.id AS event_id
FROM events AS e
LEFT JOIN series AS s ON s.id = e.series_id AND s.is_placeholder >= 0;
COMMIT;
