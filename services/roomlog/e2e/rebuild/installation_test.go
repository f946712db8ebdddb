package rebuild

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/deployments/cluster"
	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/driver"
	"github.com/roomlog/roomlog/services/projector"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
	"github.com/roomlog/roomlog/services/roomlog/internal/token"
)

// installation is a running roomlog.
type installation struct {
	urls     []string // of the API's replicas
	roomlog  string
	flags    []string // that name it to the command line
	log      eventlog.Config
	layout   eventlog.Layout
	client   *eventlog.Client
	database string
	secret   []byte
	stores   map[int]readmodel.Store
}

// startEmbedded has all of it in one process.
func startEmbedded(t *testing.T) *installation {
	data := filepath.Join(t.TempDir(), "data")
	in := &installation{roomlog: proc.Build(t, module+"roomlog/cmd/roomlog"), flags: []string{"--data", data}, database: data}
	p := proc.Start(t, in.roomlog, "run", "--data", data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
	in.urls = []string{p.MustReady(t)}
	info, err := embedded.ReadInfo(data)
	if err != nil {
		t.Fatal(err)
	}
	in.log = eventlog.Config{Brokers: []string{info.Address}, Username: info.Username, Password: info.Password}
	in.connect(t, filepath.Join(data, token.SecretFile))
	return in
}

// startKafka has brokers, a database, and two of each service.
func startKafka(t *testing.T) *installation {
	servers := clustertest.Start(t, cluster.Config{Brokers: 1, Postgres: true})
	database, err := servers.DatabaseURL(cluster.DefaultDatabase)
	if err != nil {
		t.Fatal(err)
	}
	in := &installation{
		roomlog: proc.Build(t, module+"roomlog/cmd/roomlog"), flags: []string{"--brokers", servers.Brokers()[0], "--database", database},
		log: eventlog.Config{Brokers: servers.Brokers()}, database: database,
	}
	secret := filepath.Join(t.TempDir(), "secret")
	random := make([]byte, 32)
	rand.Read(random)
	if err := os.WriteFile(secret, []byte(base64.StdEncoding.EncodeToString(random)), 0o600); err != nil {
		t.Fatal(err)
	}
	backend := append([]string{"--partitions", "8", "--admin", "127.0.0.1:0"}, in.flags...)
	for range 2 {
		proc.Start(t, proc.Build(t, module+"projector/cmd/projector"), backend...).MustReady(t)
		p := proc.Start(t, proc.Build(t, module+"chat/cmd/chat"), append(backend, "--listen", "127.0.0.1:0", "--secret-file", secret)...)
		in.urls = append(in.urls, p.MustReady(t))
	}
	in.connect(t, secret)
	return in
}

func (in *installation) connect(t *testing.T, secretFile string) {
	t.Helper()
	var err error
	if in.secret, err = token.ReadSecret(secretFile); err != nil {
		t.Fatal(err)
	}
	if in.client, err = eventlog.NewClient(in.log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(in.client.Close)
	if in.layout, err = in.client.EnsureTopic(t.Context(), in.log.EventsTopicSpec(0, 0, 0)); err != nil {
		t.Fatal(err)
	}
	in.stores = map[int]readmodel.Store{}
}

func (in *installation) token(t *testing.T, u events.UserID) string {
	t.Helper()
	signed, err := token.Issue(in.secret, token.Claims{User: u, TTL: 12 * time.Hour}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func (in *installation) startRebuild(t *testing.T, flags ...string) *proc.Process {
	t.Helper()
	return proc.Start(t, in.roomlog, slices.Concat([]string{"projector", "rebuild"}, in.flags, flags)...)
}

// liveVersion is the version that the status says is live.
func (in *installation) liveVersion(t *testing.T) int {
	t.Helper()
	var status projector.Status
	out := proc.Output(t, in.roomlog, slices.Concat([]string{"projector", "status", "--json"}, in.flags)...)
	if err := json.Unmarshal([]byte(out), &status); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, v := range status.Versions {
		if v.State == readmodel.Live {
			return v.Version
		}
	}
	t.Fatalf("none is live: %s", out)
	return 0
}

// open opens the tables of a version to read; nil where there are none yet.
func (in *installation) open(t *testing.T, version int) readmodel.Store {
	t.Helper()
	if s := in.stores[version]; s != nil {
		return s
	}
	s, err := driver.Open(t.Context(), driver.Config{Address: in.database, Version: version, ReadOnly: true, Existing: true})
	if errors.Is(err, readmodel.ErrNoProjection) || errors.Is(err, readmodel.ErrOlderSchema) || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	in.stores[version] = s
	return s
}

// progress tells how many records a version has folded, of how many: of one, where
// the brokers do not say.
func (in *installation) progress(t *testing.T, version int) (done, total int64) {
	t.Helper()
	ends, err := in.client.Ends(t.Context(), in.layout)
	if err != nil {
		t.Log(err)
		return 0, 1
	}
	for _, end := range ends {
		total += int64(end)
	}
	store := in.open(t, version)
	if store == nil {
		return 0, total
	}
	err = store.Snapshot(t.Context(), func(r readmodel.Reader) error {
		all, err := r.Checkpoints(t.Context())
		for _, cp := range all {
			done += int64(cp.Next)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return done, total
}

// awaitFolded waits until a version has all that the log has now.
func (in *installation) awaitFolded(t *testing.T, version int) {
	t.Helper()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for deadline := time.After(foldingTime(t)); ; {
		done, total := in.progress(t, version)
		if done == total {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("version %d has folded %d of %d records: %s", version, done, total,
				strings.TrimSpace(proc.Run(t, proc.Spec{Bin: in.roomlog, Args: append([]string{"projector", "status"}, in.flags...)}).Stdout))
		}
	}
}

// fill appends so many events to the log, as many producers would: rooms with
// messages, in no order but that of each room.
func (in *installation) fill(t *testing.T, n int) {
	t.Helper()
	p, err := eventlog.NewPublisher(in.log, in.layout)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	rooms := max(10, n/200) // of 4,000 events, more than a room has columns
	batch := make([]events.Message, 0, 2000)
	for i := range n {
		m, err := events.Encode(filling(i/rooms, i%rooms))
		if err != nil {
			t.Fatal(err)
		}
		if batch = append(batch, m); len(batch) < cap(batch) && i < n-1 {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		_, err = p.PublishBatch(ctx, batch)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		batch = batch[:0]
	}
}
