package fuzz

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/roomlog/roomlog/services/roomlog/e2e/proc"
)

func TestMain(m *testing.M) {
	code := m.Run()
	proc.Clean()
	os.Exit(code)
}

// TestAPI fuzzes the API as several people, each in a world of their own, at the
// same time.
func TestAPI(t *testing.T) {
	schemathesis := os.Getenv("SCHEMATHESIS")
	if schemathesis == "" {
		t.Skip("make fuzz-api runs it")
	}
	seed := proc.Number(t, "FUZZ_SEED", rand.IntN(1<<31))
	t.Logf("FUZZ_SEED=%d repeats it", seed)
	callers := []struct {
		name string
		user string
		// scope is that of the token; more is for schemathesis.
		scope string
		more  []string
	}{
		{"stranger", "stranger", "", nil},
		{"service for a moderator", "bot", "service", []string{"--header", "Roomlog-Act-As: moderator"}},
		{"owner", "owner", "", nil},
	}
	reports := make([]report, len(callers))
	t.Run("as", func(t *testing.T) {
		for i, c := range callers {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				dir := t.TempDir()
				w.write(dir)
				cmd := exec.CommandContext(t.Context(), schemathesis, append([]string{
					"--config-file", "schemathesis.toml", "run", "openapi.yaml", "--no-color",
					"--seed", strconv.Itoa(seed), "--max-examples", strconv.Itoa(proc.Number(t, "FUZZ_EXAMPLES", 60)),
					"--report", "ndjson", "--report-ndjson-path", "report.ndjson",
				}, c.more...)...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "BASE_URL="+w.url, "TOKEN="+w.token(c.user, "--scope", c.scope))
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
				w.stop()
				reports[i] = read(t, filepath.Join(dir, "report.ndjson"))
			})
		}
	})
	sum(reports).check(t, proc.Number(t, "FUZZ_REQUESTS", 20000))
}
