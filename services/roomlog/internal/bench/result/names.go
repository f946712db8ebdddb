package result

import (
	"fmt"
	"time"
)

// Systems that are measured.
const (
	Roomlog         = "roomlog"          // embedded log, SQLite, all in one process
	RoomlogPostgres = "roomlog-postgres" // embedded log, PostgreSQL
	RoomlogKafka1   = "roomlog-kafka-1"  // chat and projector, one broker, PostgreSQL
	RoomlogKafka3   = "roomlog-kafka-3"  // the same on three brokers
	PlainPostgres   = "plain-postgres"
	BatchedPostgres = "batched-postgres"
	PlainSQLite     = "plain-sqlite"
	BareEcho        = "bare-echo"
)

// Measurements.
const (
	Send1     = "send-1" // one client
	Send64    = "send-64"
	Send256   = "send-256"
	Pages16   = "pages-16"
	Deliver   = "deliver"
	Spread16  = "spread-16" // 16 clients, each in rooms of its own
	Hot16     = "hot-16"    // all in one room
	Sustained = "sustained-256"
	Growth    = "growth-256" // until the log has a million messages
)

// Streams are how many follow one room.
var Streams = []int{1, 100, 1000}

// Fanout is the measurement of one room that so many follow.
func Fanout(streams int) string { return fmt.Sprintf("fanout-%d", streams) }

// Slow is the measurement with that delay of each of the database's statements.
func Slow(d time.Duration) string { return fmt.Sprintf("slow-%dms", d.Milliseconds()) }

// Delays of the database's statements.
var Delays = []time.Duration{0, 5 * time.Millisecond, 50 * time.Millisecond, 500 * time.Millisecond}
