package timeline_test

import (
	"testing"

	"github.com/roomlog/roomlog/pkg/timeline"
)

func TestListeners(t *testing.T) {
	there := func(some <-chan struct{}) bool {
		select {
		case <-some:
			return true
		default:
			return false
		}
	}
	l := timeline.NewListeners()
	nobody := l.Some()
	if there(nobody) {
		t.Error("someone is there who has not come")
	}
	l.Enter()
	if !there(nobody) || !there(l.Some()) {
		t.Error("who waits for someone is not told")
	}
	l.Enter()
	l.Leave()
	if !there(l.Some()) {
		t.Error("one of two has left, and nobody is there")
	}
	l.Leave()
	if there(l.Some()) {
		t.Error("all have left, and someone is there")
	}
}

// Who cannot know takes it that someone listens.
func TestListenersUnknown(t *testing.T) {
	var l *timeline.Listeners
	l.Enter()
	l.Leave()
	<-l.Some()
}
