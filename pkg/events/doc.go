// Package events is roomlog's contract: what stands in the log and how it is
// written there.
//
// An [Event] is an immutable fact about one room. On the wire it is a
// CloudEvents 1.0 event in Kafka's binary content mode ([Encode], [Decode]):
// the attributes are record headers, the record key is "tenant/room", the value
// is {"facts": …, "content": …}. Facts are what the fold judges by; content
// (text, names, metadata) is carried and never read, so that it can be
// encrypted or erased without changing a verdict.
//
// The package owns the typed ids, the [Position] of an event in the log and the
// opaque token ([Vector]) that clients keep. It imports the standard library
// only, so that any program can depend on it.
package events
