-- A registry of schema 5, as nametag left it at commit 309762d: four pets imported, others registered over the API, and changed
-- by the commands.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
INSERT INTO goose_db_version VALUES(1,0,1,'2026-11-28 13:24:19');
INSERT INTO goose_db_version VALUES(2,1,1,'2026-11-28 13:24:19');
INSERT INTO goose_db_version VALUES(3,2,1,'2026-11-28 13:24:19');
INSERT INTO goose_db_version VALUES(4,3,1,'2026-11-28 13:24:19');
INSERT INTO goose_db_version VALUES(5,4,1,'2026-11-28 13:24:19');
INSERT INTO goose_db_version VALUES(6,5,1,'2026-11-28 13:24:19');
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
INSERT INTO idempotency_keys VALUES('api:0f8fad5b-d9cb-469f-a165-70867728950e',X'22ee99fca774fb4b531f78c792b42430fb632329e3823120d8dd3e7d5ee02b05','taken','rex','Rex','brown','dog',1795872259625904,1795872259690972);
INSERT INTO idempotency_keys VALUES('api:3b241101-e2bb-4255-8caf-4136c566a962',X'0b45ca7e8fd7cfe66d307d7a41e222598b085b921005a1d9fa6704c5e8288c6f','registered','rex','Rex','brown','dog',1795872259625904,1795872259626350);
CREATE TABLE acme_cache (
    name          TEXT    NOT NULL PRIMARY KEY, -- the ACME server's directory and what it is of it, compared byte for byte
    data          BLOB    NOT NULL,
    updated_at_us INTEGER NOT NULL              -- microseconds since 1970-01-01 00:00 UTC
) STRICT, WITHOUT ROWID;
CREATE TABLE schema_floor (
    version INTEGER NOT NULL
) STRICT;
INSERT INTO schema_floor VALUES(5);
CREATE TABLE pets (
    name_key         TEXT    NOT NULL PRIMARY KEY, -- compared byte for byte
    lookalike_key    TEXT    NOT NULL,             -- the same
    let_pass         INTEGER NOT NULL,             -- 1 if it may look like another: its lookalike key keeps nobody away
    name             TEXT    NOT NULL,             -- as shown, Unicode NFC
    favorite_color   TEXT    NOT NULL,             -- the owner's words
    category         TEXT    NOT NULL,             -- one of the policy's words, such as 'cat'
    registered_at_us INTEGER NOT NULL              -- microseconds since 1970-01-01 00:00 UTC
, entered_by INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
INSERT INTO pets VALUES('bel-la','bella',0,'Bel-la','red','cat',1542326400000000,1);
INSERT INTO pets VALUES('bella','bella',1,'Bella','gold','dog',1549152000000000,3);
INSERT INTO pets VALUES('mac','rnac',0,'Mac','blue','dog',1588723200000000,0);
INSERT INTO pets VALUES('rex','rex',0,'Rex','gold','dog',1795872259625904,0);
CREATE TABLE rulings (
    name_key      TEXT    NOT NULL PRIMARY KEY,
    lookalike_key TEXT    NOT NULL,
    kind          TEXT    NOT NULL, -- 'reserved', 'quarantine' or 'let_pass'
    name          TEXT    NOT NULL,
    reason        TEXT    NOT NULL, -- shown to people
    at_us         INTEGER NOT NULL, -- microseconds since 1970-01-01 00:00 UTC
    until_us      INTEGER           -- the same; null for as long as it is not taken back
) STRICT, WITHOUT ROWID;
INSERT INTO rulings VALUES('king','king','reserved','King','Kept for the club''s own dogs.',1795872259904470,NULL);
INSERT INTO rulings VALUES('mcintosh','rnclntosh','quarantine','McIntosh','',1795872259791953,1858944259791953);
INSERT INTO rulings VALUES('möbius','rnöbius','quarantine','Möbius','',1795872259868141,1858944259868141);
INSERT INTO rulings VALUES('r.ex','rex','let_pass','R.ex','Its owner knows of Rex.',1795872259951531,NULL);
CREATE TABLE journal (
    seq        INTEGER NOT NULL PRIMARY KEY, -- without gaps, in the order of the commits
    name_key   TEXT    NOT NULL,             -- of the name that the entry is about
    former_key TEXT,                         -- of the name before, if it was another
    entry      TEXT    NOT NULL,             -- JSON, on one line
    hash       BLOB    NOT NULL
, by_pet INTEGER CHECK (by_pet = 1)) STRICT;
INSERT INTO journal VALUES(1,'bel-la',NULL,'{"seq":1,"at":"2026-11-28T13:24:19.022908Z","action":"imported","via":"import","who":"ann","policy":"policy-f2b7b3c4","after":{"pet":{"name":"Bel-la","name_key":"bel-la","lookalike_key":"bella","favorite_color":"red","category":"cat","registered_at":"2018-11-16T00:00:00Z"}}}',X'4d89bf78fc0c65cd2fa54be17ece2dbed4259ceca6db6244b8e3c3cdfdbb04a9',1);
INSERT INTO journal VALUES(2,'bella',NULL,'{"seq":2,"at":"2026-11-28T13:24:19.053465Z","action":"let_pass","via":"registrar","who":"ann","reason":"Its owner knows of Bel-la.","policy":"policy-f2b7b3c4","after":{"ruling":{"kind":"let_pass","name":"Bella","name_key":"bella","lookalike_key":"bella","reason":"Its owner knows of Bel-la.","at":"2026-11-28T13:24:19.053465Z"}}}',X'dc1d0da0362cb0368a5951b42644d84453588507e425a130513e429465863b05',NULL);
INSERT INTO journal VALUES(3,'bella',NULL,'{"seq":3,"at":"2026-11-28T13:24:19.236334Z","action":"imported","via":"import","who":"ann","policy":"policy-f2b7b3c4","before":{"ruling":{"kind":"let_pass","name":"Bella","name_key":"bella","lookalike_key":"bella","reason":"Its owner knows of Bel-la.","at":"2026-11-28T13:24:19.053465Z"}},"after":{"pet":{"name":"Bella","name_key":"bella","lookalike_key":"bella","let_pass":true,"favorite_color":"gold","category":"dog","registered_at":"2019-02-03T00:00:00Z"}}}',X'e0419547abfe3d927d809f37455f73cf294b7f0a15a28216f495272fbfba2be0',1);
INSERT INTO journal VALUES(4,'möbius',NULL,'{"seq":4,"at":"2026-11-28T13:24:19.236334Z","action":"imported","via":"import","who":"ann","policy":"policy-f2b7b3c4","after":{"pet":{"name":"Möbius","name_key":"möbius","lookalike_key":"rnöbius","favorite_color":"tomato","category":"cat","registered_at":"2019-02-04T00:00:00Z"}}}',X'ad9674bee9695647e94c47a0aa3f8da9fe671d5fdeb29e2750f95855f6b4c4a1',NULL);
INSERT INTO journal VALUES(5,'mcintosh',NULL,'{"seq":5,"at":"2026-11-28T13:24:19.236334Z","action":"imported","via":"import","who":"ann","policy":"policy-f2b7b3c4","after":{"pet":{"name":"McIntosh","name_key":"mcintosh","lookalike_key":"rnclntosh","favorite_color":"blue","category":"dog","registered_at":"2020-05-06T00:00:00Z"}}}',X'7b43436f67d24c19ba901feac578fbba9b801d2859775edbb92acecbeb04822b',NULL);
INSERT INTO journal VALUES(6,'rex',NULL,'{"seq":6,"at":"2026-11-28T13:24:19.625904Z","action":"registered","via":"api","policy":"policy-f2b7b3c4","after":{"pet":{"name":"Rex","name_key":"rex","lookalike_key":"rex","favorite_color":"brown","category":"dog","registered_at":"2026-11-28T13:24:19.625904Z"}}}',X'12122026215720cd1675ce9a95713926b4aa1344a6cd1f7261287d6901ca493e',NULL);
INSERT INTO journal VALUES(7,'mac','mcintosh','{"seq":7,"at":"2026-11-28T13:24:19.791953Z","action":"renamed","via":"registrar","who":"ann","reason":"Called so at home.","policy":"policy-f2b7b3c4","before":{"pet":{"name":"McIntosh","name_key":"mcintosh","lookalike_key":"rnclntosh","favorite_color":"blue","category":"dog","registered_at":"2020-05-06T00:00:00Z"}},"after":{"pet":{"name":"Mac","name_key":"mac","lookalike_key":"rnac","favorite_color":"blue","category":"dog","registered_at":"2020-05-06T00:00:00Z"},"ruling":{"kind":"quarantine","name":"McIntosh","name_key":"mcintosh","lookalike_key":"rnclntosh","at":"2026-11-28T13:24:19.791953Z","until":"2028-11-27T13:24:19.791953Z"}}}',X'c15f697be2b0f6597a8f66cd4043d5f7c6c5e7a1dff2c023f958391cb54c5c2b',NULL);
INSERT INTO journal VALUES(8,'möbius',NULL,'{"seq":8,"at":"2026-11-28T13:24:19.868141Z","action":"released","via":"registrar","who":"ann","reason":"Its owner asked for it.","policy":"policy-f2b7b3c4","before":{"pet":{"name":"Möbius","name_key":"möbius","lookalike_key":"rnöbius","favorite_color":"tomato","category":"cat","registered_at":"2019-02-04T00:00:00Z"}},"after":{"ruling":{"kind":"quarantine","name":"Möbius","name_key":"möbius","lookalike_key":"rnöbius","at":"2026-11-28T13:24:19.868141Z","until":"2028-11-27T13:24:19.868141Z"}}}',X'4927798f9cba47860a8f8babc932745dedebcc474e2d1e220b78168104185287',NULL);
INSERT INTO journal VALUES(9,'king',NULL,'{"seq":9,"at":"2026-11-28T13:24:19.90447Z","action":"reserved","via":"registrar","who":"ann","reason":"Kept for the club''s own dogs.","policy":"policy-f2b7b3c4","after":{"ruling":{"kind":"reserved","name":"King","name_key":"king","lookalike_key":"king","reason":"Kept for the club''s own dogs.","at":"2026-11-28T13:24:19.90447Z"}}}',X'ee5e8d073e3bf9bbedf2dc7644523227eeaa91d2e173f33f87c637e553d7846c',NULL);
INSERT INTO journal VALUES(10,'r.ex',NULL,'{"seq":10,"at":"2026-11-28T13:24:19.951531Z","action":"let_pass","via":"registrar","who":"ann","reason":"Its owner knows of Rex.","policy":"policy-f2b7b3c4","after":{"ruling":{"kind":"let_pass","name":"R.ex","name_key":"r.ex","lookalike_key":"rex","reason":"Its owner knows of Rex.","at":"2026-11-28T13:24:19.951531Z"}}}',X'0f79cc99fbdaeb396ca84a58d4915ef524af458ce9413ca6689cf4738c7fcd0f',NULL);
INSERT INTO journal VALUES(11,'rex',NULL,'{"seq":11,"at":"2026-11-28T13:24:20.002419Z","action":"corrected","via":"registrar","who":"ann","reason":"Misheard at the counter.","policy":"policy-f2b7b3c4","before":{"pet":{"name":"Rex","name_key":"rex","lookalike_key":"rex","favorite_color":"brown","category":"dog","registered_at":"2026-11-28T13:24:19.625904Z"}},"after":{"pet":{"name":"Rex","name_key":"rex","lookalike_key":"rex","favorite_color":"gold","category":"dog","registered_at":"2026-11-28T13:24:19.625904Z"}}}',X'5b49025a6ec587ddd186108924d4d9f423a7e19726db6e72cd1f4320acd765e7',NULL);
CREATE TABLE journal_head (
    one  INTEGER NOT NULL PRIMARY KEY DEFAULT 1 CHECK (one = 1), -- so that there is one row and no more
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO journal_head VALUES(1,11,X'5b49025a6ec587ddd186108924d4d9f423a7e19726db6e72cd1f4320acd765e7');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('goose_db_version',6);
CREATE INDEX idempotency_keys_oldest_first ON idempotency_keys (created_at_us);
CREATE UNIQUE INDEX pets_lookalikes ON pets (lookalike_key) WHERE let_pass = 0;
CREATE INDEX pets_newest_first ON pets (registered_at_us DESC, name_key);
CREATE INDEX rulings_lookalikes ON rulings (lookalike_key);
CREATE INDEX journal_former_names ON journal (former_key, seq) WHERE former_key IS NOT NULL;
CREATE INDEX journal_names ON journal (name_key, seq) WHERE by_pet IS NULL;
COMMIT;
