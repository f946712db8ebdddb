package topicstest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// CheckFields fails the test where the object at a pointer of the description, or in
// the field of it that path leads to, does not have the very fields that a Go type is
// written with, required where they are always there; and so for the objects in it.
func (d *Description) CheckFields(t testing.TB, pointer string, typ reflect.Type, path ...string) {
	t.Helper()
	schema, _ := d.at(pointer)
	for _, name := range path {
		schema = map[string]any{"allOf": d.fieldsOf(schema).properties[name]}
	}
	for _, wrong := range d.compare(strings.Join(append([]string{pointer}, path...), "/"), schema, typ) {
		t.Error(wrong)
	}
}

func (d *Description) compare(where string, schema map[string]any, typ reflect.Type) (wrong []string) {
	described := d.fieldsOf(schema)
	written := map[string]bool{}
	for _, f := range reflect.VisibleFields(typ) {
		if f.Anonymous || f.Tag.Get("json") == "-" {
			continue // its fields follow, or it is not written
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		written[name] = true
		property, ok := described.properties[name]
		switch always := !strings.Contains(options, "omit"); {
		case !ok:
			wrong = append(wrong, fmt.Sprintf("%s does not have %q of %s", where, name, typ))
		case always != slices.Contains(described.required, name):
			wrong = append(wrong, fmt.Sprintf("%s: %q is required: %t, always written: %t", where, name, !always, always))
		default:
			if inner := element(f.Type); inner.Kind() == reflect.Struct {
				wrong = append(wrong, d.compare(where+"/"+name, map[string]any{"allOf": property}, inner)...)
			}
		}
	}
	for name := range described.properties {
		if !written[name] {
			wrong = append(wrong, fmt.Sprintf("%s has %q, which %s does not", where, name, typ))
		}
	}
	return wrong
}

// fields are those of an object; of each, all that schemas say of it.
type fields struct {
	properties map[string][]any
	required   []string
}

// fieldsOf gathers what a schema and those that it is made of say of an object.
func (d *Description) fieldsOf(schema any) fields {
	f := fields{properties: map[string][]any{}}
	d.gather(schema, &f)
	return f
}

func (d *Description) gather(v any, into *fields) {
	schema, _ := d.resolve(v, "")
	for name, p := range object(schema["properties"]) {
		into.properties[name] = append(into.properties[name], p)
	}
	for _, name := range list(schema["required"]) {
		into.required = append(into.required, name.(string))
	}
	for _, part := range slices.Concat(list(schema["allOf"]), list(schema["anyOf"])) {
		d.gather(part, into)
	}
	if items, ok := schema["items"]; ok {
		d.gather(items, into)
	}
}

func element(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}
