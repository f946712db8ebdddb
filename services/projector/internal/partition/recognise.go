package partition

import (
	"context"
	"errors"
	"fmt"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// GapError says that the log is not the one that the tables were folded from,
// or lacks a part of it. Going on would skip or repeat events: an operator
// decides.
type GapError struct{ Reason string }

func (e *GapError) Error() string { return "gap in the log: " + e.Reason }

func gap(format string, args ...any) error { return &GapError{fmt.Sprintf(format, args...)} }

// RecogniseDecisions compares the decisions topic, by its id and its end, with
// the one whose decisions a checkpoint has carried out. What does not match is a
// [GapError].
func RecogniseDecisions(cp readmodel.Checkpoint, topic events.LogID, end events.Offset) error {
	switch {
	case cp.DecisionsLog == (events.LogID{}):
		return nil
	case cp.DecisionsLog != topic:
		return gap("decisions were carried out from topic %s, this one is %s", cp.DecisionsLog, topic)
	case cp.Decisions > end:
		return gap("decisions below offset %d of their topic were carried out, but it ends at %d", cp.Decisions, end)
	}
	return nil
}

// Recognise compares the log with the checkpoint: the same topic, the checkpoint
// within its bounds, and before it the very record that was folded last. What
// does not match is a [GapError].
func Recognise(ctx context.Context, r Reader, layout eventlog.Layout, cp readmodel.Checkpoint) error {
	if cp.Log != layout.Log {
		return gap("the tables were folded from log %s, this one is %s", cp.Log, layout.Log)
	}
	start, end, err := r.Bounds(ctx)
	if errors.Is(err, eventlog.ErrTopicReplaced) && !errors.Is(err, eventlog.ErrUnknownTopic) {
		return gap("the topic was deleted and made anew: %v", err)
	}
	if err != nil {
		return fmt.Errorf("bounds of the log: %w", err)
	}
	switch {
	case cp.Next < start:
		return gap("offsets %d to %d are gone: the log begins at %d", cp.Next, start-1, start)
	case cp.Next > end:
		return gap("offset %d was folded, but the log ends at %d", cp.Next-1, end)
	case cp.LastID == "":
		return nil
	}
	last, ok, err := r.At(ctx, cp.Last)
	if err != nil && !errors.Is(err, eventlog.ErrOffsetOutOfRange) {
		return fmt.Errorf("read the record at offset %d again: %w", cp.Last, err)
	}
	if !ok {
		return gap("the record at offset %d, folded last, is gone", cp.Last)
	}
	if id := readmodel.Fingerprint(last.Message); id != cp.LastID {
		return gap("at offset %d stands %s, folded was %s", cp.Last, id, cp.LastID)
	}
	return nil
}
