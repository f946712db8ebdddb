-- Rooms have numbers, and an event's row id, its place, is made of its room's and its
-- seq: one integer is compared on the way to a row, and the tree's inner pages have
-- nothing else. All events are written anew, in order, so that the tree is filled from
-- one end; the indexes are made when they are there. Of SQLite alone.
-- +goose Up

ALTER TABLE rooms ADD COLUMN number INTEGER NOT NULL DEFAULT 0;

UPDATE rooms SET number = n.number
FROM (SELECT tenant, room, ROW_NUMBER() OVER (ORDER BY tenant, room) AS number FROM rooms) AS n
WHERE rooms.tenant = n.tenant AND rooms.room = n.room;

CREATE UNIQUE INDEX rooms_by_number ON rooms (number);

ALTER TABLE events RENAME TO events_by_key;

-- Conditions on number and seq are for indexes, those on place for the table.
CREATE TABLE events (
    place        INTEGER PRIMARY KEY, -- number << 32 | seq
    number       INTEGER GENERATED ALWAYS AS (place >> 32) VIRTUAL,
    seq          INTEGER GENERATED ALWAYS AS (place & 4294967295) VIRTUAL CHECK (seq > 0),
    event_id     TEXT    NOT NULL,
    type         TEXT    NOT NULL,
    sender       TEXT    NOT NULL,
    sent_at      INTEGER NOT NULL,
    log_time     INTEGER NOT NULL,
    partition    INTEGER NOT NULL,
    log_offset   INTEGER NOT NULL,
    digest       TEXT    NOT NULL,
    thread_root  TEXT    NOT NULL,
    about        INTEGER NOT NULL,
    messages     INTEGER NOT NULL,
    last_message INTEGER NOT NULL,
    posted       INTEGER NOT NULL,
    sent_until   INTEGER NOT NULL,
    redacted     INTEGER NOT NULL,
    content_key  TEXT    NOT NULL,
    facts        TEXT    NOT NULL,
    content      TEXT    NOT NULL
) STRICT;

INSERT INTO events
SELECT r.number << 32 | e.seq, e.event_id, e.type, e.sender, e.sent_at, e.log_time, e.partition, e.log_offset, e.digest, e.thread_root,
    e.about, e.messages, e.last_message, e.posted, e.sent_until, e.redacted, e.content_key, e.facts, e.content
FROM rooms AS r CROSS JOIN events_by_key AS e ON e.tenant = r.tenant AND e.room = r.room
ORDER BY r.tenant, r.room, e.seq;

DROP TABLE events_by_key;

CREATE UNIQUE INDEX events_by_id ON events (number, event_id);
CREATE INDEX events_by_type ON events (number, type, seq) WHERE type <> 'message.posted';
CREATE INDEX events_in_thread ON events (number, thread_root, seq) WHERE thread_root <> '';
CREATE INDEX events_edits ON events (number, about, seq) WHERE type = 'message.edited';
CREATE INDEX events_redacted ON events (number, seq) WHERE redacted > 0 AND type = 'message.posted' AND thread_root = '';
