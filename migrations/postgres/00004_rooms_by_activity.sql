-- A page of a person's rooms, however many they have: from the latest of all rooms
-- back, as long as enough of these are theirs, and else through all of theirs, of
-- which an index has what the list looks at.
-- +goose Up

CREATE INDEX rooms_by_activity ON rooms (('a/' || tenant), log_time DESC, room)
    WHERE deleted = 0;

DROP INDEX members_by_user;
CREATE INDEX members_by_user ON members (('u/' || tenant || '/' || user_id), membership, room, archived, hidden);
