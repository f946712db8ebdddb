package progress

import (
	"bytes"
	"testing"
	"time"
)

func TestPlainLinesComeEveryFewSeconds(t *testing.T) {
	var out bytes.Buffer
	m := Start(&out, "import", "lines", 1000)
	now := m.began
	m.now = func() time.Time { return now }
	for i := range 11 {
		m.Set(int64(i * 100))
		now = now.Add(time.Second)
	}
	m.Finish()
	want := "import: 500 of 1000 lines (50%), 100/s, 5s left\nimport: 1000 of 1000 lines (100%), 100/s\n"
	if out.String() != want {
		t.Fatalf("got\n%swant\n%s", out.String(), want)
	}
}

func TestResumedWorkIsNotTakenForFast(t *testing.T) {
	var out bytes.Buffer
	m := Resume(&out, "rebuild", "records", 900, 1000)
	m.now = func() time.Time { return m.began.Add(10 * time.Second) }
	m.Grow(1400)
	m.Set(1000)
	if want := "rebuild: 1000 of 1400 records (71%), 10/s, 40s left\n"; out.String() != want {
		t.Fatalf("got %q", out.String())
	}
}

func TestNothingToDo(t *testing.T) {
	var out bytes.Buffer
	m := Start(&out, "import", "lines", 0)
	m.now = func() time.Time { return m.began.Add(time.Minute) }
	m.Add(0)
	if want := "import: 0 of 0 lines (100%), 0/s\n"; out.String() != want {
		t.Fatalf("got %q", out.String())
	}
}
