package machine

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrNoListener says that no process was found that listens on an address.
var ErrNoListener = errors.New("nobody is seen to listen")

// Listener is the process that listens on an address of this machine. It is found
// for those that are ours to see, on Linux.
func Listener(address string) (pid int, err error) {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, err
	}
	socket, ok := listeningSocket(port)
	if !ok {
		return 0, fmt.Errorf("%w on %s", ErrNoListener, address)
	}
	// A child inherits the socket: the process is the one whose parent has it not.
	var found []int
	files, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		if target, err := os.Readlink(file); err == nil && target == socket {
			pid, err := strconv.Atoi(strings.Split(file, "/")[2])
			if err != nil {
				return 0, err
			}
			found = append(found, pid)
		}
	}
	if len(found) == 0 {
		return 0, fmt.Errorf("%w on %s", ErrNoListener, address)
	}
	return eldest(found), nil
}

// eldest is the first of some processes that descends from none of the others.
func eldest(all []int) int {
	isHere := map[int]bool{}
	for _, pid := range all {
		isHere[pid] = true
	}
	for _, pid := range all {
		if f := stat(pid); f != nil {
			if parent, err := strconv.Atoi(f[1]); err == nil && !isHere[parent] {
				return pid
			}
		}
	}
	return all[0]
}

// listeningSocket is the name that /proc gives to the socket that listens on a port.
func listeningSocket(port uint64) (name string, ok bool) {
	const listen = "0A"
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != listen {
				continue
			}
			_, hex, _ := strings.Cut(f[1], ":")
			if n, err := strconv.ParseUint(hex, 16, 16); err == nil && n == port {
				return "socket:[" + f[9] + "]", true
			}
		}
	}
	return "", false
}
