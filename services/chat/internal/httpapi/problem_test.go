package httpapi

import (
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// While servers are upgraded one after another, one may be asked for what another wrote.
func TestNewerVersionIsTemporary(t *testing.T) {
	row := readmodel.EventRow{Type: events.TypeMessagePosted, Version: events.Newest(events.TypeMessagePosted) + 1, Facts: `{}`, Content: `{}`}
	_, err := row.Item()
	if p := new(Server).problemOf(err); p.Code != problem.ReadModelUnavailable || !retryable(statusOf(p.Code), p.Code) {
		t.Errorf("%v is told as %v", err, p)
	}
}
