package ephemeral

import (
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
)

// People are those of a tenant who are there or were lately, or only those who are
// there.
type People struct {
	board  *Board
	tenant events.Tenant
	here   bool
}

// Known are the people of a tenant who are there or were lately.
func (b *Board) Known(t events.Tenant) People { return People{b, t, false} }

// Here are those who are there.
func (b *Board) Here(t events.Tenant) People { return People{b, t, true} }

// Most is how many they are at most.
func (p People) Most() int {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	r := p.board.roster(p.tenant)
	return len(r.sorted) + len(r.fresh)
}

// Has reports whether someone is among them.
func (p People) Has(u events.UserID) bool {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	return p.has(u)
}

func (p People) has(u events.UserID) bool {
	of := p.board.people[auth.Account{Tenant: p.tenant, User: u}]
	return of != nil && (len(of.until) > 0 || !p.here)
}

// After lists up to limit of them, ascending, after one.
func (p People) After(after events.UserID, limit int) (out []events.UserID) {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	for _, u := range p.board.roster(p.tenant).after(after) {
		if len(out) == limit {
			break
		}
		if p.has(u) {
			out = append(out, u)
		}
	}
	return out
}

// roster has the people of a tenant in order.
type roster struct {
	sorted []events.UserID
	fresh  []events.UserID // not sorted in yet
}

// roster gives that of a tenant; the caller holds mu.
func (b *Board) roster(t events.Tenant) *roster {
	r := b.rosters[t]
	if r == nil {
		r = &roster{}
		b.rosters[t] = r
	}
	return r
}

// after gives those behind someone, of all.
func (r *roster) after(u events.UserID) []events.UserID {
	if len(r.fresh) > 0 {
		slices.Sort(r.fresh)
		r.sorted, r.fresh = merge(r.sorted, r.fresh), nil
	}
	i, found := slices.BinarySearch(r.sorted, u)
	if found {
		i++
	}
	return r.sorted[i:]
}

func merge(a, b []events.UserID) []events.UserID {
	out := make([]events.UserID, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0] < b[0] {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// forget takes those off whom nobody has heard of; the caller holds mu.
func (b *Board) forget() {
	for t, r := range b.rosters {
		gone := func(u events.UserID) bool { return b.people[auth.Account{Tenant: t, User: u}] == nil }
		r.sorted, r.fresh = slices.DeleteFunc(r.sorted, gone), slices.DeleteFunc(r.fresh, gone)
		if len(r.sorted)+len(r.fresh) == 0 {
			delete(b.rosters, t)
		}
	}
}
