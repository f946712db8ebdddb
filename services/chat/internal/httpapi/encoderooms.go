package httpapi

import (
	"encoding/json"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/events/room"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/command"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

// roomContent reads what was said of the room last. The codec wrote it.
func roomContent(row *readmodel.RoomRow) (content events.RoomContent) {
	_ = json.Unmarshal([]byte(row.Content), &content) // encrypted content has nothing to show
	return content
}

func encodeRoom(r query.Room) api.Room {
	content := roomContent(&r.RoomRow)
	out := api.Room{
		Room: string(r.Room), Kind: r.Kind, Name: content.Name, Members: r.Members, CreatedAt: readmodel.Time(r.Created),
	}
	if r.Full {
		out.Settings, out.Archived, out.With = &r.Settings, &r.Archived, string(r.With)
		if out.Metadata = content.Metadata; out.Metadata == nil {
			out.Metadata = json.RawMessage("{}")
		}
		out.Seq, out.Version, out.Rules = int64(r.Seq), r.Version, r.Rules
	}
	return out
}

func encodeUserRoom(r *query.UserRoom) (api.UserRoom, error) {
	m := r.Member
	out := api.UserRoom{
		Room: string(r.Room), Kind: r.Kind, Name: roomContent(&r.RoomRow).Name, Members: r.Members, CreatedAt: readmodel.Time(r.Created),
		Membership: m.Membership, Role: m.Role, SinceSeq: int64(m.Since),
	}
	if m.Membership != events.MembershipJoin { // the invited see that it is there
		return out, nil
	}
	read, preferences := int64(m.Read), encodePreferences(r.Preferences())
	out.With, out.Archived, out.Seq, out.ReadSeq = string(r.With), &r.Archived, int64(r.Seq), &read
	out.Unread, out.Mentions, out.Preferences = &r.Unread, &r.Mentions, &preferences
	if r.Last != nil {
		last, err := encodeMessage(r.Last)
		if err != nil {
			return out, err
		}
		out.LastMessage = &last
	}
	return out, nil
}

func encodePreferences(p query.Preferences) api.Preferences {
	return api.Preferences{Muted: p.Muted, Hidden: p.Hidden, Archived: p.Archived}
}

func encodeMember(m *query.Member) (api.Member, error) {
	out := api.Member{
		User: string(m.User), Membership: m.Membership, Role: m.Role, SinceSeq: int64(m.Since), Until: readmodel.Time(m.Until),
	}
	if m.Marks {
		marks := encodeMarks(*m)
		out.ReadSeq, out.DeliveredSeq = &marks.ReadSeq, &marks.DeliveredSeq
	}
	if m.Preferences != nil {
		p := encodePreferences(*m.Preferences)
		out.Preferences = &p
	}
	return out, nil
}

func encodeMarks(m query.Member) api.Marks {
	return api.Marks{ReadSeq: int64(m.Read), DeliveredSeq: int64(m.Delivered)}
}

func encodeMemberResult(m room.Member, r command.Receipt) api.MemberResult {
	return api.MemberResult{
		User: string(m.User), Membership: m.Membership, Role: m.Role, SinceSeq: int64(m.Since), Until: readmodel.Time(m.Until),
		EventID: string(r.Event), Seq: int64(r.Outcome.Seq),
	}
}
