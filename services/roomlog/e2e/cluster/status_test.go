package cluster_test

import (
	"encoding/json"
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
)

// status is what `roomlog projector status --json` prints, as far as the tests look.
type status struct {
	Partitions []struct {
		Partition    events.Partition `json:"partition"`
		Owner        string           `json:"owner"`
		Next         events.Offset    `json:"next"`
		End          events.Offset    `json:"end"`
		Lag          int64            `json:"lag"`
		BadRecords   int64            `json:"bad_records"`
		DeadLetters  int64            `json:"dead_letters"`
		BlockedRooms int64            `json:"blocked_rooms"`
		Gap          string           `json:"gap"`
	} `json:"partitions"`
	Blocked []struct {
		Room  events.RoomID  `json:"room"`
		Event events.EventID `json:"event_id"`
		Type  events.Type    `json:"type"`
		Code  string         `json:"code"`
	} `json:"blocked_rooms"`
}

func (d *deployment) status(t *testing.T) status {
	t.Helper()
	r := d.roomlog(t, "projector", "status", "--json")
	var s status
	if err := json.Unmarshal([]byte(r.Stdout), &s); err != nil {
		t.Fatalf("projector status: %v, exit code %d: %s", err, r.Code, r.Stderr)
	}
	if len(s.Partitions) != partitions {
		t.Fatalf("projector status shows %d partitions, there are %d", len(s.Partitions), partitions)
	}
	return s
}

// lag is how many records are not folded yet.
func (d *deployment) lag(t *testing.T) (n int64) {
	t.Helper()
	for _, p := range d.status(t).Partitions {
		n += p.Lag
	}
	return n
}

func (d *deployment) setAside(t *testing.T) (bad, dead, blocked int64) {
	t.Helper()
	for _, p := range d.status(t).Partitions {
		bad, dead, blocked = bad+p.BadRecords, dead+p.DeadLetters, blocked+p.BlockedRooms
		if p.Gap != "" {
			t.Errorf("partition %d: %s", p.Partition, p.Gap)
		}
	}
	return bad, dead, blocked
}
