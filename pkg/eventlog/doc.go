// Package eventlog is the log: it publishes events and reads them, on any broker
// that speaks the Kafka protocol.
//
//   - [Client] creates topics and says how a log is laid out and how long it is.
//   - [Publisher] appends events and says where they stand. It is Watermill's
//     publisher underneath.
//   - [Reader] reads one partition, from any offset.
//   - [Source] shares the partitions of a log among the members of a consumer
//     group, a [Reader] each.
//   - [Subscriber] and [NewWatermillPublisher] are Watermill's interfaces, for
//     consumers that want no more than at-least-once delivery.
//
// # Order and durability
//
// Events of one key stand in one partition, in the order in which Publish was
// called for them, one after the other. There is no order between partitions. A
// Reader gives what the broker calls durable and nothing else: on Kafka what all
// in-sync replicas have, on the embedded broker what is fsynced.
//
// No consumer here ever moves to another offset by itself. An offset that the log
// does not have is [ErrOffsetOutOfRange], and a topic that was deleted and made
// anew is [ErrTopicReplaced].
//
// # Concurrency
//
// Client, Publisher, Source and Subscriber are safe for concurrent use; a Reader
// is not.
package eventlog
