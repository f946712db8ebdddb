package reference

import (
	"fmt"
	"slices"
	"strings"
)

// fields gives the fields of an object, those of what it is made of among them, and
// the names of those that have to be there.
func (w *writer) fields(s Schema) (fields Map[Schema], required []string) {
	fields, required = slices.Clone(s.Properties), slices.Clone(s.Required)
	for _, part := range s.AllOf {
		if part.Ref != "" {
			part, _ = w.doc.Components.Schemas.Get(last(part.Ref))
		}
		f, r := w.fields(part)
		fields, required = append(fields, f...), append(required, r...)
	}
	return fields, required
}

// form says in a few words what may stand in the place of a schema.
func (w *writer) form(s Schema) string {
	var words []string
	add := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	switch {
	case s.Ref != "":
		name := last(s.Ref)
		add("[%s](objects.gen.md#%s)", name, anchor(name))
	case s.Items != nil:
		add("list of %s", w.form(*s.Items))
	case len(s.Enum) > 0:
		add("`%s`", strings.Join(s.Enum, "`, `"))
	case s.Format == "date-time":
		add("time")
	case s.Type != nil:
		add("%s", strings.Join(s.types(), " or "))
	}
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		add("%d to %d", *s.Minimum, *s.Maximum)
	case s.Minimum != nil:
		add("at least %d", *s.Minimum)
	}
	if s.MaxLength != nil {
		add("at most %d characters", *s.MaxLength)
	}
	if s.MaxItems != nil {
		add("at most %d", *s.MaxItems)
	}
	if s.Pattern != "" {
		add("`%s`", strings.ReplaceAll(s.Pattern, "|", `\|`))
	}
	if s.Default != nil {
		add("default `%v`", s.Default)
	}
	return strings.Join(words, ", ")
}

func (s Schema) types() (names []string) {
	several, ok := s.Type.([]any)
	if !ok {
		several = []any{s.Type}
	}
	for _, t := range several {
		names = append(names, fmt.Sprint(t))
	}
	return names
}
