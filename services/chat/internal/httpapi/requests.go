package httpapi

import (
	"regexp"

	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

var traceFormat = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// traceParent passes a W3C trace context on, and drops what is none.
func traceParent(header string) string {
	if traceFormat.MatchString(header) {
		return header
	}
	return ""
}

func invalidField(field, detail string) error {
	return problem.In(problem.InvalidField, field, detail)
}
