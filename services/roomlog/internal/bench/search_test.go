package bench

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/load"
)

// A search that finds everything proves nothing.
func TestSearchMisses(t *testing.T) {
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		_, _ = w.Write([]byte(`{"id":` + string(rune('0'+min(n, 3))) + `}`)) // 1, 2, and 3 for ever
	}))
	defer server.Close()
	var acked load.Acked
	target := load.Target{Address: server.Listener.Addr().String()}
	for acked.Len() < 4 {
		load.Send(t.Context(), target, 1, 1, load.Window{Time: time.Millisecond}, &acked)
	}
	look := newSearch(&acked)
	for _, id := range []string{"1", "3", "3", "17"} {
		look.found(id)
	}
	if got, want := look.missing(), acked.Len()-3; got != want { // 2, and all but two of 3
		t.Errorf("%d are missing, want %d", got, want)
	}
}

func TestPlanNamesWhatThereIs(t *testing.T) {
	for _, turn := range slices.Concat(plan(2, 1), capacity(2, curves)) {
		if starters[turn.system] == nil {
			t.Errorf("nobody starts %s", turn.system)
		}
	}
	if err := Known([]string{"roomlog"}, []string{"send-64"}); err != nil {
		t.Error(err)
	}
	if err := Known([]string{"mysql"}, nil); err == nil {
		t.Error("there is a mysql")
	}
	got := chosen(plan(2, 1), []string{"bare-echo"}, []string{"send-1", "pages-16"})
	if len(got) != 2 || len(got[0].loads) != 1 || got[0].loads[0].name != "send-1" {
		t.Errorf("chosen: %+v", got)
	}
}
