// Package reference reads the API's description with the examples in it, and
// writes docs/api from it. An example stands with the answer that it shows, and has
// beside it, as x-request, the request that is answered so; a test of the service
// sends them all.
package reference

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document is what is read of an OpenAPI description.
type Document struct {
	Info struct {
		Title       string `yaml:"title"`
		Description string `yaml:"description"`
	} `yaml:"info"`
	Tags []struct {
		Name        string `yaml:"name"`
		Description string `yaml:"description"`
	} `yaml:"tags"`
	Paths      Map[Item] `yaml:"paths"`
	Webhooks   Map[Item] `yaml:"webhooks"`
	Components struct {
		SecuritySchemes Map[struct {
			Name        string `yaml:"name"`
			Description string `yaml:"description"`
		}] `yaml:"securitySchemes"`
		Headers    Map[Header]    `yaml:"headers"`
		Parameters Map[Parameter] `yaml:"parameters"`
		Responses  Map[Response]  `yaml:"responses"`
		Schemas    Map[Schema]    `yaml:"schemas"`
	} `yaml:"components"`
}

// Item is a path and its operations.
type Item struct {
	Parameters []Parameter `yaml:"parameters"`
	Get        *Operation  `yaml:"get"`
	Put        *Operation  `yaml:"put"`
	Post       *Operation  `yaml:"post"`
	Patch      *Operation  `yaml:"patch"`
	Delete     *Operation  `yaml:"delete"`
}

// Operation is what one method of a path does.
type Operation struct {
	Method      string        `yaml:"-"`
	Path        string        `yaml:"-"`
	Tags        []string      `yaml:"tags"`
	Summary     string        `yaml:"summary"`
	Description string        `yaml:"description"`
	Parameters  []Parameter   `yaml:"parameters"` // those of the path first
	Body        Body          `yaml:"requestBody"`
	Responses   Map[Response] `yaml:"responses"` // by status
}

// Route names the operation.
func (o *Operation) Route() string { return o.Method + " " + o.Path }

// Is says whether a request is one of the operation's.
func (o *Operation) Is(method, path string) bool {
	path, _, _ = strings.Cut(path, "?")
	want, got := strings.Split(o.Path, "/"), strings.Split(path, "/")
	if method != o.Method || len(got) != len(want) {
		return false
	}
	for i, part := range want {
		if !strings.HasPrefix(part, "{") && part != got[i] {
			return false
		}
	}
	return true
}

// Parameter of a path, a query or a header.
type Parameter struct {
	Ref         string    `yaml:"$ref"`
	Name        string    `yaml:"name"`
	In          string    `yaml:"in"`
	Required    bool      `yaml:"required"`
	Description string    `yaml:"description"`
	Schema      Schema    `yaml:"schema"`
	Example     yaml.Node `yaml:"example"`
}

// Body is what a request carries.
type Body struct {
	Required bool       `yaml:"required"`
	Content  Map[Media] `yaml:"content"`
}

// Examples gives the example bodies by their names; one that stands alone has none.
func (b Body) Examples() (all Map[Example]) {
	for _, m := range b.Content {
		if !m.Value.Example.IsZero() {
			all = append(all, Entry[Example]{Value: Example{Value: m.Value.Example}})
		}
		all = append(all, m.Value.Examples...)
	}
	return all
}

// Response is an answer of one status.
type Response struct {
	Ref         string      `yaml:"$ref"`
	Description string      `yaml:"description"`
	Headers     Map[Header] `yaml:"headers"`
	Content     Map[Media]  `yaml:"content"`
	Request     *Request    `yaml:"x-request"` // of an answer without content
}

// IsProblem says whether something is refused with it.
func (r Response) IsProblem() bool {
	_, ok := r.Content.Get("application/problem+json")
	return ok
}

// Header of an answer.
type Header struct {
	Ref         string    `yaml:"$ref"`
	Description string    `yaml:"description"`
	Schema      Schema    `yaml:"schema"`
	Example     yaml.Node `yaml:"example"`
}

// Media is content of one type.
type Media struct {
	Schema   Schema       `yaml:"schema"`
	Example  yaml.Node    `yaml:"example"`
	Examples Map[Example] `yaml:"examples"`
}

// Schema is the form of a value.
type Schema struct {
	Ref         string      `yaml:"$ref"`
	Type        any         `yaml:"type"` // a string, or several
	Format      string      `yaml:"format"`
	Description string      `yaml:"description"`
	Enum        []string    `yaml:"enum"`
	Pattern     string      `yaml:"pattern"`
	Minimum     *int64      `yaml:"minimum"`
	Maximum     *int64      `yaml:"maximum"`
	MinLength   *int        `yaml:"minLength"`
	MaxLength   *int        `yaml:"maxLength"`
	MaxItems    *int        `yaml:"maxItems"`
	Default     any         `yaml:"default"`
	Required    []string    `yaml:"required"`
	Properties  Map[Schema] `yaml:"properties"`
	Items       *Schema     `yaml:"items"`
	AllOf       []Schema    `yaml:"allOf"`
	AnyOf       []Schema    `yaml:"anyOf"`
}

// Parse reads a description. References to parameters, responses and headers are
// followed; Ref still says where they led. Those to schemas stand.
func Parse(description []byte) (*Document, error) {
	d := &Document{}
	if err := yaml.Unmarshal(description, d); err != nil {
		return nil, fmt.Errorf("read the description: %w", err)
	}
	for i := range d.Components.Responses {
		d.headers(&d.Components.Responses[i].Value)
	}
	for _, op := range append(d.Operations(), d.Hooks()...) {
		for i, p := range op.Parameters {
			if p.Ref != "" {
				op.Parameters[i], _ = d.Components.Parameters.Get(last(p.Ref))
				op.Parameters[i].Ref = p.Ref
			}
		}
		for i := range op.Responses {
			r := &op.Responses[i].Value
			if ref := r.Ref; ref != "" {
				*r, _ = d.Components.Responses.Get(last(ref))
				r.Ref = ref
			}
			d.headers(r)
		}
	}
	return d, nil
}

func (d *Document) headers(r *Response) {
	for i, h := range r.Headers {
		if ref := h.Value.Ref; ref != "" {
			r.Headers[i].Value, _ = d.Components.Headers.Get(last(ref))
			r.Headers[i].Value.Ref = ref
		}
	}
}

// Operations gives all routes, in the order of the description.
func (d *Document) Operations() []*Operation { return d.operations(d.Paths) }

// Hooks gives what the API asks of others.
func (d *Document) Hooks() []*Operation { return d.operations(d.Webhooks) }

// Responses gives all answers: those of the components, and the operations' own.
func (d *Document) Responses() (all []Response) {
	for _, r := range d.Components.Responses {
		all = append(all, r.Value)
	}
	for _, op := range d.Operations() {
		for _, r := range op.Responses {
			if r.Value.Ref == "" {
				all = append(all, r.Value)
			}
		}
	}
	return all
}

// StatusOf gives the status under which operations have an answer of the components.
func (d *Document) StatusOf(response string) string {
	for _, op := range d.Operations() {
		for _, r := range op.Responses {
			if last(r.Value.Ref) == response {
				return r.Name
			}
		}
	}
	return "405" // no operation has the answer to a method that there is not
}

func (d *Document) operations(items Map[Item]) (all []*Operation) {
	for i := range items {
		item := &items[i].Value
		for _, o := range []struct {
			method string
			*Operation
		}{{"GET", item.Get}, {"PUT", item.Put}, {"POST", item.Post}, {"PATCH", item.Patch}, {"DELETE", item.Delete}} {
			if o.Operation == nil {
				continue
			}
			if o.Method == "" {
				o.Method, o.Path = o.method, items[i].Name
				o.Parameters = slices.Concat(item.Parameters, o.Parameters)
			}
			all = append(all, o.Operation)
		}
	}
	return all
}

// last is the name that a reference ends with.
func last(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }
