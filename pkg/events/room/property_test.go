package room_test

import (
	"maps"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/events/room/roomtest"
)

var everything = roomtest.Config{Parking: true, Garbage: true}

// each draws a history and calls check before each event is judged, with the complete
// state; what is parked blocks its room.
func each(t *rapid.T, check func(v *room.View, e *events.Event, r roomtest.Record)) {
	views := map[roomtest.Key]*room.View{}
	blocked := map[roomtest.Key]bool{}
	for _, r := range roomtest.Histories(everything).Draw(t, "history") {
		e, err := events.Decode(r.Message)
		k := roomtest.Key{Tenant: e.Tenant, Room: e.Room}
		if err != nil || blocked[k] {
			continue
		}
		if views[k] == nil {
			views[k] = room.NewView()
		}
		check(views[k], &e, r)
		c, v := room.Apply(views[k], &e, r.LogTime)
		blocked[k] = v.Status == room.Parked
		views[k].Advance(&e, c, v)
	}
}

func TestApplyIsPure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		each(t, func(v *room.View, e *events.Event, r roomtest.Record) {
			view, event := roomtest.Clone(v), *e
			c, verdict := room.Apply(v, e, r.LogTime)
			if !reflect.DeepEqual(v, view) || !reflect.DeepEqual(*e, event) {
				t.Fatalf("judging %+v has changed the view or the event", e)
			}
			c2, verdict2 := room.Apply(view, &event, r.LogTime) // other maps, another order
			if !reflect.DeepEqual(c, c2) || verdict != verdict2 {
				t.Fatalf("%+v is %+v, then %+v", e, verdict, verdict2)
			}
			if c.Header != nil && c.Header == v.Header {
				t.Fatal("the header was changed in its place")
			}
		})
	})
}

// A view whose judgements follow each other gives the same, and leaves the header alone
// that it has.
func TestReuseGivesTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reusing := map[roomtest.Key]*room.View{}
		each(t, func(v *room.View, e *events.Event, r roomtest.Record) {
			k := roomtest.Key{Tenant: e.Tenant, Room: e.Room}
			own := reusing[k]
			if own == nil {
				own = room.NewView()
				own.Reuse()
				reusing[k] = own
			}
			if !reflect.DeepEqual(own.Header, v.Header) {
				t.Fatalf("the header is %+v, want %+v", own.Header, v.Header)
			}
			want, verdict := room.Apply(v, e, r.LogTime)
			c, verdict2 := room.Apply(own, e, r.LogTime)
			if !reflect.DeepEqual(c, want) || verdict != verdict2 {
				t.Fatalf("%+v is %+v %+v, want %+v %+v", e, verdict2, c, verdict, want)
			}
			if !reflect.DeepEqual(own.Header, v.Header) {
				t.Fatalf("judging has changed the header to %+v, want %+v", own.Header, v.Header)
			}
			own.Advance(e, c, verdict2)
		})
	})
}

func TestReuseMakesNoHeaders(t *testing.T) {
	s := given(t, created("alice"))
	s.view.Reuse()
	s.when(post("alice")).when(post("alice"))
	next := s.event
	next.ID = "next"
	made := testing.AllocsPerRun(100, func() {
		s.view.Change(s.changes)
		s.changes, s.verdict = room.Apply(s.view, &next, s.now)
	})
	if made > 1 {
		t.Errorf("judging a message makes %v objects, want its digest alone", made)
	}
}

// What NeedsOf names is enough.
func TestNeedsAreSufficient(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		each(t, func(v *room.View, e *events.Event, r roomtest.Record) {
			c, verdict := room.Apply(v, e, r.LogTime)
			part := roomtest.Restrict(v, room.NeedsOf(e))
			c2, verdict2 := room.Apply(part, e, r.LogTime)
			if !reflect.DeepEqual(c, c2) || verdict != verdict2 {
				t.Fatalf("%+v is %+v, with what it needs %+v", e, verdict, verdict2)
			}
		})
	})
}

func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		each(t, func(v *room.View, e *events.Event, r roomtest.Record) {
			before := room.Header{}
			if v.Header != nil {
				before = *v.Header
			}
			c, verdict := room.Apply(v, e, r.LogTime)
			after := roomtest.Clone(v)
			after.Advance(e, c, verdict)

			if verdict.Status == room.Accepted && verdict.Seq > 0 {
				if verdict.Seq != before.Seq+1 || after.Header.Seq != verdict.Seq {
					t.Fatalf("seq %d behind %d", verdict.Seq, before.Seq)
				}
				if after.Header.LogTime < before.LogTime || after.Header.LogTime < r.LogTime.UnixMilli() {
					t.Fatalf("time %d behind %d, at %s", after.Header.LogTime, before.LogTime, r.LogTime)
				}
				if after.Header.Rules != before.Rules && before.Seq > 0 && e.Type != events.TypeRulesUpgraded {
					t.Fatal("the rules have changed")
				}
			} else if !keepsOwn(e, c, verdict) && !reflect.DeepEqual(c, room.Changes{}) {
				t.Fatalf("%+v changes %+v", verdict, c)
			}
			checkMarks(t, after)
			if (verdict.Code != "") != (verdict.Status == room.Rejected || verdict.Status == room.Parked || verdict.Of.Code != "") {
				t.Fatalf("verdict %+v", verdict)
			}
			if after.Header == nil {
				if len(after.Members) > 0 {
					t.Fatal("members of no room")
				}
				return
			}
			var joined int64
			for u, m := range after.Members {
				if u != m.User || m.Since < 1 || m.Since > after.Header.Seq {
					t.Fatalf("%s is %+v", u, m)
				}
				if m.Membership == events.MembershipJoin {
					joined++
				}
				if (m.Role != "") != (m.Membership == events.MembershipJoin) || m.Until != 0 && m.Membership != events.MembershipBan {
					t.Fatalf("%s is %+v", u, m)
				}
			}
			if after.Header.Members != joined {
				t.Fatalf("the header counts %d members, there are %d", after.Header.Members, joined)
			}
		})
	})
}

// keepsOwn says whether the event changes what is its sender's own, and nothing else.
func keepsOwn(e *events.Event, c room.Changes, v room.Verdict) bool {
	for _, m := range c.Members {
		if m.User != e.Facts.By().Sender {
			return false
		}
	}
	own := e.Type == events.TypeMarkMoved || e.Type == events.TypePreferencesChanged || e.Type == events.TypeTokensRevoked
	return own && (c.Revocation != nil) == (e.Type == events.TypeTokensRevoked) && v.Status == room.Accepted && c.Header == nil && len(c.Members) <= 1 && c.About == 0 &&
		c.States == nil && c.Reactions == nil && c.Mentions == nil && c.Redaction == nil && c.Stay == nil && c.History == nil
}

// checkMarks looks at what is counted and marked.
func checkMarks(t *rapid.T, v *room.View) {
	if v.Header == nil {
		return
	}
	var messages, all int64
	var last events.Seq
	replies := map[events.EventID]int64{}
	for _, p := range v.Priors {
		if p.Type != events.TypeMessagePosted || p.Seq == 0 {
			continue
		}
		all++
		last = max(last, p.Seq)
		if p.ThreadRoot != "" {
			replies[p.ThreadRoot]++
		} else {
			messages++
		}
		if p.Redacted > v.Header.Seq || p.Redacted > 0 && p.Redacted <= p.Seq {
			t.Fatalf("redacted at %d, posted at %d", p.Redacted, p.Seq)
		}
	}
	if messages != v.Header.Messages {
		t.Fatalf("%d messages, the header counts %d", messages, v.Header.Messages)
	}
	if all != v.Header.Posted || last != v.Header.LastMessage {
		t.Fatalf("%d messages with those in threads, the last one is %d, the header has %d and %d", all, last, v.Header.Posted, v.Header.LastMessage)
	}
	reactions := map[events.EventID]map[string]int64{}
	for r, there := range v.Reactions {
		if there {
			if reactions[r.Target] == nil {
				reactions[r.Target] = map[string]int64{}
			}
			reactions[r.Target][r.Key]++
		}
	}
	for id, s := range v.States {
		if s.Replies != replies[id] {
			t.Fatalf("%s has %d replies, its state says %d", id, replies[id], s.Replies)
		}
		if len(s.Reactions) != len(reactions[id]) {
			t.Fatalf("%s has reactions %v, its state says %v", id, reactions[id], s.Reactions)
		}
		for i, c := range s.Reactions {
			if c.Count != reactions[id][c.Key] || i > 0 && c.Key <= s.Reactions[i-1].Key {
				t.Fatalf("%s has reactions %v, its state says %v", id, reactions[id], s.Reactions)
			}
		}
	}
	for _, m := range v.Members {
		if m.Read > v.Header.Seq || m.Delivered < m.Read || m.Hidden > v.Header.Seq || m.Invited >= max(m.Since, 1) {
			t.Fatalf("%+v in a room of %d", m, v.Header.Seq)
		}
	}
}

// A second append of what was judged changes nothing, whenever it comes.
func TestRepetitionsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := roomtest.Histories(roomtest.Config{Garbage: true}).Draw(t, "history")
		want := roomtest.Fold(history)
		var doubled []roomtest.Record
		var first []int // the place of each of history in doubled
		for i, r := range history {
			first = append(first, len(doubled))
			doubled = append(doubled, r)
			if v := want.Verdicts[i]; v.Binds() || v.Status == room.Duplicate {
				doubled = append(doubled, roomtest.Record{Message: r.Message, LogTime: r.LogTime.AddDate(1, 0, 0)})
			}
		}
		got := roomtest.Fold(doubled)
		for i := range history {
			if got.Verdicts[first[i]] != want.Verdicts[i] {
				t.Fatalf("record %d is %+v, not %+v", i, got.Verdicts[first[i]], want.Verdicts[i])
			}
		}
		if !reflect.DeepEqual(got.Rooms, want.Rooms) {
			t.Fatal("the rooms differ")
		}
	})
}

// A projector that reads what a batch needs, folds it in memory and writes comes
// to the same, whatever the batches.
func TestBatchesDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := roomtest.Histories(everything).Draw(t, "history")
		want := roomtest.Fold(history)
		stored := map[roomtest.Key]*room.View{}
		blocked := map[roomtest.Key]bool{}
		for i := 0; i < len(history); {
			n := min(rapid.IntRange(1, 20).Draw(t, "batch"), len(history)-i)
			verdicts := foldBatch(stored, blocked, history[i:i+n])
			if !reflect.DeepEqual(verdicts, want.Verdicts[i:i+n]) {
				t.Fatalf("records %d to %d are %+v, not %+v", i, i+n-1, verdicts, want.Verdicts[i:i+n])
			}
			i += n
		}
		for k, v := range want.Rooms {
			if !reflect.DeepEqual(stored[k], v) {
				t.Fatalf("%v is %+v, not %+v", k, stored[k], v)
			}
		}
	})
}

func foldBatch(stored map[roomtest.Key]*room.View, blocked map[roomtest.Key]bool, batch []roomtest.Record) []room.Verdict {
	needs := map[roomtest.Key]room.Needs{}
	for _, r := range batch {
		if e, err := events.Decode(r.Message); err == nil {
			k := roomtest.Key{Tenant: e.Tenant, Room: e.Room}
			n, m := needs[k], room.NeedsOf(&e)
			needs[k] = room.Needs{
				Members: append(n.Members, m.Members...), Priors: append(n.Priors, m.Priors...), Reactions: append(n.Reactions, m.Reactions...),
			}
		}
	}
	views := map[roomtest.Key]*room.View{}
	for k, n := range needs {
		if stored[k] == nil {
			stored[k] = room.NewView()
		}
		views[k] = roomtest.Restrict(stored[k], n)
	}
	verdicts := make([]room.Verdict, len(batch))
	type redaction struct {
		k roomtest.Key
		*room.Redaction
	}
	var redactions []redaction
	for i, r := range batch {
		e, err := events.Decode(r.Message)
		if err != nil {
			continue
		}
		k := roomtest.Key{Tenant: e.Tenant, Room: e.Room}
		if blocked[k] {
			verdicts[i] = room.Verdict{Status: room.Parked}
			continue
		}
		c, v := room.Apply(views[k], &e, r.LogTime)
		blocked[k] = v.Status == room.Parked
		views[k].Advance(&e, c, v)
		verdicts[i] = v
		if c.Redaction != nil {
			redactions = append(redactions, redaction{k, c.Redaction})
		}
	}
	for k, v := range views {
		stored[k].Header = v.Header
		maps.Copy(stored[k].Members, v.Members)
		maps.Copy(stored[k].Priors, v.Priors)
		maps.Copy(stored[k].States, v.States)
		maps.Copy(stored[k].Reactions, v.Reactions)
	}
	// What a redaction covers is not among a batch's needs: the store sees to it.
	for _, r := range redactions {
		stored[r.k].Advance(&events.Event{}, room.Changes{Redaction: r.Redaction}, room.Verdict{})
	}
	return verdicts
}

func TestReplayIsEqual(t *testing.T) {
	history := roomtest.History(roomtest.Config{Records: 2000, Garbage: true}, 1)
	want := roomtest.Fold(history)
	for range 3 {
		if !reflect.DeepEqual(roomtest.Fold(history), want) {
			t.Fatal("a second fold differs")
		}
	}
}

// Rooms do not touch each other: the order among them does not matter.
func TestRoomsAreApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := roomtest.Histories(everything).Draw(t, "history")
		want := roomtest.Fold(history)
		byRoom := map[string][]roomtest.Record{}
		for _, r := range history {
			byRoom[string(r.Message.Key)] = append(byRoom[string(r.Message.Key)], r)
		}
		for key, records := range byRoom {
			for k, v := range roomtest.Fold(records).Rooms {
				if !reflect.DeepEqual(want.Rooms[k], v) {
					t.Fatalf("%s alone is another", key)
				}
			}
		}
	})
}

// A header is small, whatever happens in its room: nothing in it can grow, and
// what clients choose is bounded by the codec and the rules.
func TestHeaderIsBounded(t *testing.T) {
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Struct:
			for f := range typ.Fields() {
				walk(path+"."+f.Name, f.Type)
			}
		case reflect.Map, reflect.Slice, reflect.Pointer, reflect.Interface, reflect.Chan, reflect.Func:
			t.Errorf("%s is a %s", path, typ.Kind())
		case reflect.String:
			switch typ {
			case reflect.TypeFor[events.Tenant](), reflect.TypeFor[events.RoomID](), reflect.TypeFor[events.UserID](), reflect.TypeFor[events.RoomKind](),
				reflect.TypeFor[events.Role](), reflect.TypeFor[events.History](), reflect.TypeFor[events.ReadMarks]():
			default:
				if path != "Header.Digest" { // of fixed size
					t.Errorf("%s is a string of any length", path)
				}
			}
		default: // numbers
		}
	}
	walk("Header", reflect.TypeFor[room.Header]())
}
