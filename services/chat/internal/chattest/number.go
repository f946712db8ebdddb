package chattest

import (
	"os"
	"strconv"
	"testing"
)

// Number is a number of the environment: how much a test does, or what at random.
func Number(t testing.TB, name string, usual int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return usual
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
