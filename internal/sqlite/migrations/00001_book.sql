-- +goose Up

-- The book. The comparison key of a name decides who has it: RFC 8266, section 2.4.
CREATE TABLE pets (
    name_key         TEXT    NOT NULL PRIMARY KEY, -- compared byte for byte
    name             TEXT    NOT NULL,             -- as shown, Unicode NFC
    favorite_color   TEXT    NOT NULL,             -- the owner's words
    category         TEXT    NOT NULL,             -- 'cat' or 'dog'
    registered_at_us INTEGER NOT NULL              -- microseconds since 1970-01-01 00:00 UTC
) STRICT, WITHOUT ROWID;

CREATE INDEX pets_newest_first ON pets (registered_at_us DESC, name_key);

-- What the first use of each idempotency key was answered. The pet is a copy: the answer stays the same
-- whatever becomes of the pet. Its columns are null when nobody was known to have the name.
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

CREATE INDEX idempotency_keys_oldest_first ON idempotency_keys (created_at_us);
