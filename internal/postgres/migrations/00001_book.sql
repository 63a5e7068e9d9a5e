-- +goose Up

-- The book. The comparison key of a name decides who has it: RFC 8266, section 2.4.
CREATE TABLE pets (
    name_key       text COLLATE "C" PRIMARY KEY, -- compared byte for byte
    name           text NOT NULL,                -- as shown, Unicode NFC
    favorite_color text NOT NULL,                -- the owner's words
    category       text NOT NULL,                -- 'cat' or 'dog'
    registered_at  timestamptz NOT NULL          -- to the microsecond
);

CREATE INDEX pets_newest_first ON pets (registered_at DESC, name_key);

-- What the first use of each idempotency key was answered. The pet is a copy: the answer stays the same
-- whatever becomes of the pet. Its columns are null when nobody was known to have the name.
CREATE TABLE idempotency_keys (
    key            text COLLATE "C" PRIMARY KEY,
    fingerprint    bytea NOT NULL, -- SHA-256 of the registration: 32 bytes
    outcome        text NOT NULL,  -- 'registered' or 'taken'; 'pending' within the transaction that claims the key
    name_key       text COLLATE "C",
    name           text,
    favorite_color text,
    category       text,
    registered_at  timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now() -- of the first use
);

CREATE INDEX idempotency_keys_oldest_first ON idempotency_keys (created_at);
