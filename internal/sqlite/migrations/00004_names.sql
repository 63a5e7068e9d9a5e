-- +goose Up

ALTER TABLE pets RENAME TO pets_before;
DROP INDEX pets_newest_first;

-- The book. Two keys of a name decide who has it: the comparison key (RFC 8266, section 2.4), and the lookalike key, which
-- makes names one that can be mistaken for one another.
CREATE TABLE pets (
    name_key         TEXT    NOT NULL PRIMARY KEY, -- compared byte for byte
    lookalike_key    TEXT    NOT NULL,             -- the same
    let_pass         INTEGER NOT NULL,             -- 1 if it may look like another: its lookalike key keeps nobody away
    name             TEXT    NOT NULL,             -- as shown, Unicode NFC
    favorite_color   TEXT    NOT NULL,             -- the owner's words
    category         TEXT    NOT NULL,             -- one of the policy's words, such as 'cat'
    registered_at_us INTEGER NOT NULL              -- microseconds since 1970-01-01 00:00 UTC
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX pets_lookalikes ON pets (lookalike_key) WHERE let_pass = 0;
CREATE INDEX pets_newest_first ON pets (registered_at_us DESC, name_key);

-- Decisions on names that no pet has.
CREATE TABLE rulings (
    name_key      TEXT    NOT NULL PRIMARY KEY,
    lookalike_key TEXT    NOT NULL,
    kind          TEXT    NOT NULL, -- 'reserved', 'quarantine' or 'let_pass'
    name          TEXT    NOT NULL,
    reason        TEXT    NOT NULL, -- shown to people
    at_us         INTEGER NOT NULL, -- microseconds since 1970-01-01 00:00 UTC
    until_us      INTEGER           -- the same; null for as long as it is not taken back
) STRICT, WITHOUT ROWID;

CREATE INDEX rulings_lookalikes ON rulings (lookalike_key);

-- Every change to the two tables above, one row each, in the transaction that made it. Rows are only ever added. The hash
-- is the SHA-256 over the hash of the row before (32 zero bytes for the first) and the bytes of the entry.
CREATE TABLE journal (
    seq        INTEGER NOT NULL PRIMARY KEY, -- without gaps, in the order of the commits
    name_key   TEXT    NOT NULL,             -- of the name that the entry is about
    former_key TEXT,                         -- of the name before, if it was another
    entry      TEXT    NOT NULL,             -- JSON, on one line
    hash       BLOB    NOT NULL
) STRICT;

CREATE INDEX journal_names ON journal (name_key, seq);
CREATE INDEX journal_former_names ON journal (former_key, seq) WHERE former_key IS NOT NULL;

-- Where the journal ends, in one row.
CREATE TABLE journal_head (
    one  INTEGER NOT NULL PRIMARY KEY DEFAULT 1 CHECK (one = 1), -- so that there is one row and no more
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO journal_head (seq, hash) VALUES (0, zeroblob(32));

-- A program that does not know the journal must not change the book.
UPDATE schema_floor SET version = 4;

-- The pets keep their names. Only the program can compute lookalike keys, and write the rows of the journal. Until it has
-- done so, after the last migration, each pet has a provisional key, which keeps nobody away.
INSERT INTO pets (name_key, lookalike_key, let_pass, name, favorite_color, category, registered_at_us)
SELECT name_key, name_key, 1, name, favorite_color, category, registered_at_us FROM pets_before;

DROP TABLE pets_before;
