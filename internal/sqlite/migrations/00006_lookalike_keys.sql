-- +goose Up

-- The version of the algorithm that computed the lookalike keys of all pets and rulings, in one row. A program whose
-- algorithm has another version computes them again when it starts. 0 stands for pets that came from schema 3: their keys
-- are provisional, and they have no rows in the journal.
CREATE TABLE lookalike_keys (
    version INTEGER NOT NULL
) STRICT;

INSERT INTO lookalike_keys (version)
SELECT CASE WHEN EXISTS (SELECT 1 FROM pets) AND NOT EXISTS (SELECT 1 FROM journal) THEN 0 ELSE 1 END;

-- Programs that do not know of provisional keys must not start on them. Others go on as they are.
UPDATE schema_floor SET version = 6 WHERE EXISTS (SELECT 1 FROM lookalike_keys WHERE version = 0);
