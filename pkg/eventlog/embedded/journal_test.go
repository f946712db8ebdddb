package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// countingDisk is the real one, and knows which files were synced.
type countingDisk struct {
	realDisk
	synced []string
}

func (d *countingDisk) syncData(f *os.File) error {
	d.synced = append(d.synced, filepath.Base(f.Name()))
	return d.realDisk.syncData(f)
}

// take gives the files that were synced since it was called before.
func (d *countingDisk) take() []string {
	defer func() { d.synced = nil }()
	return d.synced
}

func open(t testing.TB, dir string, most int64) *journal {
	t.Helper()
	j, err := openJournal(dir, realDisk{}, most)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.close() }) //nolint:errcheck // it was synced
	return j
}

// put writes a block with a piece for each text.
func put(t testing.TB, j *journal, texts ...string) {
	t.Helper()
	n := int64(0)
	for i, text := range texts {
		n += piece{partition: partitionOf(i), size: int64(len(text))}.length()
	}
	if !j.takes(n) {
		t.Fatalf("no room for %d bytes at %d", n, j.at)
	}
	for i, text := range texts {
		from := int64(3)
		p := piece{partition: partitionOf(i), base: int64(i) << 40, from: from, size: int64(len(text))}
		if err := j.add(p, strings.NewReader("...."[:from]+text+"more")); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.write(); err != nil {
		t.Fatal(err)
	}
}

func partitionOf(i int) string { return fmt.Sprintf("topic-%d", i) }

// found gives what a journal has, each piece as a text.
func found(t testing.TB, j *journal) (all []string) {
	t.Helper()
	err := j.each(func(p piece, data []byte) error {
		if p.size != int64(len(data)) || p.from != 3 {
			t.Errorf("%+v with %q", p, data)
		}
		if i := int(p.base >> 40); p.partition != partitionOf(i) {
			t.Errorf("%+v", p)
		}
		all = append(all, string(data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestJournal(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, journalMost)
	if got := found(t, j); got != nil || j.length != 0 {
		t.Errorf("a new one has %q, %d bytes", got, j.length)
	}
	put(t, j, "one", "two", "")
	put(t, j, "three")
	want := []string{"one", "two", "", "three"}
	if got := found(t, open(t, dir, journalMost)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if err := j.restart(); err != nil {
		t.Fatal(err)
	}
	if got := found(t, open(t, dir, journalMost)); got != nil {
		t.Errorf("begun anew it has %q", got)
	}
	put(t, j, "four") // as long as what it writes over, so that the next one would fit behind it
	if got := found(t, open(t, dir, journalMost)); !slices.Equal(got, []string{"four"}) {
		t.Errorf("then %q", got)
	}
}

// Behind the blocks of a generation are those of older ones, in their places.
func TestJournalGenerations(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, journalMost)
	put(t, j, "a")
	if err := j.restart(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		put(t, j, "old")
	}
	if err := j.restart(); err != nil {
		t.Fatal(err)
	}
	put(t, j, "new")
	if got := found(t, j); !slices.Equal(got, []string{"new"}) {
		t.Errorf("%q", got)
	}
}

// A block that was not written whole is none, whichever byte of it is missing.
func TestJournalTorn(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, journalMost)
	put(t, j, "one", "two")
	begin := j.at
	put(t, j, "three", "four")
	whole := make([]byte, j.at)
	if _, err := j.file.ReadAt(whole, 0); err != nil {
		t.Fatal(err)
	}
	for i := begin; i < int64(len(whole)); i++ {
		torn := slices.Clone(whole)
		torn[i]++
		other := t.TempDir()
		if err := os.WriteFile(filepath.Join(other, journalFile), torn, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := found(t, open(t, other, journalMost)); !slices.Equal(got, []string{"one", "two"}) {
			t.Fatalf("byte %d: %q", i-begin, got)
		}
	}
}

// It grows in steps, over zeros, up to its most.
func TestJournalGrows(t *testing.T) {
	j := open(t, t.TempDir(), journalStep+journalStep/2)
	put(t, j, "one")
	if j.length != journalStep {
		t.Errorf("%d bytes long", j.length)
	}
	if left := j.most - j.at - blockHead; !j.takes(left) || j.takes(left+1) {
		t.Errorf("%d bytes are left of %d", left, j.most)
	}
	if got := found(t, j); !slices.Equal(got, []string{"one"}) {
		t.Errorf("%q", got)
	}
	readOnly, err := os.Open(j.file.Name())
	if err != nil {
		t.Fatal(err)
	}
	full := &journal{file: readOnly, disk: realDisk{}, most: journalMost, length: j.length, at: j.at}
	defer full.close() //nolint:errcheck // it was only read
	if full.takes(3 * journalStep) {
		t.Error("there is room where a file cannot grow")
	}
}

// Whatever stands in the file: pieces, or an error.
func FuzzJournal(f *testing.F) {
	dir := f.TempDir()
	j := open(f, dir, journalMost)
	put(f, j, "one", "two")
	put(f, j, "three")
	b := make([]byte, j.at)
	if _, err := j.file.ReadAt(b, 0); err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[blockHead:])
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		count := func(p piece, data []byte) error {
			if n += len(p.partition) + len(data); int64(len(data)) != p.size {
				t.Fatalf("%+v with %d bytes", p, len(data))
			}
			return nil
		}
		if err := eachPiece(b, count); err != nil && !errors.Is(err, errPiece) {
			t.Fatal(err)
		}
		if n > len(b) {
			t.Fatalf("%d bytes of %d", n, len(b))
		}
		if block, ok := cutBlock(b); ok && !bytes.HasPrefix(b, block) {
			t.Fatal("a block that is not what it was cut from")
		}
	})
}

// What the journal has goes into the segments that it is of.
func TestRecover(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, journalMost)
	put(t, j, "one", "two", "three") // from the third byte on, of three partitions
	put(t, j, "ONE AND MORE")
	before := map[string]string{"topic-0": "...o", "topic-1": "..", "other": "...other"}
	for partition, content := range before {
		p := filepath.Join(dir, logDir, "partitions", partition)
		if err := errors.Join(os.MkdirAll(p, 0o700), os.WriteFile(filepath.Join(p, nameOf(partition)), []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	d, err := openDurable(filepath.Join(dir, logDir), Config{Dir: dir, Logger: slog.New(slog.DiscardHandler), disk: realDisk{}, journal: journalMost})
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()                                                                               //nolint:errcheck // nothing is written
	want := map[string]string{"topic-0": "...ONE AND MORE", "topic-1": "..", "other": "...other"} // the second is another file
	for partition, content := range want {
		got, err := os.ReadFile(filepath.Join(dir, logDir, "partitions", partition, nameOf(partition)))
		if err != nil || string(got) != content {
			t.Errorf("%s has %q, %v, want %q", partition, got, err, content)
		}
	}
	if got, err := os.ReadDir(filepath.Join(dir, logDir, "partitions")); err != nil || len(got) != len(before) {
		t.Errorf("%v, %v", got, err)
	}
}

// nameOf is that of the segment which put writes for a partition.
func nameOf(partition string) string {
	i, _ := strconv.Atoi(partition[len(partition)-1:])
	return segmentName(int64(i) << 40)
}

// What a round syncs: the file of a segment that is new, or that the broker may have
// written anew, else the journal.
func TestRounds(t *testing.T) {
	dir, disk := t.TempDir(), &countingDisk{}
	partition := filepath.Join(dir, logDir, "partitions", "topic-0")
	segment := filepath.Join(partition, "0.dat")
	if err := os.MkdirAll(partition, 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := openDurable(filepath.Join(dir, logDir), Config{Dir: dir, Logger: slog.New(slog.DiscardHandler), disk: disk, journal: 200})
	if err != nil {
		t.Fatal(err)
	}
	content := ""
	write := func(text string) {
		content += text
		if err := os.WriteFile(segment, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// round has one, and what there is durable afterwards.
	round := func(what string, want ...string) {
		t.Helper()
		if err := d.wait(); err != nil {
			t.Fatal(err)
		}
		if got := disk.take(); !slices.Equal(got, want) {
			t.Errorf("%s: %q were synced, want %q", what, got, want)
		}
	}
	journaled := func() (all string) {
		t.Helper()
		if err := d.journal.each(func(p piece, data []byte) error { all += string(data); return nil }); err != nil {
			t.Fatal(err)
		}
		return all
	}
	write("one")
	round("a new segment", "0.dat")
	round("nothing new")
	write("two")
	round("more", journalFile)
	write("three")
	round("and more", journalFile)
	if got := journaled(); got != "twothree" {
		t.Errorf("the journal has %q", got)
	}

	content = "onet" // the broker takes back what it could not write, and that is seen
	write("")
	round("shorter", "0.dat", journalFile)
	if got := journaled(); got != "" {
		t.Errorf("the journal has %q of what was taken back", got)
	}
	write("wo")
	round("more", journalFile)

	content = "one" // it takes back and goes on before anyone sees it
	d.complain()
	d.beforeWrite()
	write("TWO and more")
	round("written anew", "0.dat", journalFile)
	if got := journaled(); got != "" {
		t.Errorf("the journal has %q of what was written anew", got)
	}
	d.beforeWrite()
	write(".")
	round("no complaint", journalFile)

	write(strings.Repeat("x", 150)) // the journal is full
	round("much", "0.dat", journalFile)
	write("y")
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	if got := disk.take(); !slices.Equal(got, []string{"0.dat", journalFile}) {
		t.Errorf("at the end %q were synced", got)
	}
	if got := found(t, open(t, dir, journalMost)); got != nil {
		t.Errorf("closed, the journal has %q", got)
	}
}
