package auth_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/auth"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// Until the table has been read no token is taken; a request waits a little for that.
func TestRevocationsAreReadFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, alice := auth.NewRevocations(), auth.Identity{Tenant: "main", User: "alice", Issued: time.UnixMilli(5000)}
		p, ok := errors.AsType[*problem.Error](r.Check(t.Context(), alice))
		if !ok || p.Code != problem.ReadModelUnavailable || r.Known() == nil {
			t.Errorf("got %v", p)
		}
		hungUp, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Check(hungUp, alice); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		waits := make(chan error)
		go func() { waits <- r.Check(t.Context(), alice) }()
		synctest.Wait()
		r.Load([]readmodel.RevocationRow{{Tenant: "main", User: "alice", Before: 5000}})
		if err := <-waits; err != nil || r.Known() != nil {
			t.Error(err, r.Known())
		}
		r.Load(nil) // as the table was a while ago
		r.Revoke(readmodel.RevocationRow{Tenant: "main", User: "alice", Before: 5001})
		r.Revoke(readmodel.RevocationRow{Tenant: "main", User: "alice", Before: 5000})
		if p, ok := errors.AsType[*problem.Error](r.Check(t.Context(), alice)); !ok || p.Code != problem.TokenRevoked {
			t.Errorf("got %v", p)
		}
	})
}

// What lasts as long as a token ends with its revocation, and with no other's.
func TestWhileATokenIsGood(t *testing.T) {
	r := auth.NewRevocations()
	who := func(bearer events.UserID, issued int64) auth.Identity {
		i := auth.Identity{Tenant: "main", User: "alice", Issued: time.UnixMilli(issued)}
		if bearer != "alice" {
			i.Actor = bearer
		}
		return i
	}
	old, stopOld := r.While(t.Context(), who("alice", 4000))
	defer stopOld()
	young, stopYoung := r.While(t.Context(), who("alice", 5000))
	service, stopService := r.While(t.Context(), who("bot", 4000))
	defer stopService()
	r.Revoke(readmodel.RevocationRow{Tenant: "main", User: "alice", Before: 4500})
	if old.Err() == nil || young.Err() != nil || service.Err() != nil {
		t.Errorf("old %v, young %v, service %v", old.Err(), young.Err(), service.Err())
	}
	r.Revoke(readmodel.RevocationRow{Tenant: "main", User: "bot", Before: 4500})
	if service.Err() == nil {
		t.Error("what a service does goes on without its token")
	}
	late, stopLate := r.While(t.Context(), who("alice", 4000))
	defer stopLate()
	if late.Err() == nil {
		t.Error("a token that was revoked before is good")
	}
	stopYoung()
	r.Revoke(readmodel.RevocationRow{Tenant: "main", User: "alice", Before: 6000}) // nobody watches any more
}
