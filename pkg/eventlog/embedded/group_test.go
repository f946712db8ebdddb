package embedded_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
)

const group = "group"

// Members that are killed while they wait to join have joined and are not heard of:
// their sessions end, and the others share what they were to have. There are
// several, since kfake alone forgets about half of them.
func TestKilledWhileJoining(t *testing.T) {
	const killed = 4
	b := start(t, embedded.Config{})
	stays := newMember(t, b)
	stays.join(t)
	stays.sync(t)

	var asking sync.WaitGroup
	for i := range killed {
		m := newMember(t, b)
		m.prepare(t)
		asking.Go(func() {
			if m.askToJoin(t.Context()) == nil {
				t.Error("one has joined before the first was asked")
			}
		})
		if _, err := b.Cluster().WaitGroupInfo(testContext(t), group, func(g *kfake.GroupInfo) bool {
			return g != nil && len(g.Members) == i+2
		}); err != nil {
			t.Fatalf("the broker has no request to join: %v", err)
		}
		m.client.Close()
	}
	asking.Wait()

	stays.awaitRebalance(t)
	stays.join(t)
	if stays.members != 1+killed {
		t.Fatalf("%d members have joined", stays.members)
	}
	stays.sync(t)
	stays.awaitRebalance(t)
	stays.join(t)
	if stays.members != 1 {
		t.Errorf("%d members are there, one is alive", stays.members)
	}
}

// member is one of a group, request by request.
type member struct {
	client     *kgo.Client
	id         string
	generation int32
	members    int // as its leader was told
}

func newMember(t *testing.T, b *embedded.Broker) *member {
	t.Helper()
	return &member{client: client(t, configOf(b.Info()))}
}

func (m *member) request() *kmsg.JoinGroupRequest {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Group, r.MemberID, r.ProtocolType = group, m.id, "consumer"
	r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = 1000, int32(2*patience/time.Millisecond)
	r.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range"}}
	return r
}

// prepare gets an id.
func (m *member) prepare(t *testing.T) {
	t.Helper()
	resp, err := m.request().RequestWith(testContext(t), m.client)
	if err != nil || !errors.Is(kerr.ErrorForCode(resp.ErrorCode), kerr.MemberIDRequired) {
		t.Fatalf("no id: %+v, %v", resp, err)
	}
	m.id = resp.MemberID
}

func (m *member) askToJoin(ctx context.Context) error {
	resp, err := m.request().RequestWith(ctx, m.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
		m.generation, m.members = resp.Generation, len(resp.Members)
	}
	return err
}

func (m *member) join(t *testing.T) {
	t.Helper()
	if m.id == "" {
		m.prepare(t)
	}
	if err := m.askToJoin(testContext(t)); err != nil {
		t.Fatal(err)
	}
}

func (m *member) sync(t *testing.T) {
	t.Helper()
	r := kmsg.NewPtrSyncGroupRequest()
	r.Group, r.MemberID, r.Generation = group, m.id, m.generation
	resp, err := r.RequestWith(testContext(t), m.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// awaitRebalance sends heartbeats until the answer is to join again.
func (m *member) awaitRebalance(t *testing.T) {
	t.Helper()
	ctx := testContext(t)
	for {
		r := kmsg.NewPtrHeartbeatRequest()
		r.Group, r.MemberID, r.Generation = group, m.id, m.generation
		resp, err := r.RequestWith(ctx, m.client)
		switch {
		case err != nil:
			t.Fatalf("nobody has told it to join again: %v", err)
		case errors.Is(kerr.ErrorForCode(resp.ErrorCode), kerr.RebalanceInProgress):
			return
		case resp.ErrorCode != 0:
			t.Fatal(kerr.ErrorForCode(resp.ErrorCode))
		}
	}
}
