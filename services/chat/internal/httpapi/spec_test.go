package httpapi

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"go.yaml.in/yaml/v3"

	description "github.com/roomlog/roomlog/services/chat/api"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// Every route is described, and everything described is a route.
func TestRoutesAreTheSpecs(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := parseSpec()
	if err != nil {
		t.Fatal(err)
	}
	routes := map[string]bool{}
	for _, r := range s.router.Routes() {
		routes[r.Method+" "+r.Path] = true
		if _, ok := doc.operations[r.Method+" "+r.Path]; !ok {
			t.Errorf("%s %s is not described", r.Method, r.Path)
		}
	}
	for op := range doc.operations {
		if !routes[op] {
			t.Errorf("%s is described and not there", op)
		}
	}
	// What parseSpec reads must be all there is.
	var whole struct {
		Paths map[string]map[string]any `yaml:"paths"`
	}
	if err := yaml.Unmarshal(description.YAML, &whole); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, item := range whole.Paths {
		for method := range item {
			if method != "parameters" {
				n++
			}
		}
	}
	if n != len(doc.operations) || n < 14 {
		t.Errorf("%d operations are described, %d were read", n, len(doc.operations))
	}
	limit := doc.operations["GET /v1/rooms/:room/messages"]
	if !slices.Contains(limit.query, "limit") || !slices.Contains(limit.query, "around") {
		t.Errorf("parameters %v", limit.query)
	}
}

// Who may call a route is said for every route and no other, and the description
// agrees on which need no token.
func TestAccessIsTheSpecs(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]yaml.Node `yaml:"paths"`
	}
	if err := yaml.Unmarshal(description.YAML, &doc); err != nil {
		t.Fatal(err)
	}
	described := 0
	for path, item := range doc.Paths {
		for method, node := range item {
			if method == "parameters" {
				continue
			}
			described++
			var op struct {
				Security *[]map[string][]string `yaml:"security"`
			}
			if err := node.Decode(&op); err != nil {
				t.Fatal(err)
			}
			route := strings.ToUpper(method) + " " + echoPath(path)
			n, ok := access[route]
			if !ok {
				t.Errorf("nobody has said who may call %s", route)
			}
			if open := op.Security != nil && len(*op.Security) == 0; open != (n == noToken) {
				t.Errorf("%s: described as open %t, and is %t", route, open, n == noToken)
			}
			if read := strings.HasPrefix(route, "GET "); n == toRead && !read || n == toWrite && read {
				t.Errorf("%s needs another scope than its method", route)
			}
		}
	}
	if len(access) != described {
		t.Errorf("%d routes have somebody who may call them, %d are described", len(access), described)
	}
}

// Every code that can be answered has a status, and is described where that status
// is.
func TestCodesAreDescribed(t *testing.T) {
	var doc struct {
		Components struct {
			Responses map[string]struct {
				Description string `yaml:"description"`
			} `yaml:"responses"`
		} `yaml:"components"`
	}
	if err := yaml.Unmarshal(description.YAML, &doc); err != nil {
		t.Fatal(err)
	}
	responses := map[int]string{
		400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed", 409: "Conflict", 412: "PreconditionFailed",
		413: "TooLarge", 415: "UnsupportedMediaType", 422: "Unprocessable", 429: "TooManyRequests", 500: "Internal", 503: "Unavailable",
	}
	codes := slices.Concat(
		constants(t, "../problem/problem.go", "Code"),
		constants(t, "../../../../pkg/events/room/verdict.go", "Code"),
	)
	if len(codes) < 50 {
		t.Fatalf("%d codes", len(codes))
	}
	parking := []string{"unknown_type", "unknown_rules", "fold_panicked", "row_refused"}
	for _, c := range codes {
		if slices.Contains(parking, c) {
			continue
		}
		status, ok := statuses[problem.Code(c)]
		if !ok {
			t.Errorf("%s has no status", c)
			continue
		}
		if text := doc.Components.Responses[responses[status]].Description; !strings.Contains(text, "`"+c+"`") {
			t.Errorf("%s is %d and is not described there: %s", c, status, text)
		}
	}
	for c := range statuses {
		if !slices.Contains(codes, string(c)) {
			t.Errorf("%s has a status and is nobody's code", c)
		}
	}
}

// constants reads the string constants of a type from a source file.
func constants(t *testing.T, file, typ string) (out []string) {
	t.Helper()
	src, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), file, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) == 0 {
			return true
		}
		if id, ok := v.Type.(*ast.Ident); !ok || id.Name != typ {
			return true
		}
		for _, value := range v.Values {
			if lit, ok := value.(*ast.BasicLit); ok {
				s, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, s)
			}
		}
		return true
	})
	return out
}

func TestProblemOfAnyError(t *testing.T) {
	s := &Server{}
	for _, tc := range []struct {
		err   error
		code  problem.Code
		field string
	}{
		{errors.New("pq: password authentication failed"), problem.Internal, ""},
		{fmt.Errorf("wrapped: %w", problem.In(problem.InvalidID, "room", "x")), problem.InvalidID, "room"},
		{echo.ErrNotFound, problem.RouteNotFound, ""},
		{echo.ErrMethodNotAllowed, problem.MethodNotAllowed, ""},
		{echo.NewHTTPError(http.StatusBadRequest, "Invalid format for parameter limit: x"), problem.InvalidParameter, "limit"},
		{echo.NewHTTPError(http.StatusBadRequest, "Expected one value for Roomlog-Position, got 2"), problem.InvalidParameter, "Roomlog-Position"},
		{echo.NewHTTPError(http.StatusTeapot), problem.Internal, ""},
		{context.DeadlineExceeded, problem.Internal, ""},
	} {
		if p := s.problemOf(tc.err); p.Code != tc.code || p.Field != tc.field || strings.Contains(p.Detail, "password") {
			t.Errorf("%v became %s %q: %s", tc.err, p.Code, p.Field, p.Detail)
		}
	}
}

func TestRetryAfterInSeconds(t *testing.T) {
	for d, want := range map[time.Duration]int{0: 1, time.Millisecond: 1, time.Second: 1, 1100 * time.Millisecond: 2} {
		if got := seconds(&problem.Error{RetryAfter: d}); got != want {
			t.Errorf("%s became %d", d, got)
		}
	}
}

func TestParsePrefer(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": 0, "respond-async": 0, "wait=3": 3 * time.Second, "respond-async, wait=30": 30 * time.Second,
		`Wait = "7"`: 7 * time.Second, "waiting=9": 0,
	} {
		if got, err := parsePrefer(header); got != want || err != nil {
			t.Errorf("%q became %s, %v", header, got, err)
		}
	}
}
