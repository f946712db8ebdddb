package events

import (
	"errors"
	"testing"
)

func TestSplitType(t *testing.T) {
	for s, want := range map[string]struct {
		t Type
		v int
	}{
		"message.posted":      {"message.posted", 1},
		"message.posted.v2":   {"message.posted", 2},
		"message.posted.v999": {"message.posted", 999},
		"a.v2.v3":             {"a.v2", 3},
		// There is one way to write a version.
		"a.v0": {"a.v0", 1}, "a.v1": {"a.v1", 1}, "a.v02": {"a.v02", 1}, "a.v+2": {"a.v+2", 1}, "a.v1000": {"a.v1000", 1},
		"a.v": {"a.v", 1}, "a.video": {"a.video", 1}, ".v2": {".v2", 1}, "": {"", 1},
	} {
		if typ, v := SplitType(s); typ != want.t || v != want.v {
			t.Errorf("%q is %q, version %d", s, typ, v)
		}
	}
}

func FuzzSplitType(f *testing.F) {
	f.Add("message.redacted.v2")
	f.Add("a.v02")
	f.Fuzz(func(t *testing.T, s string) {
		if typ, v := SplitType(s); typ.Versioned(v) != s {
			t.Errorf("%q is %q, version %d", s, typ, v)
		}
	})
}

// Facts go from version to version, each upcaster once, from whichever was written.
func TestUpcastersAreChained(t *testing.T) {
	type first struct {
		Command
		Text string `json:"text"`
	}
	type second struct {
		Command
		Texts []string `json:"texts"`
	}
	v := versions{
		older(func(f first) second { return second{f.Command, []string{f.Text}} }),
		older(func(f second) ReactionAdded { return ReactionAdded{Command: f.Command, Key: f.Texts[0]} }),
		shapeOf[ReactionAdded](),
	}
	want := ReactionAdded{Command: Command{Sender: "alice"}, Key: "+1"}
	for i, facts := range []string{`{"sender":"alice","text":"+1"}`, `{"sender":"alice","texts":["+1"]}`, `{"sender":"alice","key":"+1"}`} {
		if got, err := v.decode(i+1, facts); err != nil || got != want {
			t.Errorf("version %d: %+v, %v", i+1, got, err)
		}
	}
	if _, err := DecodeFacts(TypeMessageRedacted, 3, `{}`); !errors.Is(err, ErrNewerVersion) {
		t.Errorf("a version that is not known: %v", err)
	}
}
