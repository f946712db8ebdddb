package position_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/chat/internal/position"
	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

type log struct {
	ends  []events.Offset
	err   error
	asked int
}

var layout = eventlog.Layout{Log: events.LogID{1}, Epoch: 1, Partitions: 3}

func (l *log) Layout() eventlog.Layout { return layout }

func (l *log) Ends(context.Context) ([]events.Offset, error) {
	l.asked++
	return l.ends, l.err
}

type folded map[events.Partition]events.Offset

func (f folded) Folded(p events.Partition) events.Offset { return f[p] }

func token(p events.Partition, next events.Offset) string {
	return events.Vector{Log: layout.Log, Epoch: 1}.With(p, next).Token()
}

// A position is believed up to the log's end, and the log is asked only where
// that is needed.
func TestReadAndVerify(t *testing.T) {
	for _, tc := range []struct {
		name, token string
		log         log
		code        problem.Code
		asked       int
	}{
		{"none", "", log{}, "", 0},
		{"folded", token(1, 5), log{}, "", 0},
		{"published here", token(2, 8), log{}, "", 0},
		{"in the log", token(1, 9), log{ends: []events.Offset{0, 9, 8}}, "", 1},
		{"behind the end", token(1, 10), log{ends: []events.Offset{0, 9, 8}}, problem.PositionOfAnotherLog, 1},
		{"of a partition too many", token(3, 1), log{ends: []events.Offset{9, 9, 9}}, problem.PositionOfAnotherLog, 0},
		{"while the log is away", token(1, 10), log{err: errors.New("away")}, "", 1},
		{"of another log", events.Vector{Log: events.LogID{2}, Epoch: 1}.With(0, 1).Token(), log{}, problem.PositionOfAnotherLog, 0},
		{"of another epoch", events.Vector{Log: layout.Log, Epoch: 2}.With(0, 1).Token(), log{}, problem.PositionOfAnotherLog, 0},
		{"garbage", "garbage", log{}, problem.InvalidPosition, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := position.NewGate(&tc.log, folded{1: 5})
			g.Published(layout.Position(2, 7))
			v, err := g.Read(tc.token)
			if err == nil {
				err = g.Verify(t.Context(), v)
			}
			var p *problem.Error
			if errors.As(err, &p); p != nil && p.Code != tc.code || p == nil && tc.code != "" || tc.log.asked != tc.asked {
				t.Errorf("%v, asked %d times", err, tc.log.asked)
			}
		})
	}
}

func TestJoin(t *testing.T) {
	g := position.NewGate(&log{}, folded{0: 5, 1: 5, 2: 5})
	v := events.Vector{Log: layout.Log, Epoch: 1}.With(0, 5).With(1, 9)
	got := g.Join(v, 2, 3)
	if _, ok := got.Next(0); ok {
		t.Error("what is folded is still asked for")
	}
	if n, _ := got.Next(1); n != 9 {
		t.Errorf("what is not folded became %d", n)
	}
	if n, ok := got.Next(2); !ok || n != 3 {
		t.Errorf("the answer's own partition is %d", n)
	}
	if got = g.Join(events.Vector{}, 2, 3); got.Log != layout.Log || got.Epoch != 1 || got.Len() != 1 {
		t.Errorf("from nothing %+v", got)
	}
	if got = g.Trim(v); got.Len() != 1 {
		t.Errorf("trimmed to %d", got.Len())
	}
}

// Who asks while a question is under way shares the next answer, never that one.
func TestEndsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &slowLog{answer: make(chan events.Offset)}
		g := position.NewGate(l, folded{})
		got := make(chan events.Offset, 10)
		ask := func() {
			ends, err := g.Ends(t.Context())
			if err != nil {
				t.Error(err)
			}
			got <- ends[0]
		}
		go ask()
		synctest.Wait()
		for range 5 {
			go ask()
		}
		synctest.Wait()
		l.answer <- 1
		synctest.Wait()
		if len(got) != 1 || <-got != 1 {
			t.Fatal("the first answer was not for the first one alone")
		}
		l.answer <- 2
		synctest.Wait()
		if len(got) != 5 || l.asked != 2 {
			t.Errorf("%d answers to %d questions", len(got), l.asked)
		}
		for len(got) > 0 {
			if end := <-got; end != 2 {
				t.Errorf("one who asked later got %d", end)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { synctest.Wait(); cancel() }()
		if _, err := g.Ends(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		l.answer <- 3 // nobody waits for it
	})
}

type slowLog struct {
	answer chan events.Offset
	asked  int
}

func (l *slowLog) Layout() eventlog.Layout { return layout }

func (l *slowLog) Ends(context.Context) ([]events.Offset, error) {
	l.asked++
	return []events.Offset{<-l.answer, 0, 0}, nil
}
