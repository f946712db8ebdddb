package modelcheck_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/roomlog/roomlog/clients/go/sse"
)

// follower is told of all that happens in a person's rooms: by a stream, which is cut
// off now and then and goes on, and in the end by pages.
type follower struct {
	*scene
	by  string
	got []news
	// cursors are those that the person was given: where they began, and behind each
	// event.
	cursors    []string
	live, cuts int // events that a stream had, and how often one was cut

	stop  context.CancelFunc
	ended chan error
}

// news is an event that someone is told of.
type news struct {
	Room string `json:"room"`
	shownEvent
}

// toldPage is a page of events of all rooms.
type toldPage struct {
	list[news]
	Cursor string `json:"cursor"`
}

// follow has everybody follow from now on.
func (s *scene) follow() error {
	for _, u := range people {
		f := &follower{scene: s, by: u}
		now, err := f.page("/v1/events")
		if err != nil {
			return err
		}
		f.cursors = []string{now.Cursor}
		f.begin()
		s.followers[u] = f
	}
	return nil
}

// hangUp ends all streams.
func (s *scene) hangUp() {
	for _, f := range s.followers {
		_ = f.cutOff() // where a history has been played, it was cut off before
	}
}

// begin begins a stream behind the last cursor.
func (f *follower) begin() {
	var ctx context.Context
	ctx, f.stop = context.WithCancel(context.Background())
	f.ended = make(chan error, 1)
	go func() { f.ended <- f.listen(ctx) }()
}

func (f *follower) listen(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL+f.path(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+f.tokens[f.by])
	req.Header.Set("Accept", "text/event-stream")
	res, err := f.streams.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	for frame, err := range sse.Read(res.Body) {
		if err == nil {
			err = f.take(frame)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// path is that of what comes behind the last cursor.
func (f *follower) path() string {
	return "/v1/events?after=" + url.QueryEscape(f.cursors[len(f.cursors)-1])
}

func (f *follower) take(frame sse.Frame) error {
	switch {
	case frame.Event == "end":
		return fmt.Errorf("the stream ended: %s", frame.Data)
	case frame.ID == "": // it is no event of the log
		return nil
	case frame.Data == "": // it moves the cursor
		f.cursors[len(f.cursors)-1] = frame.ID
		return nil
	}
	var e news
	if err := json.Unmarshal([]byte(frame.Data), &e); err != nil {
		return err
	}
	f.got, f.cursors = append(f.got, e), append(f.cursors, frame.ID)
	f.live++
	return nil
}

// cutOff ends the stream; an error says that it had ended, or what was wrong with it.
func (f *follower) cutOff() error {
	if f.ended == nil {
		return nil
	}
	f.stop()
	err := <-f.ended
	f.ended = nil
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return fmt.Errorf("%s follows: %w", f.by, err)
}

// resume cuts the stream off, and goes on behind the last cursor or one that was given
// before it. What came since then comes again.
func (f *follower) resume(back int) error {
	if err := f.cutOff(); err != nil {
		return err
	}
	f.cuts++
	kept := max(0, len(f.got)-back)
	f.live -= len(f.got) - kept
	f.got, f.cursors = f.got[:kept], f.cursors[:kept+1]
	f.begin()
	return nil
}

// catchUp cuts the stream off and reads what it did not come to, in pages.
func (f *follower) catchUp() error {
	if err := f.cutOff(); err != nil {
		return err
	}
	for more := true; more; {
		page, err := f.page(f.path() + "&limit=3")
		if err != nil {
			return err
		}
		f.got, f.cursors = append(f.got, page.Items...), append(f.cursors, page.Cursor)
		more = page.Next != nil
	}
	return nil
}

func (f *follower) page(path string) (page toldPage, err error) {
	a, err := f.read(f.by, path, &page)
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("%s: GET %s: %d %s", f.by, path, a.status, a.body)
	}
	return page, err
}
