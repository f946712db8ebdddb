package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// The range that ports are taken from. It lies below the ephemeral ports of
// Linux (32768) and macOS (49152) on purpose: a broker that is dead for a
// while must find its port free again, not lent to an outgoing connection.
const (
	firstPort = 20000
	lastPort  = 31999
)

const loopback = "127.0.0.1"

// freePorts returns n different loopback TCP ports that nobody listens on.
// They are tried by listening on all of them at once, then released.
func freePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for tries := 0; len(ports) < n; tries++ {
		if tries > 200+n {
			return nil, errors.New("no free loopback ports between " + strconv.Itoa(firstPort) + " and " + strconv.Itoa(lastPort))
		}
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		listener, err := net.Listen("tcp", address(port)) //nolint:noctx // a local bind that cannot block
		if err != nil {
			continue
		}
		defer func() { _ = listener.Close() }() // held until all are found, so that none is found twice
		ports = append(ports, port)
	}
	return ports, nil
}

func address(port int) string { return fmt.Sprintf("%s:%d", loopback, port) }
