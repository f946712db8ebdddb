-- The read model: what folding the log gives. One schema holds one version of
-- the projection; the migration runs with search_path set to it.
--
-- Times are Unix milliseconds, JSON is text (both stores keep what the log has,
-- byte for byte), ids compare bytewise (COLLATE "C"), an absent id is ''. The
-- tenant stands first in every key. Partitions of the log share the tables and
-- never touch each other's rows: a room has one partition, and no unique
-- constraint spans rooms.
--
-- The second index of a table begins with an expression of its own, a letter and
-- the tenant's and room's (or user's) ids, in the place of the columns. So just
-- one index fits each statement, and no planner, of either store and whatever its
-- statistics, takes another that begins with the same columns and walks a room:
-- to both a tenant and room look nearly unique, until they are not.
-- +goose Up

-- How far each partition is folded. Written in the transaction that writes the
-- rows, guarded by epoch and next_offset (the fence).
CREATE TABLE checkpoints (
    partition   INTEGER NOT NULL PRIMARY KEY,
    log_id      TEXT    NOT NULL, -- the log that is folded, in hex
    next_offset BIGINT  NOT NULL, -- first offset that is not folded
    last_offset BIGINT  NOT NULL, -- of the record folded last
    last_id     TEXT    NOT NULL, -- its fingerprint; '' before the first
    epoch       BIGINT  NOT NULL, -- counts claims
    owner       TEXT    NOT NULL, -- who claimed last
    updated     BIGINT  NOT NULL, -- last commit, by the projector's clock
    decisions   BIGINT  NOT NULL, -- operators' decisions below this offset are carried out
    decisions_log TEXT  NOT NULL  -- id of the topic that they stand in; '' before the first
) WITH (fillfactor = 20); -- updated by every commit, so leave room on the page

-- The bounded header that the fold keeps of each room.
CREATE TABLE rooms (
    tenant       TEXT COLLATE "C" NOT NULL,
    room         TEXT COLLATE "C" NOT NULL,
    kind         TEXT    NOT NULL,
    rules        INTEGER NOT NULL, -- version of the rules that judge the room
    creator      TEXT COLLATE "C" NOT NULL,
    settings     TEXT    NOT NULL, -- JSON
    seq          BIGINT  NOT NULL, -- last one given
    digest       TEXT    NOT NULL, -- of the event ids, by seq, in hex
    content_seq  BIGINT  NOT NULL, -- event with the name and metadata
    last_message BIGINT  NOT NULL, -- seq of the last message; 0 before the first
    members      BIGINT  NOT NULL, -- who have joined
    created      BIGINT  NOT NULL, -- the log's time of the first event
    log_time     BIGINT  NOT NULL, -- the log's time of the last accepted event
    PRIMARY KEY (tenant, room)
) WITH (fillfactor = 70); -- no index on what changes: updates stay on the page

CREATE TABLE members (
    tenant     TEXT COLLATE "C" NOT NULL,
    room       TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    membership TEXT COLLATE "C" NOT NULL,
    role       TEXT   NOT NULL,
    since      BIGINT NOT NULL, -- seq that gave the present membership
    until      BIGINT NOT NULL, -- end of a ban, by the log's time; 0: none
    PRIMARY KEY (tenant, room, user_id)
);

-- The rooms of a person.
CREATE INDEX members_by_user ON members (('u/' || tenant || '/' || user_id), membership, room);

-- Accepted events with a seq: message, idempotency record and outcome in one.
CREATE TABLE events (
    tenant      TEXT COLLATE "C" NOT NULL,
    room        TEXT COLLATE "C" NOT NULL,
    seq         BIGINT  NOT NULL CHECK (seq > 0),
    event_id    TEXT COLLATE "C" NOT NULL,
    type        TEXT COLLATE "C" NOT NULL,
    sender      TEXT COLLATE "C" NOT NULL,
    sent_at     BIGINT  NOT NULL, -- the author's time
    log_time    BIGINT  NOT NULL,
    partition   INTEGER NOT NULL,
    log_offset  BIGINT  NOT NULL,
    digest      TEXT    NOT NULL, -- of the command, where it had a key
    thread_root TEXT COLLATE "C" NOT NULL,
    content_key TEXT COLLATE "C" NOT NULL, -- key that content is encrypted with
    facts       TEXT    NOT NULL, -- JSON, as in the log
    content     TEXT    NOT NULL, -- JSON, as in the log
    PRIMARY KEY (tenant, room, seq)
);

CREATE UNIQUE INDEX events_by_id ON events (('i/' || tenant || '/' || room), event_id);
-- Pages of messages among many joins, and of joins among many messages.
CREATE INDEX events_by_type ON events (('t/' || tenant || '/' || room), type, seq);
-- From a time to a message.
CREATE INDEX events_messages_at ON events (('s/' || tenant || '/' || room), sent_at, seq)
    WHERE type = 'message.posted';

-- Verdicts that made no event row: rejections, and acceptances without a seq.
-- One for each record; the first that binds is what its id keeps.
CREATE TABLE outcomes (
    tenant     TEXT COLLATE "C" NOT NULL,
    room       TEXT COLLATE "C" NOT NULL,
    event_id   TEXT COLLATE "C" NOT NULL,
    partition  INTEGER  NOT NULL,
    log_offset BIGINT   NOT NULL,
    type       TEXT COLLATE "C" NOT NULL,
    sender     TEXT COLLATE "C" NOT NULL,
    status     TEXT     NOT NULL,
    code       TEXT     NOT NULL, -- reason of a rejection
    digest     TEXT     NOT NULL,
    binds      SMALLINT NOT NULL CHECK (binds IN (0, 1)), -- later events with the id are judged by it
    log_time   BIGINT   NOT NULL,
    PRIMARY KEY (tenant, room, event_id, partition, log_offset)
);

-- Records that are no events.
CREATE TABLE bad_records (
    partition  INTEGER NOT NULL,
    log_offset BIGINT  NOT NULL,
    log_time   BIGINT  NOT NULL,
    reason     TEXT    NOT NULL,
    size       BIGINT  NOT NULL, -- bytes of the record
    PRIMARY KEY (partition, log_offset)
);

-- Parked records. A room that has any is blocked: its later ones follow here.
CREATE TABLE dead_letters (
    tenant     TEXT COLLATE "C" NOT NULL,
    room       TEXT COLLATE "C" NOT NULL,
    partition  INTEGER NOT NULL,
    log_offset BIGINT  NOT NULL,
    log_time   BIGINT  NOT NULL,
    event_id   TEXT COLLATE "C" NOT NULL,
    type       TEXT COLLATE "C" NOT NULL,
    code       TEXT    NOT NULL, -- why the room is blocked; '' for those that wait behind
    reason     TEXT    NOT NULL, -- in words
    record     TEXT    NOT NULL, -- JSON, bytes in base64
    PRIMARY KEY (tenant, room, partition, log_offset)
);

-- The record that blocks each room.
CREATE INDEX dead_letters_first ON dead_letters (tenant, room, partition)
    WHERE code <> '';
