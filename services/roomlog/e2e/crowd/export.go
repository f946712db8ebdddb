package crowd

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/roomlog/roomlog/services/roomlog/e2e/checker"
	"github.com/roomlog/roomlog/services/roomlog/e2e/client"
)

// ParseExport reads what `roomlog export` printed.
func ParseExport(ndjson string) ([]checker.Event, error) {
	out := []checker.Event{}
	lines := bufio.NewScanner(strings.NewReader(ndjson))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e client.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("line %d of the export: %w", len(out)+1, err)
		}
		event, err := eventOf(e)
		if err != nil {
			return nil, err
		}
		out = append(out, event)
	}
	return out, lines.Err()
}
