package load_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var window = load.Window{Warm: 20 * time.Millisecond, Time: 200 * time.Millisecond}

// service keeps what is sent and gives it to those who follow. Every hundredth
// message is refused by a service that is told to.
type service struct {
	refuses bool
	stall   atomic.Int64 // how long each send takes, from now on

	mu    sync.Mutex
	asked int
	ids   []string // acknowledged
	rooms map[string]int
	subs  map[string][]chan string // by room
}

func start(t *testing.T, s *service) load.Target {
	t.Helper()
	s.rooms, s.subs = map[string]int{}, map[string][]chan string{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/rooms/{room}/messages", s.post)
	mux.HandleFunc("GET /v1/rooms/{room}/messages", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush() // in chunks
		_, _ = io.WriteString(w, strings.Repeat(`{"text":"@t=1;"}`, 3))
	})
	mux.HandleFunc("GET /v1/events", s.follow)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return load.Target{Address: server.Listener.Addr().String(), Token: func(user int) string { return "token-" + strconv.Itoa(user) }}
}

func (s *service) post(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	time.Sleep(time.Duration(s.stall.Load()))
	s.mu.Lock()
	defer s.mu.Unlock()
	if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer token-") || !strings.HasPrefix(string(body), `{"text":"@t=`) {
		http.Error(w, "what is this?", http.StatusBadRequest)
		return
	}
	s.asked++
	s.rooms[r.PathValue("room")]++
	if s.refuses && s.asked%100 == 0 {
		http.Error(w, "not this one", http.StatusTeapot)
		return
	}
	id := fmt.Sprint("id-", s.asked)
	s.ids = append(s.ids, id)
	for _, sub := range s.subs[r.PathValue("room")] {
		sub <- string(body)
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = fmt.Fprintf(w, `{"event_id":%q,"position":"x"}`, id)
}

func (s *service) follow(w http.ResponseWriter, r *http.Request) {
	news := make(chan string, 10000)
	s.mu.Lock()
	for room := range strings.SplitSeq(r.URL.Query().Get("rooms"), ",") {
		s.subs[room] = append(s.subs[room], news)
	}
	s.mu.Unlock()
	w.(http.Flusher).Flush()
	for {
		select {
		case item := <-news:
			_, _ = fmt.Fprintf(w, "data: %s\n\n", item)
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func TestSend(t *testing.T) {
	s := &service{refuses: true}
	target := start(t, s)
	watched := 0
	w := window
	w.Watch = func() func() {
		watched++
		return func() { watched += 10 }
	}
	var acked load.Acked
	r := load.Send(t.Context(), target, 8, 10, w, &acked)
	if len(r.Latencies) == 0 || !slices.IsSorted(r.Latencies) || r.Rate() <= 0 || watched != 11 {
		t.Errorf("%d latencies, rate %f, watched %d", len(r.Latencies), r.Rate(), watched)
	}
	if r.Errors == 0 || r.Err == nil || !strings.Contains(r.Err.Error(), "418: not this one") {
		t.Errorf("%d errors, the first: %v", r.Errors, r.Err)
	}
	got := slices.Sorted(acked.All())
	want := slices.Sorted(slices.Values(s.ids))
	if !slices.Equal(got, want) || acked.Len() != len(want) {
		t.Errorf("%d (%d) are acknowledged, %d were kept", len(got), acked.Len(), len(want))
	}
	if len(s.rooms) != 10 {
		t.Errorf("%d rooms, want 10", len(s.rooms))
	}
}

func TestPages(t *testing.T) {
	pages := func(client int) []string { return []string{load.RoomPath(client) + "/messages?limit=3"} }
	r := load.Pages(t.Context(), start(t, new(service)), 4, pages, window)
	if len(r.Latencies) == 0 || r.Items != 3 || r.Err != nil {
		t.Errorf("%d pages of %f, %v", len(r.Latencies), r.Items, r.Err)
	}
}

func TestText(t *testing.T) {
	for _, size := range []int{10, 24, 200, 5000} {
		body := load.AppendProse([]byte("before"), time.Now(), size)
		var message struct{ Text string }
		if err := json.Unmarshal(body[len("before"):], &message); err != nil || len(message.Text) != size {
			t.Errorf("%d: %q, %v", size, body, err)
		}
	}
}

func TestIdle(t *testing.T) {
	s := new(service)
	target := start(t, s)
	stop, err := load.Idle(t.Context(), target, 50, load.PersonPath([]int{0}))
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	if n := len(s.subs["0"]); n != 50 {
		t.Errorf("%d streams", n)
	}
	s.mu.Unlock()
	stop()
	stop, err = load.Idle(t.Context(), target, 5, load.RoomPath(0)+"/events")
	stop()
	if err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a stream that there is not: %v", err)
	}
}

func TestDeliver(t *testing.T) {
	var acked load.Acked
	r, err := load.Deliver(t.Context(), start(t, new(service)), load.Spread(500), window, &acked)
	if err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
	if want := 100; r.Sent != want || len(r.Latencies) != want || len(r.Late) != want {
		t.Errorf("%d were due, %d sent, %d arrived", want, r.Sent, len(r.Latencies))
	}
}

func TestDeliverToMany(t *testing.T) {
	r, err := load.Deliver(t.Context(), start(t, new(service)), load.Fanout(100, 30, 7, 4), window, new(load.Acked))
	if err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
	if want := 20 * 30; r.Sent != want || len(r.Latencies) != want {
		t.Errorf("%d were due, %d sent, %d arrived", want, r.Sent, len(r.Latencies))
	}
}

// All senders are stuck for a while. What was due meanwhile waited, and its latency
// says so: none is left out because nobody was there to send it.
func TestDeliverCountsWhatWaited(t *testing.T) {
	s := new(service)
	target := start(t, s)
	const stall = 100 * time.Millisecond
	w := window
	w.Watch = func() func() {
		s.stall.Store(int64(stall))
		return func() { s.stall.Store(0) }
	}
	r, err := load.Deliver(t.Context(), target, load.Spread(2000), w, new(load.Acked))
	if err != nil {
		t.Fatal(err)
	}
	if r.Sent != 400 || len(r.Latencies) != 400 {
		t.Fatalf("400 were due, %d sent, %d arrived", r.Sent, len(r.Latencies))
	}
	if late := load.Percentile(r.Late, 99); late < stall/2 {
		t.Errorf("all senders were stuck for %s, and what was due went out at most %s late", stall, late)
	}
	if p := load.Percentile(r.Latencies, 99); p < stall+stall/2 {
		t.Errorf("99%% took less than %s", p)
	}
}

func TestEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := load.Window{Time: time.Hour, Watch: func() func() { cancel(); return func() {} }}
	target := start(t, new(service))
	if r := load.Send(ctx, target, 2, 2, w, new(load.Acked)); r.Took > time.Minute {
		t.Errorf("it took %s", r.Took)
	}
}

func TestPercentile(t *testing.T) {
	all := []time.Duration{1, 2, 3, 4}
	for percent, want := range map[float64]time.Duration{0: 1, 50: 3, 99: 4, 100: 4} {
		if got := load.Percentile(all, percent); got != want {
			t.Errorf("%v %%: %d, want %d", percent, got, want)
		}
	}
	if got := load.Percentile(nil, 50); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
}
