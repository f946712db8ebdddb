-- What becomes of messages (edits, redactions, reactions, threads, pins), whom
-- they mention, how far people have read, and which history they may read.
--
-- What was folded before has the defaults: a rebuild gives it what it should
-- have, and until then the tables go on serving.
-- +goose Up

ALTER TABLE rooms
    ADD COLUMN history  TEXT     NOT NULL DEFAULT '', -- as in settings
    ADD COLUMN version  INTEGER  NOT NULL DEFAULT 1,  -- counts settings, names and metadata given
    ADD COLUMN messages BIGINT   NOT NULL DEFAULT 0,  -- posted outside of threads
    ADD COLUMN archived SMALLINT NOT NULL DEFAULT 0,  -- 1: read only
    ADD COLUMN deleted  SMALLINT NOT NULL DEFAULT 0;  -- 1: there for nobody

ALTER TABLE members
    ADD COLUMN invited   BIGINT   NOT NULL DEFAULT 0, -- seq of the invitation that the join followed; 0: none
    ADD COLUMN read_seq  BIGINT   NOT NULL DEFAULT 0, -- read up to there
    ADD COLUMN delivered BIGINT   NOT NULL DEFAULT 0, -- delivered up to there
    ADD COLUMN last_post BIGINT   NOT NULL DEFAULT 0, -- the log's time of the last message
    ADD COLUMN muted     SMALLINT NOT NULL DEFAULT 0,
    ADD COLUMN archived  SMALLINT NOT NULL DEFAULT 0, -- by the person, for themselves
    ADD COLUMN hidden    BIGINT   NOT NULL DEFAULT 0; -- seq of the room when it was hidden; 0: it is not
-- Every message moves its sender's marks, which no index has: such an update
-- stays on the page.
ALTER TABLE members SET (fillfactor = 70);

ALTER TABLE events
    ADD COLUMN about    BIGINT NOT NULL DEFAULT 0, -- seq of the message that it is about; 0: none
    ADD COLUMN messages BIGINT NOT NULL DEFAULT 0, -- the room's messages outside of threads, with this one
    ADD COLUMN redacted BIGINT NOT NULL DEFAULT 0; -- seq of the event that took the content away; 0: none

CREATE INDEX events_in_thread ON events (('h/' || tenant || '/' || room), thread_root, seq)
    WHERE thread_root <> '';
CREATE INDEX events_edits ON events (('e/' || tenant || '/' || room), about, seq)
    WHERE type = 'message.edited';
-- What a count of messages past a mark has too much.
CREATE INDEX events_redacted ON events (('r/' || tenant || '/' || room), seq)
    WHERE redacted > 0 AND type = 'message.posted' AND thread_root = '';

-- What became of messages of which anything did.
CREATE TABLE message_states (
    tenant     TEXT COLLATE "C" NOT NULL,
    room       TEXT COLLATE "C" NOT NULL,
    seq        BIGINT  NOT NULL, -- of the message
    edits      INTEGER NOT NULL, -- how many
    edit       BIGINT  NOT NULL, -- seq of the last one, which has the present content
    replies    BIGINT  NOT NULL, -- in the thread that it is the root of
    last_reply BIGINT  NOT NULL, -- seq of the last one
    pinned     BIGINT  NOT NULL, -- seq of the event that pinned it
    reactions  TEXT    NOT NULL, -- JSON: keys, ascending, with counts
    PRIMARY KEY (tenant, room, seq)
) WITH (fillfactor = 70);

CREATE INDEX message_states_threads ON message_states (('h/' || tenant || '/' || room), last_reply)
    WHERE replies > 0;
CREATE INDEX message_states_pins ON message_states (('p/' || tenant || '/' || room), pinned)
    WHERE pinned > 0;

-- Who reacted to what; a page of messages asks for one person's.
CREATE TABLE reactions (
    tenant  TEXT COLLATE "C" NOT NULL,
    room    TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    seq     BIGINT NOT NULL, -- of the message
    key     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, room, user_id, seq, key)
);

CREATE INDEX reactions_by_key ON reactions (('k/' || tenant || '/' || room), seq, key, user_id);

-- Whom a message mentions, as long as it is not redacted.
CREATE TABLE mentions (
    tenant  TEXT COLLATE "C" NOT NULL,
    room    TEXT COLLATE "C" NOT NULL,
    seq     BIGINT NOT NULL, -- of the message
    user_id TEXT COLLATE "C" NOT NULL, -- '*': everyone in the room, and nobody by name
    PRIMARY KEY (tenant, room, seq, user_id)
);

CREATE INDEX mentions_by_user ON mentions (('m/' || tenant || '/' || room), user_id, seq);

-- How far people have read threads.
CREATE TABLE thread_marks (
    tenant   TEXT COLLATE "C" NOT NULL,
    room     TEXT COLLATE "C" NOT NULL,
    user_id  TEXT COLLATE "C" NOT NULL,
    root     BIGINT NOT NULL, -- seq of the thread's first message
    read_seq BIGINT NOT NULL,
    PRIMARY KEY (tenant, room, user_id, root)
) WITH (fillfactor = 70);

-- Times of membership that have ended.
CREATE TABLE stays (
    tenant   TEXT COLLATE "C" NOT NULL,
    room     TEXT COLLATE "C" NOT NULL,
    user_id  TEXT COLLATE "C" NOT NULL,
    from_seq BIGINT NOT NULL,
    invited  BIGINT NOT NULL, -- seq of the invitation that it followed; 0: none
    to_seq   BIGINT NOT NULL,
    PRIMARY KEY (tenant, room, user_id, from_seq)
);

-- The settings of history, and since which event they are in force.
CREATE TABLE histories (
    tenant   TEXT COLLATE "C" NOT NULL,
    room     TEXT COLLATE "C" NOT NULL,
    from_seq BIGINT NOT NULL,
    history  TEXT   NOT NULL,
    PRIMARY KEY (tenant, room, from_seq)
);
