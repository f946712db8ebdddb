package query

import (
	"context"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// editsPage is how many edits are read at a time.
const editsPage = 100

// Present gives messages, which all are of one room, as a person sees them who may
// read them.
func Present(ctx context.Context, r readmodel.Reader, v Visibility, rows ...readmodel.MessageRow) ([]Message, error) {
	out := make([]Message, len(rows))
	var from, to events.Seq // of messages with reactions
	for i := range rows {
		out[i].MessageRow = rows[i]
		if err := v.edited(ctx, r, &out[i].MessageRow); err != nil {
			return nil, err
		}
		if seq := rows[i].Seq; len(rows[i].State.Reactions) > 0 {
			if from == 0 || seq < from {
				from = seq
			}
			to = max(to, seq)
		}
	}
	if from == 0 {
		return out, nil
	}
	mine, err := r.Reacted(ctx, rows[0].Key, v.user, from, to)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Mine = mine[out[i].Seq]
	}
	return out, nil
}

// edited gives the message the latest content that the person may read: it may have
// been edited while they were not there.
func (v Visibility) edited(ctx context.Context, r readmodel.Reader, m *readmodel.MessageRow) error {
	if m.Edited == nil || v.Contains(m.Edited.Seq) {
		return nil
	}
	m.Edited, m.State.Edits = nil, 0
	for after := m.Seq; ; {
		edits, err := r.Edits(ctx, m.Key, m.Seq, after, editsPage)
		if err != nil {
			return err
		}
		for i := range edits {
			if after = edits[i].Seq; !v.Contains(after) {
				continue
			}
			version, err := versionOf(&edits[i])
			if err != nil {
				return err
			}
			m.Edited, m.State.Edits = &edits[i], version-1
		}
		if len(edits) < editsPage {
			return nil
		}
	}
}

// versionOf is the version of a message that an event gave it.
func versionOf(row *readmodel.EventRow) (int, error) {
	if row.Type == events.TypeMessagePosted {
		return 1, nil
	}
	facts, err := row.DecodeFacts()
	if err != nil {
		return 0, err
	}
	return facts.(events.MessageEdited).Base + 1, nil
}
