package readmodel

import (
	"slices"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
)

// Place is where the log has a record, and since when.
type Place struct {
	Partition events.Partition
	Offset    events.Offset
	Time      time.Time
}

// Gather makes a [Batch] of what the fold says of events, in log order. The zero
// Gather is empty; it is not safe for concurrent use.
type Gather struct {
	out         Batch
	headers     latest[Key, *room.Header]
	members     latest[person, MemberRow]
	states      latest[message, StateRow]
	reactions   latest[reaction, ReactionRow]
	threadMarks latest[threadMark, ThreadMarkRow]
	mentions    latest[message, MentionRow]
	revocations latest[person, RevocationRow]
}

// What tells rows of a room apart.
type (
	person struct {
		Key
		user events.UserID
	}
	message struct {
		Key
		seq events.Seq
	}
	reaction struct {
		Key
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

// Grow makes room for so many events.
func (g *Gather) Grow(n int) { g.out.Events = slices.Grow(g.out.Events, n) }

// Judged takes an event that was accepted or rejected, and what it changes.
func (g *Gather) Judged(e *events.Event, at Place, c room.Changes, v room.Verdict) {
	k := Key{e.Tenant, e.Room}
	g.change(k, c)
	prior := room.PriorOf(e, v)
	if v.Seq == 0 {
		g.Outcome(e, at, prior, v)
		return
	}
	g.out.Events = append(g.out.Events, EventRow{
		Key: k, Seq: v.Seq, ID: e.ID, Type: e.Type, Version: e.Version, Sender: prior.Sender, SentAt: room.SentAt(e, at.Time), LogTime: c.Header.LogTime,
		Partition: at.Partition, Offset: at.Offset, Digest: prior.Digest, ThreadRoot: prior.ThreadRoot, About: c.About, Messages: c.Header.Messages,
		LastMessage: c.Header.LastMessage, Posted: c.Header.Posted, SentUntil: c.Header.SentUntil,
		ContentKey: e.ContentKey, Facts: e.RawFacts, Content: string(e.Content),
	})
}

// Outcome takes a verdict that makes no row in events.
func (g *Gather) Outcome(e *events.Event, at Place, p room.Prior, v room.Verdict) {
	g.out.Outcomes = append(g.out.Outcomes, OutcomeRow{
		Key: Key{e.Tenant, e.Room}, ID: e.ID, Type: e.Type, Sender: p.Sender, Status: v.Status, Code: v.Code, Digest: p.Digest,
		Binds: v.Binds(), LogTime: at.Time.UnixMilli(), Partition: at.Partition, Offset: at.Offset,
	})
}

// BadRecord takes a record that is no event.
func (g *Gather) BadRecord(r BadRecord) { g.out.BadRecords = append(g.out.BadRecords, r) }

// DeadLetter takes a record that is parked.
func (g *Gather) DeadLetter(d DeadLetter) { g.out.DeadLetters = append(g.out.DeadLetters, d) }

// Unpark takes a parked record that is judged now.
func (g *Gather) Unpark(p Parked) { g.out.Unparked = append(g.out.Unparked, p) }

// Batch gives what was gathered.
func (g *Gather) Batch() Batch {
	b := g.out
	b.Headers, b.Members, b.States = g.headers.rows, g.members.rows, g.states.rows
	b.Reactions, b.ThreadMarks, b.Mentions = g.reactions.rows, g.threadMarks.rows, g.mentions.rows
	b.Revocations = g.revocations.rows
	return b
}

func (g *Gather) change(k Key, c room.Changes) {
	if c.Header != nil {
		g.headers.set(k, c.Header)
	}
	for _, m := range c.Members {
		g.members.set(person{k, m.User}, MemberRow{Key: k, Member: m})
	}
	for _, s := range c.States {
		g.states.set(message{k, s.Seq}, StateRow{Key: k, StateChange: s})
	}
	for _, x := range c.Reactions {
		g.reactions.set(reaction{k, x.ReactionID}, ReactionRow{Key: k, ReactionChange: x})
	}
	if m := c.ThreadMark; m != nil {
		g.threadMarks.set(threadMark{person{k, m.User}, m.Root}, ThreadMarkRow{Key: k, ThreadMark: *m})
	}
	if m := c.Mentions; m != nil {
		g.mentions.set(message{k, m.Seq}, MentionRow{Key: k, Mentions: *m})
	}
	if c.Redaction != nil {
		g.out.Redactions = append(g.out.Redactions, RedactionRow{Key: k, Redaction: *c.Redaction})
	}
	if c.Stay != nil {
		g.out.Stays = append(g.out.Stays, StayRow{Key: k, Stay: *c.Stay})
	}
	if v := c.Revocation; v != nil {
		who := person{k, v.User}
		row := RevocationRow{Tenant: k.Tenant, User: v.User, Before: v.Before}
		if i, ok := g.revocations.at[who]; ok {
			row.Before = max(row.Before, g.revocations.rows[i].Before)
		}
		g.revocations.set(who, row)
	}
	if c.History != nil {
		g.out.Histories = append(g.out.Histories, HistoryRow{Key: k, HistoryChange: *c.History})
	}
}
