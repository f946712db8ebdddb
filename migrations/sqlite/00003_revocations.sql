-- Which tokens are refused. The same as for PostgreSQL; see there.
-- +goose Up

CREATE TABLE revocations (
    tenant        TEXT    NOT NULL,
    user_id       TEXT    NOT NULL,
    issued_before INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id)
) STRICT, WITHOUT ROWID;
