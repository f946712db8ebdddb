// Package storetest is the suite that every store of the read model passes.
package storetest

import (
	"testing"

	"github.com/roomlog/roomlog/pkg/readmodel"
)

// Open gives a test an empty store of its own, which ends with the test. fault,
// where it is not nil, is the store's Fault hook.
type Open func(t testing.TB, fault func(statement string) error) readmodel.Store

// Run runs the suite.
func Run(t *testing.T, open Open) {
	for _, group := range []struct {
		name string
		run  func(*testing.T, Open)
	}{
		{"claim", testClaim},
		{"fence", testFence},
		{"rollback", testRollback},
		{"faults", testFaults},
		{"refused", testRefused},
		{"needs", testNeeds},
		{"rooms", testRooms},
		{"members", testMembers},
		{"events", testEvents},
		{"heads", testHeads},
		{"messages", testMessages},
		{"between", testBetween},
		{"sent at", testSentAt},
		{"edits", testEdits},
		{"pins", testPins},
		{"threads", testThreads},
		{"reactions", testReactions},
		{"mentions", testMentions},
		{"redactions", testRedactions},
		{"unread", testUnread},
		{"listed", testListed},
		{"many rooms", testManyRooms},
		{"visibility", testVisibility},
		{"revocations", testRevocations},
		{"outcomes", testOutcomes},
		{"aside", testAside},
		{"unpark", testUnpark},
		{"tenants", testTenants},
		{"text", testText},
		{"snapshot", testSnapshot},
		{"takeover", testTakeover},
		{"partitions", testPartitions},
		{"dump", testDump},
		{"cancelled", testCancelled},
		{"closed", testClosed},
	} {
		t.Run(group.name, func(t *testing.T) { group.run(t, open) })
	}
}
