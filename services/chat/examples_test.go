package chat_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/roomlog/roomlog/services/chat/api"
	"github.com/roomlog/roomlog/services/chat/internal/chattest"
	"github.com/roomlog/roomlog/services/chat/internal/reference"
)

// Every example of the description is sent to a running API and is answered as it
// says: with the status under which it stands, all headers that are described there,
// and the value that it shows. Every route, every answer that is a route's own, every
// code of a problem and every header has an example. With -update the values that
// differ are written into the description.
func TestExamples(t *testing.T) {
	doc, err := reference.Parse(api.YAML)
	if err != nil {
		t.Fatal(err)
	}
	x := &examples{w: chattest.Start(t), sent: map[string]bool{}}
	for _, op := range doc.Operations() {
		for _, r := range op.Responses {
			if r.Value.Ref != "" {
				continue // it has its examples where it is described
			}
			x.answers(t, op, r.Name, r.Value)
		}
		for _, b := range op.Body.Examples() {
			if !x.sent[op.Route()+" body "+b.Name] {
				t.Errorf("%s: the example %q of a body was not sent", op.Route(), b.Name)
			}
		}
	}
	for _, r := range doc.Components.Responses {
		x.answers(t, nil, doc.StatusOf(r.Name), r.Value)
	}
	for _, op := range doc.Operations() {
		x.headersSent(t, op)
	}
	for _, h := range doc.Components.Headers {
		if h.Value.Example.IsZero() {
			t.Errorf("the header %s has no example", h.Name)
		}
	}
	for _, s := range doc.Components.SecuritySchemes {
		if s.Value.Name != "" && !x.sent[s.Value.Name] {
			t.Errorf("no example sends %s", s.Value.Name)
		}
	}
	if len(x.values) > 0 && *update {
		write(t, x.values)
	}
}

// examples sends examples.
type examples struct {
	w      *chattest.World
	last   *stage
	stages int
	// sent has the headers and the bodies that were sent.
	sent map[string]bool
	// seen has the headers with which the examples of an answer were answered.
	seen   map[string]bool
	values []value
}

// answers sends the examples of one answer: of an operation, or where that is nil of
// any.
func (x *examples) answers(t *testing.T, op *reference.Operation, status string, r reference.Response) {
	t.Helper()
	name := status
	if op != nil {
		name = op.Route() + " " + status
	}
	x.seen = map[string]bool{}
	defer func() {
		for _, h := range r.Headers {
			if !x.seen[http.CanonicalHeaderKey(h.Name)] {
				t.Errorf("%s: no example is answered with %s", name, h.Name)
			}
		}
	}()
	if r.Request != nil {
		t.Run(name, func(t *testing.T) { x.example(t, op, status, r, reference.Entry[reference.Example]{}, r.Request) })
		return
	}
	n := 0
	for _, m := range r.Content {
		if m.Name == "application/merge-patch+json" {
			continue
		}
		if len(m.Value.Examples) == 0 {
			t.Errorf("%s has no example of %s", name, m.Name)
		}
		for _, e := range m.Value.Examples {
			n++
			if e.Value.Request == nil {
				t.Errorf("%s: nothing says what is answered with %s", name, e.Name)
				continue
			}
			t.Run(strings.TrimSpace(name+" "+e.Name), func(t *testing.T) { x.example(t, op, status, r, e, e.Value.Request) })
		}
	}
	if n == 0 {
		t.Errorf("%s has no example", name)
	}
	for _, code := range codesIn(r) {
		if !slices.ContainsFunc(r.Content, func(m reference.Entry[reference.Media]) bool {
			_, ok := m.Value.Examples.Get(code)
			return ok
		}) {
			t.Errorf("the code %s has no example", code)
		}
	}
}

// The operator's hook is asked as the example says, and each answer that is an
// example has its effect.
func TestHookExamples(t *testing.T) {
	doc, err := reference.Parse(api.YAML)
	if err != nil {
		t.Fatal(err)
	}
	hook := doc.Hooks()[0]
	asked, _ := hook.Body.Content.Get("application/json")
	answers, _ := hook.Responses.Get("200")
	shown, _ := answers.Content.Get("application/json")
	for _, e := range shown.Examples {
		s := startHook(t)
		_, alice := lobby(t, s.use("refuse"))
		s.says(http.StatusOK, encode(t, e.Value.Value))
		a := alice.Post(messages, `{"text":"Hello"}`, chattest.Wait)
		if got, want := stable(string(s.last.Load().([]byte))), stable(encode(t, asked.Example)); got != want {
			t.Errorf("the hook is asked\n%s\nnot\n%s", got, want)
		}
		var said struct{ Action, Reason, Text string }
		if err := e.Value.Value.Decode(&said); err != nil {
			t.Fatal(err)
		}
		switch said.Action {
		case "allow":
			said.Text = "Hello"
			fallthrough
		case "replace":
			if text := a.Is(http.StatusCreated).Text("text"); text != said.Text {
				t.Errorf("%s: the text is %q", e.Name, text)
			}
		case "refuse":
			if detail := a.Problem(http.StatusForbidden, "refused_by_hook").Text("detail"); detail != said.Reason {
				t.Errorf("%s: the reason is %q", e.Name, detail)
			}
		default:
			t.Errorf("%s: the hook says %q", e.Name, said.Action)
		}
	}
	if len(shown.Examples) != 3 {
		t.Errorf("%d examples of answers", len(shown.Examples))
	}
}

var code = regexp.MustCompile("`([a-z0-9]+(?:_[a-z0-9]+)+|internal|banned|forbidden|expired|discarded)`")

// codesIn gives the codes that the description of an answer names.
func codesIn(r reference.Response) (codes []string) {
	if r.IsProblem() {
		for _, m := range code.FindAllStringSubmatch(r.Description, -1) {
			codes = append(codes, m[1])
		}
	}
	return codes
}

// example sends one, and compares what comes back.
func (x *examples) example(t *testing.T, op *reference.Operation, status string, r reference.Response, e reference.Entry[reference.Example], rq *reference.Request) {
	at := x.stage(t, rq)
	method, path, _ := strings.Cut(at.fill(rq.Send), " ")
	if op != nil && !op.Is(method, path) {
		t.Errorf("%s is no example of %s", rq.Send, op.Route())
	}
	a := at.send(t, method, path, x.body(t, op, e.Name, rq), x.headers(at, rq), status)
	if fmt.Sprint(a.Status) != status || r.IsProblem() && a.Field("code") != e.Name {
		t.Fatalf("%s is answered %d: %s", rq.Send, a.Status, a.Body)
	}
	for name := range a.Header {
		x.seen[name] = true
	}
	x.note(op, rq)
	if e.Value.Request == nil {
		return
	}
	shown := e.Value.Value
	got, said := strings.ReplaceAll(string(a.Body), `"`+string(at.tenant)+`"`, `"main"`), encode(t, shown)
	if want := stable(said); want != stable(got) {
		x.values = append(x.values, value{shown, got})
		if !*update {
			t.Errorf("%s:%d (go test -run TestExamples -update writes it)\n got %s\nwant %s", described, shown.Line, stable(got), want)
		}
	}
}

// body gives what a request carries, and remembers it.
func (x *examples) body(t *testing.T, op *reference.Operation, name string, rq *reference.Request) any {
	t.Helper()
	name, body := rq.BodyOf(op, name)
	if body.IsZero() {
		return nil
	}
	if op != nil {
		x.sent[op.Route()+" body "+name] = true
	}
	return encode(t, body)
}

func (x *examples) headers(at *stage, rq *reference.Request) []header {
	hs := []header{h("X-Request-Id", "0197a1b2-7c00-7e5f-9d3a-2a7c6d0c1f00")}
	switch {
	case rq.Token == nil:
		hs = append(hs, bearer(at.token(map[string]any{"sub": "alice"})))
	case len(rq.Token) > 0:
		hs = append(hs, bearer(at.token(rq.Token)))
	default:
		hs = append(hs, h("Authorization", "-"))
	}
	for name, v := range rq.Headers {
		hs = append(hs, h(name, at.fill(v)))
	}
	return hs
}

// note remembers the headers of a request, those of all operations by their name.
func (x *examples) note(op *reference.Operation, rq *reference.Request) {
	for name := range rq.Headers {
		x.sent[name] = true
		if op != nil {
			x.sent[op.Route()+" "+name] = true
		}
	}
}

// headersSent wants an example for the headers that are this operation's alone.
func (x *examples) headersSent(t *testing.T, op *reference.Operation) {
	for _, p := range op.Parameters {
		if p.In == "header" && (p.Ref != "" && !x.sent[p.Name] || p.Ref == "" && !x.sent[op.Route()+" "+p.Name]) {
			t.Errorf("%s: no example sends %s", op.Route(), p.Name)
		}
	}
}
