package load

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// maxLine is the longest line of a stream, in bytes.
const maxLine = 1 << 20

// follower is a stream of some rooms.
type follower struct {
	user  int
	rooms []int
}

// follow opens streams and calls each line of theirs. It returns when
// all are open; stop ends them, after an error too.
func follow(ctx context.Context, t Target, streams []follower, line func([]byte)) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	// Without a transport of its own, an earlier service's connections would be here.
	client := &http.Client{Transport: &http.Transport{}}
	stop = func() {
		cancel()
		all.Wait()
		client.CloseIdleConnections()
	}
	for _, f := range streams {
		body, err := f.open(ctx, client, t)
		if err != nil {
			return stop, err
		}
		all.Go(func() {
			defer func() { _ = body.Body.Close() }()
			lines := bufio.NewScanner(body.Body)
			lines.Buffer(make([]byte, 64<<10), maxLine)
			for lines.Scan() {
				line(lines.Bytes())
			}
		})
	}
	return stop, nil
}

func (f follower) open(ctx context.Context, client *http.Client, t Target) (*http.Response, error) {
	var rooms []string
	for _, r := range f.rooms {
		rooms = append(rooms, strconv.Itoa(r))
	}
	url := "http://" + t.Address + "/v1/events?rooms=" + strings.Join(rooms, ",")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "text/event-stream")
	if token := t.token(f.user); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("follow: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		_ = answer.Body.Close()
		return nil, fmt.Errorf("follow: status %s", answer.Status)
	}
	return answer, nil
}
