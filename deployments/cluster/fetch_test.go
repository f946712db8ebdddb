package cluster

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ulikunitz/xz"
)

// Of many that need the servers at once, one asks Maven; all get them whole.
func TestFetchOnce(t *testing.T) {
	cache := openTempDir(t)
	t.Setenv(CacheVariable, cache)
	calls := fakeMaven(t, `echo call >> "$CALLS"; cp "$JAR" "$out"; echo jar > "$out/kafka.jar"`)

	const processes = 8
	var all sync.WaitGroup
	for range processes {
		all.Go(func() {
			got, err := fetch(t.Context(), io.Discard)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := os.Stat(filepath.Join(got.postgres, "bin", "postgres")); err != nil {
				t.Error(err)
			}
			if got.classPath() != filepath.Join(got.kafkaJars, "kafka.jar") {
				t.Errorf("the class path is %q", got.classPath())
			}
		})
	}
	all.Wait()
	if raw, err := os.ReadFile(calls); err != nil || strings.Count(string(raw), "call") != 1 {
		t.Errorf("Maven ran not once: %q, %v", raw, err)
	}
}

// A download that fails tells what Maven said and leaves nothing that the next one could take for whole.
func TestFetchFailure(t *testing.T) {
	cache := openTempDir(t)
	t.Setenv(CacheVariable, cache)
	for name, maven := range map[string]string{
		"maven fails":   `cp "$JAR" "$out"; echo "no route to host"; exit 1`,
		"no postgres":   `echo "no route to host"`,
		"broken jar":    `echo "no route to host"; echo garbage > "$out/embedded-postgres-binaries-x.jar"`,
		"truncated jar": `echo "no route to host"; head -c 100 "$JAR" > "$out/embedded-postgres-binaries-x.jar"`,
	} {
		t.Run(name, func(t *testing.T) {
			fakeMaven(t, maven)
			var log bytes.Buffer
			if _, err := fetch(t.Context(), &log); err == nil {
				t.Fatal("no error")
			}
			if name == "maven fails" && !strings.Contains(log.String(), "no route to host") {
				t.Errorf("the log does not say what Maven said: %s", log.String())
			}
			left, err := filepath.Glob(filepath.Join(cache, "*-*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left in the cache: %v, %v", left, err)
			}
		})
	}
}

func TestFetchWithoutMaven(t *testing.T) {
	t.Setenv(CacheVariable, openTempDir(t))
	t.Setenv("PATH", "")
	_, err := fetch(t.Context(), io.Discard)
	if !errors.Is(err, ErrMissingTool) || !strings.Contains(err.Error(), "install maven") {
		t.Errorf("got %v", err)
	}
	t.Setenv("JAVA_HOME", "")
	if _, err := java(); !errors.Is(err, ErrMissingTool) || !strings.Contains(err.Error(), "install") {
		t.Errorf("got %v", err)
	}
}

// As root, a cache that the database's user cannot enter is refused before anything is fetched.
func TestCacheMustBeReachable(t *testing.T) {
	closed := filepath.Join(openTempDir(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	nobody := &account{uid: 65534, gid: 65534}
	t.Setenv(CacheVariable, filepath.Join(closed, "cache"))
	if dir, err := cacheDir(nobody); err == nil {
		t.Errorf("%s was taken", dir)
	}
	if _, err := cacheDir(nil); err != nil {
		t.Errorf("an ordinary user has no such problem: %v", err)
	}
	t.Setenv(CacheVariable, "")
	t.Setenv("HOME", closed)
	if dir, err := cacheDir(nobody); err != nil || dir != "/var/cache/roomlog" {
		t.Errorf("without a wish: %s, %v", dir, err)
	}
}

// Whatever an archive says, nothing is written outside of the directory.
func TestUnpackStaysInside(t *testing.T) {
	for name, entries := range map[string][]tar.Header{
		"parent":       {{Name: "../evil", Typeflag: tar.TypeReg}},
		"absolute":     {{Name: "/evil", Typeflag: tar.TypeReg}},
		"through link": {{Name: "out", Typeflag: tar.TypeSymlink, Linkname: ".."}, {Name: "out/evil", Typeflag: tar.TypeReg}},
		"device":       {{Name: "evil", Typeflag: tar.TypeChar}},
	} {
		t.Run(name, func(t *testing.T) {
			outside := t.TempDir()
			if err := unpackTar(bytes.NewReader(tarOf(t, entries...)), filepath.Join(outside, "in")); err == nil {
				t.Error("no error")
			}
			if _, err := os.Lstat(filepath.Join(outside, "evil")); err == nil {
				t.Error("it was written outside")
			}
		})
	}
}

// A lock is one process's at a time, also against another descriptor of the same process, and waiting for it ends with ctx.
func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := tryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tryLock(path); !errors.Is(err, errLocked) {
		t.Errorf("a second lock gave %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := waitLock(ended, path); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting gave %v", err)
	}
	unlock()
	unlock()
	again, err := waitLock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestFreePorts(t *testing.T) {
	ports, err := freePorts(20)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, port := range ports {
		if seen[port] || port < firstPort || port > lastPort {
			t.Errorf("port %d of %v", port, ports)
		}
		seen[port] = true
	}
}

// fakeMaven puts a shell script in the place of mvn. It knows $out, the
// directory for the jars, $JAR, a jar with a small PostgreSQL, and $CALLS, the
// file whose name is returned.
func fakeMaven(t *testing.T, script string) (calls string) {
	t.Helper()
	dir := t.TempDir()
	calls = filepath.Join(dir, "calls")
	jar := filepath.Join(dir, "embedded-postgres-binaries-x.jar")
	writeJar(t, jar)
	t.Setenv("CALLS", calls)
	t.Setenv("JAR", jar)
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	script = "#!/bin/sh\nfor a in \"$@\"; do case \"$a\" in -DoutputDirectory=*) out=${a#*=}; mkdir -p \"$out\";; esac; done\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(dir, "mvn"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return calls
}

func writeJar(t *testing.T, path string) {
	t.Helper()
	var jar bytes.Buffer
	files := zip.NewWriter(&jar)
	file, err := files.Create("postgres-x.txz")
	if err != nil {
		t.Fatal(err)
	}
	packed, err := xz.NewWriter(file)
	if err != nil {
		t.Fatal(err)
	}
	content := tarOf(t, tar.Header{Name: "bin/postgres", Typeflag: tar.TypeReg, Mode: 0o755},
		tar.Header{Name: "lib/libpq.so", Typeflag: tar.TypeSymlink, Linkname: "libpq.so.5"})
	if _, err := packed.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(packed.Close(), files.Close(), os.WriteFile(path, jar.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func tarOf(t *testing.T, entries ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	files := tar.NewWriter(&out)
	for _, entry := range entries {
		if err := files.WriteHeader(&entry); err != nil {
			t.Fatal(err)
		}
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// openTempDir is a temporary directory that every user may enter.
func openTempDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
