// Package bench is `roomlog bench`: it starts roomlog and its rivals on this machine,
// one after the other, puts the same load on each, and says what came of it.
//
// A turn is one system's: it is started on empty tables, measured, asked whether it
// has what it acknowledged, and stopped, before the next one is. Nothing that is not
// measured runs meanwhile. Systems take turns, so that what the machine does besides
// meets all of them. Service, database and brokers have one processor, the generator
// another (packages machine and load).
//
// What is measured goes into a file, a line of JSON each, as soon as it is known;
// package report makes tables, charts and docs/performance.md of such a file, and of
// nothing else.
package bench
