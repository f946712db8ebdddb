package fold

import (
	"strings"

	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// maxReason is the longest reason kept with a record that is set aside, in bytes.
const maxReason = 500

// writer gathers what a batch writes.
type writer struct {
	readmodel.Gather
	blocked map[readmodel.Key]bool
}

// discard records that an operator has discarded the event.
func (w *writer) discard(r *record) {
	verdict, prior := room.Discard(r.room.view, &r.event, *r.by)
	if verdict.Status == room.Duplicate {
		return
	}
	w.Outcome(&r.event, r.place(), prior, verdict)
	r.room.view.Priors[r.event.ID] = prior
	r.room.highest = max(r.room.highest, r.event.ID)
}

func (w *writer) unpark(r *record) {
	w.Unpark(readmodel.Parked{Key: r.key(), Partition: r.Partition, Offset: r.Offset})
}

func (w *writer) badRecord(r *record) {
	w.BadRecord(readmodel.BadRecord{
		Partition: r.Partition, Offset: r.Offset, LogTime: r.Time.UnixMilli(), Reason: cut(r.bad.Error()), Size: r.Size(),
	})
}

func (w *writer) deadLetter(r *record, code room.Code, reason string) {
	k := r.key()
	w.blocked[k] = true
	w.DeadLetter(readmodel.DeadLetter{
		Key: k, Partition: r.Partition, Offset: r.Offset, LogTime: r.Time.UnixMilli(),
		ID: r.event.ID, Type: r.event.Type.Versioned(r.event.Version), Code: code, Reason: cut(reason), Message: r.Message,
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
