package cluster_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
	"github.com/roomlog/roomlog/services/roomlog/e2e/crowd"
)

// publishDeadline is within which every command is answered whatever the log
// does: the publish timeout, the two seconds for which some wait for the
// verdict, and a second for a busy machine.
const publishDeadline = publishTimeout + 3*time.Second

const (
	// stallMargin is how much longer than a dead broker's session the
	// acknowledgements may take to go on, in any room.
	stallMargin = 3 * time.Second

	// electionTime is how long the controllers take to miss their leader and to
	// have a new one, by the settings of package kafka.
	electionTime = (1000 + 500) * time.Millisecond
)

// brokerKilled kills a broker that only has partitions.
func (d *deployment) brokerKilled(t *testing.T) {
	d.killBroker(t, (d.controller(t)+1)%3, brokerSession+stallMargin)
}

// controllerKilled kills the one that also leads the controllers, so that a new
// leader has to be elected, which then counts the dead broker's session from
// its own beginning.
func (d *deployment) controllerKilled(t *testing.T) {
	d.killBroker(t, d.controller(t), brokerSession+electionTime+stallMargin)
}

func (d *deployment) controller(t *testing.T) (i int) {
	t.Helper()
	until(t, "there is an active controller", func() bool {
		var err error
		i, err = d.servers.ActiveController(t.Context())
		return err == nil
	})
	return i
}

func (d *deployment) killBroker(t *testing.T, i int, limit time.Duration) {
	d.people.Slowest()
	reading := d.startReaders(t)
	defer reading.end(t)
	d.underLoad(t, func() {
		broker := d.servers.Broker(i)
		d.people.Pulse().Begin(d.people.Rooms())
		if err := broker.Kill(); err != nil {
			t.Fatal(err)
		}
		d.awaitAcks(t)
		d.awaitAcks(t)
		anywhere, room := d.people.Pulse().Longest()
		t.Logf("figure: %s: longest time without an acknowledgement %s, in one room %s; a broker's session is %s, the limit %s",
			t.Name(), anywhere.Round(time.Millisecond), room.Round(time.Millisecond), brokerSession, limit)
		if room > limit {
			t.Errorf("a room waited %s for an acknowledgement, the limit is %s", room, limit)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := broker.Start(ctx); err != nil {
			t.Fatal(err)
		}
		if err := d.servers.AwaitInSync(ctx); err != nil {
			t.Fatal(err)
		}
	})
	d.answeredInTime(t)
}

// answeredInTime checks the slowest answer to a command since the last time.
func (d *deployment) answeredInTime(t *testing.T) {
	t.Helper()
	slowest := d.people.Slowest()
	t.Logf("figure: %s: the slowest answer to a command took %s; answers that were no acknowledgement so far: %v",
		t.Name(), slowest.Round(time.Millisecond), d.people.Problems())
	if slowest > publishDeadline {
		t.Errorf("an answer took %s, the deadline is %s", slowest, publishDeadline)
	}
}

// logAway kills two of three brokers: nothing can be acknowledged, and every
// command is answered all the same, most with "not known". Reads go on.
func (d *deployment) logAway(t *testing.T) {
	d.people.Slowest()
	reading := d.startReaders(t)
	defer reading.end(t)
	d.underLoad(t, func() {
		for i := range 2 {
			if err := d.servers.Broker(i).Kill(); err != nil {
				t.Fatal(err)
			}
		}
		unacknowledged := func() int {
			codes := d.people.Problems()
			return codes[crowd.NotKnown] + codes["log_unavailable"]
		}
		before := unacknowledged()
		until(t, "commands are answered without the log", func() bool { return unacknowledged() >= before+40 })
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		back, ctx := errgroup.WithContext(ctx)
		for i := range 2 {
			back.Go(func() error { return d.servers.Broker(i).Start(ctx) })
		}
		if err := back.Wait(); err != nil {
			t.Fatal(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := d.servers.AwaitInSync(ctx); err != nil {
		t.Fatal(err)
	}
	d.answeredInTime(t)
}

// databaseAway stops PostgreSQL: sends go on, reads say why they do not.
func (d *deployment) databaseAway(t *testing.T) {
	d.people.Slowest()
	d.underLoad(t, func() {
		database := d.servers.Postgres()
		if err := database.Stop(); err != nil {
			t.Fatal(err)
		}
		d.people.Pulse().Begin(nil)
		before := d.people.Acked()
		d.awaitAcks(t)
		gap, _ := d.people.Pulse().Longest()
		t.Logf("figure: database away: %d acknowledged without it, at most %s between two", d.people.Acked()-before, gap.Round(time.Millisecond))
		for i := range d.urls {
			d.readsSayWhy(t, i)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := database.Start(ctx); err != nil {
			t.Fatal(err)
		}
		back := time.Now()
		until(t, "the projectors have caught up", func() bool { return d.lag(t) < 200 })
		t.Logf("figure: database away: caught up %s after it was back", time.Since(back).Round(time.Millisecond))
	})
	d.answeredInTime(t)
}

// readsSayWhy checks the answer to a read while the database is away.
func (d *deployment) readsSayWhy(t *testing.T, replica int) {
	t.Helper()
	reader := d.people.Owner(replica).As(d.token(t, "load-owner"))
	_, err := reader.Room(t.Context(), d.people.Rooms()[0])
	var p *client.Problem
	switch {
	case !errors.As(err, &p) || p.Status != 503:
		t.Errorf("a read without database: %v", err)
	case p.Malformed != "" || p.Code != "read_model_unavailable" || !p.Retryable || p.RetryAfter <= 0:
		t.Errorf("a read without database: %+v", p)
	}
}
