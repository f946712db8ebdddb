-- The index of ids is sparse. An id is in order where it is above all before in its room;
-- those of keys, which have the version 8, aside. The first one in order of sixteen seqs
-- has an entry, and the others are found beside it. Of SQLite alone.
-- +goose Up

-- 0: in order; 1: the first one in order of sixteen; 2: not in order, and what a program
-- of before writes, which may have the file open still
ALTER TABLE events ADD COLUMN entry INTEGER NOT NULL DEFAULT 2;

DROP INDEX events_by_id;

UPDATE events SET entry = n.entry
FROM (
    SELECT place, CASE
        WHEN NOT in_order THEN 2
        WHEN place = MIN(CASE WHEN in_order THEN place END) OVER (PARTITION BY place >> 4) THEN 1
        ELSE 0 END AS entry
    FROM (
        SELECT place, substr(event_id, 15, 1) <> '8' AND event_id > COALESCE(
            MAX(CASE WHEN substr(event_id, 15, 1) <> '8' THEN event_id END)
            OVER (PARTITION BY place >> 32 ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), '') AS in_order
        FROM events
    )
) AS n
WHERE events.place = n.place AND n.entry <> 2;

CREATE UNIQUE INDEX events_by_id ON events (number, event_id) WHERE entry = 2;
CREATE UNIQUE INDEX events_in_order ON events (number, event_id) WHERE entry = 1;
