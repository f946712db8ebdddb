// Package kafka owns how roomlog wants its Kafka brokers to be set, for every
// kind of deployment: the cluster that people and tests start on one machine
// (package cluster writes [Settings] into each server.properties) and
// compose.yaml, which a test compares with the same map. It also carries the
// Maven project that the machine-local cluster is fetched with.
//
// It imports the standard library only and starts nothing.
package kafka

import (
	_ "embed"
	"strconv"
)

// POM is the Maven project that names the versions of Apache Kafka and
// PostgreSQL and brings them from Maven Central.
//
//go:embed pom.xml
var POM []byte

// SessionTimeoutMillis is how long a broker may be silent before the
// controller fences it and moves its partitions. With acks=all every sender
// waits that long for a dead broker (decision 23 of the design), so it is a
// third of Kafka's 9000.
const SessionTimeoutMillis = 3000

// Settings returns what matters to roomlog in the server.properties of a
// cluster of that many brokers (1 or 3): durability, the time that a dead
// broker costs, and Kafka's own internal topics. What is a matter of place
// (node ids, listeners, directories) is not in it, nor is anything that
// belongs to a topic: roomlog creates its topics with their settings.
func Settings(brokers int) map[string]string {
	replicas, inSync := brokers, max(1, brokers-1)
	return map[string]string{
		// A typo in a topic's name must be an error, not a topic with one partition.
		"auto.create.topics.enable": "false",

		// An acknowledged event is on two brokers at least, and only a broker that has it may lead.
		"default.replication.factor":     strconv.Itoa(replicas),
		"min.insync.replicas":            strconv.Itoa(inSync),
		"unclean.leader.election.enable": "false",

		// The same for Kafka's own topics, whose defaults ask for three brokers.
		// A handful of groups needs no 50 partitions.
		"offsets.topic.replication.factor":                 strconv.Itoa(replicas),
		"offsets.topic.num.partitions":                     "10",
		"transaction.state.log.replication.factor":         strconv.Itoa(replicas),
		"transaction.state.log.min.isr":                    strconv.Itoa(inSync),
		"transaction.state.log.num.partitions":             "10",
		"share.coordinator.state.topic.replication.factor": strconv.Itoa(replicas),
		"share.coordinator.state.topic.min.isr":            strconv.Itoa(inSync),
		"share.coordinator.state.topic.num.partitions":     "10",

		// A dead broker: fenced after the session timeout. Where it was the active
		// controller too, a new one must be elected first; that takes the quorum's fetch
		// timeout and an election, before the new one counts the session timeout from zero.
		"broker.session.timeout.ms":                 strconv.Itoa(SessionTimeoutMillis),
		"broker.heartbeat.interval.ms":              "500",
		"controller.quorum.fetch.timeout.ms":        "1000",
		"controller.quorum.election.timeout.ms":     "500",
		"controller.quorum.election.backoff.max.ms": "500",

		// A group's first member waits for no others: the projector claims and seeks on
		// every assignment anyway. And a group may choose to notice a dead member in 2 s.
		"group.initial.rebalance.delay.ms": "0",
		"group.min.session.timeout.ms":     "2000",
	}
}
