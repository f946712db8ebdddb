package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// packages are what is started, from the root of the repository.
var packages = []string{
	"./services/roomlog/cmd/roomlog", "./services/chat/cmd/chat", "./services/projector/cmd/projector",
	"./bench/cmd/rival", "./deployments/cluster/cmd/cluster",
}

// programs are the files of what is started.
type programs struct{ roomlog, chat, projector, rival, cluster string }

// findPrograms takes programs from bin, where it is not empty, and builds into dir
// what is not there.
func findPrograms(ctx context.Context, source, bin, dir string) (programs, error) {
	files := make([]string, len(packages))
	var missing []string
	for i, pkg := range packages {
		name := filepath.Base(pkg)
		if file := filepath.Join(bin, name); bin != "" && exists(file) {
			files[i] = file
			continue
		}
		files[i] = filepath.Join(dir, name)
		missing = append(missing, pkg)
	}
	p := programs{files[0], files[1], files[2], files[3], files[4]}
	if len(missing) == 0 {
		return p, nil
	}
	if !exists(filepath.Join(source, "go.work")) {
		return p, fmt.Errorf("no sources of roomlog in %s to build %s from: name them with --source", source, strings.Join(missing, ", "))
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-o", dir + string(filepath.Separator)}, missing...)...)
	cmd.Dir = source
	if said, err := cmd.CombinedOutput(); err != nil {
		return p, fmt.Errorf("build: %w: %s", err, bytes.TrimSpace(said))
	}
	return p, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}

// commit names what is measured, "" where nobody knows; a star says that there are
// changes beside it, other than of documents, which are written here.
func commit(ctx context.Context, source string) string {
	git := func(args ...string) string {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = source
		out, err := cmd.Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	name := git("rev-parse", "--short=12", "HEAD")
	if git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs") != "" {
		name += "*"
	}
	return name
}
