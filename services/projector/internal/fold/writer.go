package fold

import (
	"strings"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// maxReason is the longest reason kept with a record that is set aside, in bytes.
const maxReason = 500

// writer gathers what a batch writes.
type writer struct {
	rows        readmodel.Rows
	out         readmodel.Batch
	headers     latest[readmodel.Key, *room.Header]
	members     latest[person, readmodel.MemberRow]
	states      latest[message, readmodel.StateRow]
	reactions   latest[reaction, readmodel.ReactionRow]
	threadMarks latest[threadMark, readmodel.ThreadMarkRow]
	mentions    latest[message, readmodel.MentionRow]
}

// What tells rows of a room apart.
type (
	person struct {
		readmodel.Key
		user events.UserID
	}
	message struct {
		readmodel.Key
		seq events.Seq
	}
	reaction struct {
		readmodel.Key
		id room.ReactionID
	}
	threadMark struct {
		person
		root events.Seq
	}
)

// latest has rows as they are after the batch, once each, in the order in which
// the log first touches them.
type latest[K comparable, R any] struct {
	at   map[K]int
	rows []R
}

func (l *latest[K, R]) set(k K, row R) {
	i, ok := l.at[k]
	if ok {
		l.rows[i] = row
		return
	}
	if l.at == nil {
		l.at = map[K]int{}
	}
	l.at[k] = len(l.rows)
	l.rows = append(l.rows, row)
}

// row writes what a judged event does, and the event.
func (w *writer) row(r *record, c room.Changes, v room.Verdict) {
	k, e := r.key(), &r.event
	w.change(k, c)
	prior := room.PriorOf(e, v)
	if v.Seq == 0 {
		w.out.Outcomes = append(w.out.Outcomes, readmodel.OutcomeRow{
			Key: k, ID: e.ID, Type: e.Type, Sender: prior.Sender, Status: v.Status, Code: v.Code, Digest: prior.Digest,
			Binds: v.Binds(), LogTime: r.Time.UnixMilli(), Partition: r.Partition, Offset: r.Offset,
		})
		return
	}
	w.out.Events = append(w.out.Events, readmodel.EventRow{
		Key: k, Seq: v.Seq, ID: e.ID, Type: e.Type, Sender: prior.Sender, SentAt: sentAt(r), LogTime: c.Header.LogTime,
		Partition: r.Partition, Offset: r.Offset, Digest: prior.Digest, ThreadRoot: prior.ThreadRoot, About: c.About, Messages: c.Header.Messages,
		ContentKey: e.ContentKey, Facts: string(e.RawFacts), Content: string(e.Content),
	})
}

func (w *writer) change(k readmodel.Key, c room.Changes) {
	if c.Header != nil {
		w.headers.set(k, c.Header)
	}
	for _, m := range c.Members {
		w.members.set(person{k, m.User}, readmodel.MemberRow{Key: k, Member: m})
	}
	for _, s := range c.States {
		w.states.set(message{k, s.Seq}, readmodel.StateRow{Key: k, StateChange: s})
	}
	for _, x := range c.Reactions {
		w.reactions.set(reaction{k, x.ReactionID}, readmodel.ReactionRow{Key: k, ReactionChange: x})
	}
	if m := c.ThreadMark; m != nil {
		w.threadMarks.set(threadMark{person{k, m.User}, m.Root}, readmodel.ThreadMarkRow{Key: k, ThreadMark: *m})
	}
	if m := c.Mentions; m != nil {
		w.mentions.set(message{k, m.Seq}, readmodel.MentionRow{Key: k, Mentions: *m})
	}
	if c.Redaction != nil {
		w.out.Redactions = append(w.out.Redactions, readmodel.RedactionRow{Key: k, Redaction: *c.Redaction})
	}
	if c.Stay != nil {
		w.out.Stays = append(w.out.Stays, readmodel.StayRow{Key: k, Stay: *c.Stay})
	}
	if c.History != nil {
		w.out.Histories = append(w.out.Histories, readmodel.HistoryRow{Key: k, HistoryChange: *c.History})
	}
}

// sentAt is the author's time, or the log's where the event says none.
func sentAt(r *record) int64 {
	if r.event.Time.IsZero() {
		return r.Time.UnixMilli()
	}
	return r.event.Time.UnixMilli()
}

// discard records that an operator has discarded the event.
func (w *writer) discard(r *record, view *room.View) {
	verdict, prior := room.Discard(view, &r.event, *r.by)
	if verdict.Status == room.Duplicate {
		return
	}
	w.out.Outcomes = append(w.out.Outcomes, readmodel.OutcomeRow{
		Key: r.key(), ID: r.event.ID, Type: r.event.Type, Sender: prior.Sender, Status: verdict.Status, Code: verdict.Code, Digest: prior.Digest,
		Binds: verdict.Binds(), LogTime: r.Time.UnixMilli(), Partition: r.Partition, Offset: r.Offset,
	})
	view.Priors[r.event.ID] = prior
}

func (w *writer) unpark(r *record) {
	w.out.Unparked = append(w.out.Unparked, readmodel.Parked{Key: r.key(), Partition: r.Partition, Offset: r.Offset})
}

func (w *writer) badRecord(r *record) {
	w.out.BadRecords = append(w.out.BadRecords, readmodel.BadRecord{
		Partition: r.Partition, Offset: r.Offset, LogTime: r.Time.UnixMilli(), Reason: cut(r.bad.Error()), Size: r.Size(),
	})
}

func (w *writer) deadLetter(r *record, code room.Code, reason string) {
	k := r.key()
	w.rows.Blocked[k] = true
	w.out.DeadLetters = append(w.out.DeadLetters, readmodel.DeadLetter{
		Key: k, Partition: r.Partition, Offset: r.Offset, LogTime: r.Time.UnixMilli(),
		ID: r.event.ID, Type: r.event.Type, Code: code, Reason: cut(reason), Message: r.Message,
	})
}

// cut makes a reason short and storable whatever the record held.
func cut(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "")
	}
	return s
}

func (w *writer) finish() readmodel.Batch {
	b := w.out
	b.Headers, b.Members, b.States = w.headers.rows, w.members.rows, w.states.rows
	b.Reactions, b.ThreadMarks, b.Mentions = w.reactions.rows, w.threadMarks.rows, w.mentions.rows
	return b
}
