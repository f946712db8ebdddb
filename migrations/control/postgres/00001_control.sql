-- Which versions of the projection there are, and which one is live. One schema,
-- roomlog_control, beside those of the versions; the migration runs with
-- search_path set to it. Times are Unix milliseconds.
-- +goose Up

-- One row. Whoever changes what there is locks it first.
CREATE TABLE control (
    one          INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    last_version INTEGER NOT NULL -- the highest ever given: numbers are not used again
);

CREATE TABLE projections (
    version    INTEGER NOT NULL PRIMARY KEY CHECK (version > 0),
    state      TEXT    NOT NULL CHECK (state IN ('building', 'live', 'previous')),
    created    BIGINT  NOT NULL,
    live_since BIGINT  NOT NULL -- when it went live last; 0: never
);

CREATE UNIQUE INDEX projections_one_live ON projections (state) WHERE state = 'live';
CREATE UNIQUE INDEX projections_one_building ON projections (state) WHERE state = 'building';

-- What there was before there was a control, or is to be made with it.
INSERT INTO control (one, last_version) VALUES (1, 1);
INSERT INTO projections (version, state, created, live_since)
SELECT 1, 'live', t.now, t.now FROM (SELECT CAST(extract(epoch FROM now()) * 1000 AS BIGINT) AS now) t;
