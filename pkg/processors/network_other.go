//go:build !unix

package processors

import "time"

// askNetwork sleeps: Go asks the network when nobody can run.
func askNetwork() bool {
	time.Sleep(20 * time.Microsecond)
	return true
}
