-- Two indexes less for each message. Pages of messages and the first message of a
-- time are found by what each event has of the room, which never goes back: the
-- message before it, and by halving how many there were and until when they were
-- sent. What was folded before has it from here.
-- +goose Up

ALTER TABLE rooms
    ADD COLUMN posted     BIGINT NOT NULL DEFAULT 0, -- messages, those in threads too
    ADD COLUMN sent_until BIGINT NOT NULL DEFAULT 0; -- the latest time at which one of them was sent
ALTER TABLE events
    ADD COLUMN last_message BIGINT NOT NULL DEFAULT 0, -- the room's, with this one
    ADD COLUMN posted       BIGINT NOT NULL DEFAULT 0, -- the room's, with this one
    ADD COLUMN sent_until   BIGINT NOT NULL DEFAULT 0; -- the room's, with this one

DROP INDEX events_messages_at;
DROP INDEX events_by_type;

UPDATE events SET last_message = w.last_message, posted = w.posted, sent_until = w.sent_until
FROM (
    SELECT tenant, room, seq,
        COALESCE(MAX(CASE WHEN type = 'message.posted' THEN seq END) OVER w, 0)     AS last_message,
        COUNT(CASE WHEN type = 'message.posted' THEN 1 END) OVER w                  AS posted,
        COALESCE(MAX(CASE WHEN type = 'message.posted' THEN sent_at END) OVER w, 0) AS sent_until
    FROM events
    WINDOW w AS (PARTITION BY tenant, room ORDER BY seq ROWS UNBOUNDED PRECEDING)
) AS w
WHERE events.tenant = w.tenant AND events.room = w.room AND events.seq = w.seq;

UPDATE rooms SET posted = e.posted, sent_until = e.sent_until
FROM events AS e
WHERE e.tenant = rooms.tenant AND e.room = rooms.room AND e.seq = rooms.seq;

-- Pages of joins among many messages.
CREATE INDEX events_by_type ON events (('t/' || tenant || '/' || room), type, seq)
    WHERE type <> 'message.posted';
