-- What was called by words of our own: the phase `found` is `initial`, lifts are mirror tables, the keys
-- that a table does not give back are unmapped. Renames and a few rows: no table is rewritten.

ALTER TABLE outgrow.lifts RENAME TO mirrors;
ALTER TABLE outgrow.mirrors RENAME COLUMN leftovers TO unmapped;
ALTER TABLE outgrow.mirrors RENAME CONSTRAINT lifts_pkey TO mirrors_pkey;
ALTER TABLE outgrow.mirrors RENAME CONSTRAINT lifts_name_fkey TO mirrors_name_fkey;
ALTER TABLE outgrow.mirrors RENAME CONSTRAINT lifts_state_check TO mirrors_state_check;

ALTER TABLE outgrow.layouts DROP CONSTRAINT layouts_phase_check;
UPDATE outgrow.layouts SET phase = 'initial' WHERE phase = 'found';
ALTER TABLE outgrow.layouts ALTER COLUMN phase SET DEFAULT 'initial';
ALTER TABLE outgrow.layouts ADD CONSTRAINT layouts_phase_check
    CHECK (phase IN ('initial', 'optimized', 'hybrid', 'relational'));
UPDATE outgrow.growths SET from_phase = 'initial' WHERE from_phase = 'found';
UPDATE outgrow.growths SET to_phase = 'initial' WHERE to_phase = 'found';

ALTER TABLE outgrow.definitions RENAME COLUMN place TO schema;
ALTER TABLE outgrow.quarantine RENAME COLUMN at TO quarantined_at;
