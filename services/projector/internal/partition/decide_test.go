package partition_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/sqlite"
	"github.com/roomlog/roomlog/services/projector/internal/partition"
)

// decide adds a decision to a book, complete with what they all have.
func decide(t testing.TB, b *decisions.Book, d decisions.Decision) decisions.Decision {
	d.ID, d.Time, d.By = events.EventID(fmt.Sprintf("d%d", b.Next())), roomtest.Epoch, "olga"
	if d.Log == (events.LogID{}) {
		d.Log = logID
	}
	if d.Tenant == "" && d.Type != decisions.GapAccepted {
		d.Tenant = events.DefaultTenant
	}
	m, err := decisions.Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	if d, err = b.Add(b.Next(), m); err != nil {
		t.Fatal(err)
	}
	return d
}

func release(r events.RoomID) decisions.Decision {
	return decisions.Decision{Type: decisions.RoomReleased, Room: r}
}

func discard(d readmodel.DeadLetter, seen events.Offset) decisions.Decision {
	return decisions.Decision{
		Type: decisions.EventDiscarded, Room: d.Room, Event: d.ID, At: d.Offset, Sender: "alice", Reason: "poison", Seen: seen,
	}
}

// poisoned is a log with a room of which some events panic the fold, among
// another room's, and a judge that panics.
type poisoned struct {
	log    *memoryLog
	poison map[events.EventID]bool
}

func newPoisoned(t *testing.T) *poisoned {
	t.Helper()
	p := &poisoned{log: newLog(), poison: map[events.EventID]bool{}}
	sick := roomtest.NewRoom(t, "alice", roomtest.ID("sick"))
	well := roomtest.NewRoom(t, "alice", roomtest.ID("well"))
	for i := range 120 {
		e := sick.Post("alice", fmt.Sprint("message ", i))
		if i == 7 || i == 90 {
			p.poison[e.ID] = true
		}
		if i%10 == 0 {
			sick.Join(events.UserID(fmt.Sprint("user-", i)))
		}
		well.Post("alice", "fine")
	}
	a, b := sick.Records(), well.Records()
	for len(a) > 0 || len(b) > 0 {
		for _, from := range []*[]roomtest.Record{&a, &b} {
			if len(*from) > 0 {
				p.log.append((*from)[0])
				*from = (*from)[1:]
			}
		}
	}
	return p
}

func (p *poisoned) judge(v *room.View, e *events.Event, at time.Time) (room.Changes, room.Verdict) {
	if p.poison[e.ID] {
		panic("poison")
	}
	return room.Apply(v, e, at)
}

func (p *poisoned) config(store readmodel.Store, b *decisions.Book) partition.Config {
	c := configBy(store, b)
	c.Judge = p.judge
	c.MaxBatch = 20 // the parked records take several transactions
	return c
}

func lettersOf(t *testing.T, s readmodel.Store, r events.RoomID) (all []readmodel.DeadLetter) {
	t.Helper()
	err := s.Snapshot(t.Context(), func(rd readmodel.Reader) (err error) {
		all, err = rd.Parked(t.Context(), readmodel.Key{Tenant: events.DefaultTenant, Room: r}, 1000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func checkpointOf(t *testing.T, s readmodel.Store) (cp readmodel.Checkpoint) {
	t.Helper()
	err := s.Snapshot(t.Context(), func(r readmodel.Reader) (err error) {
		cp, _, err = r.Checkpoint(t.Context(), 0)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return cp
}

// fresh folds the log into empty tables, by a book.
func (p *poisoned) fresh(t *testing.T, b *decisions.Book, judge func(*room.View, *events.Event, time.Time) (room.Changes, room.Verdict)) []readmodel.DumpRow {
	t.Helper()
	s := openStore(t)
	c := p.config(s, b)
	c.Judge = judge
	catchUp(t, c, p.log, 9)
	return dumpOf(t, s)
}

func wantDump(t *testing.T, what string, s readmodel.Store, want []readmodel.DumpRow) {
	t.Helper()
	got := dumpOf(t, s)
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Fatalf("%s: %+v is missing", what, want[i])
		case i >= len(want):
			t.Fatalf("%s: %+v is too much", what, got[i])
		case got[i] != want[i]:
			t.Fatalf("%s:\n got %+v\nwant %+v", what, got[i], want[i])
		}
	}
}

// TestReleaseGivesWhatWouldHaveBeen poisons a room, mends the fold and releases
// the room while events go on: the tables are those of a fold that never failed.
func TestReleaseGivesWhatWouldHaveBeen(t *testing.T) {
	p := newPoisoned(t)
	never := p.fresh(t, newBook(t), room.Apply)
	store, book := openStore(t), newBook(t)
	c := p.config(store, book)
	stop := run(t, newOwner(t, c, p.log, 1))
	defer stop()
	until(t, c.States, "folded", func(s partition.State) bool { return s.Next == p.log.end() })
	if n := len(lettersOf(t, store, "sick")); n < 100 {
		t.Fatalf("%d records are parked", n)
	}
	// Still poisoned: released in vain.
	decide(t, book, release("sick"))
	awaitDecisions(t, store, book)
	if d := lettersOf(t, store, "sick"); d[0].Code != room.CodePanic || !p.poison[d[0].ID] {
		t.Errorf("blocked by %+v", d[0])
	}
	stop()
	// The second poison goes on to panic: the room blocks there.
	first := lettersOf(t, store, "sick")[0].ID
	delete(p.poison, first)
	stop = run(t, newOwner(t, p.config(store, book), p.log, 2))
	defer stop()
	decide(t, book, release("sick"))
	awaitDecisions(t, store, book)
	if d := lettersOf(t, store, "sick"); len(d) == 0 || !p.poison[d[0].ID] || d[0].Code != room.CodePanic || d[1].Code != "" {
		t.Fatalf("after the first poison was mended: %d records are parked", len(d))
	}
	stop()
	clear(p.poison)
	c = p.config(store, book)
	var told []readmodel.EventRow
	c.Announce = func(m partition.Commit) { told = append(told, m.Events...) }
	stop = run(t, newOwner(t, c, p.log, 3))
	defer stop()
	decide(t, book, release("sick"))
	awaitDecisions(t, store, book)
	stop()
	if d := lettersOf(t, store, "sick"); len(d) != 0 {
		t.Errorf("%d records are parked still", len(d))
	}
	wantDump(t, "after the release", store, never)
	if len(told) == 0 {
		t.Error("the timeline was not told")
	}
	for _, e := range told {
		if e.Room != "sick" {
			t.Errorf("told %+v", e)
		}
	}
}

// awaitDecisions waits until all decisions are carried out.
func awaitDecisions(t *testing.T, s readmodel.Store, b *decisions.Book) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for checkpointOf(t, s).Decisions < b.Next() {
		if time.Now().After(deadline) {
			t.Fatalf("decisions are carried out below %d of %d", checkpointOf(t, s).Decisions, b.Next())
		}
		<-time.After(time.Millisecond)
	}
}

// TestDiscard discards what panics: the live tables are those of a fresh fold by
// the same book, of this program and of one that could judge the event.
func TestDiscard(t *testing.T) {
	p := newPoisoned(t)
	store, book := openStore(t), newBook(t)
	c := p.config(store, book)
	stop := run(t, newOwner(t, c, p.log, 1))
	defer stop()
	until(t, c.States, "folded", func(s partition.State) bool { return s.Next == p.log.end() })
	for round := range 2 {
		d := lettersOf(t, store, "sick")
		if len(d) == 0 || !p.poison[d[0].ID] {
			t.Fatalf("round %d: %d records are parked", round, len(d))
		}
		decide(t, book, discard(d[0], checkpointOf(t, store).Decisions))
		awaitDecisions(t, store, book)
	}
	stop()
	if d := lettersOf(t, store, "sick"); len(d) != 0 {
		t.Fatalf("%d records are parked still", len(d))
	}
	wantDump(t, "a fresh fold by this program", store, p.fresh(t, book, p.judge))
	wantDump(t, "a fresh fold by a newer program", store, p.fresh(t, book, room.Apply))
	rejected := 0
	for _, row := range dumpOf(t, store) {
		if row.Table == "outcomes" && strings.Contains(row.Value, `"code":"discarded"`) && strings.Contains(row.Value, `"sender":"alice"`) {
			rejected++
		}
	}
	if rejected != 2 {
		t.Errorf("%d events are rejected as discarded, want 2", rejected)
	}
}

// TestVoidDiscard discards an event that a release has let be judged meanwhile:
// the discard has no effect, here or in a fresh fold.
func TestVoidDiscard(t *testing.T) {
	p := newPoisoned(t)
	store, book := openStore(t), newBook(t)
	catchUp(t, p.config(store, book), p.log, 1)
	d, seen := lettersOf(t, store, "sick")[0], checkpointOf(t, store).Decisions
	clear(p.poison) // mended
	decide(t, book, release("sick"))
	decide(t, book, discard(d, seen))
	catchUp(t, p.config(store, book), p.log, 1)
	wantDump(t, "after a release and a void discard", store, p.fresh(t, book, room.Apply))
	wantDump(t, "as if nobody had decided", store, p.fresh(t, newBook(t), room.Apply))
}

// TestDecisionsOfAnotherLog mean nothing here.
func TestDecisionsOfAnotherLog(t *testing.T) {
	p := newPoisoned(t)
	store, book := openStore(t), newBook(t)
	catchUp(t, p.config(store, book), p.log, 1)
	d := lettersOf(t, store, "sick")
	foreign := discard(d[0], 0)
	foreign.Log = events.LogID{9}
	decide(t, book, foreign)
	catchUp(t, p.config(store, book), p.log, 1)
	if got := lettersOf(t, store, "sick"); len(got) != len(d) {
		t.Errorf("%d records are parked, %d were", len(got), len(d))
	}
	if got := checkpointOf(t, store).Decisions; got != 1 {
		t.Errorf("decisions are carried out below %d", got)
	}
}

// TestCrashWhileCarryingOut fails each statement of each transaction of a discard
// and release, the commit's answer too: the tables come out the same.
func TestCrashWhileCarryingOut(t *testing.T) {
	p := newPoisoned(t)
	book := newBook(t)
	first := openStore(t)
	catchUp(t, p.config(first, book), p.log, 1)
	letters := lettersOf(t, first, "sick")
	decide(t, book, discard(letters[0], 0))
	second := slices.IndexFunc(letters, func(d readmodel.DeadLetter) bool { return p.poison[d.ID] && d.ID != letters[0].ID })
	decide(t, book, discard(letters[second], 1))
	catchUp(t, p.config(first, book), p.log, 1)
	want := dumpOf(t, first)
	if n := len(lettersOf(t, first, "sick")); n > 0 {
		t.Fatalf("%d records are parked still", n)
	}

	statements := 0
	for at := 0; ; at++ {
		n, armed := 0, false
		store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Fault: func(string) error {
			if !armed {
				return nil
			}
			if n++; n == at+1 {
				return errInjected
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		catchUp(t, p.config(store, newBook(t)), p.log, 1)
		armed = true
		err = newOwner(t, p.config(store, book), p.log, 1).CatchUp(t.Context(), p.log.end(), book.Next())
		armed = false
		if err != nil && !errors.Is(err, errInjected) {
			t.Fatal(err)
		}
		catchUp(t, p.config(store, book), p.log, 1) // the next process
		wantDump(t, fmt.Sprintf("crash at statement %d", at), store, want)
		if cp := checkpointOf(t, store); cp.Decisions != book.Next() || len(lettersOf(t, store, "sick")) > 0 {
			t.Errorf("crash at statement %d: %+v", at, cp)
		}
		_ = store.Close()
		if err == nil {
			break
		}
		statements++
		at += at / 8 // the later ones are more of the same
	}
	if statements < 20 {
		t.Errorf("only %d statements failed", statements)
	}
}

// TestZombieReleasesNothing freezes an owner in the middle of a release, while
// another does it.
func TestZombieReleasesNothing(t *testing.T) {
	p := newPoisoned(t)
	store, book := openStore(t), newBook(t)
	catchUp(t, p.config(store, book), p.log, 1)
	clear(p.poison)
	decide(t, book, release("sick"))
	frozen := &gate{Store: store}
	folds := 0
	frozen.before = func() {
		if folds++; folds == 3 {
			catchUp(t, p.config(store, book), p.log, 1)
		}
	}
	err := newOwner(t, p.config(frozen, book), p.log, 1).CatchUp(t.Context(), p.log.end(), book.Next())
	if !errors.Is(err, readmodel.ErrFenced) {
		t.Errorf("the zombie's release: %v", err)
	}
	wantDump(t, "after a zombie", store, p.fresh(t, book, room.Apply))
}

// TestRefusedRowIsReleasedUpTo parks a room again where the database refuses a
// row, at that row.
func TestRefusedRowIsReleasedUpTo(t *testing.T) {
	p := newPoisoned(t)
	store, book := openStore(t), newBook(t)
	catchUp(t, p.config(store, book), p.log, 1)
	letters := lettersOf(t, store, "sick")
	clear(p.poison)
	decide(t, book, release("sick"))
	catchUp(t, p.config(&refusing{Store: store, id: letters[30].ID}, book), p.log, 1)
	left := lettersOf(t, store, "sick")
	if len(left) != len(letters)-30 || left[0].ID != letters[30].ID || left[0].Code != room.CodeUnstorable {
		t.Fatalf("%d of %d records are parked, the first is %s for %q", len(left), len(letters), left[0].ID, left[0].Code)
	}
	decide(t, book, release("sick"))
	catchUp(t, p.config(store, book), p.log, 1)
	wantDump(t, "after the second release", store, p.fresh(t, book, room.Apply))
}

// TestDiscardedRepetition discards an event whose id another event has already:
// what that one is stays.
func TestDiscardedRepetition(t *testing.T) {
	r := roomtest.NewRoom(t, "alice")
	first := r.Post("alice", "hello")
	records := r.Records()
	again := records[1]
	again.Message.Headers = slices.Clone(again.Message.Headers)
	for i, h := range again.Message.Headers {
		if h.Key == events.HeaderType {
			again.Message.Headers[i].Value = []byte("message.posted.v9")
		}
	}
	l, book, store := newLog(append(records, again, records[1])...), newBook(t), openStore(t)
	c := configBy(store, book)
	catchUp(t, c, l, 1)
	letters := lettersOf(t, store, "lobby")
	if len(letters) != 2 || letters[0].ID != first.ID {
		t.Fatalf("parked: %+v", letters)
	}
	decide(t, book, discard(letters[0], 0))
	catchUp(t, c, l, 1)
	fresh := openStore(t)
	catchUp(t, configBy(fresh, book), l, 1)
	wantDump(t, "a fresh fold", store, dumpOf(t, fresh))
	if len(lettersOf(t, store, "lobby")) > 0 {
		t.Error("the room is blocked still")
	}
	err := store.Snapshot(t.Context(), func(rd readmodel.Reader) error {
		o, _, err := rd.Outcome(t.Context(), readmodel.Key{Tenant: events.DefaultTenant, Room: "lobby"}, first.ID)
		if o.Status != room.Accepted || o.Seq != 2 {
			t.Errorf("the first event: %+v", o)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLostDecisions stops the partition: the tables are by decisions that nobody
// can read any more.
func TestLostDecisions(t *testing.T) {
	p := newPoisoned(t)
	store, book := openStore(t), newBook(t, release("sick"))
	catchUp(t, p.config(store, book), p.log, 1)
	err := newOwner(t, p.config(store, newBook(t)), p.log, 1).CatchUp(t.Context(), p.log.end(), 0)
	var gap *partition.GapError
	if !errors.As(err, &gap) {
		t.Errorf("a topic that is shorter: error %v", err)
	}

	// Another topic: its decisions are not taken for those that are gone, however
	// many there are, until one of them accepts it.
	other := decisions.NewBook()
	decide(t, other, release("well"))
	decide(t, other, release("sick"))
	other.ReadToEnd(events.LogID{0xe})
	err = newOwner(t, p.config(store, other), p.log, 1).CatchUp(t.Context(), p.log.end(), other.Next())
	if !errors.As(err, &gap) || checkpointOf(t, store).DecisionsLog != topicID {
		t.Errorf("another topic: error %v, %+v", err, checkpointOf(t, store))
	}
	want, next := dumpOf(t, store), checkpointOf(t, store).Next
	decide(t, other, decisions.Decision{
		Type: decisions.GapAccepted, Log: logID, From: logID, Next: next, Resume: next, Reason: "the topic was deleted",
	})
	catchUp(t, p.config(store, other), p.log, 1)
	if cp := checkpointOf(t, store); cp.DecisionsLog != (events.LogID{0xe}) || cp.Decisions != 3 || cp.Next != next {
		t.Errorf("after it was accepted: %+v", cp)
	}
	wantDump(t, "after it was accepted", store, want)
}
