-- +goose Up

-- What getting certificates needs to outlive a process: the key of the ACME account, the certificates with their private
-- keys, and for a while the answers to challenges. RFC 8555.
CREATE TABLE acme_cache (
    name       text COLLATE "C" PRIMARY KEY, -- the ACME server's directory and what it is of it, compared byte for byte
    data       bytea NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
