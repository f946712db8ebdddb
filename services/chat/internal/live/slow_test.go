package live

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Who holds up a live stream while more comes than can wait is told so. Who does one
// of the two, or both while the history is replayed, gets everything.
func TestSessionOfASlowConsumer(t *testing.T) {
	for name, tc := range map[string]struct {
		history bool
		held    time.Duration
		come    int // while the write of event 2 is held up
		missed  bool
		ends    bool
	}{
		"held up while much comes":      {held: heldUp + 1, come: buffer + 1, ends: true},
		"held up while little comes":    {held: time.Minute, come: buffer},
		"while much comes":              {held: heldUp, come: buffer + 1},
		"held up behind a gap":          {held: heldUp + 1, come: buffer + 1, missed: true, ends: true},
		"held up while they are missed": {held: heldUp + 1, missed: true, ends: true},
		"while they are missed":         {held: heldUp, missed: true},
		"held up in its history":        {history: true, held: time.Minute, come: buffer + 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := messages(1)
				if tc.history {
					h.add(posted(lobby, 2))
					h.err = errors.New("away")
				}
				sc := open(t, h, nil)
				come := make([]readmodel.EventRow, tc.come)
				for i := range come {
					come[i] = posted(lobby, events.Seq(i+3))
				}
				shown := 0
				if !tc.history {
					shown = 1
				}
				sc.paper.mu.Lock()
				sc.paper.wrote = func() {
					if shown++; shown == 2 {
						if tc.missed {
							sc.hub.Resync(0)
						}
						sc.add(come...)
						sc.hub.Deliver(come, nil)
						time.Sleep(tc.held)
					}
				}
				sc.paper.mu.Unlock()
				if tc.history {
					h.mu.Lock()
					h.err = nil
					h.mu.Unlock()
				} else {
					sc.commit(posted(lobby, 2))
				}
				if tc.ends {
					sc.ended(t)
					sc.is(t, "1", "2", `{"code":"slow_consumer","cursor":2}`)
					return
				}
				time.Sleep(tc.held + readRetry)
				synctest.Wait()
				var ids []string
				for _, s := range sc.seen() {
					if !strings.HasPrefix(s, "beat") {
						ids = append(ids, s)
					}
				}
				if want := tc.come + 2; len(ids) != want || ids[want-1] != fmt.Sprint(want) {
					t.Errorf("the client has %v, want %d events", ids, want)
				}
				sc.close(t)
			})
		})
	}
}
