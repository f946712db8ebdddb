package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// maxLine is the longest line of a stream, in bytes.
	maxLine = 1 << 20
	// headBuffer and lineBuffer are as large as most streams need: there may be
	// thousands.
	headBuffer, lineBuffer = 2 << 10, 2 << 10
	// hands is how many streams are opened at a time.
	hands = 16
)

// follower is someone's stream.
type follower struct {
	user int
	path string
}

// Idle opens a stream for each of so many people and waits until all are open. Stop
// ends them, after an error too.
func Idle(ctx context.Context, t Target, streams int, path string) (stop func(), err error) {
	all := make([]follower, streams)
	for i := range all {
		all[i] = follower{FirstFollower + i, path}
	}
	return follow(ctx, t, all, func([]byte) {})
}

// PersonPath is where the stream of a person is, of some rooms.
func PersonPath(rooms []int) string {
	names := make([]string, len(rooms))
	for i, r := range rooms {
		names[i] = strconv.Itoa(r)
	}
	return "/v1/events?rooms=" + strings.Join(names, ",")
}

// follow opens streams and calls each line of theirs. It returns when
// all are open; stop ends them, after an error too.
func follow(ctx context.Context, t Target, streams []follower, line func([]byte)) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	stop = func() {
		cancel()
		all.Wait()
	}
	var opening errgroup.Group
	opening.SetLimit(hands)
	for _, f := range streams {
		opening.Go(func() error {
			conn, lines, err := f.open(ctx, t)
			if err != nil {
				return err
			}
			all.Go(func() {
				defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
				for lines.Scan() {
					line(lines.Bytes())
				}
				_ = conn.Close()
			})
			return nil
		})
	}
	return stop, opening.Wait()
}

// open does without a client of net/http, which has two goroutines for each connection.
func (f follower) open(ctx context.Context, t Target) (net.Conn, *bufio.Scanner, error) {
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", t.Address)
	if err != nil {
		return nil, nil, fmt.Errorf("follow: %w", err)
	}
	lines, err := f.begin(conn, t)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("follow: %w", err), conn.Close())
	}
	return conn, lines, nil
}

func (f follower) begin(conn net.Conn, t Target) (*bufio.Scanner, error) {
	request := "GET " + f.path + " HTTP/1.1\r\nHost: " + t.Address + "\r\nAccept: text/event-stream\r\n"
	if token := t.token(f.user); token != "" {
		request += "Authorization: Bearer " + token + "\r\n"
	}
	_ = conn.SetDeadline(time.Now().Add(answerTimeout))
	if _, err := conn.Write([]byte(request + "\r\n")); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReaderSize(conn, headBuffer), nil) //nolint:bodyclose // it ends with the connection
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %s", answer.Status)
	}
	_ = conn.SetDeadline(time.Time{})
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(make([]byte, 0, lineBuffer), maxLine)
	return lines, nil
}
