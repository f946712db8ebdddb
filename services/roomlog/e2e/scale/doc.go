// Package scale measures how fast projectors fold into PostgreSQL: how that grows
// with projectors and partitions when round trips are slow, and how near it comes
// to COPY. Real projector processes, a real PostgreSQL, the embedded broker as the
// log. Nothing here passes or fails by time: ratios are printed.
//
//	make bench-scale
//
// Environment:
//
//	SCALE_EVENTS     messages that are folded, and copied; 200000
//	SCALE_BATCH      --max-batch of the projectors on slow round trips; 10
//	SCALE_GROWTH     how many events the tables grow to; 1000000
package scale
