package standalone

import (
	"os"
	"runtime"
	"runtime/debug"
)

const (
	// gcPercent is how much may be allocated until the next collection, of what lives:
	// that is 15 MB, 35 MB with 256 clients, and a message allocates 9 KB in all. So it costs
	// 60 to 140 MB, and saves most of the collections.
	gcPercent = 400
	// leastProcessors lets requests go on while a thread waits for the disk: Go takes
	// its processor away from it only after a while.
	leastProcessors = 2
)

// tune sets what the operator has not set.
func tune() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < leastProcessors {
		runtime.GOMAXPROCS(leastProcessors)
	}
}
