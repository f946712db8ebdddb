package tables

import (
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// What a batch needs is read by four statements. Each joins the tables with a
// list n of what is wanted, which the store puts before it (WITH n …): of
// (tenant, room) for headers and blocked rooms, of (tenant, room, id) for
// members and priors. CROSS JOIN keeps SQLite from starting with the table.
const (
	NeededHeaders = `SELECT ` + headerColumns + ` FROM n CROSS JOIN rooms r WHERE r.tenant = n.tenant AND r.room = n.room`

	NeededBlocked = `SELECT n.tenant, n.room FROM n
WHERE EXISTS (SELECT 1 FROM dead_letters d WHERE d.tenant = n.tenant AND d.room = n.room)`

	NeededMembers = `SELECT n.tenant, n.room, ` + memberColumns + ` FROM n CROSS JOIN members m
WHERE m.tenant = n.tenant AND m.room = n.room AND m.user_id = n.id`

	NeededPriors = `SELECT n.tenant, n.room, n.id, e.type, e.sender, e.digest, e.seq, '' AS code, e.thread_root
FROM n CROSS JOIN events e WHERE ('i/' || e.tenant || '/' || e.room) = ('i/' || n.tenant || '/' || n.room) AND e.event_id = n.id
UNION ALL
SELECT n.tenant, n.room, n.id, o.type, o.sender, o.digest, 0, o.code, ''
FROM n CROSS JOIN outcomes o WHERE o.tenant = n.tenant AND o.room = n.room AND o.event_id = n.id AND o.binds = 1`
)

// Wanted is what a list n has, column by column; IDs is as long as the others
// or empty.
type Wanted struct{ Tenants, Rooms, IDs []string }

// Len is the number of rows.
func (w *Wanted) Len() int { return len(w.Tenants) }

func (w *Wanted) add(k readmodel.Key) {
	w.Tenants = append(w.Tenants, string(k.Tenant))
	w.Rooms = append(w.Rooms, string(k.Room))
}

// Prefetch collects the rows that a batch needs.
type Prefetch struct {
	// The lists for the four statements. One that is empty need not be run.
	Headers, Blocked, Members, Priors Wanted
	rows                              readmodel.Rows
}

// NewPrefetch returns the prefetch of needs, with a view for each room.
func NewPrefetch(needs readmodel.Needs) *Prefetch {
	p := &Prefetch{rows: readmodel.Rows{Views: make(map[readmodel.Key]*room.View, len(needs)), Blocked: map[readmodel.Key]bool{}}}
	for k, n := range needs {
		p.rows.Views[k] = room.NewView()
		p.Blocked.add(k)
		if n == nil {
			continue
		}
		if n.Header {
			p.Headers.add(k)
		}
		for _, u := range n.Members {
			p.Members.add(k)
			p.Members.IDs = append(p.Members.IDs, string(u))
		}
		for _, id := range n.Priors {
			p.Priors.add(k)
			p.Priors.IDs = append(p.Priors.IDs, string(id))
		}
	}
	return p
}

// Rows gives what was collected.
func (p *Prefetch) Rows() readmodel.Rows { return p.rows }

// Header takes a row of [NeededHeaders].
func (p *Prefetch) Header(r Row) error {
	h, err := scanHeader(r)
	if err != nil {
		return err
	}
	p.rows.Views[readmodel.Key{Tenant: h.Tenant, Room: h.Room}].Header = &h
	return nil
}

// BlockedRoom takes a row of [NeededBlocked].
func (p *Prefetch) BlockedRoom(r Row) error {
	var k readmodel.Key
	if err := r.Scan(&k.Tenant, &k.Room); err != nil {
		return err
	}
	p.rows.Blocked[k] = true
	return nil
}

// Member takes a row of [NeededMembers].
func (p *Prefetch) Member(r Row) error {
	var k readmodel.Key
	var m room.Member
	if err := r.Scan(append([]any{&k.Tenant, &k.Room}, memberFields(&m)...)...); err != nil {
		return err
	}
	p.rows.Views[k].Members[m.User] = m
	return nil
}

// Prior takes a row of [NeededPriors].
func (p *Prefetch) Prior(r Row) error {
	var k readmodel.Key
	var id events.EventID
	var prior room.Prior
	if err := r.Scan(&k.Tenant, &k.Room, &id, &prior.Type, &prior.Sender, &prior.Digest, &prior.Seq, &prior.Code, &prior.ThreadRoot); err != nil {
		return err
	}
	p.rows.Views[k].Priors[id] = prior
	return nil
}
