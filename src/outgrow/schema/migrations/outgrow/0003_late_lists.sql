-- Late lists: whoever writes to a relation notes what is to change in a derived list, and a job folds the
-- notes into the store's lists.

-- The lists of a blueprint that are late, and by how many seconds at most.
CREATE TABLE outgrow.late_lists (
    name    text NOT NULL REFERENCES outgrow.layouts,
    list    text NOT NULL,
    seconds integer NOT NULL CHECK (seconds > 0),
    PRIMARY KEY (name, list)
);

-- One row for each element that is to be `added` to the list of a key, or taken out of it. Of two notes of
-- one element the later one has the larger `id`. `source` is the key whose row says whether the list is to
-- hold the element; NULL where nothing is ever taken out of it.
CREATE TABLE outgrow.late_notes (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text NOT NULL,
    key      text NOT NULL,
    element  text NOT NULL,
    source   text,
    added    boolean NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
-- Of the hash: a key may be as long as an index takes by itself.
CREATE INDEX late_notes_of ON outgrow.late_notes (hashtext(key));

-- What `outgrow grow --late-lists` said last: 0 for none; NULL where the blueprint decides.
ALTER TABLE outgrow.layouts ADD COLUMN late_seconds integer CHECK (late_seconds >= 0);
ALTER TABLE outgrow.growths ADD COLUMN late_seconds integer CHECK (late_seconds >= 0);
