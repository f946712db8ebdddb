package cluster_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// verify compares the tables with the log, then changes one column of one row by
// hand: both are named. Changed back, all is equal again.
func (d *deployment) verify(t *testing.T) {
	until(t, "everything is folded", func() bool { return d.lag(t) == 0 })
	equal := d.roomlog(t, "projector", "verify")
	if equal.Code != 0 {
		t.Fatalf("exit code %d: %s%s", equal.Code, equal.Stdout, equal.Stderr)
	}
	t.Logf("figure: projector verify says: %s", strings.TrimSpace(equal.Stdout))
	changes, claims := d.checkAudit(t)
	if t.Failed() {
		return
	}
	t.Logf("figure: cluster: %d committed changes of checkpoints, %d of them claims; none under a claim that was lost", changes, claims)

	room := string(d.people.Rooms()[1])
	row := fmt.Sprintf("events main %s %019d: ", room, 7)
	for column, value := range map[string]string{"sender": "mallory", "content": "{}"} {
		var was string
		d.query(t, "select "+column+" from roomlog_v1.events where tenant = 'main' and room = $1 and seq = 7", []any{room},
			func(r pgx.CollectableRow) error { return r.Scan(&was) })
		change := "update roomlog_v1.events set " + column + " = $2 where tenant = 'main' and room = $1 and seq = 7"
		d.exec(t, change, room, value)
		different := d.roomlog(t, "projector", "verify")
		if different.Code != 1 || !strings.Contains(different.Stdout, row+column+"\n") || !strings.Contains(different.Stdout, value) {
			t.Errorf("with another %s: exit code %d: %s%s", column, different.Code, different.Stdout, different.Stderr)
		}
		d.exec(t, change, room, was)
	}
	if again := d.roomlog(t, "projector", "verify"); again.Code != 0 {
		t.Errorf("changed back: exit code %d: %s%s", again.Code, again.Stdout, again.Stderr)
	}
}
