// Package crash kills `roomlog run` with -9 under load, again and again, and
// checks each time that nothing acknowledged is lost, nothing is there twice,
// order and numbers hold and outcomes stay (package checker has the rules). And
// it lets the program kill itself at each of its crash points.
//
// Environment:
//
//	CRASH_ROUNDS   how often it is killed under load; 5 (make test), 100 (make crash)
//	CRASH_WRITERS  clients; 64
//	CRASH_SEED     repeats the choices of an earlier run, which prints it
//
// The seed makes the choices of the clients and of the moments; what the
// scheduler does remains chance.
package crash

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/e2e/checker"
	"github.com/roomlog/roomlog/services/roomlog/e2e/crowd"
	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
	"github.com/roomlog/roomlog/services/roomlog/internal/token"
)

const program = "github.com/roomlog/roomlog/services/roomlog/cmd/roomlog"

// patience bounds what must happen at some time.
const patience = 60 * time.Second

func TestMain(m *testing.M) { proc.VerifyTestMain(m) }

func TestCrash(t *testing.T) {
	rounds, writers := proc.Number(t, "CRASH_ROUNDS", 5), proc.Number(t, "CRASH_WRITERS", 64)
	seed := uint64(proc.Number(t, "CRASH_SEED", int(rand.Uint32())))
	t.Logf("figure: crash seed: CRASH_SEED=%d CRASH_ROUNDS=%d CRASH_WRITERS=%d", seed, rounds, writers)
	v := &victim{
		bin: proc.Build(t, program), data: filepath.Join(t.TempDir(), "data"),
		rng: rand.New(rand.NewPCG(seed, 1)),
	}
	var people *crowd.Crowd
	for round := range rounds {
		url := v.start(t)
		if people == nil {
			people = newCrowd(t, v, writers, 0, seed)
			defer people.Close()
		}
		people.SetServers(url)
		if round == 0 {
			setUp(t, people)
		}
		v.survive(t, people, round)
		v.killUnderLoad(t, people)
	}
	people.SetServers(v.start(t))
	v.survive(t, people, rounds)
	v.lastLook(t, people)
	t.Logf("figure: crash: %d kills under load, %d during start-up, %d commands (%d of them sent more than once), %d acknowledged, 0 violations",
		rounds, v.early, people.Sent(), people.Repeated(), people.Acked())
	t.Logf("figure: crash: longest start %s, refusals %v", v.slowestStart.Round(time.Millisecond), people.Problems())
}

// victim is the program that is killed.
type victim struct {
	bin, data    string
	rng          *rand.Rand
	process      *proc.Process
	early        int // kills during start-up
	slowestStart time.Duration
}

func (v *victim) args() []string {
	return []string{"run", "--data", v.data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"}
}

// start starts the program on the data that is there; now and then it is killed
// before it is ready, once or twice.
func (v *victim) start(t *testing.T) (url string) {
	t.Helper()
	for range v.rng.IntN(3) {
		early, err := proc.Launch(proc.Spec{Bin: v.bin, Args: v.args()})
		if err != nil {
			t.Fatal(err)
		}
		moment, cancel := context.WithTimeout(t.Context(), time.Duration(v.rng.IntN(400))*time.Millisecond)
		if _, err := early.Ready(moment); moment.Err() == nil && err != nil {
			t.Fatal(err) // it ended by itself
		}
		cancel()
		early.Kill9()
		v.early++
	}
	return v.launch(t)
}

// launch starts the program, with an environment, and waits until it serves.
func (v *victim) launch(t *testing.T, env ...string) (url string) {
	t.Helper()
	began := time.Now()
	v.process = proc.StartSpec(t, proc.Spec{Bin: v.bin, Args: v.args(), Env: env})
	url = v.process.MustReady(t)
	v.slowestStart = max(v.slowestStart, time.Since(began))
	return url
}

// killUnderLoad kills the program when a random number of commands has been
// acknowledged.
func (v *victim) killUnderLoad(t *testing.T, people *crowd.Crowd) {
	t.Helper()
	target := people.Acked() + 1 + v.rng.IntN(1500)
	stop := load(t, people)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); people.Acked() < target && !t.Failed(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Errorf("%d commands acknowledged, the moment was to be %d", people.Acked(), target)
		}
	}
	v.process.Kill9()
	stop()
	if t.Failed() {
		t.FailNow()
	}
}

// load lets everyone write until the returned function is called.
func load(t *testing.T, people *crowd.Crowd) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		people.Run(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// survive lets all clients send again what was not answered, reads all that is
// new, and checks.
func (v *victim) survive(t *testing.T, people *crowd.Crowd, round int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := people.Resend(ctx); err != nil {
		t.Fatalf("round %d: send again: %v", round, err)
	}
	found, err := people.Survey(ctx, 100)
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	fail(t, people, found)
	t.Logf("round %d: %d commands, %d acknowledged", round, people.Sent(), people.Acked())
}

// lastLook reads everything from the beginning in every way, compares the tables
// with the log, and sees the program stop in good order.
func (v *victim) lastLook(t *testing.T, people *crowd.Crowd) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*patience)
	defer cancel()
	found, err := people.SurveyAfresh(ctx, 2000, func(room events.RoomID) ([]checker.Event, error) {
		return crowd.ParseExport(proc.Output(t, v.bin, "export", "--data", v.data, "--room", string(room)))
	})
	if err != nil {
		t.Fatal(err)
	}
	fail(t, people, found)
	t.Logf("figure: crash: projector verify says: %s", proc.Output(t, v.bin, "projector", "verify", "--data", v.data))
	v.process.MustStop(t)
}

func fail(t *testing.T, people *crowd.Crowd, found []checker.Violation) {
	t.Helper()
	for _, o := range people.Oddities() {
		t.Errorf("an answer that must not be: %v", o)
	}
	for i, f := range found {
		if i == 20 {
			t.Errorf("and %d more", len(found)-i)
			break
		}
		t.Errorf("violation: %s", f)
	}
	if t.Failed() {
		t.FailNow()
	}
}

func setUp(t *testing.T, people *crowd.Crowd) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := people.Setup(ctx); err != nil {
		t.Fatal(err)
	}
}

func newCrowd(t *testing.T, v *victim, writers int, pace time.Duration, seed uint64) *crowd.Crowd {
	t.Helper()
	secret, err := token.ReadSecret(filepath.Join(v.data, token.SecretFile))
	if err != nil {
		t.Fatal(err)
	}
	return crowd.New(crowd.Config{
		Writers: writers, SideRooms: 4, Prefix: "crash", Seed: seed, Pace: pace, Deadline: 20 * time.Second,
		Token: func(u events.UserID) string {
			signed, err := token.Issue(secret, token.Claims{User: u, TTL: 12 * time.Hour}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return signed
		},
	})
}
