package httpapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// Whatever stands in a header: its meaning, or a problem that names the header.
func FuzzHeader(f *testing.F) {
	for _, s := range []string{
		"", "wait=5", `respond-async, Wait = "30"`, "wait=31", "wait=-1", "wait=+1", "wait", "wait=1;x, wait=2", `"3"`, `W/"3"`, "*", `"+3"`, `"03"`, `"99999999999"`,
		"text/event-stream", "text/html, text/event-stream;q=0.1", "text/event-stream;q", ",;=", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"application/json; charset=UTF-8", "application/json;charset=\"", "\x00", "\xff", strings.Repeat("a", 129), "a.b_c-d",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		wait, err := parsePrefer(s)
		wantProblem(t, err, "Prefer")
		if wait < 0 || wait > maxWait*time.Second || wait%time.Second != 0 || err != nil && wait != 0 {
			t.Errorf("Prefer %q waits %s, %v", s, wait, err)
		}
		req := httptest.NewRequest(http.MethodPatch, "/", nil)
		req.Header["If-Match"] = []string{s}
		c := echo.New().NewContext(req, httptest.NewRecorder())
		version, err := ifMatch(c)
		wantProblem(t, err, "If-Match")
		if err == nil && version != 0 {
			if setETag(c, version); c.Response().Header().Get("ETag") != s {
				t.Errorf("If-Match %q is %d", s, version)
			}
		}
		if err == nil && version == 0 && s != "*" {
			t.Errorf("If-Match %q is any version", s)
		}
		wantProblem(t, checkKey("Idempotency-Key", s), "Idempotency-Key")
		if accepts(s, eventStream) && !strings.Contains(strings.ToLower(s), eventStream) {
			t.Errorf("Accept %q takes streams", s)
		}
		if matches([]string{s}, `"a"`) && !strings.Contains(s, `"a"`) && !strings.Contains(s, "*") {
			t.Errorf("If-None-Match %q matches", s)
		}
		if trace := traceParent(s); trace != "" && trace != s {
			t.Errorf("Traceparent %q is %q", s, trace)
		}
		if validRequestID(s) && (len(s) > 128 || strings.ContainsAny(s, " \r\n\x00<>\"")) {
			t.Errorf("X-Request-Id %q", s)
		}
		wantProblem(t, checkContentType(http.Header{"Content-Type": {s}}, []string{echo.MIMEApplicationJSON}), "")
	})
}

// wantProblem fails where an error is no problem about the header.
func wantProblem(t *testing.T, err error, header string) {
	t.Helper()
	if p, ok := errors.AsType[*problem.Error](err); err != nil && (!ok || p.Field != header || statusOf(p.Code) >= 500) {
		t.Errorf("%s: %v", header, err)
	}
}
