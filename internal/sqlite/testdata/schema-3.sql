-- A registry of schema 3, as nametag left it at commit 0517141: four pets imported, others registered over the API.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
INSERT INTO goose_db_version VALUES(1,0,1,'2026-11-28 13:20:26');
INSERT INTO goose_db_version VALUES(2,1,1,'2026-11-28 13:20:26');
INSERT INTO goose_db_version VALUES(3,2,1,'2026-11-28 13:20:26');
INSERT INTO goose_db_version VALUES(4,3,1,'2026-11-28 13:20:26');
CREATE TABLE pets (
    name_key         TEXT    NOT NULL PRIMARY KEY, -- compared byte for byte
    name             TEXT    NOT NULL,             -- as shown, Unicode NFC
    favorite_color   TEXT    NOT NULL,             -- the owner's words
    category         TEXT    NOT NULL,             -- 'cat' or 'dog'
    registered_at_us INTEGER NOT NULL              -- microseconds since 1970-01-01 00:00 UTC
) STRICT, WITHOUT ROWID;
INSERT INTO pets VALUES('bel-la','Bel-la','red','cat',1542326400000000);
INSERT INTO pets VALUES('bella','Bella','gold','dog',1549152000000000);
INSERT INTO pets VALUES('mcintosh','McIntosh','blue','dog',1588723200000000);
INSERT INTO pets VALUES('möbius','Möbius','tomato','cat',1549238400000000);
INSERT INTO pets VALUES('rex','Rex','brown','dog',1795872026505546);
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
INSERT INTO idempotency_keys VALUES('api:0f8fad5b-d9cb-469f-a165-70867728950e',X'22ee99fca774fb4b531f78c792b42430fb632329e3823120d8dd3e7d5ee02b05','taken','rex','Rex','brown','dog',1795872026505546,1795872026531562);
INSERT INTO idempotency_keys VALUES('api:3b241101-e2bb-4255-8caf-4136c566a962',X'0b45ca7e8fd7cfe66d307d7a41e222598b085b921005a1d9fa6704c5e8288c6f','registered','rex','Rex','brown','dog',1795872026505546,1795872026506262);
CREATE TABLE acme_cache (
    name          TEXT    NOT NULL PRIMARY KEY, -- the ACME server's directory and what it is of it, compared byte for byte
    data          BLOB    NOT NULL,
    updated_at_us INTEGER NOT NULL              -- microseconds since 1970-01-01 00:00 UTC
) STRICT, WITHOUT ROWID;
CREATE TABLE schema_floor (
    version INTEGER NOT NULL
) STRICT;
INSERT INTO schema_floor VALUES(3);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('goose_db_version',4);
CREATE INDEX pets_newest_first ON pets (registered_at_us DESC, name_key);
CREATE INDEX idempotency_keys_oldest_first ON idempotency_keys (created_at_us);
COMMIT;

-- And many more pets than are migrated at once.
INSERT INTO pets (name_key, name, favorite_color, category, registered_at_us)
WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2499)
SELECT 'pet ' || n, 'Pet ' || n, 'red', 'cat', 1600000000000000 + n FROM numbers;
