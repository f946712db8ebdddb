package roomlog

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"
)

func TestPositionIsKept(t *testing.T) {
	var got []string
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization")+" "+r.Header.Get(headerPosition))
		w.Header().Set(headerPosition, fmt.Sprintf("p%d", len(got)))
	})
	for range 2 {
		if _, err := c.GetMeWithResponse(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	c.SetPosition("mine")
	if _, err := c.PutTypingWithResponse(t.Context(), "lobby", nil, TypingRequest{Typing: true}); err != nil {
		t.Fatal(err)
	}
	want := []string{"Bearer alice's ", "Bearer alice's p1", "Bearer alice's mine"}
	if fmt.Sprint(got) != fmt.Sprint(want) || c.Position() != "p3" {
		t.Errorf("sent %q, the position is %q", got, c.Position())
	}
}

// A read that was asked before a command, and answered after it, does not bring the
// client back to where the command is not.
func TestSlowReadDoesNotTakeThePositionBack(t *testing.T) {
	var c *Client
	c, _ = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			if _, err := c.PutTypingWithResponse(r.Context(), "lobby", nil, TypingRequest{}); err != nil {
				t.Error(err)
			}
		}
		w.Header().Set(headerPosition, "of "+r.Method)
	})
	if _, err := c.GetMeWithResponse(t.Context()); err != nil || c.Position() != "of PUT" {
		t.Errorf("the position is %q, error %v", c.Position(), err)
	}
}

func TestPositionOfAnotherLogIsForgotten(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusPreconditionFailed, codeOtherLog, false)
	})
	c.SetPosition("old")
	if _, err := c.GetMeWithResponse(t.Context()); CodeOf(err) != codeOtherLog || c.Position() != "" {
		t.Errorf("error %v, the position is %q", err, c.Position())
	}
}

func TestNoTokenNoRequest(t *testing.T) {
	c, _ := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	away := errors.New("the issuer is away")
	c.door.token = func(context.Context) (string, error) { return "", away }
	if _, err := c.GetMeWithResponse(t.Context()); !errors.Is(err, away) {
		t.Errorf("error %v", err)
	}
}

func refuse(w http.ResponseWriter, status int, code string, retryable bool) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Retry-After", "7")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"status":%d,"code":%q,"retryable":%t,"detail":"d","title":"t","request_id":"r"}`, status, code, retryable)
}

func TestErrors(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(http.ResponseWriter)
		want   Error
		says   string
	}{
		"a problem": {
			func(w http.ResponseWriter) { refuse(w, 503, "read_model_behind", true) },
			Error{Problem{Status: 503, Code: "read_model_behind", Retryable: true, Detail: "d", Title: "t", RequestID: "r"}, 7 * time.Second},
			"503 read_model_behind: d (request r)",
		},
		"a proxy's page": {
			func(w http.ResponseWriter) { http.Error(w, "<h1>no</h1>", http.StatusBadGateway) },
			Error{Problem{Status: 502, Title: "Bad Gateway", Retryable: true, Detail: "<h1>no</h1>\n"}, 0},
			"502 Bad Gateway: <h1>no</h1>\n",
		},
		"half a problem": {
			func(w http.ResponseWriter) {
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(http.StatusNotFound)
				_, _ = w.Write([]byte(`{"code":"room_`))
			},
			Error{Problem{Status: 404, Title: "Not Found", Detail: `{"code":"room_`}, 0},
			`404 Not Found: {"code":"room_`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { test.answer(w) })
			_, err := c.GetMeWithResponse(t.Context())
			if got, ok := errors.AsType[*Error](err); !ok || *got != test.want || err.Error() != test.says {
				t.Errorf("error %#v: %v", err, err)
			}
		})
	}
}
