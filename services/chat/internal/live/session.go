package live

import (
	"context"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
)

// Codes with which a stream ends.
const (
	EndNotAMember           = "not_a_member"
	EndShutdown             = "server_shutdown"
	EndTokenExpired         = "token_expired"
	EndReadModelUnavailable = "read_model_unavailable"
)

const (
	// heartbeat is how often a silent stream shows that it lives.
	heartbeat = 15 * time.Second
	// readPatience is for how long a stream waits for a read model that is away.
	readPatience = 30 * time.Second
	// readRetry is the pause before the read model is asked again.
	readRetry = 500 * time.Millisecond
)

// Page is a stretch of a room's events, read in one moment.
type Page struct {
	// Frames are the events wanted, ascending.
	Frames []*Frame
	// Cursor is the seq up to which the page has everything.
	Cursor events.Seq
	// More says that the room had events behind the page.
	More bool
	// Member says whether the reader was a member of the room.
	Member bool
}

// Sink is where a stream goes. Its methods give an error when the client is gone
// or too slow.
type Sink interface {
	// Write adds to what goes out with the next Flush.
	Write(b []byte) error
	Flush() error
}

// Session is one stream of one room's events to one reader.
type Session struct {
	User events.UserID
	// Cursor is the seq after which the stream begins.
	Cursor events.Seq
	// Horizon is the room's seq when the reader was let in: an event after it
	// that takes the room away from the reader ends the stream.
	Horizon events.Seq
	// Wanted says which types the reader asked for; nil: all.
	Wanted func(events.Type) bool
	// Read reads from the read model, everything after a seq.
	Read func(ctx context.Context, after events.Seq) (Page, error)
	Sink Sink
	// Expires ends the stream: the token is no longer good.
	Expires time.Time
	// Stop ends the stream: the server is stopping.
	Stop <-chan struct{}

	ticks <-chan time.Time // of heartbeats
	after events.Seq       // what the client asked for: nothing up to it is shown
	shown events.Seq       // the last id that the client has seen
}

// Run replays and follows until the stream ends. It returns the error of the
// sink or of ctx, and nil when it has told the client why it ends.
func (s *Session) Run(ctx context.Context, sub *Subscription) error {
	// A cursor above what there is must not step over the event that takes the
	// room away: what lies between is read, and not shown.
	s.after, s.shown = s.Cursor, s.Cursor
	s.Cursor = min(s.Cursor, s.Horizon)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	s.ticks = beat.C
	expiry := time.NewTimer(time.Until(s.Expires))
	defer expiry.Stop()
	if err := s.Sink.Write([]byte("retry: 2000\n\n")); err != nil {
		return err
	}
	for behind := true; ; {
		if behind {
			code, err := s.replay(ctx)
			if code != "" || err != nil {
				return s.end(code, err)
			}
		}
		behind = false
		if code := s.over(); code != "" { // also while events keep coming
			return s.end(code, nil)
		}
		select {
		case f := <-sub.Frames():
			var ended bool
			var err error
			if behind, ended, err = s.follow(f, sub); ended || err != nil {
				return s.end(EndNotAMember, err)
			}
		case <-sub.Stale():
			behind = true
		case <-beat.C:
			if err := s.beat(); err != nil {
				return err
			}
		case <-expiry.C:
			return s.end(EndTokenExpired, nil)
		case <-s.Stop:
			return s.end(EndShutdown, nil)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// replay reads from the read model until there is nothing more. A code says why
// the stream ends.
func (s *Session) replay(ctx context.Context) (code string, err error) {
	var since time.Time
	for {
		if code := s.over(); code != "" {
			return code, nil
		}
		page, err := s.Read(ctx, s.Cursor)
		if err != nil {
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			if since.IsZero() {
				since = time.Now()
			} else if time.Since(since) > readPatience {
				return EndReadModelUnavailable, nil
			}
			if err := s.rest(ctx, readRetry); err != nil {
				return "", err
			}
			continue
		}
		since = time.Time{}
		for _, f := range page.Frames {
			if ended, err := s.show(f); ended || err != nil {
				return EndNotAMember, err
			}
		}
		s.Cursor = max(s.Cursor, page.Cursor)
		if err := s.Sink.Flush(); err != nil {
			return "", err
		}
		if !page.More {
			if !page.Member {
				return EndNotAMember, nil
			}
			return "", nil
		}
	}
}

// over says why the stream must end, if it must.
func (s *Session) over() string {
	select {
	case <-s.Stop:
		return EndShutdown
	default:
	}
	if !time.Now().Before(s.Expires) {
		return EndTokenExpired
	}
	return ""
}

// rest waits, and shows meanwhile that the stream lives.
func (s *Session) rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-s.ticks:
			if err := s.beat(); err != nil {
				return err
			}
		case <-t.C:
			return nil
		case <-s.Stop:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// follow takes live events while they are dense, a buffer's worth at most. Behind says that one is
// missing, ended that the stream is over.
func (s *Session) follow(f *Frame, sub *Subscription) (behind, ended bool, err error) {
	for n := 1; ; n++ {
		switch {
		case f.Seq > s.Cursor+1:
			return true, false, s.Sink.Flush()
		case f.Seq == s.Cursor+1:
			if ended, err = s.show(f); ended || err != nil {
				return false, ended, err
			}
		case s.endedBy(f):
			return false, true, nil
		}
		if n == buffer {
			return false, false, s.Sink.Flush()
		}
		select {
		case f = <-sub.Frames():
		default:
			return false, false, s.Sink.Flush()
		}
	}
}

// show moves the cursor over an event and writes it where it is wanted.
func (s *Session) show(f *Frame) (ended bool, err error) {
	s.Cursor = f.Seq
	ended = s.endedBy(f)
	if ended || f.Seq > s.after && (s.Wanted == nil || s.Wanted(f.Type)) {
		s.shown = f.Seq
		err = s.Sink.Write(f.SSE)
	}
	return ended, err
}

// endedBy reports whether the event took the room away from the reader since
// they were let in.
func (s *Session) endedBy(f *Frame) bool { return f.Seq > s.Horizon && f.Ends(s.User) }

// beat shows that the stream lives, and moves the client's cursor over what it
// did not want: an id without data does that and nothing else.
func (s *Session) beat() error {
	b := []byte(":\n")
	if s.Cursor > s.shown {
		s.shown = s.Cursor
		b = append(b, idLine(s.Cursor)...)
	}
	if err := s.Sink.Write(append(b, '\n')); err != nil {
		return err
	}
	return s.Sink.Flush()
}

// end tells the client why the stream ends and where to resume.
func (s *Session) end(code string, err error) error {
	if err != nil {
		return err
	}
	if err := s.Sink.Write(endFrame(code, max(s.Cursor, s.after))); err != nil {
		return err
	}
	return s.Sink.Flush()
}
