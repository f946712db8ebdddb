package roomtest

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/roomlog/roomlog/pkg/events"
)

// Older gives the record as a program wrote it that knew one version less of its
// type; the record itself where there was none.
func Older(m events.Message) events.Message {
	e, err := events.Decode(m)
	if err != nil || e.Facts == nil || e.Version < 2 {
		return m
	}
	facts, err := json.Marshal(olderFacts(e.Facts))
	if err != nil {
		panic(fmt.Sprintf("roomtest: %v", err)) // a mistake of this package
	}
	m.Value = fmt.Appendf(nil, `{"facts":%s,"content":%s}`, facts, e.Content)
	m.Headers = slices.Clone(m.Headers)
	for i, h := range m.Headers {
		if h.Key == events.HeaderType {
			m.Headers[i].Value = []byte(e.Type.Versioned(e.Version - 1))
		}
	}
	return m
}

// olderFacts are written as their shape was in the version before the newest.
func olderFacts(f events.Facts) any {
	if f, ok := f.(events.MessageRedacted); ok {
		return struct {
			events.Command
			Target events.EventID `json:"target,omitempty"`
			From   events.Seq     `json:"from,omitempty"`
			To     events.Seq     `json:"to,omitempty"`
			Author events.UserID  `json:"author,omitempty"`
		}{f.Command, f.Target, f.Range.From, f.Range.To, f.Range.Author}
	}
	panic(fmt.Sprintf("roomtest: how was %T written before?", f))
}
