// Package fuzz has schemathesis send requests that it makes of the API's
// description (services/chat/api/openapi.yaml), good ones and bad ones, to a
// running roomlog, and hold the answers against it: no 5xx, and none that is not
// described. How is in schemathesis.toml and hooks.py.
//
//	make fuzz-api
//
// Environment:
//
//	SCHEMATHESIS   the program; without it there is nothing to run
//	FUZZ_REQUESTS  how many requests there must be in all; 20,000
//	FUZZ_EXAMPLES  how many of them it makes up for each operation and caller, beside those that the description gives; 60
//	FUZZ_SEED      repeats an earlier run, which prints it
package fuzz
