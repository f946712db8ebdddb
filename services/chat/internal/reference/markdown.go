package reference

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const generated = "<!-- Written by go generate from services/chat/api/openapi.yaml. -->\n\n"

// Pages gives the reference by the names of its files: what holds for all routes,
// one page for each group of them, the problems and the objects.
func (d *Document) Pages() (map[string]string, error) {
	w := &writer{doc: d}
	pages := map[string]string{"conventions.gen.md": w.conventions(), "problems.gen.md": w.problems(), "objects.gen.md": w.objects()}
	for _, tag := range d.Tags {
		pages[page(tag.Name)] = w.group(tag.Name, tag.Description)
	}
	return pages, w.err
}

// page is the file of a group of routes.
func page(tag string) string { return strings.ReplaceAll(tag, " ", "-") + ".gen.md" }

// writer writes pages; it keeps the first error.
type writer struct {
	doc *Document
	bytes.Buffer
	err error
}

func (w *writer) f(format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) } // a buffer takes it all

// take gives what was written and begins anew.
func (w *writer) take() string {
	s := generated + strings.TrimSpace(w.String()) + "\n"
	w.Reset()
	return s
}

func (w *writer) conventions() string {
	w.f("# What holds for all routes\n\n%s\n## Routes\n\n| | |\n| --- | --- |\n", w.doc.Info.Description)
	for _, tag := range w.doc.Tags {
		for _, op := range w.doc.tagged(tag.Name) {
			w.f("| `%s` | [%s](%s#%s) |\n", op.Route(), op.Summary, page(tag.Name), anchor(op.Summary))
		}
	}
	w.f("\n## Headers of requests\n\n| | |\n| --- | --- |\n")
	for _, s := range w.doc.Components.SecuritySchemes {
		name := s.Value.Name
		if name == "" {
			name = "Authorization: Bearer"
		}
		w.f("| `%s` | %s |\n", name, cell(s.Value.Description))
	}
	for _, p := range w.doc.Components.Parameters {
		if p.Value.In == "header" {
			w.header(p.Value.Name, p.Value.Example.Value, p.Value.Description)
		}
	}
	w.f("\n## Headers of answers\n\n| | |\n| --- | --- |\n")
	seen := map[string]bool{}
	for _, r := range w.doc.Responses() {
		for _, h := range r.Headers {
			if !seen[h.Name+h.Value.Description] {
				seen[h.Name+h.Value.Description] = true
				w.header(h.Name, h.Value.Example.Value, h.Value.Description)
			}
		}
	}
	return w.take()
}

func (w *writer) header(name, example, description string) {
	if example != "" {
		name += ": " + example
	}
	w.f("| `%s` | %s |\n", name, cell(description))
}

func (w *writer) group(tag, description string) string {
	w.f("# %s\n\n", strings.ToUpper(tag[:1])+tag[1:])
	if description != "" {
		w.f("%s.\n\n", description)
	}
	w.f("See also [what holds for all routes](conventions.gen.md), the [problems](problems.gen.md) and the [objects](objects.gen.md).\n\n")
	ops := w.doc.tagged(tag)
	for _, op := range ops {
		w.f("- [%s](#%s)\n", op.Summary, anchor(op.Summary))
	}
	for _, op := range ops {
		w.operation(op)
	}
	return w.take()
}

func (d *Document) tagged(tag string) []*Operation {
	return slices.DeleteFunc(slices.Concat(d.Operations(), d.Hooks()), func(op *Operation) bool { return !slices.Contains(op.Tags, tag) })
}

func (w *writer) operation(op *Operation) {
	w.f("\n## %s\n\n`%s`\n\n", op.Summary, op.Route())
	if op.Description != "" {
		w.f("%s\n\n", strings.TrimSpace(op.Description))
	}
	if len(op.Parameters) > 0 {
		w.f("| parameter | in | | |\n| --- | --- | --- | --- |\n")
		for _, p := range op.Parameters {
			w.f("| `%s` | %s | %s | %s |\n", p.Name, p.In, w.form(p.Schema), cell(p.Description))
		}
		w.f("\n")
	}
	if len(op.Body.Content) > 0 {
		m := op.Body.Content[0].Value
		w.f("The body is: %s.\n\n", w.form(m.Schema))
		if !m.Example.IsZero() && !strings.HasPrefix(op.Path, "/") { // of the routes it stands with the answer
			w.f("```\n%s\n```\n\n", w.json(m.Example))
		}
	}
	w.f("| answer | | body |\n| --- | --- | --- |\n")
	var refusals []string
	for _, r := range op.Responses {
		if r.Value.IsProblem() {
			refusals = append(refusals, fmt.Sprintf("[%s](problems.gen.md#%s)", r.Name, anchor(title(r.Name))))
			continue
		}
		body := ""
		if m, ok := r.Value.Content.Get("application/json"); ok {
			body = w.form(m.Schema)
		}
		w.f("| %s | %s | %s |\n", r.Name, cell(r.Value.Description), body)
	}
	if len(refusals) > 0 {
		w.f("\nProblems: %s.\n", strings.Join(refusals, ", "))
	}
	for _, r := range op.Responses {
		if r.Value.Ref != "" {
			continue
		}
		if r.Value.Request != nil {
			w.example(op, r.Name, "", Example{Request: r.Value.Request})
		}
		for _, m := range r.Value.Content {
			for _, e := range m.Value.Examples {
				w.example(op, r.Name, e.Name, e.Value)
			}
		}
	}
}

// example writes a request as it is sent, and what is answered.
func (w *writer) example(op *Operation, status, name string, e Example) {
	rq := e.Request
	if rq == nil { // an answer of the operator's hook
		w.f("\n```\n%s\n```\n", w.json(e.Value))
		return
	}
	w.f("\n%s:\n\n```\n%s\n", rq.circumstances(), rq.Send)
	for _, h := range slices.Sorted(maps.Keys(rq.Headers)) {
		w.f("%s: %s\n", h, rq.Headers[h])
	}
	if _, body := rq.BodyOf(op, name); !body.IsZero() {
		w.f("\n%s\n", w.json(body))
	}
	w.f("\n→ %s\n", title(status))
	if !e.Value.IsZero() {
		w.f("%s\n", strings.TrimSpace(w.json(e.Value)))
	}
	w.f("```\n")
}

// circumstances says who sends a request, and what else matters.
func (rq *Request) circumstances() string {
	who := "alice"
	if rq.Token != nil {
		who = "somebody without a token"
	}
	if sub, ok := rq.Token["sub"]; ok {
		who = fmt.Sprint(sub)
	}
	if scope, ok := rq.Token["scope"]; ok {
		who += fmt.Sprintf(", with a token for `%s`", scope)
	}
	if _, ok := rq.Token["exp"]; ok {
		who += ", with a token that has expired"
	}
	if rq.Given != "" {
		who += ", where " + rq.Given
	}
	return "By " + who
}

// problems writes a page with a part for each status.
func (w *writer) problems() string {
	w.f("# Problems\n\nWhat is refused is answered as RFC 9457 has it, with a `code` that stays. Where it is `retryable` the same request may succeed later.\n")
	for _, r := range w.doc.Components.Responses {
		if !r.Value.IsProblem() {
			continue
		}
		status := w.doc.StatusOf(r.Name)
		w.f("\n## %s\n\n%s\n", title(status), strings.TrimSpace(r.Value.Description))
		for _, e := range r.Value.Content[0].Value.Examples {
			w.f("\n### %s\n", e.Name)
			w.example(nil, status, e.Name, e.Value)
		}
	}
	return w.take()
}

// objects writes a page with all schemas.
func (w *writer) objects() string {
	w.f("# Objects\n\nWhat is in bold is always there, or has to be.\n")
	for _, s := range w.doc.Components.Schemas {
		w.f("\n## %s\n\n", s.Name)
		if s.Value.Description != "" {
			w.f("%s\n\n", strings.TrimSpace(s.Value.Description))
		}
		fields, required := w.fields(s.Value)
		if len(fields) == 0 {
			w.f("%s\n", w.form(s.Value))
			continue
		}
		w.f("| | | |\n| --- | --- | --- |\n")
		for _, p := range fields {
			name := "`" + p.Name + "`"
			if slices.Contains(required, p.Name) {
				name = "**" + name + "**"
			}
			w.f("| %s | %s | %s |\n", name, w.form(p.Value), cell(p.Value.Description))
		}
	}
	return w.take()
}

// json writes a value in one line, text as it is.
func (w *writer) json(n yaml.Node) string {
	s, err := JSON(n)
	if err != nil && w.err == nil {
		w.err = err
	}
	return s
}

// title is a status in words.
func title(status string) string {
	code, _ := strconv.Atoi(status)
	return strings.TrimSpace(status + " " + http.StatusText(code))
}

// cell makes text one that fits into a table.
func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`)
}

// anchor is what a heading is linked by.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
			return r
		}
		return -1
	}, strings.ToLower(heading))
}
