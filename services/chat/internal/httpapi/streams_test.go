package httpapi

import "testing"

func TestAccepts(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "*/*": false, "application/json": false, "text/event-streams": false, ",;=": false,
		"text/event-stream": true, "Text/Event-Stream; charset=utf-8": true, "text/html, text/event-stream;q=0.1": true, "text/event-stream;q=x": true,
		"text/event-stream;q=0": false, "application/json, text/event-stream; q=0.000": false,
	} {
		if got := accepts(header, eventStream); got != want {
			t.Errorf("%q: %t", header, got)
		}
	}
}
