package embedded_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
)

// childDir makes the test binary a broker on that directory, until it is killed.
const childDir = "ROOMLOG_TEST_BROKER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(runChild(dir))
	}
	goleak.VerifyTestMain(m,
		// sarama's circuit breaker sleeps for 10 s when a broker has died.
		goleak.IgnoreAnyFunction("github.com/eapache/go-resiliency/breaker.(*Breaker).timer"),
	)
}

// runChild says where it listens and runs until its input ends.
func runChild(dir string) int {
	b, err := embedded.Start(context.Background(), embedded.Config{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(b.Info().Address)
	io.Copy(io.Discard, os.Stdin) //nolint:errcheck // its end is what matters
	return 0
}
