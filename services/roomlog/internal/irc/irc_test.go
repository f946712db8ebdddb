package irc_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/internal/irc"
)

func TestLines(t *testing.T) {
	for name, test := range map[string]struct {
		line   string
		kind   irc.Kind
		user   events.UserID
		text   string
		minute int
	}{
		"message":            {"[12:18] <usual> maybe some others", irc.Text, "irc:usual", "maybe some others", 738},
		"nick of signs":      {"[00:00] <|trey|> hi  :)", irc.Text, "irc:~7ctrey~7c", "hi  :)", 0},
		"nick with a space":  {"[06:03] <bur[n] er> x", irc.Text, "irc:bur~5bn~5d~20er", "x", 363},
		"nick with a tilde":  {"[06:03] <a~b> x", irc.Text, "irc:a~7eb", "x", 363},
		"nick not ASCII":     {"[06:03] <é> x", irc.Text, "irc:~c3~a9", "x", 363},
		"nick not UTF-8":     {"[06:03] <\xe9> x", irc.Text, "irc:~e9", "x", 363},
		"signs in the text":  {"[06:03] <a> <b> c", irc.Text, "irc:a", "<b> c", 363},
		"two spaces":         {"[06:03] <a>  x", irc.Text, "irc:a", " x", 363},
		"no space":           {"[06:03] <a>x", irc.Text, "irc:a", "x", 363},
		"action":             {"[23:59]  * ede pings", irc.Action, "irc:ede", "pings", 1439},
		"action, one space":  {"[23:59] * ede pings", irc.Action, "irc:ede", "pings", 1439},
		"notice to the room": {"[01:26] -nhbjafl:#ubuntu- All you", irc.Notice, "irc:nhbjafl", "All you", 86},
		"join": {
			"=== vtg [n=v@host]  has joined #ubuntu", irc.Notice, "irc:vtg",
			"vtg [n=v@host]  has joined #ubuntu", 0,
		},
		"mode": {
			"=== mode/#ubuntu [+o Seveas]  by ChanServ", irc.Notice, "irc:mode~2f~23ubuntu",
			"mode/#ubuntu [+o Seveas]  by ChanServ", 0,
		},
		"carriage return": {"[12:18] <a> b\r", irc.Text, "irc:a", "b", 738},
		"tab":             {"[12:18] <a> b\tc", irc.Text, "irc:a", "b\tc", 738},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := irc.Parse("2004-11-15_03.raw.txt", []byte(test.line))
			if err != nil || len(f.Lines) != 1 || len(f.Skipped) != 0 {
				t.Fatalf("%+v, error %v", f, err)
			}
			l := f.Lines[0]
			want := time.Date(2004, 11, 15, 0, test.minute, 0, 0, time.UTC)
			if l.Kind != test.kind || l.User != test.user || l.Text != test.text || !l.Time.Equal(want) {
				t.Fatalf("%+v", l)
			}
			if string(l.Raw) != strings.TrimSuffix(test.line, "\r") || l.Replaced != (irc.Replaced{}) {
				t.Fatalf("raw %q, replaced %+v", l.Raw, l.Replaced)
			}
			if nick, ok := irc.Nick(l.User); !ok || nick != l.Nick {
				t.Fatalf("nick %q of %s, want %q", nick, l.User, l.Nick)
			}
		})
	}
}

func TestSkippedLines(t *testing.T) {
	for name, test := range map[string]struct {
		line   string
		reason irc.Reason
	}{
		"empty":            {"", irc.Empty},
		"spaces":           {"  \t", irc.Empty},
		"message":          {"[11:30] <selinium>", irc.NoText},
		"message of space": {"[11:30] <selinium>  ", irc.NoText},
		"action":           {"[11:27]  * TheHawk", irc.NoText},
		"sign":             {"=== ", irc.NoText},
		"no time":          {"<a> b", irc.NotUnderstood},
		"hour":             {"[24:00] <a> b", irc.NotUnderstood},
		"minute":           {"[23:60] <a> b", irc.NotUnderstood},
		"no number":        {"[1a:00] <a> b", irc.NotUnderstood},
		"no nick":          {"[11:30] <> b", irc.NotUnderstood},
		"open nick":        {"[11:30] <b", irc.NotUnderstood},
		"other":            {"[01:09] (soundray/#ubuntu) thomas: have you", irc.NotUnderstood},
		"cut notice":       {"[01:26] -osoqas", irc.NotUnderstood},
		"only a time":      {"[01:26] ", irc.NotUnderstood},
		"long text":        {"[01:26] <a> " + strings.Repeat("x", events.MaxText+1), irc.TextTooLong},
		"text grows":       {"[01:26] <a> " + strings.Repeat("\xff", events.MaxText/2), irc.TextTooLong},
		"long nick":        {"[01:26] <" + strings.Repeat("|", 42) + "> b", irc.NickTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := irc.Parse("2004-11-15.txt", []byte("[01:00] <a> before\n"+test.line+"\n[01:02] <a> after\n"))
			if err != nil || len(f.Lines) != 2 || f.Lines[1].Number != 2 || f.Total() != 3 {
				t.Fatalf("%d lines, total %d, error %v", len(f.Lines), f.Total(), err)
			}
			if got := f.Skipped[test.reason]; !slices.Equal(got, []int{1}) {
				t.Fatalf("skipped: %v", f.Skipped)
			}
		})
	}
}

// A line without a time takes that of the line before, also of a skipped one; at
// the file's beginning, the first that there is. A clock that jumps back is kept:
// the day is the name's.
func TestTimes(t *testing.T) {
	f, err := irc.Parse("x/2008-07-03.train-c.raw.txt", []byte(strings.Join([]string{
		"=== a has joined", "=== b has joined", "[23:58] <a> one", "=== c has joined",
		"[23:59] <d>", "=== e has left", "[00:00] <a> two", "=== f has left", "",
	}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range f.Lines {
		got = append(got, l.Time.Format("2006-01-02T15:04Z07:00"))
	}
	want := []string{
		"2008-07-03T23:58Z", "2008-07-03T23:58Z", "2008-07-03T23:58Z", "2008-07-03T23:58Z",
		"2008-07-03T23:59Z", "2008-07-03T00:00Z", "2008-07-03T00:00Z",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("times\n%v, want\n%v", got, want)
	}
}

func TestReplacedBytesAreCounted(t *testing.T) {
	f, err := irc.Parse("2004-11-15.txt", []byte("[01:26] <a> na\xefve\x00 \xff\xfe \xef\xbf\xbd"))
	if err != nil {
		t.Fatal(err)
	}
	l := f.Lines[0]
	if l.Text != "na\ufffdve\ufffd \ufffd\ufffd \ufffd" || l.Replaced != (irc.Replaced{Invalid: 3, Null: 1}) {
		t.Fatalf("%q, %+v", l.Text, l.Replaced)
	}
}

func TestDay(t *testing.T) {
	for name, want := range map[string]string{
		"2004-12-25.train-c.raw.txt":     "2004-12-25",
		"a-1999-01-01/2005-06-27_12.txt": "2005-06-27",
		"#ubuntu-2010-02-28.log":         "2010-02-28",
		"2010-02-30.log":                 "",
		"120100-02-28.log":               "",
		"ubuntu.log":                     "",
	} {
		day, err := irc.Day(name)
		if want == "" && err == nil || want != "" && day.Format(time.DateOnly) != want {
			t.Errorf("%s: %v, error %v, want %q", name, day, err, want)
		}
	}
	if _, err := irc.Parse("ubuntu.log", nil); err == nil {
		t.Error("a name without a date is refused")
	}
}

func TestUserIDIsReversible(t *testing.T) {
	for c := range 256 {
		nick := "a" + string([]byte{byte(c)}) + "~7e"
		u, err := irc.UserID(nick)
		if err != nil {
			t.Fatal(err)
		}
		if back, ok := irc.Nick(u); !ok || back != nick {
			t.Fatalf("%q became %s, then %q", nick, u, back)
		}
	}
	for _, u := range []events.UserID{"alice", "irc:", "irc:~", "irc:~4", "irc:~zz", "irc:~41", "irc:~7E"} {
		if nick, ok := irc.Nick(u); ok {
			t.Errorf("%s gave %q", u, nick)
		}
	}
	if _, err := irc.UserID(""); err == nil {
		t.Error("an empty nick is refused")
	}
}

func TestAnnotations(t *testing.T) {
	r, err := irc.ParseAnnotations([]byte("1000 1000 - \n1000 1003 -\n1001 1003 - \n1010 1004 -\n\n1003 1011"))
	if err != nil {
		t.Fatal(err)
	}
	if len(r) != 3 || r[1003] != 1000 || r[1010] != 1004 || r[1011] != 1003 {
		t.Fatalf("%v", r)
	}
	for _, bad := range []string{"1000", "1 2 3", "a b -", "-1 2 -", "1 2 - -", "1 99999999999 -"} {
		if r, err := irc.ParseAnnotations([]byte(bad)); err == nil {
			t.Errorf("%q gave %v", bad, r)
		}
	}
	if p, ok := irc.AnnotationPath("d/2004-11-15_03.raw.txt"); !ok || p != "d/2004-11-15_03.annotation.txt" {
		t.Errorf("path %q, %t", p, ok)
	}
	if _, ok := irc.AnnotationPath("2004-11-15.log"); ok {
		t.Error("another name has no annotations")
	}
}

// The excerpts hold what old logs hold; the whole set is read where IRC_DIR
// names it.
func TestRealLogs(t *testing.T) {
	dirs := []string{"testdata"}
	if whole := os.Getenv("IRC_DIR"); whole != "" {
		dirs = append(dirs, whole)
	}
	for _, dir := range dirs {
		paths, err := filepath.Glob(filepath.Join(dir, "*.raw.txt"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%d files in %s, error %v", len(paths), dir, err)
		}
		total, said, replies := 0, map[irc.Kind]int{}, 0
		skipped := map[irc.Reason]int{}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f, err := irc.Parse(path, data)
			if err != nil {
				t.Fatal(err)
			}
			total += f.Total()
			for _, l := range f.Lines {
				said[l.Kind]++
			}
			for reason, numbers := range f.Skipped {
				skipped[reason] += len(numbers)
			}
			links, _ := irc.AnnotationPath(path)
			if data, err = os.ReadFile(links); err != nil {
				t.Fatal(err)
			}
			r, err := irc.ParseAnnotations(data)
			if err != nil {
				t.Fatalf("%s: %v", links, err)
			}
			replies += len(r)
		}
		t.Logf("%s: %d files, %d lines: %v, skipped %v, %d replies", dir, len(paths), total, said, skipped, replies)
		if total == 0 || said[irc.Text] < total/2 || said[irc.Notice] == 0 || said[irc.Action] == 0 || replies == 0 {
			t.Errorf("%s does not hold what it should", dir)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("=== a joined\n[12:18] <a> b\n[12:19]  * a c\r\n[99:99] <a> d\n\n[01:26] -a:#b- c"))
	f.Add([]byte("[12:18] <\xff\x00> \x00\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := irc.Parse("2004-11-15.txt", data)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Count(string(data), "\n")
		if trimmed := strings.TrimPrefix(string(data), "\xef\xbb\xbf"); trimmed != "" && !strings.HasSuffix(trimmed, "\n") {
			want++
		}
		if file.Total() != want {
			t.Fatalf("%d lines, want %d", file.Total(), want)
		}
		last := -1
		for _, l := range file.Lines {
			if l.Number <= last || !utf8.ValidString(l.Text) || strings.ContainsRune(l.Text, 0) || l.Text == "" ||
				len(l.Text) > events.MaxText {
				t.Fatalf("%+v", l)
			}
			last = l.Number
			if _, err := events.ParseUserID(string(l.User)); err != nil {
				t.Fatal(err)
			}
			if nick, ok := irc.Nick(l.User); !ok || nick != l.Nick {
				t.Fatalf("%q became %s, then %q", l.Nick, l.User, nick)
			}
			if d := l.Time.Sub(file.Day); d < 0 || d >= 24*time.Hour {
				t.Fatalf("time %s", l.Time)
			}
		}
	})
}

func FuzzParseAnnotations(f *testing.F) {
	f.Add([]byte("1000 1000 - \n1000 1003 -\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := irc.ParseAnnotations(data)
		if err != nil {
			return
		}
		for later, earlier := range r {
			if earlier >= later || earlier < 0 {
				t.Fatalf("%d answers %d", later, earlier)
			}
		}
	})
}
