// Package topicstest holds records, and the types that they are written from,
// against the description of the topics.
package topicstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/topics"
)

// Description is the AsyncAPI document.
type Description struct {
	// Document is all of it, as JSON.
	Document map[string]any
	compiler *jsonschema.Compiler
}

// Read reads the description.
func Read(t testing.TB) *Description {
	t.Helper()
	d, err := read()
	if err != nil {
		t.Fatalf("asyncapi.yaml: %v", err)
	}
	return d
}

// location is what the document's references are relative to.
const location = "asyncapi.json"

func read() (*Description, error) {
	var parsed any
	if err := yaml.Unmarshal(topics.AsyncAPI, &parsed); err != nil {
		return nil, err
	}
	asJSON, err := json.Marshal(parsed)
	if err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		return nil, err
	}
	d := &Description{Document: document.(map[string]any), compiler: jsonschema.NewCompiler()}
	d.compiler.DefaultDraft(jsonschema.Draft7) // AsyncAPI's own schemas are a superset of it
	return d, d.compiler.AddResource(location, document)
}

// Addresses are the topics, ascending.
func (d *Description) Addresses() (out []string) {
	for _, c := range object(d.Document["channels"]) {
		out = append(out, object(c)["address"].(string))
	}
	slices.Sort(out)
	return out
}

// Messages are the names of a topic's messages, ascending.
func (d *Description) Messages(address string) []string {
	return slices.Sorted(maps.Keys(d.messages(address)))
}

// Check says what is wrong with a record of a topic: its key, headers and value are to
// be those of the message that ce_type names or, without one, of the topic's only one.
func (d *Description) Check(address string, m events.Message) error {
	messages := d.messages(address)
	name := m.Header(events.HeaderType)
	if names := slices.Collect(maps.Keys(messages)); name == "" && len(names) == 1 {
		name = names[0]
	}
	message, pointer := d.resolve(messages[name], "")
	if message == nil {
		return fmt.Errorf("%s has no message %q", address, name)
	}
	_, bindings := d.resolve(message["bindings"], pointer+"/bindings")
	headers := map[string]any{}
	for _, h := range m.Headers {
		headers[h.Key] = string(h.Value)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(m.Value))
	return errors.Join(
		d.validate("key", bindings+"/kafka/key", string(m.Key)),
		d.validate("headers", pointer+"/headers", headers),
		err, d.validate("value", pointer+"/payload", value),
	)
}

func (d *Description) messages(address string) map[string]any {
	for _, c := range object(d.Document["channels"]) {
		if c := object(c); c["address"] == address {
			return object(c["messages"])
		}
	}
	return nil
}

func (d *Description) validate(what, pointer string, v any) error {
	schema, err := d.compiler.Compile(location + "#" + pointer)
	if err == nil {
		err = schema.Validate(v)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// resolve follows references from what stands at a pointer; nil where nothing does.
func (d *Description) resolve(v any, pointer string) (map[string]any, string) {
	o := object(v)
	for {
		ref, ok := o["$ref"].(string)
		if !ok {
			return o, pointer
		}
		o, pointer = d.at(strings.TrimPrefix(ref, "#"))
	}
}

// at gives what stands at a pointer, whose way may lead through references.
func (d *Description) at(pointer string) (map[string]any, string) {
	o, real := d.Document, ""
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		o, real = d.resolve(o[name], real+"/"+name)
	}
	return o, real
}

func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}
