package cluster

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"

	"github.com/roomlog/roomlog/deployments/kafka"
)

// CacheVariable names the environment variable that says where the fetched
// servers are kept. Without it they are in ~/.cache/roomlog, for root (whose
// home a database server's user cannot enter) in /var/cache/roomlog.
const CacheVariable = "ROOMLOG_CACHE"

// ErrMissingTool says that a program this package cannot do without is not installed.
var ErrMissingTool = errors.New("a needed program is missing")

// layout changes whenever the content of a parts directory does for another reason than the POM.
const layout = "1"

// parts are the fetched servers on this machine's disk, shared by every cluster. They never change, but for the archive that is added.
type parts struct {
	kafkaJars string // a directory
	postgres  string // a directory with bin, lib, share
	archive   string // a file of classes that may not be there, see train
	lock      string // the file to lock before adding to them
}

// fetch returns the servers, from the cache when they are there. Else it gets
// them from Maven Central, whole or not at all: they are put together in a
// directory aside, which gets its name when complete. Of several processes
// that need them at the same time, one fetches and the others wait.
func fetch(ctx context.Context, log io.Writer) (parts, error) {
	if err := supported(); err != nil {
		return parts{}, err
	}
	cache, err := cacheDir(serverAccount())
	if err != nil {
		return parts{}, err
	}
	sum := sha256.Sum256(append([]byte(layout+runtime.GOOS+runtime.GOARCH), kafka.POM...))
	dir := filepath.Join(cache, "servers-"+hex.EncodeToString(sum[:6]))
	found := parts{
		kafkaJars: filepath.Join(dir, "kafka"),
		postgres:  filepath.Join(dir, "postgres"),
		archive:   filepath.Join(dir, "kafka.jsa"),
		lock:      filepath.Join(cache, "lock"),
	}
	if _, err := os.Stat(dir); err == nil {
		return found, nil
	}

	if err := mkdirOpen(cache); err != nil {
		return parts{}, fmt.Errorf("cache directory (set %s to another): %w", CacheVariable, err)
	}
	unlock, err := waitLock(ctx, found.lock)
	if err != nil {
		return parts{}, fmt.Errorf("lock the cache %s: %w", cache, err)
	}
	defer unlock()
	if _, err := os.Stat(dir); err == nil {
		return found, nil // another process fetched them while we waited
	}
	if err := download(ctx, dir, log); err != nil {
		return parts{}, fmt.Errorf("fetch Kafka and PostgreSQL: %w", err)
	}
	return found, nil
}

func supported() error {
	switch runtime.GOOS + "/" + runtime.GOARCH {
	case "linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64":
		return nil
	}
	return fmt.Errorf("there is no PostgreSQL on Maven Central for %s/%s: use deployments/compose.yaml there", runtime.GOOS, runtime.GOARCH)
}

func cacheDir(servers *account) (string, error) {
	dir := os.Getenv(CacheVariable)
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("where to keep the servers (%s says it): %w", CacheVariable, err)
		}
		dir = filepath.Join(home, ".cache", "roomlog")
		if ok, err := servers.reaches(dir); err == nil && !ok {
			dir = "/var/cache/roomlog"
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	switch ok, err := servers.reaches(dir); {
	case err != nil:
		return "", err
	case !ok:
		return "", fmt.Errorf("%s=%s: as root, PostgreSQL runs as user %d, who may not enter that directory", CacheVariable, dir, servers.uid)
	}
	return dir, nil
}

// download makes dir. It runs Maven, which checks what it gets against the
// checksums of the repository, and unpacks PostgreSQL.
func download(ctx context.Context, dir string, log io.Writer) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("%w: mvn (Apache Maven). Install it with a JDK 17 or later, for example `apt-get install maven` or `brew install maven`", ErrMissingTool)
	}
	say(log, "fetching Apache Kafka and PostgreSQL from Maven Central (once, about 60 MB) into %s", dir)
	partial, err := os.MkdirTemp(filepath.Dir(dir), "partial-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(partial) }()
	if err := os.Chmod(partial, 0o755); err != nil {
		return err
	}

	pom := filepath.Join(partial, "pom.xml")
	jars := filepath.Join(partial, "kafka")
	if err := os.WriteFile(pom, kafka.POM, 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, mvn, "--batch-mode", "--strict-checksums", "--file", pom,
		"dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+jars)
	if err := runMaven(cmd, log); err != nil {
		return err
	}

	found, err := filepath.Glob(filepath.Join(jars, "embedded-postgres-binaries-*.jar"))
	if err != nil || len(found) != 1 {
		return fmt.Errorf("expected one jar with PostgreSQL in %s, found %d", jars, len(found))
	}
	say(log, "unpacking PostgreSQL")
	if err := unpackPostgres(found[0], filepath.Join(partial, "postgres")); err != nil {
		return fmt.Errorf("unpack %s: %w", filepath.Base(found[0]), err)
	}
	if err := os.Remove(found[0]); err != nil {
		return err
	}
	return os.Rename(partial, dir)
}

// downloaded is Maven's line for a file that arrived.
var downloaded = regexp.MustCompile(`Downloaded from \S+: \S*/([^/\s]+\.jar) \(([^)]* [kM]B) at`)

// runMaven shows the jars as they come, and all that Maven said when it fails.
func runMaven(cmd *exec.Cmd, log io.Writer) error {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return err
	}
	var last []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if jar := downloaded.FindStringSubmatch(lines.Text()); jar != nil {
			say(log, "  %s (%s)", jar[1], jar[2])
		}
		last = append(last, lines.Text())
		last = last[max(0, len(last)-30):]
	}
	if err := cmd.Wait(); err != nil {
		for line := range slices.Values(last) {
			say(log, "%s", line)
		}
		return fmt.Errorf("mvn: %w", err)
	}
	return nil
}
