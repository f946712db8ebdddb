package live

import (
	"context"
	"encoding/json"
	"errors"
)

var errFull = errors.New("enough")

// Poll collects at most limit events. Where there are none it waits for some until
// ctx ends or stop is closed. Reading is the context of reads.
func Poll(ctx, reading context.Context, t Track, sub *Subscription, limit int, stop <-chan struct{}) (items []json.RawMessage, err error) {
	items = []json.RawMessage{}
	collect := func(f *Frame) error {
		if items = append(items, f.Item); len(items) == limit {
			return errFull
		}
		return nil
	}
	for {
		for more := true; more; {
			if more, _, err = t.Replay(reading, collect); err != nil {
				return items, unlessFull(err)
			}
		}
		if len(items) > 0 {
			return items, nil
		}
		select {
		case <-sub.Ready():
			if err := take(t, sub, collect); err != nil {
				return items, unlessFull(err)
			}
		case <-stop:
			return items, nil
		case <-ctx.Done():
			return items, nil
		}
	}
}

// take takes what has come live, up to where the read model must be asked.
func take(t Track, sub *Subscription, collect Show) error {
	frames, stale := sub.Take()
	t.Missed(stale)
	if len(stale) > 0 {
		return nil
	}
	for _, f := range frames {
		if f.Ephemeral() {
			continue
		}
		behind, _, err := t.Take(f, collect)
		if err != nil {
			return err
		}
		if behind {
			break // what follows is in the read model too
		}
	}
	return nil
}

func unlessFull(err error) error {
	if errors.Is(err, errFull) {
		return nil
	}
	return err
}
