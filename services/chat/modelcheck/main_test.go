package modelcheck_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// few is how many histories there are where -rapid.checks does not say: make test
// runs them under the race detector, which takes ten times as long.
const few = "40"

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", few); err != nil {
		panic(err) // rapid has another name for it
	}
	goleak.VerifyTestMain(m)
}
