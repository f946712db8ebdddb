// Package modelcheck holds the API against two descriptions of what it should do.
//
// TestModel sends random histories of commands of several people at once through
// the API, the log, the fold and the tables, and compares every verdict, and in the
// end everything that each person can read, with a model: lists that are searched
// from the beginning for each question, written from the API's description and without
// the packages that it checks. The log says in which order commands count; the
// model takes them in that order.
//
// TestLinearizable has clients of two replicas race for memberships and idempotency
// keys, and searches an order of their calls that explains all answers.
package modelcheck
