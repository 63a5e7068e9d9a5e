-- A registry of schema 4, as nametag left it at commit 03ddd7e: four pets imported, others registered over the API, and changed
-- by the commands.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
INSERT INTO goose_db_version VALUES(1,0,1,'2026-11-28 13:24:16');
INSERT INTO goose_db_version VALUES(2,1,1,'2026-11-28 13:24:16');
INSERT INTO goose_db_version VALUES(3,2,1,'2026-11-28 13:24:16');
INSERT INTO goose_db_version VALUES(4,3,1,'2026-11-28 13:24:16');
INSERT INTO goose_db_version VALUES(5,4,1,'2026-11-28 13:24:16');
CREATE TABLE idempotency_keys (
    key              TEXT    NOT NULL PRIMARY KEY,
    fingerprint      BLOB    NOT NULL, -- SHA-256 of the registration: 32 bytes
    outcome          TEXT    NOT NULL, -- 'registered' or 'taken'
    name_key         TEXT,
    name             TEXT,
    favorite_color   TEXT,
    category         TEXT,
    registered_at_us INTEGER,          -- microseconds since 1970-01-01 00:00 UTC
    created_at_us    INTEGER NOT NULL  -- of the first use: microseconds since 1970-01-01 00:00 UTC
) STRICT, WITHOUT ROWID;
INSERT INTO idempotency_keys VALUES('api:0f8fad5b-d9cb-469f-a165-70867728950e',X'22ee99fca774fb4b531f78c792b42430fb632329e3823120d8dd3e7d5ee02b05','taken','rex','Rex','brown','dog',1795872256758308,1795872256838189);
INSERT INTO idempotency_keys VALUES('api:3b241101-e2bb-4255-8caf-4136c566a962',X'0b45ca7e8fd7cfe66d307d7a41e222598b085b921005a1d9fa6704c5e8288c6f','registered','rex','Rex','brown','dog',1795872256758308,1795872256758764);
CREATE TABLE acme_cache (
    name          TEXT    NOT NULL PRIMARY KEY, -- the ACME server's directory and what it is of it, compared byte for byte
    data          BLOB    NOT NULL,
    updated_at_us INTEGER NOT NULL              -- microseconds since 1970-01-01 00:00 UTC
) STRICT, WITHOUT ROWID;
CREATE TABLE schema_floor (
    version INTEGER NOT NULL
) STRICT;
INSERT INTO schema_floor VALUES(4);
CREATE TABLE pets (
    name_key         TEXT    NOT NULL PRIMARY KEY, -- compared byte for byte
    lookalike_key    TEXT    NOT NULL,             -- the same
    let_pass         INTEGER NOT NULL,             -- 1 if it may look like another: its lookalike key keeps nobody away
    name             TEXT    NOT NULL,             -- as shown, Unicode NFC
    favorite_color   TEXT    NOT NULL,             -- the owner's words
    category         TEXT    NOT NULL,             -- one of the policy's words, such as 'cat'
    registered_at_us INTEGER NOT NULL              -- microseconds since 1970-01-01 00:00 UTC
) STRICT, WITHOUT ROWID;
INSERT INTO pets VALUES('bel-la','bella',0,'Bel-la','red','cat',1542326400000000);
INSERT INTO pets VALUES('bella','bella',1,'Bella','gold','dog',1549152000000000);
INSERT INTO pets VALUES('mac','rnac',0,'Mac','blue','dog',1588723200000000);
INSERT INTO pets VALUES('rex','rex',0,'Rex','gold','dog',1795872256758308);
CREATE TABLE rulings (
    name_key      TEXT    NOT NULL PRIMARY KEY,
    lookalike_key TEXT    NOT NULL,
    kind          TEXT    NOT NULL, -- 'reserved', 'quarantine' or 'let_pass'
    name          TEXT    NOT NULL,
    reason        TEXT    NOT NULL, -- shown to people
    at_us         INTEGER NOT NULL, -- microseconds since 1970-01-01 00:00 UTC
    until_us      INTEGER           -- the same; null for as long as it is not taken back
) STRICT, WITHOUT ROWID;
INSERT INTO rulings VALUES('king','king','reserved','King','Kept for the club''s own dogs.',1795872257075212,NULL);
INSERT INTO rulings VALUES('mcintosh','rnclntosh','quarantine','McIntosh','',1795872256876363,1858944256876363);
INSERT INTO rulings VALUES('möbius','rnöbius','quarantine','Möbius','',1795872256955089,1858944256955089);
INSERT INTO rulings VALUES('r.ex','rex','let_pass','R.ex','Its owner knows of Rex.',1795872257165624,NULL);
CREATE TABLE journal (
    seq        INTEGER NOT NULL PRIMARY KEY, -- without gaps, in the order of the commits
    name_key   TEXT    NOT NULL,             -- of the name that the entry is about
    former_key TEXT,                         -- of the name before, if it was another
    entry      TEXT    NOT NULL,             -- JSON, on one line
    hash       BLOB    NOT NULL
) STRICT;
INSERT INTO journal VALUES(1,'bel-la',NULL,'{"seq":1,"at":"2026-11-28T13:24:16.24981Z","action":"imported","via":"import","who":"ann","policy":"policy-f2b7b3c4","after":{"pet":{"name":"Bel-la","name_key":"bel-la","lookalike_key":"bella","favorite_color":"red","category":"cat","registered_at":"2018-11-16T00:00:00Z"}}}',X'5e3911a4ceb4266c577f2834165f34d61b911a68a5942012678ed1c5ba6b4cdc');
INSERT INTO journal VALUES(2,'bella',NULL,'{"seq":2,"at":"2026-11-28T13:24:16.371032Z","action":"let_pass","via":"registrar","who":"ann","reason":"Its owner knows of Bel-la.","policy":"policy-f2b7b3c4","after":{"ruling":{"kind":"let_pass","name":"Bella","name_key":"bella","lookalike_key":"bella","reason":"Its owner knows of Bel-la.","at":"2026-11-28T13:24:16.371032Z"}}}',X'2f9a3145acca2240af715a4e92865235e6b676c879eb7c2833a510a1cffe68b9');
INSERT INTO journal VALUES(3,'bella',NULL,'{"seq":3,"at":"2026-11-28T13:24:16.419335Z","action":"imported","via":"import","who":"ann","policy":"policy-f2b7b3c4","before":{"ruling":{"kind":"let_pass","name":"Bella","name_key":"bella","lookalike_key":"bella","reason":"Its owner knows of Bel-la.","at":"2026-11-28T13:24:16.371032Z"}},"after":{"pet":{"name":"Bella","name_key":"bella","lookalike_key":"bella","let_pass":true,"favorite_color":"gold","category":"dog","registered_at":"2019-02-03T00:00:00Z"}}}',X'6d12494f81dc0c8e8b07c4a72f6de5b73cf2439d562ccf3315c026c9e39d2683');
INSERT INTO journal VALUES(4,'möbius',NULL,'{"seq":4,"at":"2026-11-28T13:24:16.419335Z","action":"imported","via":"import","who":"ann","policy":"policy-f2b7b3c4","after":{"pet":{"name":"Möbius","name_key":"möbius","lookalike_key":"rnöbius","favorite_color":"tomato","category":"cat","registered_at":"2019-02-04T00:00:00Z"}}}',X'882052ecfcc9d65ef0b520d9e3e670a4274048af9755d313c900ea36eaaf0142');
INSERT INTO journal VALUES(5,'mcintosh',NULL,'{"seq":5,"at":"2026-11-28T13:24:16.419335Z","action":"imported","via":"import","who":"ann","policy":"policy-f2b7b3c4","after":{"pet":{"name":"McIntosh","name_key":"mcintosh","lookalike_key":"rnclntosh","favorite_color":"blue","category":"dog","registered_at":"2020-05-06T00:00:00Z"}}}',X'c163fb595185c400e80830bd61602255ece255a55ac25a3da3d12231bc7c9aed');
INSERT INTO journal VALUES(6,'rex',NULL,'{"seq":6,"at":"2026-11-28T13:24:16.758308Z","action":"registered","via":"api","policy":"policy-f2b7b3c4","after":{"pet":{"name":"Rex","name_key":"rex","lookalike_key":"rex","favorite_color":"brown","category":"dog","registered_at":"2026-11-28T13:24:16.758308Z"}}}',X'e8684e65b3199105f136f06d017325859e7dc3df9ca1d7be58f0c2cdaf047a67');
INSERT INTO journal VALUES(7,'mac','mcintosh','{"seq":7,"at":"2026-11-28T13:24:16.876363Z","action":"renamed","via":"registrar","who":"ann","reason":"Called so at home.","policy":"policy-f2b7b3c4","before":{"pet":{"name":"McIntosh","name_key":"mcintosh","lookalike_key":"rnclntosh","favorite_color":"blue","category":"dog","registered_at":"2020-05-06T00:00:00Z"}},"after":{"pet":{"name":"Mac","name_key":"mac","lookalike_key":"rnac","favorite_color":"blue","category":"dog","registered_at":"2020-05-06T00:00:00Z"},"ruling":{"kind":"quarantine","name":"McIntosh","name_key":"mcintosh","lookalike_key":"rnclntosh","at":"2026-11-28T13:24:16.876363Z","until":"2028-11-27T13:24:16.876363Z"}}}',X'52bcdfb5af99f3c31f5ac4161b64a4b8e063326d7e1043e16615da96e8e43360');
INSERT INTO journal VALUES(8,'möbius',NULL,'{"seq":8,"at":"2026-11-28T13:24:16.955089Z","action":"released","via":"registrar","who":"ann","reason":"Its owner asked for it.","policy":"policy-f2b7b3c4","before":{"pet":{"name":"Möbius","name_key":"möbius","lookalike_key":"rnöbius","favorite_color":"tomato","category":"cat","registered_at":"2019-02-04T00:00:00Z"}},"after":{"ruling":{"kind":"quarantine","name":"Möbius","name_key":"möbius","lookalike_key":"rnöbius","at":"2026-11-28T13:24:16.955089Z","until":"2028-11-27T13:24:16.955089Z"}}}',X'1edf2bc9dcc3f3873106ecb633066a5b3a79d687dbc142c6e2b79e554ac221f3');
INSERT INTO journal VALUES(9,'king',NULL,'{"seq":9,"at":"2026-11-28T13:24:17.075212Z","action":"reserved","via":"registrar","who":"ann","reason":"Kept for the club''s own dogs.","policy":"policy-f2b7b3c4","after":{"ruling":{"kind":"reserved","name":"King","name_key":"king","lookalike_key":"king","reason":"Kept for the club''s own dogs.","at":"2026-11-28T13:24:17.075212Z"}}}',X'ef065bea13c114e95cbd9f9a4c789a6c84cc2cc3a0b73673eda017801bb4cf02');
INSERT INTO journal VALUES(10,'r.ex',NULL,'{"seq":10,"at":"2026-11-28T13:24:17.165624Z","action":"let_pass","via":"registrar","who":"ann","reason":"Its owner knows of Rex.","policy":"policy-f2b7b3c4","after":{"ruling":{"kind":"let_pass","name":"R.ex","name_key":"r.ex","lookalike_key":"rex","reason":"Its owner knows of Rex.","at":"2026-11-28T13:24:17.165624Z"}}}',X'3b8c8b9d8090c1b0c1da8c601aa5611736203971e92bc2c21ba3ae35feddccbf');
INSERT INTO journal VALUES(11,'rex',NULL,'{"seq":11,"at":"2026-11-28T13:24:17.202217Z","action":"corrected","via":"registrar","who":"ann","reason":"Misheard at the counter.","policy":"policy-f2b7b3c4","before":{"pet":{"name":"Rex","name_key":"rex","lookalike_key":"rex","favorite_color":"brown","category":"dog","registered_at":"2026-11-28T13:24:16.758308Z"}},"after":{"pet":{"name":"Rex","name_key":"rex","lookalike_key":"rex","favorite_color":"gold","category":"dog","registered_at":"2026-11-28T13:24:16.758308Z"}}}',X'507547f4e90d726d565151512a982d43b60cf7d70235a224c839de17a0e6b805');
CREATE TABLE journal_head (
    one  INTEGER NOT NULL PRIMARY KEY DEFAULT 1 CHECK (one = 1), -- so that there is one row and no more
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO journal_head VALUES(1,11,X'507547f4e90d726d565151512a982d43b60cf7d70235a224c839de17a0e6b805');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('goose_db_version',5);
CREATE INDEX idempotency_keys_oldest_first ON idempotency_keys (created_at_us);
CREATE UNIQUE INDEX pets_lookalikes ON pets (lookalike_key) WHERE let_pass = 0;
CREATE INDEX pets_newest_first ON pets (registered_at_us DESC, name_key);
CREATE INDEX rulings_lookalikes ON rulings (lookalike_key);
CREATE INDEX journal_names ON journal (name_key, seq);
CREATE INDEX journal_former_names ON journal (former_key, seq) WHERE former_key IS NOT NULL;
COMMIT;
