package cluster_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/roomlog/roomlog/deployments/cluster"
	"github.com/roomlog/roomlog/deployments/cluster/clustertest"
	"github.com/roomlog/roomlog/deployments/kafka"
)

// A dead broker holds acks=all back until the controller has fenced it, and no
// longer; nothing that was acknowledged is lost; it comes back on its data.
// The worst one to lose is the active controller, so that one it is.
func TestBrokerKilledAndBack(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	c := clustertest.Start(t, cluster.Config{Brokers: 3})
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()...), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		// By default a client asks for the new leaders every few seconds only: that would be measured, not the brokers.
		kgo.MetadataMinAge(100*time.Millisecond), kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const topic, partitions = "events", 6
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(ctx, partitions, -1, nil, topic); err != nil {
		t.Fatal(err)
	}
	checkSettings(ctx, t, admin, topic)

	produce(ctx, t, client, topic, partitions, "before")
	victim, err := c.ActiveController(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Broker(victim).Kill(); err != nil {
		t.Fatal(err)
	}
	if c.Broker(victim).Running() || c.Running() {
		t.Fatal("a killed broker runs")
	}
	killed := time.Now()
	produce(ctx, t, client, topic, partitions, "dead")
	stall := time.Since(killed)
	t.Logf("stall after kill -9 of the active controller: %v", stall)
	if limit := kafka.SessionTimeoutMillis*time.Millisecond + 10*time.Second; stall > limit {
		t.Errorf("the writers stood still for %v, more than %v", stall, limit)
	}

	if err := c.Broker(victim).Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.AwaitInSync(ctx); err != nil {
		t.Fatal(err)
	}
	produce(ctx, t, client, topic, partitions, "back")

	reader, err := kgo.NewClient(kgo.SeedBrokers(c.Broker(victim).Address()), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	seen := map[string]int{}
	for len(seen) < 3*partitions {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatalf("after %d records: %v", len(seen), err)
		}
		fetches.EachRecord(func(r *kgo.Record) { seen[string(r.Value)]++ })
	}
	for value, times := range seen {
		if times != 1 {
			t.Errorf("%s was read %d times", value, times)
		}
	}
}

// checkSettings asks the brokers how they are set, and what a topic has by default.
func checkSettings(ctx context.Context, t *testing.T, admin *kadm.Client, topic string) {
	t.Helper()
	brokers, err := admin.DescribeBrokerConfigs(ctx, 1, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	topics, err := admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, broker := range brokers {
		got := valuesOf(broker)
		for key, want := range kafka.Settings(3) {
			if got[key] != want {
				t.Errorf("broker %s: %s is %q, want %q", broker.Name, key, got[key], want)
			}
		}
	}
	if got := valuesOf(topics[0]); got["min.insync.replicas"] != "2" || got["unclean.leader.election.enable"] != "false" {
		t.Errorf("a topic by default: %v", got)
	}
	details, err := admin.ListTopics(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	if replicas := details[topic].Partitions.NumReplicas(); replicas != 3 {
		t.Errorf("a topic has %d replicas by default, want 3", replicas)
	}
}

func valuesOf(resource kadm.ResourceConfig) map[string]string {
	values := map[string]string{}
	for _, config := range resource.Configs {
		values[config.Key] = config.MaybeValue()
	}
	return values
}

// produce writes one record to each partition and waits for all acknowledgements.
func produce(ctx context.Context, t *testing.T, client *kgo.Client, topic string, partitions int32, phase string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var records []*kgo.Record
	for partition := range partitions {
		records = append(records, &kgo.Record{Topic: topic, Partition: partition, Value: fmt.Appendf(nil, "%s-%d", phase, partition)})
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatalf("produce %s: %v", phase, err)
	}
}
