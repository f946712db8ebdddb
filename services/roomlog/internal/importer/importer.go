package importer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/internal/irc"
)

// window is how many events are in flight at a time. It bounds what a failed
// import may have appended beyond what it knows of.
const window = 1000

// ErrUse says that the import was asked for something that it cannot do.
var ErrUse = errors.New("cannot import this")

// Publisher appends events in order; see eventlog.Publisher.
type Publisher interface {
	PublishBatch(ctx context.Context, ms []events.Message) ([]events.Position, error)
}

// Import is one import of files into a room.
type Import struct {
	Room Room
	// Paths are log files, in the order in which they are to stand in the room.
	Paths []string
	// Annotations makes replies of the annotation files beside the logs.
	Annotations bool
	Known       Known
	Publisher   Publisher
	// Progress, where not nil, is told of lines that are done.
	Progress func(lines int)
	// Planned, where not nil, is told the id of every event that the room is to
	// have, in order.
	Planned func(events.EventID)
}

// Expand gives the log files that paths name: a directory stands for the
// *.raw.txt in it, ascending. Errors are [ErrUse] or the file system's.
func Expand(paths []string) ([]string, error) {
	var out []string
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("%w: there is no %s", ErrUse, path)
		case err != nil:
			return nil, err
		case !info.IsDir():
			out = append(out, path)
			continue
		}
		logs, err := filepath.Glob(filepath.Join(escapeGlob(path), "*.raw.txt"))
		if err != nil {
			return nil, err
		}
		if len(logs) == 0 {
			return nil, fmt.Errorf("%w: there are no *.raw.txt in %s", ErrUse, path)
		}
		slices.Sort(logs)
		out = append(out, logs...)
	}
	return out, check(out)
}

// check refuses what could not be told apart or dated, before anything is read.
func check(paths []string) error {
	names := map[string]string{}
	for _, path := range paths {
		if _, err := irc.Day(path); err != nil {
			return fmt.Errorf("%w: %w", ErrUse, err)
		}
		name := filepath.Base(path)
		if other, taken := names[name]; taken {
			return fmt.Errorf("%w: %s and %s have the same name, which is what tells lines apart", ErrUse, other, path)
		}
		names[name] = path
	}
	return nil
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// CountLines gives the number of lines of all files.
func CountLines(paths []string) (int, error) {
	n := 0
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		n += bytes.Count(data, []byte("\n"))
		if len(data) > 0 && data[len(data)-1] != '\n' {
			n++
		}
	}
	return n, nil
}

// Run appends what is missing. After an error, too, the report tells what was
// appended for certain; the same import again goes on from there.
func (i Import) Run(ctx context.Context) (Report, error) {
	report := newReport()
	if err := i.Known.usable(i.Room); err != nil {
		return report, err
	}
	began := time.Now()
	err := i.run(ctx, &report)
	report.Took = time.Since(began)
	return report, err
}

func (i Import) run(ctx context.Context, report *Report) error {
	b := NewBuilder(i.Room, i.Known)
	w := writer{publisher: i.Publisher, known: i.Known, report: report}
	for _, path := range i.Paths {
		if err := i.file(ctx, path, b, &w); err != nil {
			return err
		}
	}
	return w.flush(ctx)
}

func (i Import) file(ctx context.Context, path string, b *Builder, w *writer) error {
	f, replies, err := i.read(path)
	if err != nil {
		return err
	}
	planned, err := b.File(f, replies)
	if err != nil {
		return err
	}
	for n := range planned {
		if i.Planned != nil {
			i.Planned(planned[n].Event.ID)
		}
		if err := w.add(ctx, &planned[n]); err != nil {
			return err
		}
	}
	w.report.Files++
	w.report.Lines += f.Total()
	for reason, numbers := range f.Skipped {
		w.report.Skipped[reason] += len(numbers)
	}
	for _, l := range f.Lines {
		w.report.Replaced.Add(l.Replaced)
	}
	if i.Progress != nil {
		i.Progress(f.Total())
	}
	return ctx.Err()
}

func (i Import) read(path string) (irc.File, irc.Replies, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return irc.File{}, nil, err
	}
	f, err := irc.Parse(path, data)
	if err != nil || !i.Annotations {
		return f, nil, err
	}
	links, ok := irc.AnnotationPath(path)
	if !ok {
		return f, nil, nil
	}
	data, err = os.ReadFile(links)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil, nil
	}
	if err != nil {
		return f, nil, err
	}
	replies, err := irc.ParseAnnotations(data)
	if err != nil {
		return f, nil, fmt.Errorf("%s, %w", links, err)
	}
	return f, replies, nil
}

// writer appends what the log does not have.
type writer struct {
	publisher Publisher
	known     Known
	report    *Report
	messages  []events.Message
	kinds     []Planned // of messages, without their events
}

func (w *writer) add(ctx context.Context, p *Planned) error {
	if digest, there := w.known.Digests[p.Event.ID]; there {
		w.report.There++
		if digest != p.Event.Facts.By().Digest {
			w.report.Changed++
		}
		return nil
	}
	m, err := events.Encode(&p.Event)
	if err != nil {
		return fmt.Errorf("event %s: %w", p.Event.ID, err)
	}
	w.messages = append(w.messages, m)
	w.kinds = append(w.kinds, Planned{Kind: p.Kind, Reply: p.Reply})
	if len(w.messages) < window {
		return nil
	}
	return w.flush(ctx)
}

func (w *writer) flush(ctx context.Context) error {
	if len(w.messages) == 0 {
		return nil
	}
	positions, err := w.publisher.PublishBatch(ctx, w.messages)
	for _, p := range w.kinds[:len(positions)] {
		w.report.Imported[p.Kind]++
		if p.Reply {
			w.report.Replies++
		}
	}
	w.messages, w.kinds = w.messages[:0], w.kinds[:0]
	if err != nil {
		return fmt.Errorf("append to the log: %w", err)
	}
	return nil
}
