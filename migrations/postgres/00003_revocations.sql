-- Which tokens are refused: a person's, if they were issued before a moment. Programs
-- that know the second migration only park such an event, so nothing is missing here.
-- +goose Up

CREATE TABLE revocations (
    tenant        TEXT COLLATE "C" NOT NULL,
    user_id       TEXT COLLATE "C" NOT NULL,
    issued_before BIGINT NOT NULL, -- Unix milliseconds
    PRIMARY KEY (tenant, user_id)
);
