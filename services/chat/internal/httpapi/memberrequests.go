package httpapi

import (
	"fmt"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/api"
)

// memberRequest is the body of a change of membership, the others those of what is
// a person's own.
type (
	memberRequest      struct{ api.MemberRequest }
	preferencesRequest struct{ api.PreferencesRequest }
	readRequest        struct{ api.ReadRequest }
	deliveredRequest   struct{ api.DeliveredRequest }
)

func (b *memberRequest) into() (any, string)      { return &b.MemberRequest, "membership" }
func (b *preferencesRequest) into() (any, string) { return &b.PreferencesRequest, "" }
func (b *readRequest) into() (any, string)        { return &b.ReadRequest, "seq" }
func (b *deliveredRequest) into() (any, string)   { return &b.DeliveredRequest, "seq" }

func (b *memberRequest) key() string      { return "" }
func (b *preferencesRequest) key() string { return "" }
func (b *readRequest) key() string        { return "" }
func (b *deliveredRequest) key() string   { return "" }

func (b *memberRequest) check() error {
	switch b.Membership {
	case events.MembershipKnock, events.MembershipInvite, events.MembershipJoin, events.MembershipLeave, events.MembershipBan:
	default:
		return invalidField("membership", "membership is join, knock, invite, leave or ban")
	}
	switch {
	case b.Role != "" && !isRole(b.Role):
		return invalidField("role", roles)
	case b.Role != "" && b.Membership != events.MembershipJoin:
		return invalidField("role", "only those who have joined have a role")
	case len(b.Reason) > events.MaxReason:
		return invalidField("reason", fmt.Sprintf("a reason has at most %d bytes", events.MaxReason))
	case !b.Until.IsZero() && b.Membership != events.MembershipBan:
		return invalidField("until", "only a ban has an end")
	case !b.Until.IsZero() && b.Until.UnixMilli() <= 0:
		return invalidField("until", "the time is over")
	case b.Until.UTC().Year() > 9999:
		return invalidField("until", "the time is after the year 9999 in UTC")
	}
	return nil
}

func (b *memberRequest) facts(by events.Command, target events.UserID) events.MemberChanged {
	f := events.MemberChanged{Command: by, Target: target, Membership: b.Membership, Role: b.Role}
	if !b.Until.IsZero() {
		f.Until = b.Until.UnixMilli()
	}
	return f
}

func (b *preferencesRequest) check() error { return nil }

func (b *preferencesRequest) facts(by events.Command) events.Facts {
	return events.PreferencesChanged{Command: by, Muted: b.Muted, Hidden: b.Hidden, Archived: b.Archived}
}

func (b *readRequest) check() error {
	if b.ThreadRoot != "" {
		if _, err := events.ParseEventID(b.ThreadRoot); err != nil {
			return badID("thread_root", err)
		}
	}
	return checkMark(b.Seq)
}

func (b *readRequest) facts(by events.Command) events.Facts {
	return events.MarkMoved{Command: by, Mark: events.MarkRead, Seq: events.Seq(b.Seq), ThreadRoot: events.EventID(b.ThreadRoot)}
}

func (b *deliveredRequest) check() error { return checkMark(b.Seq) }

func (b *deliveredRequest) facts(by events.Command) events.Facts {
	return events.MarkMoved{Command: by, Mark: events.MarkDelivered, Seq: events.Seq(b.Seq)}
}

func checkMark(seq int64) error {
	if seq < 0 || seq > maxSeq {
		return invalidField("seq", "this is a seq, or 0 for the beginning")
	}
	return nil
}
