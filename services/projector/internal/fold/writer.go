package fold

import (
	"cmp"
	"slices"
	"strings"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// maxReason is the longest reason kept with a record that is set aside, in bytes.
const maxReason = 500

// writer gathers what a batch writes. Headers and members are collected as they
// are after the batch, once each.
type writer struct {
	rows    readmodel.Rows
	out     readmodel.Batch
	headers map[readmodel.Key]bool
	members map[readmodel.Key]map[events.UserID]room.Member
}

func (w *writer) row(r *record, view *room.View, c room.Changes, v room.Verdict) {
	k, e := r.key(), &r.event
	if c.Header != nil {
		w.headers[k] = true
	}
	for _, m := range c.Members {
		if w.members[k] == nil {
			w.members[k] = map[events.UserID]room.Member{}
		}
		w.members[k][m.User] = m
	}
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
		Partition: r.Partition, Offset: r.Offset, Digest: prior.Digest, ThreadRoot: prior.ThreadRoot,
		ContentKey: e.ContentKey, Facts: string(e.RawFacts), Content: string(e.Content),
	})
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
	for k := range w.headers {
		w.out.Headers = append(w.out.Headers, w.rows.Views[k].Header)
	}
	slices.SortFunc(w.out.Headers, func(a, b *room.Header) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Room, b.Room))
	})
	for k, ms := range w.members {
		for _, m := range ms {
			w.out.Members = append(w.out.Members, readmodel.MemberRow{Key: k, Member: m})
		}
	}
	slices.SortFunc(w.out.Members, func(a, b readmodel.MemberRow) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Room, b.Room), cmp.Compare(a.User, b.User))
	})
	return w.out
}
