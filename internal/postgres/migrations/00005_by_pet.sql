-- +goose Up

-- Nearly all rows of the journal enter a pet that nobody changes later. Such a row is found by its pet, and has no place
-- in the index of names, until its pet is changed: by_pet is the only column of the journal that is ever updated. Programs
-- that do not know that leave both columns as they are, and so do nothing wrong by registering.
ALTER TABLE pets ADD COLUMN entered_by bigint NOT NULL DEFAULT 0; -- the row of the journal that is found by this pet; 0 for none
ALTER TABLE journal ADD COLUMN by_pet boolean CHECK (by_pet); -- true if the row is found by its pet; null if by its names

DROP INDEX journal_names;
CREATE INDEX journal_names ON journal (name_key, seq) WHERE by_pet IS NULL;

-- A program that does not know of this must not rename or release a pet: it would leave a row that nothing finds.
UPDATE schema_floor SET version = 5;
