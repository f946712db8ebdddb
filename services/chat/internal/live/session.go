package live

import (
	"context"
	"errors"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
)

// Codes with which a stream ends.
const (
	EndNotAMember           = "not_a_member"
	EndRoomDeleted          = "room_deleted"
	EndShutdown             = "server_shutdown"
	EndTokenExpired         = "token_expired"
	EndTokenRevoked         = "token_revoked"
	EndReadModelUnavailable = "read_model_unavailable"
	EndSlowConsumer         = "slow_consumer"
)

const (
	// heartbeat is how often a silent stream shows that it lives.
	heartbeat = 15 * time.Second
	// readPatience is for how long a stream waits for a read model that is away.
	readPatience = 30 * time.Second
	// readRetry is the pause before the read model is asked again.
	readRetry = 500 * time.Millisecond
	// heldUp is from when on a write says that the client does not take what comes. One
	// waits only behind full buffers, of which a socket has hundreds of KiB; a lost
	// packet and a round trip about the world take less.
	heldUp = time.Second
)

// errSlow says that the client takes less than what comes.
var errSlow = errors.New("slow consumer")

// Track knows what a reader may see of what comes, and the cursor: the place up to
// which the reader has everything. Methods that take show call it for each frame
// to be shown, with the cursor behind it; its error is theirs.
//
// An end says why the stream is over: what was shown last ended it.
type Track interface {
	// Replay reads one page of what is missing from the read model. More says that
	// there is another one.
	Replay(ctx context.Context, show Show) (more bool, end string, err error)
	// Take takes an event that came live. Behind says that the read model must be
	// asked before the next one.
	Take(f *Frame, show Show) (behind bool, end string, err error)
	// Missed notes that events of these partitions may have been missed.
	Missed(stale []events.Partition)
	// Sees reports whether what is told to a room and is no event is for the reader.
	Sees(f *Frame) bool
	// Cursor appends the cursor as JSON: a number, or a string without escapes.
	Cursor(b []byte) []byte
}

// Show shows a frame.
type Show func(f *Frame) error

// Sink is where a stream goes. Its methods give an error when the client is gone
// or too slow.
type Sink interface {
	// Write adds to what goes out with the next Flush.
	Write(b []byte) error
	Flush() error
	// End writes the last of the stream. There is little time for it.
	End(b []byte) error
}

// Session is one stream to one reader.
type Session struct {
	Track Track
	Sink  Sink
	// Expires ends the stream: the token is no longer good.
	Expires time.Time
	// Revoked ends the stream: the token is refused from now on.
	Revoked <-chan struct{}
	// Stop ends the stream: the server is stopping.
	Stop <-chan struct{}

	sub   *Subscription
	ticks <-chan time.Time // of heartbeats
	last  []byte           // the cursor that the client was given last
	fault error            // of the sink
	live  bool             // the history has been replayed
}

// Run replays and follows until the stream ends. It returns the code that it tells
// the client, and the error of the sink or of ctx that kept it from going on, or
// from telling.
func (s *Session) Run(ctx context.Context, sub *Subscription) (end string, err error) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	s.ticks = beat.C
	expiry := time.NewTimer(time.Until(s.Expires))
	defer expiry.Stop()
	s.sub, s.last = sub, s.Track.Cursor(nil)
	if err := s.Sink.Write([]byte("retry: 2000\n\n")); err != nil {
		return "", err
	}
	end, err = s.replay(ctx)
	s.live = true
	for end == "" && err == nil {
		if end = s.over(); end != "" { // also while events keep coming
			break
		}
		select {
		case <-sub.Ready():
			end, err = s.follow(ctx)
		case <-beat.C:
			err = s.beat()
		case <-expiry.C:
			end = EndTokenExpired
		case <-s.Revoked:
			end = EndTokenRevoked
		case <-s.Stop:
			end = EndShutdown
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if errors.Is(err, errSlow) {
		end, err = EndSlowConsumer, nil
	}
	if err != nil {
		return "", err
	}
	return end, s.end(end)
}

// replay reads from the read model until there is nothing more. An end says why
// the stream is over.
func (s *Session) replay(ctx context.Context) (end string, err error) {
	var since time.Time
	for more := true; more; {
		if end := s.over(); end != "" {
			return end, nil
		}
		more, end, err = s.Track.Replay(ctx, s.show)
		switch {
		case s.fault != nil:
			return "", s.fault
		case end != "":
			return end, nil
		case err == nil:
			since = time.Time{}
			if err := s.flush(); err != nil {
				return "", err
			}
			continue
		case ctx.Err() != nil:
			return "", ctx.Err()
		case since.IsZero():
			since = time.Now()
		case time.Since(since) > readPatience:
			return EndReadModelUnavailable, nil
		}
		more = true
		if err := s.rest(ctx, readRetry); err != nil {
			return "", err
		}
	}
	return "", nil
}

// over says why the stream must end, if it must.
func (s *Session) over() string {
	select {
	case <-s.Stop:
		return EndShutdown
	case <-s.Revoked:
		return EndTokenRevoked
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
		case <-s.Revoked:
			return nil
		case <-s.Stop:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// follow takes what has come live.
func (s *Session) follow(ctx context.Context) (end string, err error) {
	frames, stale := s.sub.Take()
	if len(stale) > 0 {
		s.Track.Missed(stale)
		if end, err = s.replay(ctx); end != "" || err != nil {
			return end, err
		}
	}
	for _, f := range frames {
		if f.Ephemeral() {
			if s.Track.Sees(f) {
				err = s.Sink.Write(f.SSE)
			}
		} else {
			var behind bool
			if behind, end, err = s.Track.Take(f, s.show); behind && end == "" && err == nil {
				end, err = s.replay(ctx)
			}
		}
		if end != "" || err != nil {
			return end, err
		}
	}
	return "", s.flush()
}

// show writes an event with the cursor behind it.
func (s *Session) show(f *Frame) error {
	began := time.Now()
	s.last = s.Track.Cursor(s.last[:0])
	if s.fault = s.Sink.Write(idLine(s.last)); s.fault == nil {
		s.fault = s.Sink.Write(f.SSE)
	}
	if s.fault == nil {
		s.fault = s.keptUp(began)
	}
	return s.fault
}

func (s *Session) flush() error {
	began := time.Now()
	if err := s.Sink.Flush(); err != nil {
		return err
	}
	return s.keptUp(began)
}

// keptUp gives an error where the client of a live stream has held up a write while
// more came than can wait for it, as far as that is known. Who replays history may take
// their time, and who is held up while little comes.
func (s *Session) keptUp(began time.Time) error {
	if s.live && time.Since(began) > heldUp && s.sub.Overflowed() {
		return errSlow
	}
	return nil
}

// beat shows that the stream lives, and moves the client's cursor over what was
// not shown to it: an id without data does that and nothing else.
func (s *Session) beat() error {
	b := []byte(":\n")
	if now := s.Track.Cursor(nil); string(now) != string(s.last) {
		s.last = now
		b = append(b, idLine(now)...)
	}
	if err := s.Sink.Write(append(b, '\n')); err != nil {
		return err
	}
	return s.flush()
}

// end tells the client why the stream ends and where to resume.
func (s *Session) end(code string) error {
	b := append([]byte(`event: end`+"\n"+`data: {"code":"`), code...)
	b = s.Track.Cursor(append(b, `","cursor":`...))
	return s.Sink.End(append(b, "}\n\n"...))
}

// idLine writes a cursor as a stream's id.
func idLine(cursor []byte) []byte {
	b := make([]byte, 0, len(cursor)+8)
	b = append(b, "id: "...)
	for _, c := range cursor {
		if c != '"' {
			b = append(b, c)
		}
	}
	return append(b, '\n')
}
