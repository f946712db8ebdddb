package machine

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Description is a machine as far as it matters for its measurements.
type Description struct {
	System     string `json:"system"`
	Kernel     string `json:"kernel,omitempty"`
	Processor  string `json:"processor,omitempty"`
	Processors int    `json:"processors"`
	MemoryGiB  int64  `json:"memory_gib,omitempty"`
	Go         string `json:"go"`
	// Load is how many tasks wanted a processor of late, before anything is measured.
	Load float64 `json:"load"`
	// Fsync is how long it takes to append 4 KiB to a file and have them on the disk, in
	// milliseconds: the median, and 99 % are not slower than the second.
	Fsync [2]float64 `json:"fsync_ms"`
}

// Describe looks at the machine. Disk is a directory on the disk that is measured.
func Describe(disk string) (Description, error) {
	fsync, err := fsync(disk)
	return Description{
		System: runtime.GOOS + "/" + runtime.GOARCH, Kernel: kernel(), Processor: field("/proc/cpuinfo", "model name"),
		Processors: runtime.NumCPU(), MemoryGiB: memory(), Go: runtime.Version(), Load: load(), Fsync: fsync,
	}, err
}

func kernel() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(string(text))
}

func memory() int64 {
	kilobytes, _, _ := strings.Cut(field("/proc/meminfo", "MemTotal"), " ")
	n, _ := strconv.ParseInt(kilobytes, 10, 64)
	return n >> 20
}

func load() float64 {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	n, _ := strconv.ParseFloat(first, 64)
	return n
}

// field is a value in a file of lines "name: value".
func field(path, name string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
