-- +goose Up

ALTER TABLE pets RENAME TO pets_before;
ALTER INDEX pets_pkey RENAME TO pets_before_pkey;
DROP INDEX pets_newest_first;

-- The book. Two keys of a name decide who has it: the comparison key (RFC 8266, section 2.4), and the lookalike key, which
-- makes names one that can be mistaken for one another.
CREATE TABLE pets (
    name_key       text COLLATE "C" PRIMARY KEY, -- compared byte for byte
    lookalike_key  text COLLATE "C" NOT NULL,    -- the same
    let_pass       boolean NOT NULL,             -- it may look like another: its lookalike key keeps nobody away
    name           text NOT NULL,                -- as shown, Unicode NFC
    favorite_color text NOT NULL,                -- the owner's words
    category       text NOT NULL,                -- one of the policy's words, such as 'cat'
    registered_at  timestamptz NOT NULL          -- to the microsecond
);

CREATE UNIQUE INDEX pets_lookalikes ON pets (lookalike_key) WHERE NOT let_pass;
CREATE INDEX pets_newest_first ON pets (registered_at DESC, name_key);

-- Decisions on names that no pet has.
CREATE TABLE rulings (
    name_key      text COLLATE "C" PRIMARY KEY,
    lookalike_key text COLLATE "C" NOT NULL,
    kind          text NOT NULL,        -- 'reserved', 'quarantine' or 'let_pass'
    name          text NOT NULL,
    reason        text NOT NULL,        -- shown to people
    at            timestamptz NOT NULL,
    until         timestamptz           -- null for as long as it is not taken back
);

CREATE INDEX rulings_lookalikes ON rulings (lookalike_key);

-- Every change to the two tables above, one row each, in the transaction that made it. Rows are only ever added. The hash
-- is the SHA-256 over the hash of the row before (32 zero bytes for the first) and the bytes of the entry.
CREATE TABLE journal (
    seq        bigint PRIMARY KEY,         -- without gaps, in the order of the commits
    name_key   text COLLATE "C" NOT NULL,  -- of the name that the entry is about
    former_key text COLLATE "C",           -- of the name before, if it was another
    entry      text NOT NULL,              -- JSON, on one line
    hash       bytea NOT NULL
);

CREATE INDEX journal_names ON journal (name_key, seq);
CREATE INDEX journal_former_names ON journal (former_key, seq) WHERE former_key IS NOT NULL;

-- Where the journal ends, in one row. Whoever changes the book locks it first.
CREATE TABLE journal_head (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one), -- so that there is one row and no more
    seq  bigint NOT NULL,
    hash bytea NOT NULL
);

INSERT INTO journal_head (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

-- A program that does not know the journal must not change the book.
UPDATE schema_floor SET version = 4;

-- The pets keep their names. Only the program can compute lookalike keys, and write the rows of the journal. Until it has
-- done so, after the last migration, each pet has a provisional key, which keeps nobody away.
INSERT INTO pets (name_key, lookalike_key, let_pass, name, favorite_color, category, registered_at)
SELECT name_key, name_key, true, name, favorite_color, category, registered_at FROM pets_before;

DROP TABLE pets_before;
