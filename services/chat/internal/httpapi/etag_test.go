package httpapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

func TestIfMatch(t *testing.T) {
	for _, tc := range []struct {
		header []string
		want   int
		ok     bool
	}{
		{nil, 0, true},
		{[]string{"*"}, 0, true},
		{[]string{`"3"`}, 3, true},
		{[]string{""}, 0, false},
		{[]string{"3"}, 0, false},
		{[]string{`"0"`}, 0, false},
		{[]string{`"-1"`}, 0, false},
		{[]string{`"x"`}, 0, false},
		{[]string{`W/"3"`}, 0, false},
		{[]string{`"+3"`}, 0, false},
		{[]string{`"03"`}, 0, false},
		{[]string{`"3", "4"`}, 0, false},
		{[]string{`"3"`, `"4"`}, 0, false},
		{[]string{`"99999999999999999999"`}, 0, false},
	} {
		req := httptest.NewRequest(http.MethodPatch, "/", nil)
		if tc.header != nil {
			req.Header["If-Match"] = tc.header
		}
		got, err := ifMatch(echo.New().NewContext(req, httptest.NewRecorder()))
		if p, bad := errors.AsType[*problem.Error](err); got != tc.want || (err == nil) != tc.ok || bad && p.Field != "If-Match" {
			t.Errorf("%q: %d, %v", tc.header, got, err)
		}
	}
}
