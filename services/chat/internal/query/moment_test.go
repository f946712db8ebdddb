package query

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// emptied is a read model whose tables are behind what was last heard of them.
type emptied struct{ readmodel.Store }

func (emptied) Snapshot(_ context.Context, read func(readmodel.Reader) error, _ ...readmodel.Ahead) error {
	return read(nil)
}

// A read waits until its time is over and no longer, also where the follower says
// that all is folded and the tables do not have it: they were deleted meanwhile.
func TestReadingBehindEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Store: emptied{}, Timeout: time.Second, Wait: 5 * time.Second})
		begun := time.Now()
		err := s.attempt(t.Context(), Request{}, func(context.Context) error { return nil },
			func(context.Context, readmodel.Reader) error { return errBehind })
		var behind *problem.Error
		if !errors.As(err, &behind) || behind.Code != problem.ReadModelBehind {
			t.Errorf("error %v", err)
		}
		if took := time.Since(begun); took != 5*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
