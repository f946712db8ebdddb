package tables

import (
	"context"
	"slices"
	"strconv"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// ThreadMarks writes how far people have read threads.
var ThreadMarks = Insert[readmodel.ThreadMarkRow]{
	Table: "thread_marks",
	Columns: []Column[readmodel.ThreadMarkRow]{
		{Name: "tenant", Text: func(m *readmodel.ThreadMarkRow) string { return string(m.Tenant) }},
		{Name: "room", Text: func(m *readmodel.ThreadMarkRow) string { return string(m.Room) }},
		{Name: "user_id", Text: func(m *readmodel.ThreadMarkRow) string { return string(m.User) }},
		{Name: "root", Int: func(m *readmodel.ThreadMarkRow) int64 { return int64(m.Root) }},
		{Name: "read_seq", Int: func(m *readmodel.ThreadMarkRow) int64 { return int64(m.Read) }},
	},
	Conflict: `ON CONFLICT (tenant, room, user_id, root) DO UPDATE SET read_seq = excluded.read_seq`,
}

// Thread lists the first messages of a thread above a seq.
func (r Reader) Thread(ctx context.Context, k readmodel.Key, root events.EventID, after events.Seq, limit int) ([]readmodel.MessageRow, error) {
	return r.messages(ctx, "thread", k, limit, r.dialect.messages.thread, int64(after), limit, string(root))
}

// ThreadBefore lists the last messages of a thread below a seq.
func (r Reader) ThreadBefore(ctx context.Context, k readmodel.Key, root events.EventID, before events.Seq, limit int) ([]readmodel.MessageRow, error) {
	rows, err := r.messages(ctx, "thread", k, limit, r.dialect.messages.threadBefore, int64(before), limit, string(root))
	slices.Reverse(rows)
	return rows, err
}

// Threads lists the roots of threads by their last reply, the latest first.
func (r Reader) Threads(ctx context.Context, k readmodel.Key, before events.Seq, limit int) ([]readmodel.MessageRow, error) {
	return r.messages(ctx, "threads", k, limit, r.dialect.messages.threads, int64(before), limit)
}

// threadUnread counts past the mark of each thread's reader.
func threadUnread(l Layout) string {
	return `SELECT n.seq, (SELECT COUNT(*) FROM events e
	WHERE ` + l.indexed("e", "h", roomOf("n")) + ` AND e.thread_root <> '' AND e.thread_root = n.id
		AND e.redacted = 0 AND e.seq > COALESCE((SELECT t.read_seq FROM thread_marks t
			WHERE t.tenant = n.tenant AND t.room = n.room AND t.user_id = n.user_id AND t.root = CAST(n.seq AS BIGINT)), 0))
FROM n`
}

// ThreadUnread counts what a person has not read in threads.
func (r Reader) ThreadUnread(ctx context.Context, k readmodel.Key, u events.UserID, roots []readmodel.MessageRow) (map[events.Seq]int64, error) {
	unread := make(map[events.Seq]int64, len(roots))
	if len(roots) == 0 {
		return unread, nil
	}
	wanted := Wanted{Names: []string{"tenant", "room", "id", "seq", "user_id"}}
	for _, m := range roots {
		wanted.add(string(k.Tenant), string(k.Room), string(m.ID), strconv.FormatInt(int64(m.Seq), 10), string(u))
	}
	with, args := r.dialect.lists(&wanted)
	err := each(ctx, r.q, "unread of threads", with+r.dialect.messages.threadUnread, args, func(r Row) error {
		var seq string
		var n int64
		if err := r.Scan(&seq, &n); err != nil {
			return err
		}
		root, err := strconv.ParseInt(seq, 10, 64)
		unread[events.Seq(root)] = n
		return err
	})
	if err != nil {
		return nil, err
	}
	return unread, nil
}
