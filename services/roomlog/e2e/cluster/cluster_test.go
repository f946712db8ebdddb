package cluster_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/checker"
	"github.com/roomlog/roomlog/services/roomlog/e2e/crowd"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

func TestCluster(t *testing.T) {
	begun := time.Now()
	d := deploy(t)
	t.Logf("figure: cluster: ready after %s", time.Since(begun).Round(time.Millisecond))
	for range proc.Number(t, "CLUSTER_ROUNDS", 1) {
		t.Run("ProjectorAdded", d.projectorAdded)
		t.Run("ProjectorStopped", d.projectorStopped)
		t.Run("ProjectorKilled", d.projectorKilled)
		t.Run("ProjectorFrozen", d.projectorFrozen)
		t.Run("BrokerKilled", d.brokerKilled)
		t.Run("ControllerKilled", d.controllerKilled)
		t.Run("LogAway", d.logAway)
		t.Run("DatabaseAway", d.databaseAway)
	}
	t.Run("CrashPoints", d.crashPoints)
	t.Run("Histories", d.histories)
	t.Run("ReadYourWrites", d.readYourWrites)
	t.Run("Streams", d.streams)
	t.Run("BadRecords", d.badRecords)
	t.Run("NewerEvent", d.newerEvent)
	t.Run("LastLook", d.lastLook)
	t.Run("Verify", d.verify)
}

func (d *deployment) projectorAdded(t *testing.T) {
	d.underLoad(t, func() {
		before := d.checkpoints(t)
		p := d.startProjector(t)
		d.projectors = append(d.projectors, p)
		began := time.Now()
		until(t, "the new projector has partitions", func() bool { return len(owns(d.checkpoints(t), p)) > 0 })
		after := d.checkpoints(t)
		t.Logf("figure: projector added: %d of %d partitions moved to it, the first after %s", len(owns(after, p)), len(after), time.Since(began).Round(time.Millisecond))
		if moved(before, after) == 0 {
			t.Error("no partition has moved")
		}
	})
}

func (d *deployment) projectorStopped(t *testing.T) {
	d.underLoad(t, func() {
		p, had := d.busy(t)
		took := p.MustStop(t)
		d.taken(t, p, "projector stopped", had)
		t.Logf("figure: projector stopped: it ended after %s", took.Round(time.Millisecond))
	})
	d.replace(t)
}

func (d *deployment) projectorKilled(t *testing.T) {
	d.underLoad(t, func() {
		p, had := d.busy(t)
		p.Kill9()
		d.taken(t, p, "projector killed", had)
	})
	d.replace(t)
}

// projectorFrozen freezes a projector past its session and lets it go on when
// others have its partitions: whatever it was about to write is fenced.
func (d *deployment) projectorFrozen(t *testing.T) {
	d.underLoad(t, func() {
		p, had := d.busy(t)
		if err := p.Pause(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = p.Continue() }() // whatever happens here, the next test needs it
		d.taken(t, p, "projector frozen", had)
		d.awaitAcks(t)
		if err := p.Continue(); err != nil {
			t.Fatal(err)
		}
		// It comes back as a member like any other, under claims of its own.
		until(t, "the frozen projector has partitions again", func() bool { return len(owns(d.checkpoints(t), p)) > 0 })
		log := p.Stderr()
		t.Logf("figure: projector frozen: its log has %d fenced batches and %d lost partitions",
			strings.Count(log, "claimed by another owner"), strings.Count(log, "cause=\"partition lost"))
	})
	changes, claims := d.checkAudit(t)
	if t.Failed() {
		return
	}
	t.Logf("figure: projector frozen: %d changes of checkpoints, %d of them claims: none by who had lost the claim", changes, claims)
}

// busy is a projector that has partitions, and which.
func (d *deployment) busy(t *testing.T) (*proc.Process, []checkpoint) {
	t.Helper()
	var p *proc.Process
	var had []checkpoint
	until(t, "a projector has partitions", func() bool {
		p = d.projectors[d.rng.IntN(len(d.projectors))]
		had = owns(d.checkpoints(t), p)
		return len(had) > 0
	})
	return p, had
}

// taken waits until others have claimed what p had.
func (d *deployment) taken(t *testing.T, p *proc.Process, what string, had []checkpoint) {
	t.Helper()
	began := time.Now()
	var now []checkpoint
	until(t, what+": its partitions are taken over", func() bool {
		now = d.checkpoints(t)
		return len(owns(now, p)) == 0
	})
	t.Logf("figure: %s: its %d partitions were claimed by others within %s", what, len(had), time.Since(began).Round(time.Millisecond))
	for _, c := range had {
		if after := now[c.partition]; after.epoch <= c.epoch || after.owner == c.owner {
			t.Errorf("partition %d was %+v and is %+v", c.partition, c, after)
		}
	}
}

// replace starts a projector for each one that has ended.
func (d *deployment) replace(t *testing.T) {
	t.Helper()
	d.projectors = slices.DeleteFunc(d.projectors, func(p *proc.Process) bool {
		select {
		case <-p.Done():
			return true
		default:
			return false
		}
	})
	for len(d.projectors) < 3 {
		d.projectors = append(d.projectors, d.startProjector(t))
	}
}

// lastLook reads all that was ever written, in every way there is.
func (d *deployment) lastLook(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*patience)
	defer cancel()
	found, err := d.people.SurveyAfresh(ctx, 2000, func(room events.RoomID) ([]checker.Event, error) {
		r := d.roomlog(t, "export", "--room", string(room))
		if r.Code != 0 {
			t.Fatalf("export: exit code %d: %s", r.Code, r.Stderr)
		}
		return crowd.ParseExport(r.Stdout)
	})
	if err != nil {
		t.Fatal(err)
	}
	d.report(t, found)
	t.Logf("figure: cluster: %d commands (%d of them sent more than once), %d acknowledged, 0 violations; refusals %v",
		d.people.Sent(), d.people.Repeated(), d.people.Acked(), d.people.Problems())
}
