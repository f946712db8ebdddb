package chat_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/roomlog/roomlog/services/chat/api"
	"github.com/roomlog/roomlog/services/chat/internal/reference"
)

const described = "api/openapi.yaml"

// value is what an example should show, and where it stands.
type value struct {
	at   yaml.Node
	json string
}

// encode writes a value of the description as JSON, and text as it is.
func encode(t *testing.T, n yaml.Node) string {
	t.Helper()
	s, err := reference.JSON(n)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// changing are ids that the server chose, times, positions and cursors.
var changing = []struct {
	*regexp.Regexp
	with string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "ID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`), "TIME"},
	{regexp.MustCompile(`"(position|next|prev|cursor)":"[^"]*"`), `"$1":"TOKEN"`},
	{regexp.MustCompile(`"d:[^"]*"`), `"d:"`},
	{regexp.MustCompile(`id: [\w.-]{20,}`), "id: TOKEN"},
}

// stable is content without what changes: JSON with its fields in order, or a
// stream.
func stable(s string) string {
	var v any
	if json.Unmarshal([]byte(s), &v) == nil {
		b, _ := json.Marshal(v)
		s = string(b)
	}
	for _, c := range changing {
		s = c.ReplaceAllString(s, c.with)
	}
	return s
}

// write puts values into the description, each in the line where it stands.
func write(t *testing.T, values []value) {
	lines := strings.Split(string(api.YAML), "\n")
	for _, v := range values {
		l := &lines[v.at.Line-1]
		text := v.json
		if !json.Valid([]byte(text)) {
			text = strconv.Quote(text)
		}
		*l = (*l)[:v.at.Column-1] + text
	}
	if err := os.WriteFile(described, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}
