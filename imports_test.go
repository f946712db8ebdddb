package roomlog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/roomlog/roomlog/"

// importRules say which way imports point, and why. Packages are named from the
// root of the repository; "x/..." is x and all below it.
var importRules = []importRule{
	{
		of: []string{"pkg/events"}, allow: []string{"std"},
		why: "the contract has no dependencies, so that any program can have it",
	},
	{
		of: []string{"pkg/events/room"}, direct: true,
		allow: []string{"pkg/events", "cmp", "crypto/sha256", "encoding/binary", "encoding/hex", "errors", "fmt", "slices", "strconv", "strings", "time"},
		why:   "the fold is pure: no clock, randomness, I/O or order of maps",
	},
	{
		of: []string{"clients/go/..."}, allow: []string{
			"std", "C", "clients/go/...", "github.com/oapi-codegen/...", "github.com/google/uuid", "github.com/apapsch/go-jsonmerge/...",
		},
		why: "a client knows the server by its description, and who uses it gets little else",
	},
	{
		of: []string{"pkg/..."}, deny: []string{"services/..."}, tests: true,
		why: "what services share does not know them",
	},
	{
		of: []string{"pkg/..."}, deny: []string{"deployments/..."},
		why: "where the real parts come from is for tests to know",
	},
	{
		of:   []string{"pkg/readmodel/...", "pkg/timeline"},
		deny: []string{"github.com/labstack/echo/...", "github.com/IBM/sarama/...", "github.com/twmb/franz-go/...", "pkg/eventlog/..."},
		why:  "tables and timeline know neither the log's broker nor HTTP",
	},
	{
		of: []string{"pkg/readmodel/..."}, deny: []string{"github.com/ThreeDotsLabs/...", "pkg/timeline"},
		why: "tables know nothing of messaging",
	},
	{
		of: []string{"pkg/eventlog/..."}, deny: []string{"pkg/readmodel/...", "pkg/timeline", "pkg/events/room/..."},
		why: "the log carries events and judges none",
	},
	{
		of: []string{"services/chat/..."}, deny: []string{"services/projector/...", "services/roomlog/..."}, tests: true,
		why: "services never import each other",
	},
	{
		of: []string{"services/projector/..."}, deny: []string{"services/chat/...", "services/roomlog/..."}, tests: true,
		why: "services never import each other",
	},
	{
		of: []string{"services/roomlog/..."}, not: []string{"services/roomlog/e2e/..."}, direct: true, tests: true,
		deny: []string{
			"services/chat/api/...", "services/chat/cmd/...", "services/chat/internal/...",
			"services/projector/cmd/...", "services/projector/internal/...",
		},
		why: "services/roomlog takes the other services by their façades",
	},
	{
		of: []string{"bench/..."}, deny: []string{"pkg/...", "services/...", "deployments/..."}, tests: true,
		why: "what roomlog is compared with is not made of it",
	},
	{
		of: []string{"services/roomlog/internal/bench/load"}, deny: []string{"pkg/...", "services/..."},
		why: "the generator knows services by their HTTP",
	},
	{
		of: []string{"services/chat/internal/..."}, not: []string{
			"services/chat/internal/api", "services/chat/internal/httpapi", "services/chat/internal/chattest",
		},
		deny: []string{"github.com/labstack/echo/...", "services/chat/internal/httpapi", "services/chat/internal/api", "services/chat"},
		why:  "httpapi → command, query, live, and never back",
	},
	{
		of: []string{"services/...", "pkg/..."}, not: []string{"pkg/eventlog/embedded"}, direct: true,
		deny: []string{"github.com/twmb/franz-go/pkg/kfake"},
		why:  "the embedded broker has its own package",
	},
	{
		of: []string{"services/chat/...", "services/projector/..."}, not: []string{"services/chat/internal/chattest"},
		deny: []string{"github.com/twmb/franz-go/pkg/kfake", "pkg/eventlog/embedded"},
		why:  "a service does not know whether its log is embedded",
	},
	{
		of: []string{"..."}, not: []string{"pkg/eventlog/...", "deployments/cluster/..."}, direct: true,
		deny: []string{"github.com/IBM/sarama/...", "github.com/twmb/franz-go/...", "github.com/ThreeDotsLabs/watermill-kafka/..."},
		why:  "brokers are spoken to by pkg/eventlog",
	},
	{
		of: []string{"..."}, not: []string{"pkg/readmodel/...", "deployments/cluster/...", "bench/..."}, direct: true,
		deny: []string{"github.com/jackc/pgx/...", "modernc.org/sqlite/...", "zombiezen.com/go/sqlite/...", "database/sql/...", "github.com/pressly/goose/..."},
		why:  "databases are spoken to by pkg/readmodel",
	},
	{
		of: []string{"..."}, direct: true,
		not: []string{
			"pkg/events/room/roomtest", "pkg/readmodel/storetest", "pkg/topics/topicstest", "deployments/cluster/clustertest",
			"services/chat/internal/chattest", "services/chat/internal/auth/authtest", "services/roomlog/e2e/...",
		},
		deny: []string{
			"testing/...", "pgregory.net/rapid", "go.uber.org/goleak", "github.com/anishathalye/porcupine", "github.com/stretchr/testify/...",
			"pkg/events/room/roomtest", "pkg/readmodel/storetest", "pkg/topics/topicstest", "deployments/cluster/clustertest", "services/chat/internal/chattest",
			"services/chat/internal/auth/authtest",
		},
		why: "test code stays in tests",
	},
	{
		of: []string{"..."}, not: []string{"deployments/...", "services/chat/internal/chattest", "services/roomlog/e2e/..."}, direct: true,
		deny: []string{"deployments/cluster/..."},
		why:  "the cluster on one machine is for tests and for its own command",
	},
}

func TestImportsPointOneWay(t *testing.T) {
	g := listPackages(t)
	for _, broken := range brokenRules(g, importRules) {
		t.Error(broken)
	}
	for _, r := range importRules {
		for _, pattern := range slices.Concat(r.of, r.not) {
			if !slices.ContainsFunc(g.ours(), func(p string) bool { return matches(pattern, p) }) {
				t.Errorf("no package is %s: the rule %q has lost it", pattern, r.why)
			}
		}
	}
}

// importRule says what packages may import: only what allow has, or nothing of what deny has.
type importRule struct {
	of, not     []string
	allow, deny []string
	direct      bool // not through others
	tests       bool // their tests' imports, too (those are always direct)
	why         string
}

// imports are the packages of the workspace and all that they depend on, by path.
type imports map[string]listed

// listed is what go list says of a package.
type listed struct {
	ImportPath   string
	Standard     bool
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func listPackages(t *testing.T) imports {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Imports,TestImports,XTestImports", "work")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	g := imports{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return g
		} else if err != nil {
			t.Fatal(err)
		}
		g[p.ImportPath] = p
	}
}

// ours lists the packages of the workspace, sorted.
func (g imports) ours() []string {
	var out []string
	for path := range g {
		if strings.HasPrefix(path, module) {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}

// brokenRules says which packages break which rule, and by what chain of imports.
func brokenRules(g imports, rules []importRule) (broken []string) {
	for _, r := range rules {
		for _, path := range g.ours() {
			if !anyMatches(r.of, path) || anyMatches(r.not, path) {
				continue
			}
			next := slices.Clone(g[path].Imports)
			if r.tests {
				next = slices.Concat(next, g[path].TestImports, g[path].XTestImports)
			}
			if chain := g.firstRefused(r, path, next); chain != nil {
				for i := range chain {
					chain[i] = strings.TrimPrefix(chain[i], module)
				}
				broken = append(broken, fmt.Sprintf("%s: %s", strings.Join(chain, " → "), r.why))
			}
		}
	}
	return broken
}

// firstRefused gives the shortest chain from a package to one that the rule
// refuses, or nil.
func (g imports) firstRefused(r importRule, from string, next []string) []string {
	parent := map[string]string{}
	for _, p := range next {
		parent[p] = from
	}
	for len(next) > 0 {
		p := next[0]
		next = next[1:]
		if p != from && g.refuses(r, p) {
			chain := []string{p}
			for p != from {
				p = parent[p]
				chain = append(chain, p)
			}
			slices.Reverse(chain)
			return chain
		}
		if r.direct {
			continue
		}
		for _, q := range g[p].Imports {
			if _, seen := parent[q]; !seen {
				parent[q] = p
				next = append(next, q)
			}
		}
	}
	return nil
}

func (g imports) refuses(r importRule, path string) bool {
	if len(r.allow) > 0 {
		standard := g[path].Standard && slices.Contains(r.allow, "std")
		return !standard && !anyMatches(r.allow, path)
	}
	return anyMatches(r.deny, path)
}

func anyMatches(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, path) })
}

// matches tells whether a path is of a pattern; one without a host is of this
// repository, or of the standard library.
func matches(pattern, path string) bool {
	short := strings.TrimPrefix(path, module)
	if pattern == "..." {
		return short != path
	}
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return short == below || strings.HasPrefix(short, below+"/")
	}
	return short == pattern
}

// A checker that finds nothing proves nothing.
func TestImportRulesCanBreak(t *testing.T) {
	g := imports{
		module + "pkg/a":      {Imports: []string{"fmt", module + "pkg/b"}, XTestImports: []string{"example.org/x/y"}},
		module + "pkg/b":      {Imports: []string{"example.org/x"}},
		module + "pkg/b/deep": {Imports: []string{"os"}},
		"example.org/x":       {Imports: []string{"example.org/x/y"}},
		"example.org/x/y":     {Imports: []string{"fmt"}},
		"fmt":                 {Standard: true, Imports: []string{"os"}},
		"os":                  {Standard: true},
	}
	for name, tt := range map[string]struct {
		rule importRule
		want []string
	}{
		"direct":         {importRule{of: []string{"pkg/b"}, deny: []string{"example.org/x"}}, []string{"pkg/b → example.org/x: "}},
		"through others": {importRule{of: []string{"pkg/a"}, deny: []string{"example.org/x/y"}}, []string{"pkg/a → pkg/b → example.org/x → example.org/x/y: "}},
		"only direct":    {importRule{of: []string{"pkg/a"}, deny: []string{"example.org/x/y"}, direct: true}, nil},
		"in tests": {
			importRule{of: []string{"pkg/a"}, deny: []string{"example.org/x/..."}, direct: true, tests: true},
			[]string{"pkg/a → example.org/x/y: "},
		},
		"all below":  {importRule{of: []string{"pkg/b/..."}, deny: []string{"example.org/...", "os"}, why: "w"}, []string{"pkg/b → example.org/x: w", "pkg/b/deep → os: w"}},
		"but not":    {importRule{of: []string{"pkg/..."}, not: []string{"pkg/b/deep"}, deny: []string{"os"}, direct: true}, nil},
		"allowed":    {importRule{of: []string{"pkg/b/deep"}, allow: []string{"std"}}, nil},
		"none other": {importRule{of: []string{"pkg/b"}, allow: []string{"std"}}, []string{"pkg/b → example.org/x: "}},
		"no prefix":  {importRule{of: []string{"pkg/b"}, deny: []string{"example.org/xy/...", "example.org/"}}, nil},
		"everything": {importRule{of: []string{"..."}, deny: []string{"os"}, direct: true}, []string{"pkg/b/deep → os: "}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := brokenRules(g, []importRule{tt.rule}); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The fold may hold a time; it may not ask for one, start anything or keep
// anything from one call to the next.
func TestFoldIsPure(t *testing.T) {
	files, err := filepath.Glob("pkg/events/room/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	fset := token.NewFileSet()
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range impure(fset, f) {
			t.Error(s)
		}
	}

	const bad = `package p
import ("time"; clock "time")
var global map[string]int
func f(t time.Time) { _ = time.Now(); clock.Sleep(1); go f(t); for range global {}; select {} }`
	f, err := parser.ParseFile(fset, "bad.go", bad, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if got := impure(fset, f); len(got) != 5 {
		t.Errorf("the checker finds %q", got)
	}
}

// impure finds what a pure function has no use for: a clock, goroutines,
// variables that outlive a call.
func impure(fset *token.FileSet, f *ast.File) (found []string) {
	say := func(n ast.Node, what string) {
		found = append(found, fmt.Sprintf("%s: %s", fset.Position(n.Pos()), what))
	}
	clock := map[string]bool{}
	for _, i := range f.Imports {
		if path, err := strconv.Unquote(i.Path.Value); err == nil && path == "time" {
			if i.Name != nil {
				path = i.Name.Name
			}
			clock[path] = true
		}
	}
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
			say(g, "a variable of the package")
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			say(n, "a goroutine")
		case *ast.SelectStmt:
			say(n, "select")
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if ok && clock[x.Name] && n.Sel.Name != "Time" && n.Sel.Name != "Duration" && n.Sel.Name != "Millisecond" {
				say(n, "time."+n.Sel.Name)
			}
		}
		return true
	})
	return found
}
