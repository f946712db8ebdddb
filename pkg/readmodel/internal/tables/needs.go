package tables

import (
	"context"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// needStatements are the five statements that read what a batch needs. Each joins the
// tables with a list n of what is wanted. CROSS JOIN keeps SQLite from starting with the table.
type needStatements struct{ headers, rooms, members, priors, reactions string }

func newNeedStatements(l Layout) needStatements {
	of := roomOf("n")
	return needStatements{
		headers: `SELECT ` + headerColumns + ` FROM n CROSS JOIN rooms r WHERE r.tenant = n.tenant AND r.room = n.room`,

		rooms: `SELECT n.tenant, n.room, EXISTS (SELECT 1 FROM dead_letters d WHERE d.tenant = n.tenant AND d.room = n.room),
` + l.highestID(of) + `,
COALESCE((SELECT o.event_id FROM outcomes o WHERE o.tenant = n.tenant AND o.room = n.room ORDER BY o.event_id DESC LIMIT 1), '')
FROM n`,

		members: `SELECT n.tenant, n.room, ` + memberColumns + ` FROM n CROSS JOIN members m
WHERE m.tenant = n.tenant AND m.room = n.room AND m.user_id = n.id`,

		priors: `SELECT n.tenant, n.room, n.id, e.type, e.sender, e.digest, e.seq, '' AS code, e.thread_root, e.redacted, COALESCE(s.seq, 0), ` + stateColumns + `
FROM n CROSS JOIN events e ` + l.withState(of) + ` WHERE ` + l.byID("e", of, "n.id") + `
UNION ALL
SELECT n.tenant, n.room, n.id, o.type, o.sender, o.digest, 0, o.code, '', 0, 0, 0, 0, 0, 0, 0, ''
FROM n CROSS JOIN outcomes o WHERE o.tenant = n.tenant AND o.room = n.room AND o.event_id = n.id AND o.binds = 1`,

		reactions: `SELECT n.tenant, n.room, n.id, n.key, n.user_id FROM n CROSS JOIN events e CROSS JOIN reactions x
WHERE ` + l.byID("e", of, "n.id") + `
	AND ('k/' || x.tenant || '/' || x.room) = ('k/' || n.tenant || '/' || n.room) AND x.seq = e.seq AND x.key = n.key AND x.user_id = n.user_id`,
	}
}

// Prefetch collects the rows that a batch needs.
type Prefetch struct {
	headers, rooms, members, priors, reactions Wanted
	rows                                       readmodel.Rows
}

// NewPrefetch returns the prefetch of needs, with a view for each room.
func NewPrefetch(needs readmodel.Needs) *Prefetch {
	rooms, ids := []string{"tenant", "room"}, []string{"tenant", "room", "id"}
	p := &Prefetch{
		headers: Wanted{Names: rooms}, rooms: Wanted{Names: rooms}, members: Wanted{Names: ids}, priors: Wanted{Names: ids},
		reactions: Wanted{Names: []string{"tenant", "room", "id", "key", "user_id"}},
		rows: readmodel.Rows{
			Views: make(map[readmodel.Key]*room.View, len(needs)), Blocked: map[readmodel.Key]bool{}, Highest: map[readmodel.Key]events.EventID{},
		},
	}
	for k, n := range needs {
		p.rows.Views[k] = room.NewView()
		if n == nil || n.Header {
			p.rooms.add(string(k.Tenant), string(k.Room))
		}
		if n != nil {
			p.room(k, n)
		}
	}
	return p
}

func (p *Prefetch) room(k readmodel.Key, n *readmodel.RoomNeeds) {
	if n.Header {
		p.headers.add(string(k.Tenant), string(k.Room))
	}
	for _, u := range n.Members {
		p.members.add(string(k.Tenant), string(k.Room), string(u))
	}
	for _, id := range n.Priors {
		p.priors.add(string(k.Tenant), string(k.Room), string(id))
	}
	for _, x := range n.Reactions {
		p.reactions.add(string(k.Tenant), string(k.Room), string(x.Target), x.Key, string(x.User))
	}
}

// Want is a statement of a prefetch and what takes its rows.
type Want struct {
	Name string
	Statement
	Row func(Row) error
}

// Wants are the statements that have something to read.
func (p *Prefetch) Wants(d *Dialect) []Want {
	out := make([]Want, 0, 5)
	add := func(name, sql string, list *Wanted, row func(Row) error) {
		if list.Len() > 0 {
			with, args := d.lists(list)
			out = append(out, Want{name, Statement{with + sql, args}, row})
		}
	}
	add("headers", d.needs.headers, &p.headers, p.takeHeader)
	add("rooms", d.needs.rooms, &p.rooms, p.takeRoom)
	add("members", d.needs.members, &p.members, p.takeMember)
	add("priors", d.needs.priors, &p.priors, p.takePrior)
	add("reactions", d.needs.reactions, &p.reactions, p.takeReaction)
	return out
}

// Rows gives what was collected.
func (p *Prefetch) Rows() readmodel.Rows { return p.rows }

func (p *Prefetch) takeHeader(r Row) error {
	h, err := scanHeader(r)
	if err != nil {
		return err
	}
	p.rows.Views[readmodel.Key{Tenant: h.Tenant, Room: h.Room}].Header = &h
	return nil
}

func (p *Prefetch) takeRoom(r Row) error {
	var k readmodel.Key
	var blocked bool
	var event, outcome events.EventID
	if err := r.Scan(&k.Tenant, &k.Room, &blocked, &event, &outcome); err != nil {
		return err
	}
	if blocked {
		p.rows.Blocked[k] = true
	}
	p.rows.Highest[k] = max(event, outcome)
	return nil
}

func (p *Prefetch) takeMember(r Row) error {
	var k readmodel.Key
	var m room.Member
	if err := r.Scan(append([]any{&k.Tenant, &k.Room}, memberFields(&m)...)...); err != nil {
		return err
	}
	p.rows.Views[k].Members[m.User] = m
	return nil
}

func (p *Prefetch) takePrior(r Row) error {
	var k readmodel.Key
	var id events.EventID
	var prior room.Prior
	var of events.Seq // the message of the state, or zero
	var state room.MessageState
	var typ, reactions string
	to := []any{
		&k.Tenant, &k.Room, &id, &typ, &prior.Sender, &prior.Digest, &prior.Seq, &prior.Code, &prior.ThreadRoot, &prior.Redacted, &of,
	}
	if err := r.Scan(append(to, stateFields(&state, &reactions)...)...); err != nil {
		return err
	}
	prior.Type, _ = events.SplitType(typ)
	view := p.rows.Views[k]
	view.Priors[id] = prior
	if of == 0 {
		return nil
	}
	err := scanReactions(reactions, &state)
	view.States[id] = state
	return err
}

func (p *Prefetch) takeReaction(r Row) error {
	var k readmodel.Key
	var x room.ReactionID
	if err := r.Scan(&k.Tenant, &k.Room, &x.Target, &x.Key, &x.User); err != nil {
		return err
	}
	p.rows.Views[k].Reactions[x] = true
	return nil
}

// View reads what judging an event takes, as a batch does.
func (r Reader) View(ctx context.Context, k readmodel.Key, needs room.Needs) (*room.View, error) {
	p := NewPrefetch(readmodel.Needs{k: {Header: true, Needs: needs}})
	p.rooms = Wanted{} // it is judged once
	for _, w := range p.Wants(r.dialect) {
		if err := each(ctx, r.q, w.Name, w.SQL, w.Args, w.Row); err != nil {
			return nil, err
		}
	}
	return p.rows.Views[k], nil
}
