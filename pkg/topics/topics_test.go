package topics_test

import (
	"compress/gzip"
	"context"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pb33f/jsonschema/v6"

	"github.com/roomlog/roomlog/pkg/decisions"
	"github.com/roomlog/roomlog/pkg/eventlog"
	"github.com/roomlog/roomlog/pkg/eventlog/embedded"
	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/timeline"
	"github.com/roomlog/roomlog/pkg/topics/topicstest"
)

// The document is what AsyncAPI's own schema says that it is. The schema is that of
// the npm package @asyncapi/specs 6.11.1 (Apache 2.0), schemas/3.0.0.json.
func TestDescriptionIsAsyncAPI(t *testing.T) {
	file, err := os.Open("testdata/asyncapi-3.0.0.schema.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	specification, err := jsonschema.UnmarshalJSON(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("specification.json", specification); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("specification.json")
	if err != nil {
		t.Fatal(err)
	}
	d := topicstest.Read(t)
	if err := schema.Validate(d.Document); err != nil {
		t.Error(err)
	}
	d.Document["channels"].(map[string]any)["events"].(map[string]any)["adress"] = "x"
	if err := schema.Validate(d.Document); err == nil {
		t.Error("the schema takes anything")
	}
}

func TestTopicsAreDescribed(t *testing.T) {
	want := []string{eventlog.EventsTopic(1), decisions.DefaultTopic, timeline.DefaultTopic, timeline.EphemeralTopic}
	slices.Sort(want)
	if got := topicstest.Read(t).Addresses(); !slices.Equal(got, want) {
		t.Errorf("described are %q, there are %q", got, want)
	}
}

// What a projector tells is read back from a broker.
func TestTimelineIsDescribed(t *testing.T) {
	d := topicstest.Read(t)
	d.CheckFields(t, "/components/schemas/Commit", reflect.TypeFor[timeline.Commit]())

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	broker, err := embedded.Start(ctx, embedded.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := broker.Close(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	}()
	cfg := eventlog.Config{Brokers: broker.Brokers(), Username: broker.Username(), Password: broker.Password()}
	layout, err := eventlog.EnsureTopic(ctx, cfg, eventlog.TopicSpec{Name: timeline.DefaultTopic, Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	key := readmodel.Key{Tenant: "main", Room: "lobby"}
	m, err := timeline.NewMessage(timeline.Commit{
		Projection: 1, Epoch: 1, Floor: 4, Next: 5, Decisions: 1,
		Events: []readmodel.EventRow{{
			Key: key, Seq: 1, ID: "e", Type: events.TypeMessagePosted, Version: 1, Sender: "alice", Offset: 4,
			Facts: `{"sender":"alice","kind":"text","text_bytes":2}`, Content: `{"text":"hi"}`,
		}},
		Blocked: []timeline.Block{{Key: key, Offset: 4}},
	})
	if err != nil {
		t.Fatal(err)
	}
	publisher, err := eventlog.NewWatermillPublisher(cfg, timeline.Key)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = publisher.Close() }()
	if err := publisher.Publish(timeline.DefaultTopic, m); err != nil {
		t.Fatal(err)
	}
	r := eventlog.NewReader(cfg, layout, 0)
	defer r.Close()
	records, err := r.Read(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Check(timeline.DefaultTopic, records[0].Message); err != nil {
		t.Error(err)
	}
	records[0].Headers = nil
	if err := d.Check(timeline.DefaultTopic, records[0].Message); err == nil {
		t.Error("any headers will do")
	}
}
