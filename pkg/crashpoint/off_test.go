//go:build !crashpoints

package crashpoint_test

import (
	"testing"

	"github.com/roomlog/roomlog/pkg/crashpoint"
)

// TestNothingDies names a point in a program that has none: it is passed, and
// the databases are not asked anything.
func TestNothingDies(t *testing.T) {
	t.Setenv(crashpoint.Variable, string(crashpoint.Fetched))
	crashpoint.At(crashpoint.Fetched)
	if crashpoint.Fault("tables") != nil {
		t.Error("stores are asked before each statement")
	}
}
