-- A page of a person's rooms, however many they have. The same as for PostgreSQL;
-- see there.
-- +goose Up

CREATE INDEX rooms_by_activity ON rooms (('a/' || tenant), log_time DESC, room)
    WHERE deleted = 0;

DROP INDEX members_by_user;
CREATE INDEX members_by_user ON members (('u/' || tenant || '/' || user_id), membership, room, archived, hidden);
