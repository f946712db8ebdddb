# roomlog. Two commands are all the set-up there is: make run, make test.

SHELL   := bash
MODULES := . bench clients/go services/chat services/projector services/roomlog
PKGS    := ./... ./bench/... ./clients/go/... ./services/chat/... ./services/projector/... ./services/roomlog/...
CLUSTER := go run ./deployments/cluster/cmd/cluster
TS      := clients/typescript
DATA    ?= data
FUZZTIME ?= 20s

.PHONY: help run build test test-with-cluster test-typescript fuzz fuzz-api fuzz-decoders soak rebuild crash bench bench-capacity bench-core bench-rooms bench-scale bench-streams lint fmt generate generated cluster cluster-down clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: build ## everything in one process, data in ./data, then an example to paste
	@bin/roomlog run --data $(DATA)

build: ## the three programs, in bin/
	@mkdir -p bin
	go build -o bin/ ./services/chat/cmd/chat ./services/projector/cmd/projector ./services/roomlog/cmd/roomlog

clean: ## remove what was built
	rm -rf bin

generate: $(TS)/node_modules/.stamp ## code and docs/api from the API description
	go generate $(PKGS)
	npm --prefix $(TS) run --silent generate

generated: generate ## fail where generated code or reference is not current
	git diff --exit-code -- '*.gen.go' '*.gen.ts' '*.gen.md'

# Real Kafka and PostgreSQL are started once for all tests, and taken away again.
# The core runs under the race detector; what starts whole programs does not, nor
# do the tests of the API a second time, on PostgreSQL. SQLite's own code, which is
# translated from C and has one thread a connection, is not looked at: where it is
# used, that took two thirds of the time.
RACE = -race -gcflags=modernc.org/sqlite/lib=-race=false

test: build generated test-typescript ## all tests, on the embedded and on the real parts
	$(CLUSTER) exec -- $(MAKE) --no-print-directory test-with-cluster

test-with-cluster:
	go vet $(PKGS)
	go test $(RACE) -timeout 20m ./... ./clients/go/... ./services/chat/... ./services/projector/... ./services/roomlog/internal/...
	ROOMLOG_TEST_STORE=postgres go test -timeout 20m ./services/chat
	ROOMLOG_TEST_STORE=postgres go test -timeout 20m ./services/chat/modelcheck -rapid.checks=20
	ROOMLOG_TEST_BIN=$(CURDIR)/bin go test -count=1 -p 1 -timeout 30m ./services/roomlog/e2e/... ./services/roomlog/cmd/...

test-typescript: build $(TS)/node_modules/.stamp ## the TypeScript client, against a running server
	ROOMLOG_BIN=$(CURDIR)/bin npm --prefix $(TS) test

$(TS)/node_modules/.stamp: $(TS)/package-lock.json
	@node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null && npm --version >/dev/null || \
		{ echo "Node.js 20 or later, with npm, is needed for $(TS): https://nodejs.org" >&2; exit 1; }
	npm --prefix $(TS) ci --ignore-scripts --no-audit --no-fund
	@touch $@

bench: build ## roomlog beside its rivals, into docs/performance.md: half an hour in which nothing else should run (ARGS: see bin/roomlog bench --help)
	bin/roomlog bench --bin bin --results docs/performance/results.jsonl --also docs/performance/capacity.jsonl --document docs/performance.md $(ARGS)

bench-capacity: build ## what grows with rooms, messages, followers, partitions and the length of texts, into docs/performance.md: half an hour, 15 GB of disk
	bin/roomlog bench --capacity --bin bin --results docs/performance/capacity.jsonl --also docs/performance/results.jsonl --document docs/performance.md $(ARGS)

bench-core: ## what the core can do on this machine: codec, log, tables, fold
	go test -run '^$$' -bench . -benchtime 2s ./pkg/events/... ./pkg/eventlog/... ./pkg/readmodel/... ./services/projector/...

bench-scale: build ## projectors against each other and against COPY, on PostgreSQL: prints ratios
	ROOMLOG_TEST_BIN=$(CURDIR)/bin $(CLUSTER) exec -- go test -run '^$$' -bench . -benchtime 3x -timeout 60m ./services/roomlog/e2e/scale

bench-rooms: ## what is done in rooms of 10, 1,000 and 100,000 members: prints ratios
	go test -run '^$$' -bench LargeRoom -benchtime 20x ./services/chat

bench-streams: build ## what streams cost one server: memory of 10,000 idle ones, a message to 5,000 followers, followers who do not read
	ROOMLOG_TEST_BIN=$(CURDIR)/bin go test -run '^$$' -bench . -benchtime 1x -timeout 30m ./services/roomlog/e2e/streams

fuzz: fuzz-api fuzz-decoders ## made-up requests and made-up bytes: the API from its description (with Python 3.11), and every decoder

# At least 20,000 requests; FUZZ_SEED repeats a run. See services/roomlog/e2e/fuzz.
fuzz-api: build bin/schemathesis/.stamp
	ROOMLOG_TEST_BIN=$(CURDIR)/bin SCHEMATHESIS=$(CURDIR)/bin/schemathesis/bin/schemathesis go test -count=1 -v -parallel 3 -timeout 60m ./services/roomlog/e2e/fuzz

bin/schemathesis/.stamp: services/roomlog/e2e/fuzz/requirements.txt
	python3 -m venv bin/schemathesis
	bin/schemathesis/bin/pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@

# Each target for FUZZTIME. What fails is kept in testdata/fuzz and fails make test from then on.
fuzz-decoders:
	@grep -roE --include='*_test.go' '^func Fuzz[A-Za-z]+' clients pkg services | sed -E 's|/[^/]+:func | |' | sort | while read -r dir target; do \
		echo "$$dir $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s "./$$dir" </dev/null || exit 1; done

soak: build rebuild ## what takes longer than make test: random histories (10,000 against the model of the API), crashes, cluster faults, reads of own writes, old conversations (IRC_DIR) and a rebuild, at length
	CUTS=1000 go test -count=1 -v -timeout 30m -run 'TestCatchUpEqualsLive$$' ./services/chat
	LINEAR_ROUNDS=200 go test -count=1 -v -timeout 60m ./services/chat/modelcheck -rapid.checks=10000
	PROJECTOR_HISTORIES=500 go test -count=1 -v -timeout 60m -run 'TestHistories$$' ./services/projector/internal/partition
	BENCH_SYSTEMS=all ROOMLOG_TEST_BIN=$(CURDIR)/bin go test -count=1 -v -timeout 30m -run 'TestBench$$' ./services/roomlog/e2e
	@if [ -z "$$IRC_DIR" ]; then echo "IRC_DIR names no directory of logs: no whole days are replayed"; else \
		CONVERSATION_SPEED=100 ROOMLOG_TEST_BIN=$(CURDIR)/bin go test -count=1 -v -timeout 90m ./services/roomlog/e2e/conversation; fi
	CRASH_ROUNDS=100 RYW_TRIES=10000 CLUSTER_HISTORIES=30 $(CLUSTER) exec -- go test -count=1 -v -timeout 120m ./services/roomlog/e2e/crash ./services/roomlog/e2e/cluster

rebuild: ## a rebuild of 5 million events under load, killed ten times, and a changed column among a million rows
	REBUILD_EVENTS=5000000 REBUILD_KILLS=10 REBUILD_RATE=1000 VERIFY_EVENTS=1000000 go test -count=1 -v -timeout 180m ./services/roomlog/e2e/rebuild

crash: build ## 100 rounds of kill -9 under load
	CRASH_ROUNDS=100 go test -count=1 -v -timeout 60m -run 'TestCrash$$' ./services/roomlog/e2e/crash

TOOLS := $(CURDIR)/bin/tools
$(TOOLS)/.stamp: tools/go.mod tools/go.sum
	cd tools && GOWORK=off go build -o $(TOOLS)/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint mvdan.cc/gofumpt
	@touch $@

lint: $(TOOLS)/.stamp ## what the linters say
	@for m in $(MODULES); do (cd $$m && $(TOOLS)/golangci-lint run ./...) || exit 1; done

fmt: $(TOOLS)/.stamp ## format all code
	$(TOOLS)/gofumpt -w $(MODULES)

cluster: ## three Kafka brokers and PostgreSQL, for you to work with
	$(CLUSTER) up

cluster-down: ## stop them
	$(CLUSTER) down
