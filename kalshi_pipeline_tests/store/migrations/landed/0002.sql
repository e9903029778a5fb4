BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE event_lookups (
	event_id INTEGER NOT NULL, 
	asked_at BIGINT NOT NULL, 
	CONSTRAINT pk_event_lookups PRIMARY KEY (event_id), 
	CONSTRAINT fk_event_lookups_event_id FOREIGN KEY(event_id) REFERENCES events (id)
);
INSERT INTO "event_lookups" VALUES(4,1795749149740407);
INSERT INTO "event_lookups" VALUES(5,1795749149740407);
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
INSERT INTO "events" VALUES(1,'KXNFLGAME-26DEC14ATMPHI8',1,'Atlético Madrid vs Philadelphia','Atlético Madrid vs Philadelphia (Dec 14, 2026)','Sports',1,NULL,0,1795749149578317,1795749149578317);
INSERT INTO "events" VALUES(2,'KXNFLTOTAL-26DEC27MIAHOU9',2,'Miami at Houston: Total points','On Dec 27, 2026','Sports',0,NULL,0,1795749149578317,1795749149578317);
INSERT INTO "events" VALUES(3,'KXHIGHNY-26DEC08A',3,'Highest temperature in New York City on Dec 8, 2026? ','On Dec 8, 2026','Climate and Weather',1,1796764200000000,0,1795749149631440,1795749149631440);
INSERT INTO "events" VALUES(4,'KXMVECROSSCATEGORY-S20260575C7F831D',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749149740407,1795749149740407);
INSERT INTO "events" VALUES(5,'KXMVESPORTSMULTIGAMEEXTENDED-S2026F3890E8B40E',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749149740407,1795749149740407);
INSERT INTO "events" VALUES(6,'KXMVECROSSCATEGORY-S20267D8B6F4F1FA',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749149740407,1795749149740407);
INSERT INTO "events" VALUES(7,'KXMVESPORTSMULTIGAMEEXTENDED-S2026C5E357A9A27',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749149759276,1795749149759276);
INSERT INTO "events" VALUES(8,'KXBTCD-26DEC10B',4,'Bitcoin price on Dec 10, 2026?','On Dec 10, 2026','Crypto',0,1796881740000000,0,1795749149953423,1795749149953423);
INSERT INTO "events" VALUES(9,'KXMVECROSSCATEGORY-S2026A1D028A04F3',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749150007147,1795749150007147);
INSERT INTO "events" VALUES(10,'KXMVESPORTSMULTIGAMEEXTENDED-S2026709EA14C653',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749150007147,1795749150007147);
INSERT INTO "events" VALUES(11,'KXMVECROSSCATEGORY-S202682AA15654E6',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749150007147,1795749150007147);
INSERT INTO "events" VALUES(12,'KXMVESPORTSMULTIGAMEEXTENDED-S20268640FBB5737',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749150007147,1795749150007147);
INSERT INTO "events" VALUES(13,'KXMVECROSSCATEGORY-S202636F5E3A8257',NULL,NULL,NULL,NULL,NULL,NULL,1,1795749150007147,1795749150007147);
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
INSERT INTO "latest_quotes" VALUES(1,5,950000,980000,34352,38300,0,0,0,4200010,0);
INSERT INTO "latest_quotes" VALUES(2,6,10000,20000,388831,16785,10000,284109,47095,3900013,0);
INSERT INTO "latest_quotes" VALUES(3,8,NULL,NULL,NULL,NULL,NULL,NULL,NULL,25,1);
INSERT INTO "latest_quotes" VALUES(4,8,780000,800000,851,21700,770000,277810,0,12,0);
INSERT INTO "latest_quotes" VALUES(5,6,80000,100000,1687838,418335,100000,200,0,3900013,0);
INSERT INTO "latest_quotes" VALUES(6,2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,93300181,1);
INSERT INTO "latest_quotes" VALUES(7,8,390000,420000,53764,4612543,420000,190089,0,12,0);
INSERT INTO "latest_quotes" VALUES(8,6,NULL,NULL,NULL,NULL,NULL,NULL,NULL,3900022,1);
INSERT INTO "latest_quotes" VALUES(9,4,NULL,NULL,NULL,NULL,NULL,NULL,NULL,92100309,1);
INSERT INTO "latest_quotes" VALUES(10,4,635000,636000,583800,3629100,0,0,0,92100306,0);
INSERT INTO "latest_quotes" VALUES(11,6,540000,570000,196000,687700,0,0,0,3900013,0);
INSERT INTO "latest_quotes" VALUES(12,3,NULL,66000,0,10164,0,0,0,92400286,0);
INSERT INTO "latest_quotes" VALUES(13,4,NULL,NULL,NULL,NULL,NULL,NULL,NULL,92100309,1);
INSERT INTO "latest_quotes" VALUES(14,4,NULL,NULL,0,0,0,0,0,92100306,0);
INSERT INTO "latest_quotes" VALUES(15,4,500000,520000,4212200,1049700,0,0,0,92100306,0);
INSERT INTO "latest_quotes" VALUES(16,8,NULL,NULL,NULL,NULL,NULL,NULL,NULL,25,1);
INSERT INTO "latest_quotes" VALUES(17,8,700000,701000,174400,890209,0,0,0,12,0);
INSERT INTO "latest_quotes" VALUES(18,8,NULL,NULL,0,0,0,0,0,12,0);
INSERT INTO "latest_quotes" VALUES(19,8,260000,290000,709318,300000,0,0,0,12,0);
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
INSERT INTO "listings" VALUES(1,'series','all series, no combos',1795749149555963,1795749149569584,'complete',NULL,1,10,10,0,0,0,0,0,0,1);
INSERT INTO "listings" VALUES(2,'events','all series, no combos',1795749149571907,1795749149584682,'complete',NULL,1,2,2,0,0,0,0,0,0,1);
INSERT INTO "listings" VALUES(3,'markets','all series, no combos',1795749149585691,1795749149598795,'complete',NULL,1,8,8,0,0,0,0,0,0,1);
INSERT INTO "listings" VALUES(4,'markets','all series, no combos',1795749149664503,1795749149688631,'complete',NULL,1,8,0,4,4,0,0,0,0,1);
INSERT INTO "listings" VALUES(5,'markets','all series, with combos',1795749149995592,1795749150015315,'complete',NULL,1,16,6,10,0,0,5,0,0,1);
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
INSERT INTO "markets" VALUES(1,'KXNFLTOTAL-26DEC27MIAHOU9-184.5',2,'Miami at Houston: Total points more than 184.5','more than 184.5','more than 184.5','binary','active','',1794453139836010,1794453120000000,1798385280000000,1798223280000000,NULL,'greater',184.5,NULL,'If the two teams collectively score more than 184.5 points in the Miami at Houston Pro Football game originally scheduled for Dec 27, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749149592808,1795749149592808);
INSERT INTO "markets" VALUES(2,'KXNFLTOTAL-26DEC27MIAHOU9-187.5',2,'Miami at Houston: Total points more than 187.5','more than 187.5','more than 187.5','binary','active','',1794453139836010,1794453120000000,1798385280000000,1798223280000000,NULL,'greater',187.5,NULL,'If the two teams collectively score more than 187.5 points in the Miami at Houston Pro Football game originally scheduled for Dec 27, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749149592808,1795749149592808);
INSERT INTO "markets" VALUES(3,'KXNFLTOTAL-26DEC27MIAHOU9-190.5',2,'Miami at Houston: Total points more than 190.5','more than 190.5','more than 190.5','binary','active','',1794453139836010,1794453120000000,1798385280000000,1798223280000000,NULL,'greater',190.5,NULL,'If the two teams collectively score more than 190.5 points in the Miami at Houston Pro Football game originally scheduled for Dec 27, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749149592808,1795749149592808);
INSERT INTO "markets" VALUES(4,'KXNFLTOTAL-26DEC27MIAHOU9-193.5',2,'Miami at Houston: Total points more than 193.5','more than 193.5','more than 193.5','binary','active','',1794453139836010,1794453120000000,1798385280000000,1798223280000000,NULL,'greater',193.5,NULL,'If the two teams collectively score more than 193.5 points in the Miami at Houston Pro Football game originally scheduled for Dec 27, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749149592808,1795749149592808);
INSERT INTO "markets" VALUES(5,'KXNFLTOTAL-26DEC27MIAHOU9-196.5',2,'Miami at Houston: Total points more than 196.5','more than 196.5','more than 196.5','binary','active','',1794453139836010,1794453120000000,1798385280000000,1798223280000000,NULL,'greater',196.5,NULL,'If the two teams collectively score more than 196.5 points in the Miami at Houston Pro Football game originally scheduled for Dec 27, 2026, then the market resolves to Yes.',1,0,NULL,0,1795749149592808,1795749149592808);
INSERT INTO "markets" VALUES(6,'KXNFLGAME-26DEC14ATMPHI8-ATM',1,'Atlético Madrid vs Philadelphia Atlético Madrid','Atlético Madrid','Atlético Madrid','binary','active','',1793157138324525,1793157120000000,1797235800000000,1797073800000000,NULL,'structured',NULL,NULL,'If Atlético Madrid wins the Atlético Madrid vs Philadelphia Pro Football game originally scheduled for Dec 14, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749149592808,1795749149592808);
INSERT INTO "markets" VALUES(7,'KXNFLGAME-26DEC14ATMPHI8-PHI',1,'Atlético Madrid vs Philadelphia Philadelphia','Philadelphia','Philadelphia','binary','active','',1793157138324525,1793157120000000,1797235800000000,1797073800000000,NULL,'structured',NULL,NULL,'If Philadelphia wins the Atlético Madrid vs Philadelphia Pro Football game originally scheduled for Dec 14, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749149592808,1795749149592808);
INSERT INTO "markets" VALUES(8,'KXNFLGAME-26DEC14ATMPHI8-TIE',1,'Atlético Madrid vs Philadelphia Tie','Tie','Tie','binary','active','',1793157138324525,1793157120000000,1797235800000000,1797073800000000,NULL,'structured',NULL,NULL,'If Tie wins the Atlético Madrid vs Philadelphia Pro Football game originally scheduled for Dec 14, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749149592808,1795749149592808);
INSERT INTO "markets" VALUES(9,'KXHIGHNY-26DEC08A-T51',3,'Highest temperature in New York City on Dec 8, 2026?  50° or below','50° or below','50° or below','binary','active','',1795749169000000,1795749120000000,1796764200000000,1796602200000000,1796764200000000,'less',NULL,51.0,'If the highest temperature recorded in New York City for Dec 8, 2026, is 50° or below fahrenheit according to the National Weather Service''s Climatological Report (Daily), then the market resolves to Yes.',NULL,0,NULL,0,1795749149631440,1795749149631440);
INSERT INTO "markets" VALUES(10,'KXMVECROSSCATEGORY-S20260575C7F831D-52A3A22A5E9',4,'no more than 184.5,yes more than 193.5,yes more than 193.5','no more than 184.5,yes more than 193.5,yes more than 193.5','no more than 184.5,yes more than 193.5,yes more than 193.5','binary','active','',1795749249000000,1795749249000000,1797044400000000,1796882400000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVECROSSCATEGORY-R',0,1795749149740407,1795749149740407);
INSERT INTO "markets" VALUES(11,'KXHIGHNY-26DEC08A-B51.5',3,'Highest temperature in New York City on Dec 8, 2026?  51° to 52°','51° to 52°','51° to 52°','binary','active','',1795749229000000,1795749180000000,1796764200000000,1796602200000000,1796764200000000,'between',51.0,52.0,'If the highest temperature recorded in New York City for Dec 8, 2026, is 51° to 52° fahrenheit according to the National Weather Service''s Climatological Report (Daily), then the market resolves to Yes.',NULL,0,NULL,0,1795749149740407,1795749149740407);
INSERT INTO "markets" VALUES(12,'KXMVESPORTSMULTIGAMEEXTENDED-S2026F3890E8B40E-8D1D11AF8E0',5,'no more than 184.5,no more than 190.5,yes more than 187.5,no Philadelphia,yes Tie','no more than 184.5,no more than 190.5,yes more than 187.5,no Philadelphia,yes Tie','no more than 184.5,no more than 190.5,yes more than 187.5,no Philadelphia,yes Tie','binary','active','',1795749189000000,1795749189000000,1797044400000000,1796882400000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVESPORTSMULTIGAMEEXTENDED-R',0,1795749149740407,1795749149740407);
INSERT INTO "markets" VALUES(13,'KXMVECROSSCATEGORY-S20267D8B6F4F1FA-38DFC1C5483',6,'yes Atlético Madrid,yes more than 187.5,yes more than 193.5,yes more than 187.5,yes Atlético Madrid','yes Atlético Madrid,yes more than 187.5,yes more than 193.5,yes more than 187.5,yes Atlético Madrid','yes Atlético Madrid,yes more than 187.5,yes more than 193.5,yes more than 187.5,yes Atlético Madrid','binary','active','',1795734725622569,1795734725622569,1797030000000000,1796868000000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVECROSSCATEGORY-R',0,1795749149740407,1795749149740407);
INSERT INTO "markets" VALUES(14,'KXMVESPORTSMULTIGAMEEXTENDED-S2026C5E357A9A27-B7E59EC95E5',7,'no Philadelphia,yes more than 187.5,no Philadelphia,no Philadelphia,yes Atlético Madrid','no Philadelphia,yes more than 187.5,no Philadelphia,no Philadelphia,yes Atlético Madrid','no Philadelphia,yes more than 187.5,no Philadelphia,no Philadelphia,yes Atlético Madrid','binary','active','',1795749309000000,1795749309000000,1797045300000000,1796883300000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVESPORTSMULTIGAMEEXTENDED-R',0,1795749149759276,1795749149759276);
INSERT INTO "markets" VALUES(15,'KXHIGHNY-26DEC08A-B53.5',3,'Highest temperature in New York City on Dec 8, 2026?  53° to 54°','53° to 54°','53° to 54°','binary','active','',1795749289000000,1795749240000000,1796764200000000,1796602200000000,1796764200000000,'between',53.0,54.0,'If the highest temperature recorded in New York City for Dec 8, 2026, is 53° to 54° fahrenheit according to the National Weather Service''s Climatological Report (Daily), then the market resolves to Yes.',NULL,0,NULL,0,1795749149759276,1795749149759276);
INSERT INTO "markets" VALUES(16,'KXHIGHNY-26DEC08A-B57.5',3,'Highest temperature in New York City on Dec 8, 2026?  57° to 58°','57° to 58°','57° to 58°','binary','active','',1795749409000000,1795749360000000,1796764200000000,1796602200000000,1796764200000000,'between',57.0,58.0,'If the highest temperature recorded in New York City for Dec 8, 2026, is 57° to 58° fahrenheit according to the National Weather Service''s Climatological Report (Daily), then the market resolves to Yes.',NULL,0,NULL,0,1795749149856376,1795749149856376);
INSERT INTO "markets" VALUES(17,'KXBTCD-26DEC10B-T89647.99',8,'Bitcoin price on Dec 10, 2026? $89,647.99 or above','$89,647.99 or above','$89,647.99 or above','binary','active','',1795749529000000,1795749480000000,1796881740000000,1796719740000000,1796881740000000,'greater_or_equal',89647.99,NULL,'If the simple average of the sixty seconds of CF Benchmarks'' Bitcoin Real-Time Index before the close is $89,647.99 or above on Dec 10, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749149953423,1795749149953423);
INSERT INTO "markets" VALUES(18,'KXHIGHNY-26DEC08A-T59',3,'Highest temperature in New York City on Dec 8, 2026?  60° or above','60° or above','60° or above','binary','active','',1795749469000000,1795749420000000,1796764200000000,1796602200000000,1796764200000000,'greater',59.0,NULL,'If the highest temperature recorded in New York City for Dec 8, 2026, is 60° or above fahrenheit according to the National Weather Service''s Climatological Report (Daily), then the market resolves to Yes.',1,0,NULL,0,1795749149953423,1795749149953423);
INSERT INTO "markets" VALUES(19,'KXHIGHNY-26DEC08A-B55.5',3,'Highest temperature in New York City on Dec 8, 2026?  55° to 56°','55° to 56°','55° to 56°','binary','active','',1795749349000000,1795749540000000,1796764200000000,1796602200000000,1796764200000000,'between',55.0,56.0,'If the highest temperature recorded in New York City for Dec 8, 2026, is 55° to 56° fahrenheit according to the National Weather Service''s Climatological Report (Daily), then the market resolves to Yes.',NULL,0,NULL,0,1795749149953423,1795749149953423);
INSERT INTO "markets" VALUES(20,'KXMVECROSSCATEGORY-S2026A1D028A04F3-53C45DAF5DD',9,'yes more than 187.5,yes Tie,no Philadelphia,no more than 184.5,yes Tie,no Philadelphia','yes more than 187.5,yes Tie,no Philadelphia,no more than 184.5,yes Tie,no Philadelphia','yes more than 187.5,yes Tie,no Philadelphia,no more than 184.5,yes Tie,no Philadelphia','binary','active','',1795749609000000,1795749609000000,1797045300000000,1796883300000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVECROSSCATEGORY-R',0,1795749150007147,1795749150007147);
INSERT INTO "markets" VALUES(21,'KXBTCD-26DEC10B-T89897.99',8,'Bitcoin price on Dec 10, 2026? $89,897.99 or above','$89,897.99 or above','$89,897.99 or above','binary','active','',1795749589000000,1795749540000000,1796881740000000,1796719740000000,1796881740000000,'greater_or_equal',89897.99,NULL,'If the simple average of the sixty seconds of CF Benchmarks'' Bitcoin Real-Time Index before the close is $89,897.99 or above on Dec 10, 2026, then the market resolves to Yes.',NULL,0,NULL,0,1795749150007147,1795749150007147);
INSERT INTO "markets" VALUES(22,'KXMVESPORTSMULTIGAMEEXTENDED-S2026709EA14C653-BAABB5DF522',10,'no Philadelphia,yes more than 187.5,no more than 196.5,no more than 184.5,no more than 196.5,yes more than 187.5','no Philadelphia,yes more than 187.5,no more than 196.5,no more than 184.5,no more than 196.5,yes more than 187.5','no Philadelphia,yes more than 187.5,no more than 196.5,no more than 184.5,no more than 196.5,yes more than 187.5','binary','active','',1795749549000000,1795749549000000,1797045300000000,1796883300000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVESPORTSMULTIGAMEEXTENDED-R',0,1795749150007147,1795749150007147);
INSERT INTO "markets" VALUES(23,'KXMVECROSSCATEGORY-S202682AA15654E6-F29FDEB1658',11,'yes Tie,no more than 190.5,yes Tie,no more than 184.5','yes Tie,no more than 190.5,yes Tie,no more than 184.5','yes Tie,no more than 190.5,yes Tie,no more than 184.5','binary','active','',1795749489000000,1795749489000000,1797045300000000,1796883300000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVECROSSCATEGORY-R',0,1795749150007147,1795749150007147);
INSERT INTO "markets" VALUES(24,'KXMVESPORTSMULTIGAMEEXTENDED-S20268640FBB5737-E5D28D86A92',12,'no more than 184.5,yes Atlético Madrid,no Philadelphia,no more than 196.5,yes more than 193.5','no more than 184.5,yes Atlético Madrid,no Philadelphia,no more than 196.5,yes more than 193.5','no more than 184.5,yes Atlético Madrid,no Philadelphia,no more than 196.5,yes more than 193.5','binary','active','',1795749429000000,1795749429000000,1797045300000000,1796883300000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVESPORTSMULTIGAMEEXTENDED-R',0,1795749150007147,1795749150007147);
INSERT INTO "markets" VALUES(25,'KXMVECROSSCATEGORY-S202636F5E3A8257-313D460DF7A',13,'yes more than 193.5,yes Tie,no more than 184.5','yes more than 193.5,yes Tie,no more than 184.5','yes more than 193.5,yes Tie,no more than 184.5','binary','active','',1795749369000000,1795749369000000,1797045300000000,1796883300000000,NULL,'custom',NULL,NULL,NULL,1,1,'KXMVECROSSCATEGORY-R',0,1795749150007147,1795749150007147);
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
INSERT INTO "price_snapshots" VALUES(1,1,950000,980000,34352,38300,0,0,0,93600158,0);
INSERT INTO "price_snapshots" VALUES(1,2,10000,20000,41037,560126,10000,284109,47095,93600158,0);
INSERT INTO "price_snapshots" VALUES(1,3,500000,510000,3718781,282813,0,0,0,93600158,0);
INSERT INTO "price_snapshots" VALUES(1,4,700000,720000,767300,2831700,720000,261110,0,93600158,0);
INSERT INTO "price_snapshots" VALUES(1,5,70000,90000,278000,1449135,0,0,0,93600158,0);
INSERT INTO "price_snapshots" VALUES(1,6,460000,470000,11100,38053,430000,95200,0,93600158,0);
INSERT INTO "price_snapshots" VALUES(1,7,410000,440000,4794631,764400,430000,49968,49968,93600158,0);
INSERT INTO "price_snapshots" VALUES(1,8,940000,950000,311873,3800939,950000,218802,68244,93600158,0);
INSERT INTO "price_snapshots" VALUES(2,2,10000,20000,388831,16785,10000,284109,47095,93300176,0);
INSERT INTO "price_snapshots" VALUES(2,4,710000,730000,306847,4082490,720000,261110,0,93300176,0);
INSERT INTO "price_snapshots" VALUES(2,6,NULL,NULL,NULL,NULL,NULL,NULL,NULL,93300181,1);
INSERT INTO "price_snapshots" VALUES(2,8,960000,970000,2916200,4896984,970000,256602,49344,93300176,0);
INSERT INTO "price_snapshots" VALUES(2,9,630000,660000,570284,444381,0,0,0,93300176,0);
INSERT INTO "price_snapshots" VALUES(3,1,950000,980000,34352,38300,0,0,0,92400286,0);
INSERT INTO "price_snapshots" VALUES(3,2,10000,20000,388831,16785,10000,284109,47095,92400286,0);
INSERT INTO "price_snapshots" VALUES(3,3,500000,510000,3718781,282813,0,0,0,92400286,0);
INSERT INTO "price_snapshots" VALUES(3,4,720000,740000,2261000,2469339,720000,261110,0,92400286,0);
INSERT INTO "price_snapshots" VALUES(3,5,60000,80000,2426400,1779195,0,0,0,92400286,0);
INSERT INTO "price_snapshots" VALUES(3,7,410000,440000,233400,87700,440000,50172,50172,92400286,0);
INSERT INTO "price_snapshots" VALUES(3,9,630000,660000,570284,444381,0,0,0,92400286,0);
INSERT INTO "price_snapshots" VALUES(3,10,NULL,NULL,0,0,0,0,0,92400286,0);
INSERT INTO "price_snapshots" VALUES(3,11,540000,570000,196000,687700,0,0,0,92400286,0);
INSERT INTO "price_snapshots" VALUES(3,12,NULL,66000,0,10164,0,0,0,92400286,0);
INSERT INTO "price_snapshots" VALUES(3,13,NULL,NULL,0,0,0,0,0,92400286,0);
INSERT INTO "price_snapshots" VALUES(4,3,510000,520000,235900,3983835,0,0,0,92100306,0);
INSERT INTO "price_snapshots" VALUES(4,4,740000,760000,63297,648745,720000,261110,0,92100306,0);
INSERT INTO "price_snapshots" VALUES(4,7,390000,420000,864170,1246918,420000,189989,0,92100306,0);
INSERT INTO "price_snapshots" VALUES(4,9,NULL,NULL,NULL,NULL,NULL,NULL,NULL,92100309,1);
INSERT INTO "price_snapshots" VALUES(4,10,635000,636000,583800,3629100,0,0,0,92100306,0);
INSERT INTO "price_snapshots" VALUES(4,13,NULL,NULL,NULL,NULL,NULL,NULL,NULL,92100309,1);
INSERT INTO "price_snapshots" VALUES(4,14,NULL,NULL,0,0,0,0,0,92100306,0);
INSERT INTO "price_snapshots" VALUES(4,15,500000,520000,4212200,1049700,0,0,0,92100306,0);
INSERT INTO "price_snapshots" VALUES(5,1,950000,980000,34352,38300,0,0,0,4200010,0);
INSERT INTO "price_snapshots" VALUES(5,2,10000,20000,388831,16785,10000,284109,47095,4200010,0);
INSERT INTO "price_snapshots" VALUES(5,3,510000,520000,235900,3983835,0,0,0,4200010,0);
INSERT INTO "price_snapshots" VALUES(5,4,750000,770000,202900,371080,720000,261110,0,4200010,0);
INSERT INTO "price_snapshots" VALUES(5,5,60000,80000,2426400,1779195,0,0,0,4200010,0);
INSERT INTO "price_snapshots" VALUES(6,2,10000,20000,388831,16785,10000,284109,47095,3900013,0);
INSERT INTO "price_snapshots" VALUES(6,3,510000,520000,235900,3983835,0,0,0,3900013,0);
INSERT INTO "price_snapshots" VALUES(6,4,750000,770000,202900,371080,720000,261110,0,3900013,0);
INSERT INTO "price_snapshots" VALUES(6,5,80000,100000,1687838,418335,100000,200,0,3900013,0);
INSERT INTO "price_snapshots" VALUES(6,7,410000,440000,2881555,629200,420000,189989,0,3900013,0);
INSERT INTO "price_snapshots" VALUES(6,8,NULL,NULL,NULL,NULL,NULL,NULL,NULL,3900022,1);
INSERT INTO "price_snapshots" VALUES(6,11,540000,570000,196000,687700,0,0,0,3900013,0);
INSERT INTO "price_snapshots" VALUES(6,16,950000,990000,62970,30750,0,0,0,3900013,0);
INSERT INTO "price_snapshots" VALUES(8,3,NULL,NULL,NULL,NULL,NULL,NULL,NULL,25,1);
INSERT INTO "price_snapshots" VALUES(8,4,780000,800000,851,21700,770000,277810,0,12,0);
INSERT INTO "price_snapshots" VALUES(8,7,390000,420000,53764,4612543,420000,190089,0,12,0);
INSERT INTO "price_snapshots" VALUES(8,16,NULL,NULL,NULL,NULL,NULL,NULL,NULL,25,1);
INSERT INTO "price_snapshots" VALUES(8,17,700000,701000,174400,890209,0,0,0,12,0);
INSERT INTO "price_snapshots" VALUES(8,18,NULL,NULL,0,0,0,0,0,12,0);
INSERT INTO "price_snapshots" VALUES(8,19,260000,290000,709318,300000,0,0,0,12,0);
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
INSERT INTO "quarantine" VALUES(1,'markets','KXHIGHNY-26DEC08A-T51','{"can_close_early": true, "early_close_condition": "This market will close and expire early if the event occurs.", "event_ticker": "KXHIGHNY-26DEC08A", "exchange_index": 0, "market_type": "binary", "notional_value_dollars": "1.0000", "price_level_structure": "linear_cent", "price_ranges": [{"end": "1.0000", "start": "0.0000", "step": "0.0100"}], "rules_secondary": "Revisions made after expiration do not count, and a value that has not been published when the market expires is replaced by the last one that was.  The Exchange may close the market early where the outcome is known; if it has to be determined by another source, members are told at least one day before.\n\nPersons employed by the source agency, and persons who hold material non-public information on the value, may not trade. More than one market of this event can be open at the same time; each is settled on its own. ", "settlement_bounds_type": "default", "settlement_timer_seconds": 1800, "cap_strike": 51, "strike_type": "less", "occurrence_datetime": "2026-12-08T21:10:00Z", "no_sub_title": "50\u00b0 or below", "rules_primary": "If the highest temperature recorded in New York City for Dec 8, 2026, is 50\u00b0 or below fahrenheit according to the National Weather Service''s Climatological Report (Daily), then the market resolves to Yes.", "title": "Highest temperature in New York City on Dec 8, 2026?  50\u00b0 or below", "yes_sub_title": "50\u00b0 or below", "last_price_dollars": "0.0000", "no_ask_dollars": "0.3700", "no_bid_dollars": "0.3400", "open_interest_fp": "0.00", "previous_price_dollars": "0.0000", "previous_yes_ask_dollars": "1.0000", "previous_yes_bid_dollars": "0.0000", "volume_24h_fp": "0.00", "volume_fp": "0.00", "yes_ask_dollars": "0.6600", "yes_ask_size_fp": "4443.81", "yes_bid_dollars": "abc", "yes_bid_size_fp": "5702.84", "close_time": "2026-12-08T21:10:00Z", "created_time": "2026-11-27T03:12:49Z", "expected_expiration_time": "2026-12-07T00:10:00Z", "expiration_time": "2026-12-15T21:10:00Z", "expiration_value": "", "latest_expiration_time": "2026-12-15T21:10:00Z", "open_time": "2026-11-27T03:12:00Z", "result": "", "status": "active", "ticker": "KXHIGHNY-26DEC08A-T51", "updated_time": "2026-11-27T03:12:49Z"}','yes_bid_dollars: ''abc'' is not a decimal number','listings/4',1795749149675703,1795749149675703);
INSERT INTO "quarantine" VALUES(2,'markets','KXNFLTOTAL-26DEC27MIAHOU9','{"can_close_early": true, "early_close_condition": "This market will close and expire early if the event occurs.", "event_ticker": "KXNFLTOTAL-26DEC27MIAHOU9", "exchange_index": 3, "market_type": "binary", "notional_value_dollars": "1.0000", "price_level_structure": "linear_cent", "price_ranges": [{"end": "1.0000", "start": "0.0000", "step": "0.0100"}], "rules_secondary": "Revisions made after expiration do not count, and a value that has not been published when the market expires is replaced by the last one that was.  The Exchange may close the market early where the outcome is known; if it has to be determined by another source, members are told at least one day before.\n\nPersons employed by the source agency, and persons who hold material non-public information on the value, may not trade. More than one market of this event can be open at the same time; each is settled on its own. ", "settlement_bounds_type": "default", "settlement_timer_seconds": 60, "floor_strike": 184.5, "strike_type": "greater", "no_sub_title": "more than 184.5", "rules_primary": "If the two teams collectively score more than 184.5 points in the Miami at Houston Pro Football game originally scheduled for Dec 27, 2026, then the market resolves to Yes.", "title": "Miami at Houston: Total points more than 184.5", "yes_sub_title": "more than 184.5", "last_price_dollars": "0.0000", "no_ask_dollars": "0.0500", "no_bid_dollars": "0.0200", "open_interest_fp": "0.00", "previous_price_dollars": "0.0000", "previous_yes_ask_dollars": "0.9800", "previous_yes_bid_dollars": "0.9300", "volume_24h_fp": "0.00", "volume_fp": "0.00", "yes_ask_dollars": "0.9800", "yes_ask_size_fp": "383.00", "yes_bid_dollars": "0.9500", "yes_bid_size_fp": "343.52", "close_time": "2026-12-27T15:28:00Z", "created_time": "2026-11-12T03:12:19.83601Z", "expected_expiration_time": "2026-12-25T18:28:00Z", "expiration_time": "2027-01-03T15:28:00Z", "expiration_value": "", "latest_expiration_time": "2027-01-03T15:28:00Z", "open_time": "2026-11-12T03:12:00Z", "result": "", "status": "active", "ticker": {"moved": true}, "updated_time": "2026-11-12T03:12:19.83601Z"}','ticker: Input should be a valid string','listings/4',1795749149675703,1795749149675703);
INSERT INTO "quarantine" VALUES(3,'markets','feb4009ac4797f1db39aefb239ab187fb454758b676ea3cbe2ff26eae6a8f470','{"can_close_early": true, "early_close_condition": "This market will close and expire early if the event occurs.", "exchange_index": 3, "market_type": "binary", "notional_value_dollars": "1.0000", "price_level_structure": "linear_cent", "price_ranges": [{"end": "1.0000", "start": "0.0000", "step": "0.0100"}], "rules_secondary": "Revisions made after expiration do not count, and a value that has not been published when the market expires is replaced by the last one that was.  The Exchange may close the market early where the outcome is known; if it has to be determined by another source, members are told at least one day before.\n\nPersons employed by the source agency, and persons who hold material non-public information on the value, may not trade. More than one market of this event can be open at the same time; each is settled on its own. ", "settlement_bounds_type": "default", "settlement_timer_seconds": 60, "floor_strike": 190.5, "strike_type": "greater", "no_sub_title": "more than 190.5", "rules_primary": "If the two teams collectively score more than 190.5 points in the Miami at Houston Pro Football game originally scheduled for Dec 27, 2026, then the market resolves to Yes.", "title": "Miami at Houston: Total points more than 190.5", "yes_sub_title": "more than 190.5", "last_price_dollars": "0.0000", "no_ask_dollars": "0.5000", "no_bid_dollars": "0.4900", "open_interest_fp": "0.00", "previous_price_dollars": "0.0000", "previous_yes_ask_dollars": "0.5100", "previous_yes_bid_dollars": "0.4800", "volume_24h_fp": "0.00", "volume_fp": "0.00", "yes_ask_dollars": "0.5100", "yes_ask_size_fp": "2828.13", "yes_bid_dollars": "0.5000", "yes_bid_size_fp": "37187.81", "close_time": "2026-12-27T15:28:00Z", "created_time": "2026-11-12T03:12:19.83601Z", "expected_expiration_time": "2026-12-25T18:28:00Z", "expiration_time": "2027-01-03T15:28:00Z", "expiration_value": "", "latest_expiration_time": "2027-01-03T15:28:00Z", "open_time": "2026-11-12T03:12:00Z", "result": "", "status": "active", "updated_time": "2026-11-12T03:12:19.83601Z"}','ticker: Field required; event_ticker: Field required','listings/4',1795749149675703,1795749149675703);
INSERT INTO "quarantine" VALUES(4,'markets','KXNFLTOTAL-26DEC27MIAHOU9-196.5','{"can_close_early": true, "early_close_condition": "This market will close and expire early if the event occurs.", "event_ticker": "KXNFLTOTAL-26DEC27MIAHOU9", "exchange_index": 3, "market_type": "binary", "notional_value_dollars": "1.0000", "price_level_structure": "linear_cent", "price_ranges": [{"end": "1.0000", "start": "0.0000", "step": "0.0100"}], "rules_secondary": "Revisions made after expiration do not count, and a value that has not been published when the market expires is replaced by the last one that was.  The Exchange may close the market early where the outcome is known; if it has to be determined by another source, members are told at least one day before.\n\nPersons employed by the source agency, and persons who hold material non-public information on the value, may not trade. More than one market of this event can be open at the same time; each is settled on its own. ", "settlement_bounds_type": "default", "settlement_timer_seconds": 60, "floor_strike": 196.5, "strike_type": "greater", "no_sub_title": "more than 196.5", "rules_primary": "If the two teams collectively score more than 196.5 points in the Miami at Houston Pro Football game originally scheduled for Dec 27, 2026, then the market resolves to Yes.", "title": "Miami at Houston: Total points more than 196.5", "yes_sub_title": "more than 196.5", "last_price_dollars": "0.0000", "no_ask_dollars": "0.9300", "no_bid_dollars": "0.9100", "open_interest_fp": "0.00", "previous_price_dollars": "0.0000", "previous_yes_ask_dollars": "0.0900", "previous_yes_bid_dollars": "0.0500", "volume_24h_fp": "0.00", "volume_fp": "0.00", "yes_ask_dollars": "0.0900", "yes_ask_size_fp": "14491.35", "yes_bid_dollars": "abc", "yes_bid_size_fp": "2780.00", "close_time": "2026-12-27T15:28:00Z", "created_time": "2026-11-12T03:12:19.83601Z", "expected_expiration_time": "2026-12-25T18:28:00Z", "expiration_time": "2027-01-03T15:28:00Z", "expiration_value": "", "latest_expiration_time": "2027-01-03T15:28:00Z", "open_time": "2026-11-12T03:12:00Z", "result": "", "status": "active", "ticker": "KXNFLTOTAL-26DEC27MIAHOU9-196.5", "updated_time": "2026-11-12T03:12:19.83601Z", "is_provisional": true}','yes_bid_dollars: ''abc'' is not a decimal number','listings/4',1795749149675703,1795749149675703);
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
INSERT INTO "series" VALUES(1,'KXNFLGAME','Pro Football: away vs home','Sports','custom','Football',0,1795749149565231,1795749149565231);
INSERT INTO "series" VALUES(2,'KXNFLTOTAL','Pro Football: away at home: Total points','Sports','custom','Basketball,Football',0,1795749149565231,1795749149565231);
INSERT INTO "series" VALUES(3,'KXHIGHNY','Highest temperature in New York City on the day? ','Climate and Weather','daily','Daily temperature,Weather',0,1795749149565231,1795749149565231);
INSERT INTO "series" VALUES(4,'KXBTCD','Bitcoin price on the day?','Crypto','hourly','Crypto',0,1795749149565231,1795749149565231);
INSERT INTO "series" VALUES(5,'KXPRESWIN','Who will be the next President?','Politics','one_off',NULL,0,1795749149565231,1795749149565231);
INSERT INTO "series" VALUES(6,'KXFEDMENTION','What will the Fed chair say on the day?','Mentions','custom','Fed,Politicians',0,1795749149565231,1795749149565231);
INSERT INTO "series" VALUES(7,'KXBTCMAX','How high will  Bitcoin get by the day?','Crypto','weekly','Crypto,Pre-market',0,1795749149565231,1795749149565231);
INSERT INTO "series" VALUES(8,'KXCPI','What will CPI, year over year be in the day?','Economics','monthly','Inflation,Growth',0,1795749149565231,1795749149565231);
INSERT INTO "series" VALUES(9,'KXMVECROSSCATEGORY','Combo','Sports','custom',NULL,0,1795749149565231,1795749149565231);
INSERT INTO "series" VALUES(10,'KXMVESPORTSMULTIGAMEEXTENDED','Combo','Sports','custom',NULL,0,1795749149565231,1795749149565231);
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
INSERT INTO "ticks" VALUES(1,1795655549451562,NULL,0,'all series, no combos',1795749149600201,1795749149617357,'complete',NULL,1,8,8,0,0,0,0,0,1,0,0);
INSERT INTO "ticks" VALUES(2,1795655849451562,NULL,0,'all series, no combos',1795749149619682,1795749149634764,'complete',NULL,1,8,4,4,0,0,0,0,1,0,1);
INSERT INTO "ticks" VALUES(3,1795656749451562,NULL,0,'all series, with combos',1795749149721076,1795749149748359,'complete',NULL,1,11,11,0,0,0,3,0,1,4,0);
INSERT INTO "ticks" VALUES(4,1795657049451562,NULL,0,'all series, with combos',1795749149751249,1795749149761573,'complete',NULL,1,11,6,5,0,0,1,0,1,0,2);
INSERT INTO "ticks" VALUES(5,1795744949790763,NULL,0,'KXNFLTOTAL, no combos',1795749149791571,1795749149809600,'complete',NULL,1,5,5,0,0,0,0,0,1,4,0);
INSERT INTO "ticks" VALUES(6,1795745249840590,NULL,0,'all series, no combos',1795749149841372,1795749149864578,'complete',NULL,1,7,7,0,0,0,0,0,1,4,1);
INSERT INTO "ticks" VALUES(7,1795747349895617,NULL,NULL,'all series, no combos',1795749149896507,1795749149907951,'failed','http://127.0.0.1:43837/trade-api/v2/markets answered 502 (bad gateway), after 0 s of retries: see that the exchange is up and KALSHI_API_URL is right, then run again',0,0,0,0,0,0,0,0,1,0,0);
INSERT INTO "ticks" VALUES(8,1795749149937000,300.0,0,'all series, no combos',1795749149937614,1795749149964330,'complete',NULL,1,8,5,3,0,0,0,0,1,0,2);
CREATE INDEX ix_listings_asset ON listings (asset, id);
CREATE INDEX ix_events_series_id ON events (series_id);
CREATE INDEX ix_markets_event_id ON markets (event_id);
CREATE INDEX ix_series_placeholder ON series (first_seen_at) WHERE is_placeholder = 1;
CREATE INDEX ix_events_placeholder ON events (first_seen_at) WHERE is_placeholder = 1;
CREATE INDEX ix_markets_placeholder ON markets (first_seen_at) WHERE is_placeholder = 1;
CREATE INDEX ix_markets_active_created_at ON markets (is_combo, created_at, status) WHERE status = 'active';
CREATE INDEX ix_price_snapshots_market_id_tick_id ON price_snapshots (market_id, tick_id);
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
)
SELECT
    m.ticker AS ticker,
    e.ticker AS event_ticker,
    s.ticker AS series_ticker,
    coalesce(m.title, m.yes_sub_title) AS title,
    m.status AS status,
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
    (SELECT confirmed_at FROM standings WHERE scope = t.scope AND complete_at >= t.tick_at) AS confirmed_at,
    (SELECT newest_at = t.tick_at FROM standings WHERE scope = t.scope) AS is_observed,
    (SELECT newest_at IS complete_at FROM standings WHERE scope = t.scope) AS is_tick_complete
FROM latest_quotes AS q
JOIN markets AS m ON m.id = q.market_id
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id
JOIN ticks AS t ON t.id = q.tick_id;
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
JOIN ticks AS t ON t.id = q.tick_id;
CREATE VIEW quotes_by_tick AS
SELECT
    m.ticker AS ticker,
    t.id AS tick_id,
    strftime('%Y-%m-%dT%H:%M:%S', t.tick_at / 1000000, 'unixepoch') || printf('.%06dZ', t.tick_at % 1000000) AS tick_at,
    strftime('%Y-%m-%dT%H:%M:%S', r.tick_at / 1000000, 'unixepoch') || printf('.%06dZ', r.tick_at % 1000000) AS quoted_at,
    strftime('%Y-%m-%dT%H:%M:%S', (r.tick_at + q.received_ms * 1000) / 1000000, 'unixepoch') || printf('.%06dZ', (r.tick_at + q.received_ms * 1000) % 1000000) AS received_at,
    
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
    q.tick_id = t.id AS is_observed,
    t.state = 'complete' AS is_tick_complete
FROM ticks AS t
CROSS JOIN latest_quotes AS l
JOIN markets AS m ON m.id = l.market_id
CROSS JOIN price_snapshots AS q
CROSS JOIN ticks AS r
WHERE t.state IN ('running', 'complete', 'partial') AND (l.tick_id > t.id OR NOT l.is_terminal)
    AND q.market_id = l.market_id AND q.tick_id = CASE WHEN l.tick_id <= t.id THEN l.tick_id ELSE (SELECT max(p.tick_id) FROM price_snapshots AS p WHERE p.market_id = l.market_id AND p.tick_id <= t.id) END AND NOT q.is_terminal
    AND r.id = q.tick_id AND r.scope = t.scope;
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
COMMIT;
