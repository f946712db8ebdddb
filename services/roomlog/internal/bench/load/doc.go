// Package load is the generator of `roomlog bench`: clients that send, page and
// follow, and how long that takes them.
//
// Sends and pages are a closed loop: a client sends its next request when the last
// was answered, so the rate is what the service makes of so many clients. Delivery
// is an open loop: messages have the times at which they are due, and their latency
// counts from there, whether or not the service, or a connection, was ready for
// them then: a queue counts (no coordinated omission).
//
// It knows services by their HTTP: requests
// are the same bytes for all of them.
package load
