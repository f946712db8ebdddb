package ephemeral

import (
	"context"
	"slices"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
)

// Of tells whether someone is there.
func (b *Board) Of(who auth.Account) Presence {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.people[who]
	if p == nil {
		return Presence{User: who.User, Presence: Offline}
	}
	return presenceOf(who.User, len(p.until) > 0, p.seen)
}

// here notes that someone is connected to a replica; the caller holds mu.
func (b *Board) here(who auth.Account, replica string) (came bool) {
	p := b.people[who]
	if p == nil {
		p = &person{until: map[string]time.Time{}}
		b.people[who] = p
		r := b.roster(who.Tenant)
		r.fresh = append(r.fresh, who.User)
	}
	came = len(p.until) == 0
	p.seen = b.Now()
	p.until[replica] = p.seen.Add(expiry)
	return came
}

// change notes that someone has come to a replica or gone from it, and tells their
// rooms where that is all.
func (b *Board) change(who auth.Account, replica string, c change) {
	b.mu.Lock()
	turned := false
	if c.Online {
		turned = b.here(who, replica)
		b.people[who].rooms = c.Rooms
	} else if p := b.people[who]; p != nil && len(p.until) > 0 {
		delete(p.until, replica)
		p.seen, p.rooms, turned = b.Now(), c.Rooms, len(p.until) == 0
	}
	b.mu.Unlock()
	if turned {
		b.turn(who, c.Rooms)
	}
}

// turn tells someone's rooms whether they are there.
func (b *Board) turn(who auth.Account, rooms []events.RoomID) {
	keys := make([]readmodel.Key, len(rooms))
	for i, r := range rooms {
		keys[i] = readmodel.Key{Tenant: who.Tenant, Room: r}
	}
	b.show(readmodel.Key{Tenant: who.Tenant}, TypePresence, b.Of(who), keys...)
}

// watch says who is here and forgets who has not been heard of.
func (b *Board) watch(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for n := 0; ; n++ {
		if n%int(renewal/tick) == 0 {
			b.renew(ctx)
		}
		b.expire()
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// renew says who is connected to this replica. It waits for its turn: this must
// not be lost to a flood of typing.
func (b *Board) renew(ctx context.Context) {
	b.mu.Lock()
	here := make([]string, 0, len(b.local))
	for who := range b.local {
		here = append(here, string(who.Tenant)+"/"+string(who.User))
	}
	b.mu.Unlock()
	for some := range slices.Chunk(here, chunk) {
		select {
		case b.out <- told{Here: some}:
		case <-ctx.Done():
			return
		}
	}
}

func (b *Board) expire() {
	b.mu.Lock()
	now := b.Now()
	for who, since := range b.going {
		if now.Sub(since) >= grace {
			delete(b.going, who)
			b.tell(told{Tenant: who.Tenant, Change: &change{User: who.User}})
		}
	}
	for k, last := range b.typing {
		if now.Sub(last.at) >= throttle {
			delete(b.typing, k)
		}
	}
	var lost []auth.Account
	known := len(b.people)
	for who, p := range b.people {
		was := len(p.until) > 0
		for replica, until := range p.until {
			if now.After(until) {
				delete(p.until, replica)
			}
		}
		switch {
		case was && len(p.until) == 0:
			lost = append(lost, who)
		case !was && now.Sub(p.seen) > memory:
			delete(b.people, who)
		}
	}
	if len(b.people) < known {
		b.forget()
	}
	b.mu.Unlock()
	for _, who := range lost {
		b.mu.Lock()
		rooms := b.people[who].rooms
		b.mu.Unlock()
		b.turn(who, rooms)
	}
}
