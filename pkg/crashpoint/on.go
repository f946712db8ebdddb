//go:build crashpoints

package crashpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

var (
	armed, last = parse(os.Getenv(Variable))
	passed      atomic.Int64
)

func parse(s string) (Point, int64) {
	name, number, counted := strings.Cut(s, ":")
	if !counted {
		return Point(name), 1
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 {
		panic(fmt.Sprintf("%s=%s: not a point and a number from 1 on", Variable, s))
	}
	return Point(name), n
}

// At passes a point, or does not.
func At(p Point) {
	if p != armed || passed.Add(1) < last {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal may take a moment; nothing is done in it
}

// Fault gives what a store asks before each statement.
func Fault(of string) func(statement string) error {
	return func(statement string) error {
		At(Point(of + "." + statement))
		return nil
	}
}
