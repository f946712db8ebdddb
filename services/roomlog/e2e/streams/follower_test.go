package streams_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/roomlog/roomlog/pkg/events"
)

// stream is an open stream. It is read with as little as possible, so that what is
// measured is the server.
type stream struct {
	conn net.Conn
	body *bufio.Scanner
}

// roomStream is the path of a stream of what a room has after a seq.
func roomStream(room events.RoomID, after int) string {
	return fmt.Sprintf("/v1/rooms/%s/events?after=%d", room, after)
}

// personStream is that of all of a person's rooms from now on.
const personStream = "/v1/events"

// open opens a stream and waits until it has begun.
func (s *site) open(t testing.TB, user events.UserID, path string) (*stream, error) {
	u, err := url.Parse(s.url)
	if err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\nAuthorization: Bearer %s\r\n\r\n",
		path, u.Host, s.token(t, user)); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(bufio.NewReaderSize(conn, 1<<10), nil) //nolint:bodyclose // it ends with the connection
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, res.Status)
	}
	f := &stream{conn: conn, body: bufio.NewScanner(res.Body)}
	f.body.Buffer(make([]byte, 0, 1<<10), 1<<20)
	_ = conn.SetReadDeadline(time.Time{})
	return f, nil
}

// openAll opens a stream for each of a room's first n members.
func (s *site) openAll(t testing.TB, room events.RoomID, n int, path string) []*stream {
	t.Helper()
	all := make([]*stream, n)
	var g errgroup.Group
	g.SetLimit(hands)
	for i := range all {
		g.Go(func() (err error) {
			all[i], err = s.open(t, member(room, i), path)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return all
}

func closeAll(streams []*stream) {
	for _, f := range streams {
		_ = f.conn.Close()
	}
}

// audience reads streams and knows when all of them have a message.
type audience struct {
	t       testing.TB
	streams []*stream
	reading sync.WaitGroup
	left    atomic.Int64
	first   atomic.Int64 // when the first had it, in ns
	all     chan time.Time
	said    int
	got     []int // messages, by stream
}

// spoken begins the text of a message in an event.
var spoken = []byte(`"text":"`)

// listen begins to read.
func listen(t testing.TB, streams []*stream) *audience {
	a := &audience{t: t, streams: streams, all: make(chan time.Time, 1), got: make([]int, len(streams))}
	for i, f := range streams {
		a.reading.Go(func() { a.read(i, f.body) })
	}
	return a
}

// read takes each message for the next one: what it says is its number, or
// anything that begins with no digit.
func (a *audience) read(i int, body *bufio.Scanner) {
	for body.Scan() {
		_, text, ok := bytes.Cut(body.Bytes(), spoken)
		if !ok || len(text) == 0 || text[0] < '0' || text[0] > '9' {
			continue
		}
		if want := fmt.Appendf(nil, `%d"`, a.got[i]); !bytes.HasPrefix(text, want) {
			a.t.Errorf("stream %d: message %d is %.40s", i, a.got[i], text)
		}
		a.got[i]++
		now := time.Now()
		a.first.CompareAndSwap(0, now.UnixNano())
		if a.left.Add(-1) == 0 {
			a.all <- now
		}
	}
}

// hear sends the next message and waits until all have it.
func (a *audience) hear(say func(text string)) (first, last time.Duration) {
	a.t.Helper()
	a.left.Store(int64(len(a.streams)))
	a.first.Store(0)
	begun := time.Now()
	say(strconv.Itoa(a.said))
	select {
	case at := <-a.all:
		a.said++
		return time.Unix(0, a.first.Load()).Sub(begun), at.Sub(begun)
	case <-time.After(patience):
		a.t.Fatalf("message %d: %d of %d do not have it", a.said, a.left.Load(), len(a.streams))
		return 0, 0
	}
}

// leave closes the streams.
func (a *audience) leave() {
	closeAll(a.streams)
	a.reading.Wait()
}
