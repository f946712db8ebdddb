package tail

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/events"
)

const (
	timeFormat = "2006-01-02T15:04:05.000Z"
	// maxSummary is how many characters of a text are shown.
	maxSummary = 80
)

// Line writes a record for people: time, partition, offset, room, type, sender,
// and what it says, quoted so that no text moves the cursor or ends the line.
func Line(r eventlog.Record) []byte {
	head := fmt.Sprintf("%s %d %d", r.Time.UTC().Format(timeFormat), r.Partition, r.Offset)
	e, err := events.Decode(r.Message)
	if err != nil {
		return fmt.Appendf(nil, "%s - %s\n", head, strconv.Quote(err.Error()))
	}
	sender := events.UserID("-")
	if e.Facts != nil {
		sender = e.Facts.By().Sender
	}
	line := fmt.Sprintf("%s %s %s %s %s", head, e.Key(), e.Type.Versioned(e.Version), sender, summary(&e))
	return append([]byte(strings.TrimRight(line, " ")), '\n')
}

func summary(e *events.Event) string {
	switch f := e.Facts.(type) {
	case events.RoomCreated:
		return strings.TrimSpace(fmt.Sprintf("%s %s", f.Kind, f.With))
	case events.RoomUpdated:
		return fmt.Sprintf("of version %d", f.Base)
	case events.RoomDeleted:
		return ""
	case events.RulesUpgraded:
		return fmt.Sprintf("to rules %d", f.Rules)
	case events.MemberChanged:
		return fmt.Sprintf("%s %s %s", f.Target, f.Membership, f.Role)
	case events.MarkMoved:
		return fmt.Sprintf("%s %d %s", f.Mark, f.Seq, f.ThreadRoot)
	case events.PreferencesChanged:
		return fmt.Sprintf("muted %t, hidden %t, archived %t", f.Muted, f.Hidden, f.Archived)
	case events.TokensRevoked:
		return "issued before " + time.UnixMilli(f.Before).UTC().Format(time.RFC3339)
	case events.MessagePosted:
		return f.Kind + " " + text(e)
	case events.MessageEdited:
		return string(f.Target) + " " + text(e)
	case events.MessageRedacted:
		if f.Target != "" {
			return string(f.Target)
		}
		return fmt.Sprintf("%d to %d %s", f.Range.From, f.Range.To, f.Range.Author)
	case events.MessagePinned:
		return string(f.Target)
	case events.MessageUnpinned:
		return string(f.Target)
	case events.ReactionAdded:
		return string(f.Target) + " " + strconv.Quote(f.Key)
	case events.ReactionRemoved:
		return string(f.Target) + " " + strconv.Quote(f.Key)
	}
	return "(of a type that this program does not know)"
}

func text(e *events.Event) string {
	var c events.MessageContent
	if err := json.Unmarshal(e.Content, &c); err != nil {
		return "(encrypted)"
	}
	return strconv.Quote(cut(c.Text))
}

func cut(s string) string {
	if utf8.RuneCountInString(s) <= maxSummary {
		return s
	}
	runes := []rune(s)
	return string(runes[:maxSummary]) + "…"
}

// entry is a record as JSON.
type entry struct {
	Time      string           `json:"time"`
	Partition events.Partition `json:"partition"`
	Offset    events.Offset    `json:"offset"`
	Error     string           `json:"error,omitempty"`
	Size      int              `json:"size"` // bytes
	ID        events.EventID   `json:"event_id,omitempty"`
	Type      string           `json:"type,omitempty"`
	Tenant    events.Tenant    `json:"tenant,omitempty"`
	Room      events.RoomID    `json:"room,omitempty"`
	SentAt    string           `json:"sent_at,omitempty"`
	Expires   string           `json:"expires,omitempty"`
	Value     json.RawMessage  `json:"value,omitempty"`
}

// JSON writes a record as one line of JSON: the envelope, and the value with its
// facts and content. A record that is no event has an error in the place of that.
func JSON(r eventlog.Record) []byte {
	v := entry{
		Time: r.Time.UTC().Format(timeFormat), Partition: r.Partition, Offset: r.Offset, Size: r.Size(),
	}
	if e, err := events.Decode(r.Message); err != nil {
		v.Error = err.Error()
	} else {
		v.ID, v.Type, v.Tenant, v.Room = e.ID, e.Type.Versioned(e.Version), e.Tenant, e.Room
		v.SentAt, v.Expires = orEmpty(e.Time), orEmpty(e.Expires)
		if json.Valid(r.Value) && utf8.Valid(r.Value) { // of a type that is not known it may be neither
			v.Value = r.Value
		}
	}
	line, err := json.Marshal(v)
	if err != nil {
		line = fmt.Appendf(nil, `{"partition":%d,"offset":%d,"error":%q}`, r.Partition, r.Offset, err)
	}
	return append(line, '\n')
}

func orEmpty(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeFormat)
}
