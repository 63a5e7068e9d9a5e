-- +goose Up

-- What getting certificates needs to outlive a process: the key of the ACME account, the certificates with their private
-- keys, and for a while the answers to challenges. RFC 8555.
CREATE TABLE acme_cache (
    name          TEXT    NOT NULL PRIMARY KEY, -- the ACME server's directory and what it is of it, compared byte for byte
    data          BLOB    NOT NULL,
    updated_at_us INTEGER NOT NULL              -- microseconds since 1970-01-01 00:00 UTC
) STRICT, WITHOUT ROWID;
