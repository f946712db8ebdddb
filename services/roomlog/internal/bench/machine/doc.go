// Package machine is what `roomlog bench` knows of the machine that it runs on:
// which processes run on which processor, what they use of it and of the memory,
// and how fast the disk is.
//
// Most of it is Linux's. Elsewhere nothing is pinned and nothing of other processes
// is counted; [Pinning] says so, and so does the report.
package machine
