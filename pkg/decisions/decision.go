// Package decisions is what operators have decided about a log: to release a
// room whose events are parked, to discard an event for good, to accept a gap.
//
// A decision is a record of a topic of its own, kept for ever, with one
// partition, so that all decisions have one order. Owners of partitions carry
// them out; who folds the log again reads them first ([Book]) and comes to the
// same tables. A decision names the log that it is about and means nothing to
// any other.
//
// The package imports events and eventlog only.
package decisions

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
)

// DefaultTopic is the topic of the decisions about a log with a default name.
const DefaultTopic = "roomlog.decisions"

// MaxReason is the longest reason, in bytes.
const MaxReason = 1 << 10

// Types of decisions. They only grow.
const (
	// RoomReleased has the parked events of a room judged again, in order.
	RoomReleased events.Type = "room.released"
	// EventDiscarded has an event rejected for good, at its own offset, and its
	// room released.
	EventDiscarded events.Type = "event.discarded"
	// GapAccepted has a partition that was stopped folded on from another offset.
	GapAccepted events.Type = "gap.accepted"
)

var (
	// ErrInvalid says that a decision is not complete or names what cannot be.
	ErrInvalid = errors.New("invalid decision")
	// ErrUnknown says that a record is a decision of a type, or with a field, that
	// this program does not know.
	ErrUnknown = errors.New("decision of a newer program")
)

// Decision is what an operator has decided.
type Decision struct {
	// Offset is where it stands in the topic; set by readers.
	Offset events.Offset
	ID     events.EventID
	Type   events.Type
	Time   time.Time
	// By says who decided, Reason why; a reason may be absent from a release.
	By, Reason string
	// Log is the log that it is about, Partition the part of it.
	Log       events.LogID
	Partition events.Partition

	// Tenant and Room are those of a released room or a discarded event.
	Tenant events.Tenant
	Room   events.RoomID

	// Event and At name a discarded event and its place.
	Event events.EventID
	At    events.Offset
	// Sender and Digest are what is known of the command behind a discarded event.
	// They stand here because not every program that folds can read the event.
	Sender events.UserID
	Digest string
	// Seen is the first decision that had not been carried out when the event was
	// seen parked. Where a decision about the same room stands between, the event
	// may have been judged meanwhile, and the discard is void.
	Seen events.Offset

	// Next is the checkpoint that an accepted gap is about, From the log that it was
	// folded from, Resume the offset of Log to go on from.
	Next, Resume events.Offset
	From         events.LogID
}

// Topic is the topic of the decisions about the log that cfg names.
func Topic(cfg eventlog.Config) string {
	if cfg.Topic == "" || strings.HasPrefix(cfg.Topic, eventlog.DefaultTopicPrefix) {
		return DefaultTopic
	}
	return cfg.Topic + ".decisions"
}

// Spec is the topic as it is wanted: one partition, kept for ever.
func Spec(cfg eventlog.Config, replication, minInSync int) eventlog.TopicSpec {
	return eventlog.TopicSpec{Name: Topic(cfg), Partitions: 1, Replication: replication, MinInSync: minInSync}
}

// check says what is wrong with a decision.
func (d *Decision) check() error {
	if _, err := events.ParseEventID(string(d.ID)); err != nil {
		return fmt.Errorf("id: %w", err)
	}
	if d.By == "" {
		return errors.New("it does not say who decided")
	}
	for _, text := range []string{d.By, d.Reason, d.Digest} {
		if len(text) > MaxReason || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return fmt.Errorf("texts are at most %d bytes of Unicode without U+0000", MaxReason)
		}
	}
	if d.Time.IsZero() || d.Log == (events.LogID{}) || d.Partition < 0 || d.Partition >= events.MaxPartitions {
		return errors.New("it does not say when, or about which log and partition")
	}
	switch d.Type {
	case RoomReleased:
		return d.checkRoom()
	case EventDiscarded:
		if _, err := events.ParseEventID(string(d.Event)); err != nil {
			return fmt.Errorf("event: %w", err)
		}
		if d.At < 0 || d.Seen < 0 || d.Reason == "" {
			return errors.New("a discard needs the event's offset and a reason")
		}
		if _, err := events.ParseUserID(string(d.Sender)); d.Sender != "" && err != nil {
			return fmt.Errorf("sender: %w", err)
		}
		return d.checkRoom()
	case GapAccepted:
		if d.Next < 0 || d.Resume < 0 || d.Reason == "" || d.From == (events.LogID{}) {
			return errors.New("an accepted gap needs the checkpoint, where to go on, and a reason")
		}
		return nil
	default:
		return fmt.Errorf("%w: type %q", ErrUnknown, d.Type)
	}
}

func (d *Decision) checkRoom() error {
	_, err := events.ParseTenant(string(d.Tenant))
	_, err2 := events.ParseRoomID(string(d.Room))
	return errors.Join(err, err2)
}

// ofRoom reports whether the decision lets a room's events be judged again.
func (d *Decision) ofRoom() bool { return d.Type == RoomReleased || d.Type == EventDiscarded }
