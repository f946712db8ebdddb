package events_test

import (
	"encoding/base64"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/roomlog/roomlog/pkg/events"
)

var thisLog = events.LogID{0xde, 0xad, 15: 1}

func vector(entries ...int) events.Vector {
	v := events.Vector{Log: thisLog, Epoch: 1}
	for i := 0; i < len(entries); i += 2 {
		v = v.With(events.Partition(entries[i]), events.Offset(entries[i+1]))
	}
	return v
}

func TestVector(t *testing.T) {
	p := events.Position{Log: thisLog, Epoch: 1, Partition: 2, Offset: 10}
	if got := p.Vector(); !reflect.DeepEqual(got, vector(2, 11)) {
		t.Errorf("an event at 10 needs %v: everything below 11 has to be folded", got)
	}
	v := vector(2, 11)
	for name, tt := range map[string]struct{ got, want events.Vector }{
		"another partition":  {v.With(1, 5), vector(1, 5, 2, 11)},
		"further":            {v.With(2, 12), vector(2, 12)},
		"never back":         {v.With(2, 3), vector(2, 11)},
		"passed":             {vector(1, 5, 2, 11).Without(at2(11)), vector(1, 5)},
		"not quite":          {vector(2, 11).Without(at2(10)), vector(2, 11)},
		"nothing left, same": {vector(2, 11).Without(at2(99)), vector()},
	} {
		if tt.got.Token() != tt.want.Token() {
			t.Errorf("%s: %v, not %v", name, tt.got, tt.want)
		}
	}
	if n, ok := v.Next(2); !ok || n != 11 {
		t.Errorf("next of 2 is %d, %t", n, ok)
	}
	if n, ok := v.Next(1); ok || n != 0 {
		t.Errorf("next of 1 is %d, %t", n, ok)
	}
	if !(events.Vector{}).IsZero() || v.IsZero() || vector().IsZero() {
		t.Error("only the vector of no log is zero")
	}
}

// at2 says that partition 2 is folded so far, and no other.
func at2(folded events.Offset) func(events.Partition) events.Offset {
	return func(p events.Partition) events.Offset {
		if p == 2 {
			return folded
		}
		return 0
	}
}

func TestVectorMerge(t *testing.T) {
	a, b := vector(0, 5, 2, 11), vector(1, 1, 2, 9)
	for name, tt := range map[string]struct{ a, b, want events.Vector }{
		"both":          {a, b, vector(0, 5, 1, 1, 2, 11)},
		"the other way": {b, a, vector(0, 5, 1, 1, 2, 11)},
		"itself":        {a, a, a},
		"zero":          {a, events.Vector{}, a},
		"onto zero":     {events.Vector{}, a, a},
		"two zeros":     {events.Vector{}, events.Vector{}, events.Vector{}},
		"empty":         {vector(), b, b},
	} {
		got, err := tt.a.Merge(tt.b)
		if err != nil || got.Token() != tt.want.Token() {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if a.Token() != vector(0, 5, 2, 11).Token() {
		t.Error("merging has changed the vector")
	}
	other, epoch := a, a
	other.Log[0]++
	epoch.Epoch++
	for _, v := range []events.Vector{other, epoch, {Log: events.LogID{1}}} {
		if _, err := a.Merge(v); !errors.Is(err, events.ErrAnotherLog) {
			t.Errorf("merging %v: %v", v, err)
		}
	}
}

func TestTokenSize(t *testing.T) {
	v := events.Vector{Log: thisLog, Epoch: math.MaxUint32}
	for p := range events.Partition(events.MaxPartitions) {
		v = v.With(p, events.MaxOffset)
	}
	s := v.Token()
	t.Logf("the largest token has %d bytes", len(s))
	if len(s) > events.MaxTokenLength {
		t.Errorf("a token has %d bytes", len(s))
	}
	got, err := events.ParseToken(s)
	if err != nil || !reflect.DeepEqual(got, v) {
		t.Errorf("it reads as %v, %v", got, err)
	}
}

func TestTokenNeverChanges(t *testing.T) {
	const want = "Ad6tAAAAAAAAAAAAAAAAAAEBAgAFA4CAgICAIFxO0sg"
	if got := vector(0, 5, 3, 1<<40).Token(); got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

func TestParseTokenRefuses(t *testing.T) {
	s := events.Position{Log: events.LogID{0xff, 0xff, 0xff, 0xff}, Epoch: 1}.Token()
	raw, _ := base64.RawURLEncoding.DecodeString(s)
	for name, s := range map[string]string{
		"nothing":             "",
		"text":                "hello",
		"cut":                 s[:len(s)-1],
		"longer":              s + "A",
		"a line break":        s[:8] + "\n" + s[8:],
		"padded":              s + "=",
		"standard base64":     base64.RawStdEncoding.EncodeToString(raw),
		"a bit changed":       s[:3] + "A" + s[4:],
		"too long":            strings.Repeat("A", events.MaxTokenLength+1),
		"too many partitions": vector(events.MaxPartitions, 1).Token(),
		"a partition beyond":  vector(50, 1, events.MaxPartitions, 1).Token(),
		"a huge offset":       vector(0, int(events.MaxOffset)+1).Token(),
		"a negative offset":   events.Position{Log: thisLog, Epoch: 1, Offset: -5}.Token(),
	} {
		if v, err := events.ParseToken(s); !errors.Is(err, events.ErrInvalidToken) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
}

func TestLogID(t *testing.T) {
	if got, err := events.ParseLogID(thisLog.String()); err != nil || got != thisLog {
		t.Errorf("%v, %v", got, err)
	}
	for _, s := range []string{"", "00", strings.Repeat("0", 31), strings.Repeat("0", 33), strings.Repeat("g", 32)} {
		if got, err := events.ParseLogID(s); err == nil {
			t.Errorf("%q is %v", s, got)
		}
	}
}

func vectors() *rapid.Generator[events.Vector] {
	return rapid.Custom(func(t *rapid.T) events.Vector {
		v := events.Vector{Log: thisLog, Epoch: 1}
		for range rapid.IntRange(0, 10).Draw(t, "n") {
			v = v.With(
				events.Partition(rapid.IntRange(0, events.MaxPartitions-1).Draw(t, "p")),
				events.Offset(rapid.Int64Range(0, int64(events.MaxOffset)).Draw(t, "o")))
		}
		return v
	})
}

// Vectors are a join semilattice, so clients can join them in any order.
func TestVectorProperties(t *testing.T) {
	merge := func(t *rapid.T, a, b events.Vector) events.Vector {
		v, err := a.Merge(b)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := vectors().Draw(t, "a"), vectors().Draw(t, "b"), vectors().Draw(t, "c")
		before := a.Token()
		if merge(t, a, b).Token() != merge(t, b, a).Token() {
			t.Fatal("order matters")
		}
		if merge(t, merge(t, a, b), c).Token() != merge(t, a, merge(t, b, c)).Token() {
			t.Fatal("grouping matters")
		}
		if merge(t, a, merge(t, a, b)).Token() != merge(t, a, b).Token() {
			t.Fatal("repetition matters")
		}
		for p, next := range merge(t, a, b).All {
			x, _ := a.Next(p)
			y, _ := b.Next(p)
			if next != max(x, y) {
				t.Fatalf("partition %d: %d of %d and %d", p, next, x, y)
			}
		}
		got, err := events.ParseToken(merge(t, a, b).Token())
		if err != nil || got.Token() != merge(t, a, b).Token() {
			t.Fatalf("it reads as %v, %v", got, err)
		}
		if a.Token() != before {
			t.Fatal("a has changed")
		}
	})
}
