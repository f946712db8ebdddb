package irc

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Replies tells which line a line answers, by their numbers.
type Replies map[int]int

// ParseAnnotations reads the links of a log's lines: "A B -" on each line says
// that line B answers line A, the lines counted from 0. A link of a line to
// itself says that it begins a conversation. Of several links to one line the
// first in the file counts.
func ParseAnnotations(data []byte) (Replies, error) {
	r := Replies{}
	for number, raw := range splitLines(data) {
		line := string(bytes.TrimSpace(raw))
		if line == "" {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 2 || len(fields) > 3 || len(fields) == 3 && fields[2] != "-" {
			return nil, fmt.Errorf("line %d: %q is not of the form \"A B -\"", number+1, line)
		}
		a, errA := strconv.ParseUint(fields[0], 10, 31)
		b, errB := strconv.ParseUint(fields[1], 10, 31)
		if errA != nil || errB != nil {
			return nil, fmt.Errorf("line %d: %q has no two line numbers", number+1, line)
		}
		earlier, later := int(min(a, b)), int(max(a, b))
		if _, linked := r[later]; earlier != later && !linked {
			r[later] = earlier
		}
	}
	return r, nil
}

// AnnotationPath is the file of links that belongs to a log: beside it, with
// ".annotation.txt" where the log has ".raw.txt"; false where the log is not
// named so.
func AnnotationPath(path string) (string, bool) {
	stem, ok := strings.CutSuffix(path, ".raw.txt")
	return stem + ".annotation.txt", ok
}
