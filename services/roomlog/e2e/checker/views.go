package checker

import "github.com/roomlog/roomlog/pkg/events"

// views compares what pages and export show with the replay.
func (c *check) views(id events.RoomID, r *Room) {
	var replayed []Posted
	for _, e := range r.Events {
		if e.Type == events.TypeMessagePosted {
			replayed = append(replayed, Posted{e.Seq, e.ID, e.Sender, e.Text})
		}
	}
	sameViews(c, id, "the pages of messages", replayed, r.Messages)
	if r.Backwards != nil {
		sameViews(c, id, "the pages of messages, read backwards,", replayed, r.Backwards)
	}
	if r.Exported != nil {
		sameViews(c, id, "the export", r.Events, r.Exported)
	}
}

// sameViews reports the first difference.
func sameViews[T comparable](c *check, id events.RoomID, name string, replay, view []T) {
	for i := range min(len(replay), len(view)) {
		if replay[i] != view[i] {
			c.report(Views, id, "%s has %+v where the replay has %+v", name, view[i], replay[i])
			return
		}
	}
	if len(replay) != len(view) {
		c.report(Views, id, "%s has %d items where the replay has %d", name, len(view), len(replay))
	}
}
