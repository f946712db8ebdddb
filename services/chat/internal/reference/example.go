package reference

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Example is some content, and of an answer the request that is answered so.
type Example struct {
	Request *Request  `yaml:"x-request"`
	Value   yaml.Node `yaml:"value"`
}

// Request is one that can be sent. In Send and Headers {position} is the latest
// position, {start} the one before the room was there, {etag} that of the list of
// rooms.
type Request struct {
	Given   string            `yaml:"given"` // what is out of the ordinary
	Send    string            `yaml:"send"`  // method and path
	Token   map[string]any    `yaml:"token"` // the claims; nil: those of alice
	Headers map[string]string `yaml:"headers"`
	// Body is JSON, or text that is sent as it is. Without one it is the operation's
	// example, the one with the name of the answer's example before the first.
	Body yaml.Node `yaml:"body"`
}

// BodyOf gives what a request carries as the example with a name of an answer of the
// operation, and of which example of its bodies that is, where it is one.
func (rq *Request) BodyOf(op *Operation, name string) (example string, body yaml.Node) {
	if !rq.Body.IsZero() || op == nil {
		return "", rq.Body
	}
	all := op.Body.Examples()
	if e, ok := all.Get(name); ok {
		return name, e.Value
	}
	if len(all) == 0 {
		return "", yaml.Node{}
	}
	return all[0].Name, all[0].Value.Value
}

// JSON gives a value of the description as JSON; text as it is.
func JSON(n yaml.Node) (string, error) {
	if n.Kind == yaml.ScalarNode {
		return n.Value, nil
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return "", fmt.Errorf("line %d: %w", n.Line, err)
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", fmt.Errorf("line %d: %w", n.Line, err)
	}
	return strings.TrimSpace(b.String()), nil
}
