package roomtest

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
)

// Room writes the history of one room, event by event, as the API would: each
// method appends one event, a second of the log's time after the one before,
// and returns it. Whether the fold accepts it is not looked at.
type Room struct {
	Tenant events.Tenant
	ID     events.RoomID

	t       testing.TB
	now     time.Time
	sent    int
	records []Record
}

// Option changes how [NewRoom] makes a room.
type Option func(*Room, *events.RoomCreated)

// Private makes the room a private one; the default is public.
func Private() Option {
	return func(_ *Room, f *events.RoomCreated) { f.Kind = events.RoomPrivate }
}

// ID names the room; the default is "lobby".
func ID(id events.RoomID) Option { return func(r *Room, _ *events.RoomCreated) { r.ID = id } }

// Tenant puts the room into another tenant than the default one.
func Tenant(t events.Tenant) Option { return func(r *Room, _ *events.RoomCreated) { r.Tenant = t } }

// Settings gives the room settings.
func Settings(s events.RoomSettings) Option {
	return func(_ *Room, f *events.RoomCreated) { f.Settings = s }
}

// NewRoom begins a room with its room.created by owner.
func NewRoom(t testing.TB, owner events.UserID, options ...Option) *Room {
	r := &Room{Tenant: events.DefaultTenant, ID: "lobby", t: t, now: Epoch}
	f := events.RoomCreated{Command: events.Command{Sender: owner}, Kind: events.RoomPublic, Rules: room.Rules}
	for _, o := range options {
		o(r, &f)
	}
	r.Append(f, events.RoomContent{Name: string(r.ID)})
	return r
}

// Records gives the history so far.
func (r *Room) Records() []Record { return r.records }

// Pass lets the log's time go on before the next event.
func (r *Room) Pass(d time.Duration) { r.now = r.now.Add(d) }

// Join asks that u joins.
func (r *Room) Join(u events.UserID) events.Event { return r.Member(u, u, events.MembershipJoin) }

// Leave asks that u leaves.
func (r *Room) Leave(u events.UserID) events.Event { return r.Member(u, u, events.MembershipLeave) }

// Invite asks that u is invited.
func (r *Room) Invite(by, u events.UserID) events.Event {
	return r.Member(by, u, events.MembershipInvite)
}

// Kick asks that u is removed, or an unban where u is banned.
func (r *Room) Kick(by, u events.UserID) events.Event { return r.Member(by, u, events.MembershipLeave) }

// Ban asks that u is banned for good.
func (r *Room) Ban(by, u events.UserID) events.Event { return r.Member(by, u, events.MembershipBan) }

// BanFor asks that u is banned for a while of the log's time.
func (r *Room) BanFor(by, u events.UserID, d time.Duration) events.Event {
	return r.Append(events.MemberChanged{
		Command: events.Command{Sender: by}, Target: u, Membership: events.MembershipBan,
		Until: r.now.Add(d).UnixMilli(),
	}, events.MemberContent{})
}

// SetRole asks that u, a member, has the role.
func (r *Room) SetRole(by, u events.UserID, role events.Role) events.Event {
	return r.Append(events.MemberChanged{
		Command: events.Command{Sender: by}, Target: u, Membership: events.MembershipJoin, Role: role,
	}, events.MemberContent{})
}

// Member asks that u's membership becomes m.
func (r *Room) Member(by, u events.UserID, m events.Membership) events.Event {
	return r.Append(events.MemberChanged{
		Command: events.Command{Sender: by}, Target: u, Membership: m,
	}, events.MemberContent{})
}

// Post sends a text.
func (r *Room) Post(by events.UserID, text string) events.Event {
	return r.Append(events.MessagePosted{
		Command: events.Command{Sender: by}, Kind: "text", TextBytes: len(text),
	}, events.MessageContent{Text: text})
}

// Append writes an event with these facts and content, under a fresh id.
func (r *Room) Append(f events.Facts, content any) events.Event {
	r.t.Helper()
	r.sent++
	c, err := json.Marshal(content)
	if err != nil {
		r.t.Fatalf("roomtest: content: %v", err)
	}
	e := events.Event{
		ID:   events.IdempotentID(r.Tenant, r.ID, f.By().Sender, "roomtest "+strconv.Itoa(r.sent)),
		Type: f.EventType(), Tenant: r.Tenant, Room: r.ID, Time: r.now, Facts: f, Content: c,
	}
	r.Send(&e)
	return e
}

// Send appends an event as it is, for what the other methods do not make.
func (r *Room) Send(e *events.Event) {
	r.t.Helper()
	m, err := events.Encode(e)
	if err != nil {
		r.t.Fatalf("roomtest: %v", err)
	}
	r.records = append(r.records, Record{Message: m, LogTime: r.now})
	r.now = r.now.Add(time.Second)
}
