-- What becomes of messages, whom they mention, how far people have read, and
-- which history they may read. The same as for PostgreSQL; see there.
-- +goose Up

ALTER TABLE rooms ADD COLUMN history  TEXT    NOT NULL DEFAULT '';
ALTER TABLE rooms ADD COLUMN version  INTEGER NOT NULL DEFAULT 1;
ALTER TABLE rooms ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN deleted  INTEGER NOT NULL DEFAULT 0;

ALTER TABLE members ADD COLUMN invited   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN read_seq  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN delivered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN last_post INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN muted     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN archived  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN hidden    INTEGER NOT NULL DEFAULT 0;

ALTER TABLE events ADD COLUMN about    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN redacted INTEGER NOT NULL DEFAULT 0;

CREATE INDEX events_in_thread ON events (('h/' || tenant || '/' || room), thread_root, seq)
    WHERE thread_root <> '';
CREATE INDEX events_edits ON events (('e/' || tenant || '/' || room), about, seq)
    WHERE type = 'message.edited';
CREATE INDEX events_redacted ON events (('r/' || tenant || '/' || room), seq)
    WHERE redacted > 0 AND type = 'message.posted' AND thread_root = '';

CREATE TABLE message_states (
    tenant     TEXT    NOT NULL,
    room       TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    edits      INTEGER NOT NULL,
    edit       INTEGER NOT NULL,
    replies    INTEGER NOT NULL,
    last_reply INTEGER NOT NULL,
    pinned     INTEGER NOT NULL,
    reactions  TEXT    NOT NULL,
    PRIMARY KEY (tenant, room, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX message_states_threads ON message_states (('h/' || tenant || '/' || room), last_reply)
    WHERE replies > 0;
CREATE INDEX message_states_pins ON message_states (('p/' || tenant || '/' || room), pinned)
    WHERE pinned > 0;

CREATE TABLE reactions (
    tenant  TEXT    NOT NULL,
    room    TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    seq     INTEGER NOT NULL,
    key     TEXT    NOT NULL,
    PRIMARY KEY (tenant, room, user_id, seq, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX reactions_by_key ON reactions (('k/' || tenant || '/' || room), seq, key, user_id);

CREATE TABLE mentions (
    tenant  TEXT    NOT NULL,
    room    TEXT    NOT NULL,
    seq     INTEGER NOT NULL,
    user_id TEXT    NOT NULL,
    PRIMARY KEY (tenant, room, seq, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX mentions_by_user ON mentions (('m/' || tenant || '/' || room), user_id, seq);

CREATE TABLE thread_marks (
    tenant   TEXT    NOT NULL,
    room     TEXT    NOT NULL,
    user_id  TEXT    NOT NULL,
    root     INTEGER NOT NULL,
    read_seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, room, user_id, root)
) STRICT, WITHOUT ROWID;

CREATE TABLE stays (
    tenant   TEXT    NOT NULL,
    room     TEXT    NOT NULL,
    user_id  TEXT    NOT NULL,
    from_seq INTEGER NOT NULL,
    invited  INTEGER NOT NULL,
    to_seq   INTEGER NOT NULL,
    PRIMARY KEY (tenant, room, user_id, from_seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE histories (
    tenant   TEXT    NOT NULL,
    room     TEXT    NOT NULL,
    from_seq INTEGER NOT NULL,
    history  TEXT    NOT NULL,
    PRIMARY KEY (tenant, room, from_seq)
) STRICT, WITHOUT ROWID;
