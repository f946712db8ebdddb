package machine

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc, the same on all that Go runs on.
const tick = time.Second / 100

// Usage is what processes, and all that they have started, have used so far. All is
// zero where there is no /proc.
type Usage struct {
	CPU time.Duration // user and system, of children that have ended as well
	// Busy is how long each processor was not idle, whoever used it.
	Busy []time.Duration
}

// UsageOf asks for processes and all that they have started.
func UsageOf(roots ...int) (u Usage) {
	for _, root := range roots {
		for _, pid := range processTree(root) {
			f := stat(pid)
			if f == nil {
				continue
			}
			const user, system, childrenUser, childrenSystem = 11, 12, 13, 14
			for _, i := range []int{user, system, childrenUser, childrenSystem} {
				u.CPU += ticks(f[i])
			}
		}
	}
	u.Busy = busy()
	return u
}

// Self is what this process alone has used so far.
func Self() time.Duration {
	f := stat(os.Getpid())
	if f == nil {
		return 0
	}
	const user, system = 11, 12
	return ticks(f[user]) + ticks(f[system])
}

// Memory is the proportional set size of processes, and of all that they have
// started, in bytes: pages that some of them share count once.
func Memory(roots ...int) (bytes int64) {
	for _, root := range roots {
		for _, pid := range processTree(root) {
			bytes += pss(pid)
		}
	}
	return bytes
}

func pss(pid int) int64 {
	text, err := os.ReadFile(procFile(pid, "smaps_rollup"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "Pss:" {
			kilobytes, _ := strconv.ParseInt(f[1], 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}

// processTree is a process and all that it has started, directly or not, that run.
func processTree(root int) []int {
	children := map[int][]int{}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, path := range all {
		pid, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			continue
		}
		if f := stat(pid); f != nil {
			parent, _ := strconv.Atoi(f[1])
			children[parent] = append(children[parent], pid)
		}
	}
	tree := []int{root}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i]]...)
	}
	return tree
}

// stat is what stands in /proc/PID/stat behind the name: the state, the parent's
// id and numbers. Nil where the process is no more.
func stat(pid int) []string {
	text, err := os.ReadFile(procFile(pid, "stat"))
	if err != nil {
		return nil
	}
	// The name, in parentheses, may have anything in it.
	f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(f) < 15 {
		return nil
	}
	return f
}

func procFile(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

// busy is how long each processor was not idle.
func busy() (all []time.Duration) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 9 || !strings.HasPrefix(f[0], "cpu") || f[0] == "cpu" {
			continue
		}
		// user nice system (idle iowait) irq softirq steal; guests are in the user's.
		var sum time.Duration
		for _, i := range []int{1, 2, 3, 6, 7, 8} {
			sum += ticks(f[i])
		}
		all = append(all, sum)
	}
	return all
}

func ticks(text string) time.Duration {
	n, _ := strconv.ParseInt(text, 10, 64)
	return time.Duration(n) * tick
}
