-- +goose Up

-- The oldest schema whose programs may use the database, in one row. A migration that such a program could not live with
-- raises it to its own number; any other leaves it, so that going back to the program before needs no backup.
CREATE TABLE schema_floor (
    version bigint NOT NULL
);

INSERT INTO schema_floor (version) VALUES (3);
