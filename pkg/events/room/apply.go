package room

import (
	"time"

	"github.com/roomlog/roomlog/pkg/events"
)

// Rules is the newest version of the rules; rooms made now are judged by it.
const Rules = 3

// Apply judges e, which the log appended at logTime, against the view. It
// changes neither. See [View.Reuse] for how long what it gives is good.
func Apply(v *View, e *events.Event, logTime time.Time) (Changes, Verdict) {
	if e.Facts == nil {
		return park(CodeUnknownType)
	}
	if v.Header != nil && v.Header.Rules > Rules {
		return park(CodeUnknownRules)
	}
	if p, ok := v.Priors[e.ID]; ok {
		return repeat(p, e)
	}
	now := logTime.UnixMilli()
	// The record's own time, not the room's: one broker whose clock is ahead must
	// not expire what comes after it.
	if !e.Expires.IsZero() && now > e.Expires.UnixMilli() {
		return reject(CodeExpired)
	}
	if v.Header != nil {
		now = max(now, v.Header.LogTime)
	}
	j := judge{View: v, event: e, now: now, sent: SentAt(e, logTime)}
	if created, ok := e.Facts.(events.RoomCreated); ok {
		return j.roomCreated(created)
	}
	if revoked, ok := e.Facts.(events.TokensRevoked); ok {
		return j.tokensRevoked(revoked)
	}
	if v.Header == nil || v.Header.Deleted {
		return reject(CodeRoomNotFound)
	}
	return j.judge()
}

func (j judge) judge() (Changes, Verdict) {
	switch f := j.event.Facts.(type) {
	case events.RoomUpdated:
		return j.roomUpdated(f)
	case events.RoomDeleted:
		return j.roomDeleted(f)
	case events.RulesUpgraded:
		return j.rulesUpgraded(f)
	case events.MemberChanged:
		return j.memberChanged(f)
	case events.MarkMoved:
		return j.markMoved(f)
	case events.PreferencesChanged:
		return j.preferencesChanged(f)
	case events.MessagePosted:
		return j.messagePosted(f)
	case events.MessageEdited:
		return j.messageEdited(f)
	case events.MessageRedacted:
		return j.messageRedacted(f)
	case events.MessagePinned:
		return j.pin(f.Command, f.Target, true)
	case events.MessageUnpinned:
		return j.pin(f.Command, f.Target, false)
	case events.ReactionAdded:
		return j.react(f.Command, f.Target, f.Key, true)
	case events.ReactionRemoved:
		return j.react(f.Command, f.Target, f.Key, false)
	default:
		return park(CodeUnknownType)
	}
}

// SentAt is the author's time of e in Unix milliseconds, or the log's where the event
// says none.
func SentAt(e *events.Event, logTime time.Time) int64 {
	if e.Time.IsZero() {
		return logTime.UnixMilli()
	}
	return e.Time.UnixMilli()
}

// repeat judges an event whose id is taken.
func repeat(p Prior, e *events.Event) (Changes, Verdict) {
	by := e.Facts.By()
	if p.Type != e.Type || p.Sender != by.Sender || p.Digest != by.Digest {
		return reject(CodeKeyReused)
	}
	return Changes{}, Verdict{Status: Duplicate, Seq: p.Seq, Code: p.Code, Of: p}
}

// judge holds what judging one event takes.
type judge struct {
	*View
	event *events.Event
	now   int64 // the log's time, Unix milliseconds, never going back in a room
	sent  int64 // the author's, Unix milliseconds
}

// member gives a person's standing as of now: a ban that has ended is none.
func (j judge) member(u events.UserID) Member {
	m, ok := j.Members[u]
	if !ok {
		return Member{User: u}
	}
	return m.At(j.now)
}

// At gives the standing at a time of the log, in Unix milliseconds: a ban that
// has ended has become a leave.
func (m Member) At(now int64) Member {
	if m.Membership == events.MembershipBan && m.Until != 0 && m.Until <= now {
		m.Membership, m.Until = events.MembershipLeave, 0
	}
	return m
}

// may says whether a member may do something here.
func (j judge) may(m Member, do Action) bool {
	return m.Membership == events.MembershipJoin && May(m.Role, do, j.Header.Settings)
}

// accept gives the event the next seq and the members their new standing.
func (j judge) accept(h Header, changed ...Member) (Changes, Verdict) {
	h.Seq++
	h.Digest = NextDigest(h.Digest, h.Seq, j.event.ID)
	h.LogTime = j.now
	for i, m := range changed {
		before := j.member(m.User)
		if before.Membership != m.Membership {
			changed[i].Since = h.Seq
		}
		if before.Membership == events.MembershipJoin {
			h.Members--
		}
		if m.Membership == events.MembershipJoin {
			h.Members++
		}
	}
	return Changes{Header: j.header(&h), Members: j.members(changed)}, Verdict{Status: Accepted, Seq: h.Seq}
}

// hidden is how the room answers someone who is not in it: a private room does
// not show that it exists.
func (j judge) hidden(m Member) (Changes, Verdict) {
	switch {
	case j.Header.Kind != events.RoomPublic && m.Membership != events.MembershipInvite:
		return reject(CodeRoomNotFound)
	case m.Membership == events.MembershipBan:
		return reject(CodeBanned)
	}
	return reject(CodeNotAMember)
}
