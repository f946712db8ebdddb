package chattest

import (
	"encoding/json"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/roomlog/roomlog/pkg/timeline"
)

// Arrive has a replica that is not there tell that people of the default tenant are
// connected to it. The others hear it a little later.
func (w *World) Arrive(users ...string) {
	w.T.Helper()
	here := make([]string, len(users))
	for i, u := range users {
		here[i] = "main/" + u
	}
	b, err := json.Marshal(map[string]any{"replica": "elsewhere", "here": here})
	if err == nil {
		err = w.bus.Publish(timeline.EphemeralTopic, message.NewMessage("", b))
	}
	if err != nil {
		w.T.Error(err)
	}
}
