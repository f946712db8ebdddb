package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The environment that names running servers to tests: package clustertest
// reads it, the program in cmd/cluster sets it.
const (
	// BrokersVariable names brokers, host:port separated by commas.
	BrokersVariable = "ROOMLOG_TEST_BROKERS"

	// PostgresVariable is the URL of a PostgreSQL, of a user who may create databases.
	PostgresVariable = "ROOMLOG_TEST_POSTGRES"
)

// Dir returns the cluster's directory.
func (c *Cluster) Dir() string { return c.dir }

// Brokers returns the host:port of every broker, running or not.
func (c *Cluster) Brokers() []string { return slices.Clone(c.state.Brokers) }

// Broker returns the i-th broker, counted from 0; its node id is i+1.
func (c *Cluster) Broker(i int) *Node { return c.brokers[i] }

// Postgres returns the database server, nil when the cluster has none.
func (c *Cluster) Postgres() *Node { return c.database }

// PostgresURL returns the superuser's URL of the server, "" when the cluster
// has none. It contains the password.
func (c *Cluster) PostgresURL() string { return c.state.Postgres }

// DatabaseURL returns the URL of a database of that name, whether it exists or not.
func (c *Cluster) DatabaseURL(name string) (string, error) {
	if c.database == nil {
		return "", errors.New("the cluster has no PostgreSQL")
	}
	return databaseURL(c.state.Postgres, name)
}

// CreateDatabase makes an empty database and returns its URL.
func (c *Cluster) CreateDatabase(ctx context.Context, name string) (string, error) {
	if c.database == nil {
		return "", errors.New("the cluster has no PostgreSQL")
	}
	return CreateDatabase(ctx, c.state.Postgres, name)
}

// Running reports whether all servers run.
func (c *Cluster) Running() bool {
	return !slices.ContainsFunc(c.nodes(), func(n *Node) bool { return !n.Running() })
}

// ActiveController returns the index of the broker that is the controllers'
// leader now: killing that one costs an election more than killing another.
func (c *Cluster) ActiveController(ctx context.Context) (int, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.state.Brokers...))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	partition := kmsg.NewDescribeQuorumRequestTopicPartition()
	topic := kmsg.NewDescribeQuorumRequestTopic()
	topic.Topic = "__cluster_metadata"
	topic.Partitions = append(topic.Partitions, partition)
	request := kmsg.NewPtrDescribeQuorumRequest()
	request.Topics = append(request.Topics, topic)
	answer, err := request.RequestWith(ctx, client)
	if err != nil {
		return 0, fmt.Errorf("ask for the active controller: %w", err)
	}
	if len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 1 || answer.Topics[0].Partitions[0].LeaderID < 1 {
		return 0, errors.New("ask for the active controller: there is none now")
	}
	return int(answer.Topics[0].Partitions[0].LeaderID) - 1, nil
}

// AwaitInSync waits until every replica of every partition is in sync: so long
// after a broker's return the next one may be killed without stopping the writers.
func (c *Cluster) AwaitInSync(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.state.Brokers...),
		kgo.MetadataMinAge(50*time.Millisecond)) // or the same answer serves for seconds
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	last := errors.New("not asked")
	err = poll(ctx, 100*time.Millisecond, func() (bool, error) {
		topics, err := admin.ListTopicsWithInternal(ctx)
		if err == nil {
			err = topics.Error()
		}
		if last = err; err == nil {
			last = behind(topics)
		}
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("wait for the replicas: %w (%w)", err, last)
	}
	return nil
}

// behind names a partition whose replicas are not all in sync.
func behind(topics kadm.TopicDetails) error {
	for _, topic := range topics.Sorted() {
		for _, partition := range topic.Partitions.Sorted() {
			if partition.Leader < 0 || len(partition.ISR) < len(partition.Replicas) {
				return fmt.Errorf("%s/%d: in sync %v of %v", partition.Topic, partition.Partition, partition.ISR, partition.Replicas)
			}
		}
	}
	return nil
}

// awaitRegistered waits until every broker knows every other.
func (c *Cluster) awaitRegistered(ctx context.Context) error {
	ids := make([]int32, len(c.brokers))
	for i := range ids {
		ids[i] = int32(i + 1)
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for _, broker := range c.state.Brokers {
		var last error
		if err := poll(ctx, 50*time.Millisecond, func() (bool, error) {
			last = registered(ctx, broker, ids...)
			return last == nil, nil
		}); err != nil {
			return fmt.Errorf("wait for all brokers: %w (%w)", err, last)
		}
	}
	return nil
}

// ensureDatabase makes the default database when it is not there.
func (c *Cluster) ensureDatabase(ctx context.Context) error {
	_, err := c.CreateDatabase(ctx, DefaultDatabase)
	var exists *pgconn.PgError
	if errors.As(err, &exists) && exists.Code == "42P04" { // duplicate_database
		return nil
	}
	return err
}

// Logs returns the end of what each server has printed, to be read when something failed.
func (c *Cluster) Logs() string {
	var text strings.Builder
	for _, node := range c.nodes() {
		fmt.Fprintf(&text, "== %s (%s)\n%s\n", node.Name(), node.LogFile(), node.logTail())
	}
	return text.String()
}
