package sse_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/roomlog/roomlog/clients/go/sse"
)

func TestRead(t *testing.T) {
	const stream = "retry: 2000\n\n: a comment\n\nid: 1\nevent: e\ndata: a\ndata:b\n\nid: 2\r\n\r\nunknown: x\nretry: soon\n\ndata: cut"
	want := []sse.Frame{{Retry: 2 * time.Second}, {ID: "1", Event: "e", Data: "a\nb"}, {ID: "2"}}
	var got []sse.Frame
	var last error
	for f, err := range sse.Read(strings.NewReader(stream)) {
		if last = err; err == nil {
			got = append(got, f)
		}
	}
	if !errors.Is(last, io.ErrUnexpectedEOF) || len(got) != len(want) {
		t.Fatalf("frames %+v, error %v", got, last)
	}
	for i, f := range got {
		if f != want[i] {
			t.Errorf("frame %d is %+v, not %+v", i, f, want[i])
		}
	}
	n := 0
	for _, err := range sse.Read(strings.NewReader("data: a\n\ndata: b\n\n")) {
		if n++; err == nil {
			break
		}
	}
	if n != 1 {
		t.Errorf("left after the first frame, %d came", n)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("id: 1\ndata: a\n\n")
	f.Fuzz(func(t *testing.T, stream string) {
		n, last := 0, error(nil)
		for frame, err := range sse.Read(strings.NewReader(stream)) {
			if n, last = n+1, err; err == nil && frame == (sse.Frame{}) {
				t.Error("an empty frame")
			}
		}
		if last == nil || n > len(stream)+1 {
			t.Errorf("%d frames, error %v", n, last)
		}
	})
}
