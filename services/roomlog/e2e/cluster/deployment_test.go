package cluster_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roomlog/roomlog/deployments/cluster"
	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/deployments/kafka"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/crowd"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
	"github.com/roomlog/roomlog/services/roomlog/internal/token"
)

const (
	module     = "github.com/roomlog/roomlog/services/"
	partitions = 12

	// patience bounds what must happen at some time.
	patience = 90 * time.Second

	// groupSession is after how long a silent projector is taken for dead.
	groupSession = 3 * time.Second

	// publishTimeout is how long a chat waits for the log: less than the stall
	// that a dead broker may cost, so that some answers have to be "not known".
	publishTimeout = 5 * time.Second

	// brokerSession is the same of a broker.
	brokerSession = kafka.SessionTimeoutMillis * time.Millisecond
)

func TestMain(m *testing.M) { proc.VerifyTestMain(m) }

// deployment is a cluster with the services on it.
type deployment struct {
	all        *testing.T // of the whole cluster: what a subtest starts outlives it
	servers    *cluster.Cluster
	database   string
	secret     []byte
	secretFile string
	bins       struct{ chat, projector, roomlog string }
	chats      []*proc.Process
	urls       []string
	projectors []*proc.Process
	people     *crowd.Crowd
	rng        *mathrand.Rand
}

// deploy starts everything and lets the crowd make its rooms.
func deploy(t *testing.T) *deployment {
	t.Helper()
	seed := uint64(proc.Number(t, "CLUSTER_SEED", int(mathrand.Uint32())))
	t.Logf("figure: cluster seed: CLUSTER_SEED=%d", seed)
	d := &deployment{all: t, rng: mathrand.New(mathrand.NewPCG(seed, 2))}
	d.bins.chat = proc.Build(t, module+"chat/cmd/chat")
	d.bins.projector = proc.Build(t, module+"projector/cmd/projector")
	d.bins.roomlog = proc.Build(t, module+"roomlog/cmd/roomlog")
	d.servers = clustertest.Start(t, cluster.Config{Brokers: 3, Postgres: true})
	var err error
	if d.database, err = d.servers.DatabaseURL(cluster.DefaultDatabase); err != nil {
		t.Fatal(err)
	}
	d.makeSecret(t)
	for range 3 {
		d.projectors = append(d.projectors, d.startProjector(t))
	}
	for range 2 {
		p := d.startChat(t)
		d.chats, d.urls = append(d.chats, p), append(d.urls, p.MustReady(t))
	}
	d.auditCheckpoints(t)
	d.people = crowd.New(crowd.Config{
		Writers: proc.Number(t, "CLUSTER_WRITERS", 24), SideRooms: 8, Prefix: "load", Seed: seed,
		Pace: 5 * time.Millisecond, Deadline: publishDeadline + 2*time.Second, Silent: d.quit,
		Token: func(u events.UserID) string { return d.token(t, u) },
	})
	t.Cleanup(d.people.Close)
	d.people.SetServers(d.urls...)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := d.people.Setup(ctx); err != nil {
		t.Fatal(err)
	}
	return d
}

// quit lets a chat that has not answered in time say what it was doing: it ends,
// with all its goroutines in its log, and the test fails.
func (d *deployment) quit(url string) {
	for i, p := range d.chats {
		if d.urls[i] == url {
			_ = p.Signal(syscall.SIGQUIT)
		}
	}
}

// backend are the flags that all programs share.
func (d *deployment) backend() []string {
	return []string{
		"--brokers", strings.Join(d.servers.Brokers(), ","), "--database", d.database, "--partitions", strconv.Itoa(partitions),
	}
}

func (d *deployment) projectorArgs() []string {
	return append(d.backend(), "--admin", "127.0.0.1:0", "--session-timeout", groupSession.String())
}

func (d *deployment) startProjector(t *testing.T) *proc.Process {
	t.Helper()
	p := proc.Start(d.all, d.bins.projector, d.projectorArgs()...)
	p.MustReady(t)
	return p
}

func (d *deployment) startChat(t *testing.T) *proc.Process {
	t.Helper()
	return proc.Start(t, d.bins.chat, append(d.backend(), "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
		"--secret-file", d.secretFile, "--publish-timeout", publishTimeout.String())...)
}

// roomlog runs a command on the cluster to its end.
func (d *deployment) roomlog(t *testing.T, command ...string) proc.Result {
	t.Helper()
	return proc.Run(t, proc.Spec{Bin: d.bins.roomlog, Args: append(command, d.backend()[:4]...)})
}

func (d *deployment) makeSecret(t *testing.T) {
	t.Helper()
	random := make([]byte, 32)
	rand.Read(random)
	d.secretFile = filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(d.secretFile, []byte(base64.StdEncoding.EncodeToString(random)), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if d.secret, err = token.ReadSecret(d.secretFile); err != nil {
		t.Fatal(err)
	}
}

func (d *deployment) token(t *testing.T, u events.UserID) string {
	t.Helper()
	signed, err := token.Issue(d.secret, token.Claims{User: u, TTL: 12 * time.Hour}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// until polls, with a deadline, for what must become true.
func until(t *testing.T, what string, true func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !true() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}
