-- Which versions of the projection there are, and which one is live: the file
-- control.db beside those of the versions. Comments on tables and columns:
-- ../postgres/00001_control.sql.
-- +goose Up
CREATE TABLE control (
    one          INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    last_version INTEGER NOT NULL
) STRICT;

CREATE TABLE projections (
    version    INTEGER NOT NULL PRIMARY KEY CHECK (version > 0),
    state      TEXT    NOT NULL CHECK (state IN ('building', 'live', 'previous')),
    created    INTEGER NOT NULL,
    live_since INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX projections_one_live ON projections (state) WHERE state = 'live';
CREATE UNIQUE INDEX projections_one_building ON projections (state) WHERE state = 'building';

INSERT INTO control (one, last_version) VALUES (1, 1);
INSERT INTO projections (version, state, created, live_since)
SELECT 1, 'live', t.now, t.now FROM (SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now) t;
