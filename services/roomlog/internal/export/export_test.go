package export_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/roomlog/internal/export"
)

var key = readmodel.Key{Tenant: "main", Room: "r"}

// tables is a store with one room of so many messages; grow adds one with each
// snapshot, as a running projector does.
type tables struct {
	readmodel.Store
	seqs []events.Seq
	grow bool
}

func (t *tables) Snapshot(_ context.Context, read func(readmodel.Reader) error, _ ...readmodel.Ahead) error {
	if err := read(reader{tables: t}); err != nil {
		return err
	}
	if t.grow {
		t.seqs = append(t.seqs, t.seqs[len(t.seqs)-1]+1)
	}
	return nil
}

type reader struct {
	readmodel.Reader
	*tables
}

func (r reader) Room(_ context.Context, k readmodel.Key) (readmodel.RoomRow, bool, error) {
	if k != key {
		return readmodel.RoomRow{}, false, nil
	}
	return readmodel.RoomRow{Header: room.Header{Seq: r.seqs[len(r.seqs)-1]}}, true, nil
}

func (r reader) Events(_ context.Context, k readmodel.Key, after events.Seq, _ []events.Type, limit int) ([]readmodel.EventRow, error) {
	var out []readmodel.EventRow
	for _, seq := range r.seqs {
		if seq > after && len(out) < limit {
			out = append(out, readmodel.EventRow{
				Key: k, Seq: seq, SentAt: int64(seq) * 1000, ID: events.EventID(fmt.Sprint("e", seq)), Type: events.TypeMessagePosted, Version: 1, Sender: "alice",
				Facts: `{"sender":"alice","kind":"text"}`, Content: `{"text":"hello"}`,
			})
		}
	}
	return out, nil
}

func dense(n int) []events.Seq {
	out := make([]events.Seq, n)
	for i := range out {
		out[i] = events.Seq(i + 1)
	}
	return out
}

func seqs(t *testing.T, out string) []events.Seq {
	t.Helper()
	var got []events.Seq
	for line := range strings.Lines(out) {
		var item readmodel.Item
		if err := json.Unmarshal([]byte(line), &item); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		got = append(got, item.Seq)
	}
	return got
}

func TestStoreInOrder(t *testing.T) {
	for name, test := range map[string]struct {
		rng         export.Range
		first, last events.Seq
	}{
		"all":   {export.Range{}, 1, 2500},
		"from":  {export.Range{From: 1001}, 1001, 2500},
		"until": {export.Range{Until: 1000}, 1, 1000},
		"one":   {export.Range{From: 7, Until: 7}, 7, 7},
		"more":  {export.Range{From: 2500, Until: 9999}, 2500, 2500},
		"time":  {export.Range{From: 3, Time: time.Unix(1100, 0)}, 3, 1100},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			n, err := export.Store(t.Context(), &tables{seqs: dense(2500), grow: true}, key, test.rng, &out)
			if err != nil {
				t.Fatal(err)
			}
			got := seqs(t, out.String())
			if got[0] != test.first || got[len(got)-1] != test.last || len(got) != int(n) || n != int64(test.last-test.first+1) {
				t.Fatalf("%d events, %d to %d", n, got[0], got[len(got)-1])
			}
		})
	}
}

func TestTo(t *testing.T) {
	for text, want := range map[string]export.Range{
		"0":                         {From: 3},
		"17":                        {From: 3, Until: 17},
		"2026-01-02T15:04:05Z":      {From: 3, Time: time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)},
		"2026-01-02T15:04:05+02:00": {From: 3, Time: time.Date(2026, 1, 2, 13, 4, 5, 0, time.UTC)},
	} {
		got, err := export.Range{From: 3}.To(text)
		if err != nil || got.From != want.From || got.Until != want.Until || !got.Time.Equal(want.Time) {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "yesterday", "2026-01-02", "1.5"} {
		if got, err := (export.Range{}).To(text); err == nil {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

func TestStoreRefuses(t *testing.T) {
	if _, err := export.Store(t.Context(), &tables{seqs: dense(1)}, readmodel.Key{Tenant: "main", Room: "x"}, export.Range{}, &bytes.Buffer{}); !errors.Is(err, export.ErrNoRoom) {
		t.Errorf("no room: %v", err)
	}
	if _, err := export.Store(t.Context(), &tables{seqs: dense(1)}, key, export.Range{From: 3, Until: 2}, &bytes.Buffer{}); err == nil {
		t.Error("an empty range is refused")
	}
	if _, err := export.Store(t.Context(), &tables{seqs: []events.Seq{1, 2, 4}}, key, export.Range{}, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "event 4 follows event 2") {
		t.Errorf("a hole: %v", err)
	}
}

func TestServer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" || r.URL.Path != "/v1/rooms/r/events" {
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprint(w, `{"code":"room_not_found"}`)
			return
		}
		after, _ := strconv.Atoi(r.URL.Query().Get("after"))
		items := []json.RawMessage{}
		for seq := after + 1; seq <= 450 && len(items) < 200; seq++ {
			if seq != 100 { // not for these eyes
				items = append(items, fmt.Appendf(nil, `{"seq":%d,"time":"2026-01-02T03:%02d:05.000Z"}`, seq, seq%60))
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"items": items, "next": nil, "prev": nil})
	}))
	defer s.Close()
	var out bytes.Buffer
	n, err := export.Server(t.Context(), s.URL+"/", "secret", "r", export.Range{From: 50, Until: 449}, &out)
	if err != nil {
		t.Fatal(err)
	}
	got := seqs(t, out.String())
	if n != 399 || got[0] != 50 || got[len(got)-1] != 449 {
		t.Fatalf("%d events, %d to %d", n, got[0], got[len(got)-1])
	}
	out.Reset()
	n, err = export.Server(t.Context(), s.URL, "secret", "r", export.Range{From: 50, Until: 449, Time: time.Date(2026, 1, 2, 3, 9, 59, 0, time.UTC)}, &out)
	if got := seqs(t, out.String()); err != nil || n != 70 || got[0] != 60 || got[len(got)-1] != 429 {
		t.Errorf("until a time: %d events, %d to %d, %v", n, got[0], got[len(got)-1], err)
	}
	if _, err := export.Server(t.Context(), s.URL, "other", "r", export.Range{}, &out); !errors.Is(err, export.ErrNoRoom) {
		t.Fatalf("error %v", err)
	}
}
