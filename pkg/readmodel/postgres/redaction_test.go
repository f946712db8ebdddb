package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/postgres"
)

// TestLongRedaction shows that a redaction may take longer than a batch: that of
// a large room would never end else.
func TestLongRedaction(t *testing.T) {
	database := clustertest.Postgres(t)
	const limit = 300 * time.Millisecond
	s := open(t, postgres.Config{URL: database, FoldTimeout: limit})
	c, err := s.Claim(t.Context(), 0, events.LogID{1}, "owner")
	if err != nil {
		t.Fatal(err)
	}
	fold := func(floor events.Offset, b readmodel.Batch) error {
		return s.Fold(t.Context(), readmodel.Fence{Epoch: c.Epoch, Floor: floor, Next: floor + 1}, nil,
			func(readmodel.Rows) (readmodel.Batch, error) { return b, nil })
	}
	message := readmodel.EventRow{Key: theRoom, Seq: 1, ID: "e", Type: events.TypeMessagePosted, Version: 1, Facts: "{}", Content: `{"text":"a"}`}
	if err := fold(0, readmodel.Batch{Events: []readmodel.EventRow{message}}); err != nil {
		t.Fatal(err)
	}

	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	hold := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	hold("BEGIN; SELECT * FROM " + s.Schema() + ".events FOR UPDATE")
	done := make(chan error, 1)
	go func() {
		done <- fold(1, readmodel.Batch{Redactions: []readmodel.RedactionRow{{Key: theRoom, Redaction: room.Redaction{From: 1, To: 1, By: 2}}}})
	}()
	for waits := false; !waits; {
		select {
		case err := <-done:
			t.Fatal("the redaction did not wait:", err)
		default:
		}
		waits = query(t, database, `SELECT (count(*) > 0)::text FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND now() - xact_start > interval '900 ms'`)[0] == "true"
	}
	hold("COMMIT")
	if err := <-done; err != nil {
		t.Error("a redaction that took long:", err)
	}
}
