# roomlog. Two commands are all the set-up there is: make run, make test.

SHELL   := bash
MODULES := . services/chat services/projector services/roomlog
PKGS    := ./... ./services/chat/... ./services/projector/... ./services/roomlog/...
TOOL    := go tool -modfile=$(CURDIR)/tools/go.mod
CLUSTER := go run ./deployments/cluster/cmd/cluster
DATA    ?= data

.PHONY: help run build test soak crash bench lint fmt generate generated cluster cluster-down clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: build ## everything in one process, data in ./data, then an example to paste
	@bin/roomlog run --data $(DATA)

build: ## the three programs, in bin/
	@mkdir -p bin
	go build -o bin/ ./services/chat/cmd/chat ./services/projector/cmd/projector ./services/roomlog/cmd/roomlog

clean: ## remove what was built
	rm -rf bin
