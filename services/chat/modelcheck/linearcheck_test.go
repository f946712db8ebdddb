package modelcheck_test

import (
	"fmt"
	"math"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"
)

// A checker that finds nothing proves nothing.
func TestCheckerFindsWhatIsNotLinearizable(t *testing.T) {
	made := told(command{do: create, by: "alice", kind: "public", change: "{}"}, 0, 1, http.StatusCreated, 1)
	join := command{do: change, by: "bob", whom: "bob", membership: "join"}
	leave := command{do: change, by: "bob", whom: "bob", membership: "leave"}
	ban := command{do: change, by: "alice", whom: "bob", membership: "ban"}
	say := command{do: post, by: "alice", key: "k", text: "hi"}
	other := command{do: post, by: "alice", key: "k", text: "other"}
	for name, tt := range map[string]struct {
		calls []porcupine.Operation
		ok    bool
	}{
		"one after the other":                         {[]porcupine.Operation{made, told(join, 2, 3, 200, 2), told(leave, 4, 5, 200, 3), told(join, 6, 7, 200, 4)}, true},
		"a stale answer":                              {[]porcupine.Operation{made, told(join, 2, 3, 200, 2), told(leave, 4, 5, 200, 3), told(join, 6, 7, 200, 0)}, false},
		"at once it would do":                         {[]porcupine.Operation{made, told(join, 2, 3, 200, 2), told(leave, 4, 7, 200, 3), told(join, 5, 6, 200, 0)}, true},
		"a stale refusal":                             {[]porcupine.Operation{made, told(leave, 2, 3, 403, 0, "not_a_member"), told(join, 4, 5, 200, 2), refusedAt(leave, 6, 7, "not_a_member")}, false},
		"two have one seq":                            {[]porcupine.Operation{made, told(join, 2, 4, 200, 2), told(say, 3, 5, 201, 2)}, false},
		"joined in spite of a ban":                    {[]porcupine.Operation{made, told(ban, 2, 3, 200, 2), told(join, 4, 5, 200, 3)}, false},
		"a ban without an answer may never have been": {[]porcupine.Operation{made, open(ban, 2), told(join, 4, 5, 200, 2)}, true},
		"or come later":                               {[]porcupine.Operation{made, open(ban, 2), told(join, 4, 5, 200, 2), told(join, 6, 7, 403, 0, "banned")}, true},
		"but not undo itself":                         {[]porcupine.Operation{made, open(ban, 2), told(join, 4, 5, 403, 0, "banned"), told(join, 6, 7, 200, 3)}, false},
		"sent again":                                  {[]porcupine.Operation{made, told(say, 2, 3, 201, 2), told(say, 4, 5, 201, 2)}, true},
		"doubled":                                     {[]porcupine.Operation{made, told(say, 2, 3, 201, 2), told(say, 4, 5, 201, 3)}, false},
		"another body":                                {[]porcupine.Operation{made, told(say, 2, 5, 201, 2), told(other, 3, 6, 422, 0, "idempotency_key_reused")}, true},
		"another body passes":                         {[]porcupine.Operation{made, told(say, 2, 5, 201, 2), told(other, 3, 6, 201, 3)}, false},
		"each finds the other":                        {[]porcupine.Operation{made, told(say, 2, 5, 422, 0, "idempotency_key_reused"), told(other, 3, 6, 422, 0, "idempotency_key_reused")}, false},
		"a rejection stays with its key": {[]porcupine.Operation{
			made, told(command{do: post, by: "bob", key: "k", text: "hi"}, 2, 3, 403, 0, "not_a_member"), told(join, 4, 5, 200, 2),
			told(command{do: post, by: "bob", key: "k", text: "hi"}, 6, 7, 201, 3),
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := check(tt.calls)
			if (err == nil) != tt.ok {
				t.Fatal(err)
			}
			if err == nil {
				return
			}
			_, path, _ := strings.Cut(err.Error(), "see ")
			page, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(page), "alice in a: create") {
				t.Errorf("%v: the page shows nothing of it", err)
			}
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
		})
	}
}

// told is a call with the verdict that the fold gave.
func told(c command, from, to int64, status, seq int, code ...string) porcupine.Operation {
	r := &request{command: c, answer: answer{status: status, position: "somewhere", body: fmt.Appendf(nil, `{"seq":%d}`, seq)}}
	if code != nil {
		r.code = code[0]
	}
	r.outcome = r.told()
	r.fill("a")
	return porcupine.Operation{Input: r, Call: from, Return: to}
}

// refusedAt is a call that was refused before the log had it.
func refusedAt(c command, from, to int64, code string) porcupine.Operation {
	o := told(c, from, to, statuses[code], 0, code)
	o.Input.(*request).position = ""
	return o
}

// open is a call without an answer.
func open(c command, from int64) porcupine.Operation {
	o := told(c, from, math.MaxInt64, 0, 0)
	o.Input.(*request).answer, o.Input.(*request).outcome = answer{}, outcome{}
	return o
}
