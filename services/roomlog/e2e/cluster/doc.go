// Package cluster holds the tests of roomlog as production runs it: two chat and
// three projector processes on three real Kafka brokers and PostgreSQL, under
// load, while one part after the other is added, stopped, killed, frozen and
// brought back. The rules are those of package checker; the tests are in
// TestCluster, whose subtests share one cluster and may be run alone:
//
//	go test -v -run 'TestCluster/ReadYourWrites' ./services/roomlog/e2e/cluster
//
// Environment:
//
//	CLUSTER_WRITERS    clients of the load; 24
//	CLUSTER_ACKS       least number of acknowledgements around each fault; 300
//	CLUSTER_ROUNDS     how often each fault is repeated; 1
//	CLUSTER_HISTORIES  random histories; 2 (make test), 30 (make soak)
//	CLUSTER_HISTORY    plays one that failed, which is its name
//	CLUSTER_SEED       repeats the choices of an earlier run, which prints it
//	RYW_TRIES          writes that are read on the other replica; 2000
package cluster
