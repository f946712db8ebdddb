package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestProbe(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ready" {
			http.Error(w, "database away", http.StatusServiceUnavailable)
		}
	}))
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	defer server.Close()
	for _, test := range []struct {
		args      []string
		code      int
		out, errs string
	}{
		{args: []string{server.URL + "/ready"}, code: 0},
		{args: []string{server.URL + "/not"}, code: 1, out: "database away", errs: "503"},
		{args: []string{gone.URL}, code: 1, errs: "refused"},
		{args: []string{"::"}, code: 2, errs: "probe:"},
		{args: nil, code: 2, errs: "usage"},
	} {
		var out, errs bytes.Buffer
		if code := run(test.args, &out, &errs); code != test.code {
			t.Errorf("probe %v: exit code %d, want %d", test.args, code, test.code)
		}
		if !strings.Contains(out.String(), test.out) || !strings.Contains(errs.String(), test.errs) {
			t.Errorf("probe %v said %q and %q", test.args, out.String(), errs.String())
		}
	}
}
