// Package modelcheck holds the API against two descriptions of what it should do.
//
// TestModel sends random histories of commands of several people at once through
// the API, the log, the fold and the tables, and compares every verdict, and in the
// end everything that each person can read, with a model: lists that are searched
// from the beginning for each question, written from the API's description and without
// the packages that it checks. The log says in which order commands count; the
// model takes them in that order. All is done in two tenants at once, in which the same
// people have rooms of the same names, and everybody follows what is theirs meanwhile, by
// a stream that is cut off and goes on: what they were told is compared, too.
//
// TestLinearizable has clients of two replicas race for memberships and idempotency
// keys, and searches an order of their calls that explains all answers.
package modelcheck
