-- Two indexes less for each message. The same as for PostgreSQL; see there.
-- +goose Up

ALTER TABLE rooms ADD COLUMN posted     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN sent_until INTEGER NOT NULL DEFAULT 0;

ALTER TABLE events ADD COLUMN last_message INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN posted       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN sent_until   INTEGER NOT NULL DEFAULT 0;

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

CREATE INDEX events_by_type ON events (('t/' || tenant || '/' || room), type, seq)
    WHERE type <> 'message.posted';
