// Package result is what `roomlog bench` writes down: a file with a line of JSON for
// each thing that is known, in the order in which it became known.
package result

import (
	"time"

	"github.com/roomlog/roomlog/services/roomlog/internal/bench/machine"
)

// Record is a line of the results: the beginning of a run, a measurement, or whether
// what a turn was told is kept is there.
type Record struct {
	Time    time.Time `json:"time"`
	Run     *Run      `json:"run,omitempty"`
	System  string    `json:"system,omitempty"`
	Measure string    `json:"measure,omitempty"`
	Round   int       `json:"round,omitempty"`

	*Measured `json:",omitempty"`
	Missing   *Missing `json:"missing,omitempty"`
}

// Run says where and how is measured.
type Run struct {
	Commit  string              `json:"commit"`
	Machine machine.Description `json:"machine"`
	Quick   bool                `json:"quick,omitempty"`
	Part    string              `json:"part,omitempty"` // [Capacity]; empty: roomlog beside its rivals
	Rounds  int                 `json:"rounds"`
	Seconds float64             `json:"seconds"` // of most measurements
	Pinned  bool                `json:"pinned"`
	// CPUs are the processors of the servers and of the generator, counted from 0.
	ServerCPU int `json:"server_cpu"`
	LoadCPU   int `json:"load_cpu"`
}

// Measured is what was seen of one system under one load. Times of requests are in
// milliseconds.
type Measured struct {
	Seconds    float64 `json:"seconds"`
	N          int     `json:"n"` // answered or delivered
	Rate       float64 `json:"per_second"`
	P50        float64 `json:"p50_ms"`
	P95        float64 `json:"p95_ms"`
	P99        float64 `json:"p99_ms"`
	Max        float64 `json:"max_ms"`
	Errors     int     `json:"errors"`
	FirstError string  `json:"first_error,omitempty"`

	// CPU is the processors' time of service, database and brokers for 1,000 requests, in
	// seconds; MemoryMiB what they have at the end.
	CPU float64 `json:"cpu_s_per_1000"`
	// CPUServers is what of that database and brokers had.
	CPUServers float64 `json:"cpu_s_per_1000_servers,omitempty"`
	MemoryMiB  float64 `json:"memory_mib"`
	// Shares of the servers' processor and of the generator's: how much of it was used,
	// whoever used it, and how much by those that are measured, or by the generator.
	ServerBusy float64 `json:"server_busy"`
	ServerOwn  float64 `json:"server_own"`
	LoadBusy   float64 `json:"load_busy"`
	LoadOwn    float64 `json:"load_own"`

	Disk *Disk `json:"disk,omitempty"`
	// StreamBytes is by how much heap and stacks grow with each stream.
	StreamBytes float64 `json:"bytes_per_stream,omitempty"`

	Items float64 `json:"items,omitempty"` // messages in a page
	Sent  int     `json:"sent,omitempty"`  // of delivery
	Lost  int     `json:"lost,omitempty"`
	Late  float64 `json:"late_p99_ms,omitempty"` // the generator itself, after what was due

	// Lag is the most that the tables were behind the log, in seconds; Drain how long they
	// went on folding when the load had ended.
	Lag   float64 `json:"lag_s,omitempty"`
	Drain float64 `json:"drain_s,omitempty"`

	Series []Sample `json:"series,omitempty"`
}

// Disk is what files have, in bytes, when all is folded and the process has stopped.
type Disk struct {
	Events int64 `json:"events"` // in the log
	Log    int64 `json:"log_bytes"`
	Tables int64 `json:"table_bytes"`
}

// Sample is one look at a long measurement.
type Sample struct {
	Second    float64 `json:"s"`
	Messages  int     `json:"messages"`
	Lag       float64 `json:"lag_s"`
	MemoryMiB float64 `json:"memory_mib"`
}

// GivenRate reports whether the load was of a fixed rate, so that only times tell.
func (m *Measured) GivenRate() bool { return m.Sent > 0 }

// busyLimit is the share of the generator's processor beyond which it may be what is
// measured.
const busyLimit = 0.9

// GeneratorBound reports whether the generator may have been what was measured.
func (m *Measured) GeneratorBound() bool { return m.LoadBusy > busyLimit }

// Missing says how much of what was acknowledged was not found.
type Missing struct {
	Acknowledged int `json:"acknowledged"`
	Log          int `json:"missing_in_log"`
	Tables       int `json:"missing_in_tables"`
}
