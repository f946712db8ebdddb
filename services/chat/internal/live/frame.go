package live

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Frame is an event as it goes out, encoded once for all who follow its room.
type Frame struct {
	Seq  events.Seq
	Type events.Type
	// SSE is the event in the form of a stream of server-sent events.
	SSE []byte
	// Target and Membership are those of a member.changed event.
	Target     events.UserID
	Membership events.Membership
}

// NewFrame encodes an event. An error says that the row does not hold what the
// codec wrote.
func NewFrame(row *readmodel.EventRow) (*Frame, error) {
	item, err := row.Item()
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(item)
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", row.ID, err)
	}
	f := &Frame{Seq: row.Seq, Type: row.Type}
	if d, ok := item.Data.(readmodel.MemberChangedData); ok {
		f.Target, f.Membership = d.User, d.Membership
	}
	b := make([]byte, 0, len(data)+64)
	b = append(b, "id: "...)
	b = strconv.AppendInt(b, int64(row.Seq), 10)
	b = append(b, "\nevent: "...)
	b = append(b, row.Type...)
	b = append(b, "\ndata: "...)
	b = append(b, data...)
	f.SSE = append(b, "\n\n"...)
	return f, nil
}

// Ends reports whether the event takes the room away from the user.
func (f *Frame) Ends(u events.UserID) bool {
	return f.Target == u && (f.Membership == events.MembershipLeave || f.Membership == events.MembershipBan)
}

func idLine(seq events.Seq) string { return fmt.Sprintf("id: %d\n", seq) }

func endFrame(code string, cursor events.Seq) []byte {
	return fmt.Appendf(nil, "event: end\ndata: {\"code\":%q,\"cursor\":%d}\n\n", code, cursor)
}
