package importer_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/internal/importer"
)

const excerpts = "../irc/testdata"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a log on an embedded broker.
type fixture struct {
	cfg       eventlog.Config
	layout    eventlog.Layout
	publisher *eventlog.Publisher
}

func newFixture(t *testing.T) fixture {
	t.Helper()
	b, err := embedded.Start(t.Context(), embedded.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	f := fixture{cfg: eventlog.Config{Brokers: b.Brokers(), Username: b.Username(), Password: b.Password()}}
	if f.layout, err = eventlog.EnsureTopic(t.Context(), f.cfg, f.cfg.EventsTopicSpec(3, 0, 0)); err != nil {
		t.Fatal(err)
	}
	if f.publisher, err = eventlog.NewPublisher(f.cfg, f.layout); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.publisher.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f fixture) reader(t *testing.T) *eventlog.Reader {
	r := eventlog.NewReader(f.cfg, f.layout, eventlog.PartitionOf(events.Key(ubuntu.Tenant, ubuntu.ID), f.layout.Partitions))
	t.Cleanup(r.Close)
	return r
}

func (f fixture) scan(t *testing.T) importer.Known {
	t.Helper()
	known, err := importer.Scan(t.Context(), f.reader(t), ubuntu, nil)
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// texts are the texts of the room's messages as the log has them, in order.
func (f fixture) texts(t *testing.T) []string {
	t.Helper()
	r := f.reader(t)
	_, end, err := r.Bounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for r.Next() < end {
		records, err := r.Read(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range records {
			e, err := events.Decode(rec.Message)
			if err != nil {
				t.Fatal(err)
			}
			if e.Type == events.TypeMessagePosted {
				out = append(out, string(e.Content))
			}
		}
	}
	return out
}

func (f fixture) run(t *testing.T, paths ...string) importer.Report {
	t.Helper()
	i := importer.Import{Room: ubuntu, Paths: paths, Annotations: true, Known: f.scan(t), Publisher: f.publisher}
	report, err := i.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func logs(t *testing.T) []string {
	t.Helper()
	dir := excerpts
	if whole := os.Getenv("IRC_DIR"); whole != "" {
		dir = whole
	}
	paths, err := importer.Expand([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestSecondImportAddsNothing(t *testing.T) {
	f := newFixture(t)
	paths := logs(t)
	first := f.run(t, paths...)
	lines, err := importer.CountLines(paths)
	if err != nil || first.Lines != lines || first.Files != len(paths) {
		t.Fatalf("%d lines of %d files, want %d of %d, error %v", first.Lines, first.Files, lines, len(paths), err)
	}
	said := first.Imported[importer.Message] + first.Imported[importer.Action] + first.Imported[importer.Notice]
	skipped := 0
	for _, n := range first.Skipped {
		skipped += n
	}
	if said+skipped != lines || first.There != 0 || first.Replies == 0 || first.Imported[importer.RoomCreated] != 1 {
		t.Fatalf("report %+v", first)
	}
	t.Logf("%d events in %s", first.Events(), first.Took)
	before := f.texts(t)
	if len(before) != said {
		t.Fatalf("the log has %d messages, %d were imported", len(before), said)
	}
	again := f.run(t, paths...)
	if again.Events() != 0 || again.There != first.Events() || again.Changed != 0 || len(f.texts(t)) != said {
		t.Fatalf("second report %+v", again)
	}
}

// failing appends what it is given up to a number of events in all, then fails as
// a process that dies does: what is in flight may be there or not.
type failing struct {
	importer.Publisher
	left int
	lost bool // the events at the end were appended, and nobody heard of it
}

var errKilled = errors.New("killed")

func (f *failing) PublishBatch(ctx context.Context, ms []events.Message) ([]events.Position, error) {
	if f.left >= len(ms) {
		f.left -= len(ms)
		return f.Publisher.PublishBatch(ctx, ms)
	}
	appended, err := f.Publisher.PublishBatch(ctx, ms[:f.left])
	if err != nil {
		return nil, err
	}
	if f.lost {
		appended = nil
	}
	return appended, errKilled
}

func TestInterruptedImportGoesOn(t *testing.T) {
	paths := logs(t)
	whole := newFixture(t)
	want := whole.run(t, paths...)
	wantTexts := whole.texts(t)
	for name, lost := range map[string]bool{"known": false, "not heard of": true} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			sum := 0
			for n := range 3 {
				i := importer.Import{
					Room: ubuntu, Paths: paths, Annotations: true, Known: f.scan(t),
					Publisher: &failing{Publisher: f.publisher, left: 17 + 100*n, lost: lost},
				}
				report, err := i.Run(t.Context())
				if !errors.Is(err, errKilled) {
					t.Fatalf("error %v", err)
				}
				sum += report.Events()
			}
			there := len(f.scan(t).Digests)
			if (sum == there) == lost {
				t.Fatalf("%d events are reported, %d are there", sum, there)
			}
			last := f.run(t, paths...)
			if last.There != there || last.There+last.Events() != want.Events() {
				t.Fatalf("resumed: %+v, want %d events in all", last, want.Events())
			}
			if got := f.texts(t); strings.Join(got, "\n") != strings.Join(wantTexts, "\n") {
				t.Fatal("the resumed room does not have the messages of the whole one, in their order")
			}
		})
	}
}

func TestChangedLineIsReportedAndKept(t *testing.T) {
	f := newFixture(t)
	path := filepath.Join(t.TempDir(), "2004-12-25.raw.txt")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("[12:00] <a> one\n[12:01] <a> two\n")
	f.run(t, path)
	write("[12:00] <a> one\n[12:01] <a> TWO\n[12:02] <a> three\n")
	if r := f.run(t, path); r.Changed != 1 || r.There != 4 || r.Events() != 1 {
		t.Fatalf("report %+v", r)
	}
	if got := f.texts(t); len(got) != 3 || !strings.Contains(got[1], "two") {
		t.Fatalf("texts %q", got)
	}
}

func TestOtherRecordsDoNotMatter(t *testing.T) {
	f := newFixture(t)
	f.run(t, logs(t)[0])
	known := f.scan(t)
	partition := eventlog.PartitionOf(events.Key(ubuntu.Tenant, ubuntu.ID), f.layout.Partitions)
	key := []byte(events.Key(ubuntu.Tenant, ubuntu.ID))
	garbage := events.Message{Key: key, Value: []byte("garbage")}
	if p, err := f.publisher.Publish(t.Context(), garbage); err != nil || p.Partition != partition {
		t.Fatalf("position %+v, error %v", p, err)
	}
	if again := f.scan(t); len(again.Digests) != len(known.Digests) || again.Created == nil {
		t.Fatalf("%d events, then %d", len(known.Digests), len(again.Digests))
	}
}

func TestPrivateRoomIsRefused(t *testing.T) {
	i := importer.Import{
		Room: ubuntu, Paths: logs(t),
		Known: importer.Known{Created: &events.RoomCreated{Kind: events.RoomPrivate}},
	}
	if _, err := i.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "private") {
		t.Fatalf("error %v", err)
	}
}

func TestExpandRefuses(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for _, d := range []string{a, b} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(d, "2004-12-25.raw.txt"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	undated := filepath.Join(a, "ubuntu.log")
	if err := os.WriteFile(undated, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, paths := range map[string][]string{
		"missing":   {filepath.Join(dir, "no")},
		"empty":     {t.TempDir()},
		"undated":   {undated},
		"same name": {a, b},
	} {
		if got, err := importer.Expand(paths); !errors.Is(err, importer.ErrUse) {
			t.Errorf("%s: %v, error %v", name, got, err)
		}
	}
	if got, err := importer.Expand([]string{a}); err != nil || len(got) != 1 {
		t.Errorf("%v, error %v", got, err)
	}
}

func TestReportSaysWhatWasSkippedAndWhy(t *testing.T) {
	f := newFixture(t)
	path := filepath.Join(t.TempDir(), "2004-12-25.raw.txt")
	if err := os.WriteFile(path, []byte("[12:00] <a> n\xef\n\n[12:01] <a>\n?\n?\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := f.run(t, path).Text(ubuntu)
	for _, want := range []string{
		"read 5 lines of 1 files into room ubuntu of tenant main\n", "imported 3 events",
		": 1 messages, 0 actions, 0 notices, 1 joins, 1 rooms; 0 of them replies\n", "already there: 0 events\n",
		"skipped: 4 lines\n  2: not a line of chat\n  1: empty line\n  1: no text\n", "replaced by U+FFFD: 1 bytes that are not UTF-8",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
