-- The read model: what folding the log gives. The same tables as for
-- PostgreSQL; see there for what the columns mean. Text compares bytewise
-- (SQLite's BINARY). Tables with short rows are WITHOUT ROWID: their key is
-- their only tree.
-- +goose Up

CREATE TABLE checkpoints (
    partition   INTEGER NOT NULL PRIMARY KEY,
    log_id      TEXT    NOT NULL,
    next_offset INTEGER NOT NULL,
    last_offset INTEGER NOT NULL,
    last_id     TEXT    NOT NULL,
    epoch       INTEGER NOT NULL,
    owner       TEXT    NOT NULL,
    updated     INTEGER NOT NULL,
    decisions   INTEGER NOT NULL,
    decisions_log TEXT  NOT NULL
) STRICT;

CREATE TABLE rooms (
    tenant       TEXT    NOT NULL,
    room         TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    rules        INTEGER NOT NULL,
    creator      TEXT    NOT NULL,
    settings     TEXT    NOT NULL,
    seq          INTEGER NOT NULL,
    digest       TEXT    NOT NULL,
    content_seq  INTEGER NOT NULL,
    last_message INTEGER NOT NULL,
    members      INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    log_time     INTEGER NOT NULL,
    PRIMARY KEY (tenant, room)
) STRICT, WITHOUT ROWID;

CREATE TABLE members (
    tenant     TEXT    NOT NULL,
    room       TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    membership TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    since      INTEGER NOT NULL,
    until      INTEGER NOT NULL,
    PRIMARY KEY (tenant, room, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_by_user ON members (('u/' || tenant || '/' || user_id), membership, room);

CREATE TABLE events (
    tenant      TEXT    NOT NULL,
    room        TEXT    NOT NULL,
    seq         INTEGER NOT NULL CHECK (seq > 0),
    event_id    TEXT    NOT NULL,
    type        TEXT    NOT NULL,
    sender      TEXT    NOT NULL,
    sent_at     INTEGER NOT NULL,
    log_time    INTEGER NOT NULL,
    partition   INTEGER NOT NULL,
    log_offset  INTEGER NOT NULL,
    digest      TEXT    NOT NULL,
    thread_root TEXT    NOT NULL,
    content_key TEXT    NOT NULL,
    facts       TEXT    NOT NULL,
    content     TEXT    NOT NULL,
    PRIMARY KEY (tenant, room, seq)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX events_by_id ON events (('i/' || tenant || '/' || room), event_id);
CREATE INDEX events_by_type ON events (('t/' || tenant || '/' || room), type, seq);
CREATE INDEX events_messages_at ON events (('s/' || tenant || '/' || room), sent_at, seq)
    WHERE type = 'message.posted';

CREATE TABLE outcomes (
    tenant     TEXT    NOT NULL,
    room       TEXT    NOT NULL,
    event_id   TEXT    NOT NULL,
    partition  INTEGER NOT NULL,
    log_offset INTEGER NOT NULL,
    type       TEXT    NOT NULL,
    sender     TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    code       TEXT    NOT NULL,
    digest     TEXT    NOT NULL,
    binds      INTEGER NOT NULL CHECK (binds IN (0, 1)),
    log_time   INTEGER NOT NULL,
    PRIMARY KEY (tenant, room, event_id, partition, log_offset)
) STRICT, WITHOUT ROWID;

CREATE TABLE bad_records (
    partition  INTEGER NOT NULL,
    log_offset INTEGER NOT NULL,
    log_time   INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    PRIMARY KEY (partition, log_offset)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letters (
    tenant     TEXT    NOT NULL,
    room       TEXT    NOT NULL,
    partition  INTEGER NOT NULL,
    log_offset INTEGER NOT NULL,
    log_time   INTEGER NOT NULL,
    event_id   TEXT    NOT NULL,
    type       TEXT    NOT NULL,
    code       TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    record     TEXT    NOT NULL,
    PRIMARY KEY (tenant, room, partition, log_offset)
) STRICT;

CREATE INDEX dead_letters_first ON dead_letters (tenant, room, partition)
    WHERE code <> '';
