package standalone

import (
	"os"
	"runtime"
	"runtime/debug"

	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
)

const (
	// gcPercent is how much may be allocated until the next collection, of what lives: that
	// is 7 MB, 25 with 256 clients, and the ballast. A message allocates 5.9 KB in all. So it
	// costs 70 to 150 MB, and saves most of the collections.
	gcPercent = 300
	// ballast is how many bytes count as alive and take no memory, since nobody touches them:
	// where little lives, collections were so many that each sixtieth message waited for
	// one (1,000/s, 12 in 8 s; 5 with it).
	ballast = 16 << 20
	// leastProcessors lets requests go on while a thread waits for the disk, where each
	// round of syncs keeps one: Go takes its processor away from it only after a while.
	leastProcessors = 2
)

// tune sets what the operator has not set, for as long as what it gives is alive.
func tune() (alive []byte) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
		alive = make([]byte, ballast)
	}
	useHugePages()
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < leastProcessors && !embedded.SyncsKeepNoThread() {
		runtime.GOMAXPROCS(leastProcessors)
	}
	return alive
}
