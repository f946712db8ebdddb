package chat_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
)

// A command that an older program wrote is the same command when it is sent again after
// the upgrade, and its event is shown as a newer one's is, under the one name.
func TestCommandOfAnOlderProgram(t *testing.T) {
	const redactions, body = lobbyPath + "/redactions", `{"from":2,"to":3,"author":"alice","reason":"raid"}`
	w, alice := lobby(t)
	alice.Post(messages, `{"text":"a"}`, chattest.Wait).Is(http.StatusCreated)
	w.Log.SetFault(func(_ context.Context, m events.Message, _ func()) error {
		older := roomtest.Older(m)
		if older.Header(events.HeaderType) != "message.redacted" || m.Header(events.HeaderType) != "message.redacted.v2" {
			t.Errorf("written are %q and %q", older.Header(events.HeaderType), m.Header(events.HeaderType))
		}
		w.Log.Append(older, time.Now())
		return fmt.Errorf("%w: timed out", eventlog.ErrUnknownOutcome)
	})
	first := alice.Post(redactions, body, chattest.Key("k")).Is(http.StatusAccepted)
	w.Log.SetFault(nil)

	again := alice.Post(redactions, body, chattest.Key("k"), chattest.Wait).Is(http.StatusCreated)
	if again.Text("event_id") != first.Text("event_id") || again.Field("seq") != 3.0 {
		t.Errorf("again: %s", again.Body)
	}
	alice.Post(redactions, `{"from":2,"to":9}`, chattest.Key("k"), chattest.Wait).Problem(http.StatusUnprocessableEntity, "idempotency_key_reused")
	alice.Post(redactions, body, chattest.Wait).Is(http.StatusCreated) // of the newer version

	page := alice.Get(lobbyPath + "/events?types=message.redacted").Is(http.StatusOK)
	if n := strings.Count(string(page.Body), `"type":"message.redacted",`); n != 2 {
		t.Errorf("%d redactions are shown: %s", n, page.Body)
	}
	if n := strings.Count(string(page.Body), `"data":{"from":2,"to":3,"author":"alice","reason":"raid"}`); n != 2 {
		t.Errorf("%d redactions are shown as they were sent: %s", n, page.Body)
	}
}
