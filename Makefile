# make ci is the gate that .ci/run calls; make help lists the rest.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
.NOTPARALLEL:
.DEFAULT_GOAL := help

FUZZTIME ?= 10s
SOAK     ?= 60s
BENCH    ?=
VERSION  ?= v0.1.0

GOLANGCI_VERSION := v2.15.0
GOVULNCHECK_VERSION := v1.9.0
GOLANGCI         := $(CURDIR)/.bin/golangci-lint-$(GOLANGCI_VERSION)
PROMTOOL         := $(or $(shell command -v promtool),$(CURDIR)/.bin/promtool)
PROMETHEUS       := $(or $(shell command -v prometheus),$(CURDIR)/.bin/prometheus)

# The root module and the nested ones (bench, contrib/*), as directories.
MODULES := $(patsubst ./%,%,$(patsubst %/,%,$(sort $(dir \
	$(shell find . -name go.mod -not -path './.*/*' -not -path '*/testdata/*')))))

heading     = @printf '\n== %s\n' '$(1)'
each_module = for dir in $(MODULES); do echo "$$dir: $(1)"; (cd "$$dir" && $(1)); done

# What mostly waits runs beside what mostly computes. Its output comes when it has ended.
.PHONY: ci
ci: $(GOLANGCI) ## everything a change has to pass
	@waits=$$(mktemp); trap 'rm "$$waits"' EXIT; \
	$(MAKE) --no-print-directory soak cuts >"$$waits" 2>&1 & beside=$$!; \
	passed=0; $(MAKE) --no-print-directory fmt vet lint tidy generated || passed=$$?; \
	wait $$beside || passed=$$?; cat "$$waits"; exit $$passed
	@$(MAKE) --no-print-directory test examples monitoring
	$(call heading,all passed)

.PHONY: fmt
fmt: $(GOLANGCI) ## fail if a file is not formatted
	$(call heading,format)
	$(GOLANGCI) fmt --diff

.PHONY: format
format: $(GOLANGCI) ## format every file
	$(GOLANGCI) fmt

.PHONY: vet
vet: ## go vet, in every module
	$(call heading,vet)
	@$(call each_module,go vet ./...)

.PHONY: lint
lint: $(GOLANGCI) ## golangci-lint, in every module
	$(call heading,lint)
	@$(call each_module,$(GOLANGCI) run ./...)

# Not part of ci: the database is elsewhere, and what it has to say changes without a change of ours.
.PHONY: vuln
vuln: ## known vulnerabilities in what we depend on, with govulncheck, in every module
	$(call heading,vulnerabilities)
	@$(call each_module,go run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) ./...)

.PHONY: tagcheck
tagcheck: ## tag a clone as VERSION and fetch it with go get, as a user does
	bash .ci/tagcheck $(VERSION)

.PHONY: tidy
tidy: ## fail if go.mod or go.sum is not tidy
	$(call heading,tidy)
	@$(call each_module,go mod tidy -diff)

.PHONY: generate
generate: ## write the generated files
	go generate ./...

# Compares file sums rather than asking Git, so a tree with uncommitted work is judged correctly too.
tree_sums = find . -type f -not -path './.git/*' -not -path './.bin/*' -print0 \
	| sort -z | xargs -0 sha256sum

.PHONY: generated
generated: ## fail if make generate would change something
	$(call heading,generated code)
	@before=$$($(tree_sums)); \
	go generate ./...; \
	after=$$($(tree_sums)); \
	diff <(echo "$$before") <(echo "$$after") && echo 'up to date' \
		|| { echo 'generated files were out of date: commit what make generate writes'; exit 1; }

# The status page is looked at in a browser.
.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || { echo 'install chromium'; apt-get update -q \
		&& apt-get install -y -q --no-install-recommends chromium fonts-dejavu-core; }

# The pictures in the documentation are of bots that run, not of figures that were made up.
.PHONY: images
images: chromium terminal ## photograph the status page of bots in a fake Discord for docs/images
	cd internal/status/browsertest && go test -run '^TestImages$$' -update -timeout 10m

.PHONY: terminal
terminal: ## draw what the quickstart prints for docs/images
	go run ./examples/quickstart -for 6s \
		| go run ./internal/gen/terminal -o docs/images/quickstart.svg 'go run ./examples/quickstart -for 6s'

.PHONY: test
test: chromium ## every test, under the race detector
	$(call heading,test)
	go test -race ./...
	@for dir in $(filter-out .,$(MODULES)); do \
		echo "$$dir: go test -race ./..."; (cd "$$dir" && go test -race ./...); \
	done

.PHONY: soak
soak: ## break connections at random for SOAK; nothing may be lost
	$(call heading,soak)
	go test -race -run '^TestSoak$$' -soak '$(SOAK)' -timeout 0 -v .

.PHONY: cuts
cuts: ## 200 shards under traffic, of which a tenth is cut every second for 30 s
	$(call heading,cuts)
	go test -race -run '^TestShardsUnderCuts$$' -cuts 30s -v .

# With -o /dev/null a lone example leaves no binary behind.
.PHONY: examples
examples: ## build every example, run the quickstart
	$(call heading,examples)
	@if [ -d examples ]; then set -x; go build -o /dev/null ./examples/...; fi
	@if [ -d examples/quickstart ]; then set -x; go run ./examples/quickstart -for 5s; fi
	go run ./examples/sharded -for 5s
	go run ./examples/ratelimit -messages 100
	cd examples/cluster && go run . -deploy -for 15s
	cd examples/tracing && go run . -for 1m
	@captures=$$(mktemp -d); trap 'rm -r "$$captures"' EXIT; set -x; \
	go run ./examples/profile -for 3s -captures "$$captures"

# The Go tests hold the metrics that are named against those that exist; promtool knows the rest.
.PHONY: monitoring
monitoring: $(PROMTOOL) $(PROMETHEUS) ## rules and dashboard, with promtool and a Prometheus that scrapes a bot
	$(call heading,monitoring)
	$(PROMTOOL) check config examples/monitoring/prometheus/prometheus.yml
	$(PROMTOOL) test rules examples/monitoring/prometheus/rules_test.yml
	@queries=$$(mktemp); trap 'rm "$$queries"' EXIT; set -x; \
	go run ./examples/monitoring/dashboard -rules >"$$queries"; \
	$(PROMTOOL) check rules "$$queries"
	go run ./examples/monitoring -addr 127.0.0.1:0 -for 3s -print | $(PROMTOOL) check metrics
	@bot=$$(mktemp); trap 'rm "$$bot"' EXIT; set -x; go build -o "$$bot" ./examples/monitoring; \
	go run ./examples/monitoring/check -bot "$$bot" -prometheus $(PROMETHEUS)

.PHONY: bench
bench: ## benchmarks against other libraries, written to docs/benchmarks.md; with BENCH, those of all modules of that name
ifeq ($(BENCH),)
	cd bench && go run ./report ../docs/benchmarks.md
else
	@$(call each_module,go test -run '^$$' -bench '$(BENCH)' -benchmem ./...)
endif

.PHONY: cover
cover: ## test coverage over all packages
	go test -coverpkg=./... -coverprofile=coverage.out ./...
	go tool cover -func=coverage.out | tail -n 1

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME
	@for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' "$$package" | grep '^Fuzz' || true); do \
			echo "== $$package $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime '$(FUZZTIME)' "$$package"; \
		done; \
	done

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(GOLANGCI):
	$(call heading,install golangci-lint $(GOLANGCI_VERSION))
	GOBIN=$(CURDIR)/.bin CGO_ENABLED=0 go install -trimpath -ldflags='-s -w' \
		github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(CURDIR)/.bin/golangci-lint $@

# Only the programs of the package, so that no service is started. Needs root for the list of packages.
$(CURDIR)/.bin/promtool $(CURDIR)/.bin/prometheus:
	$(call heading,install $(notdir $@))
	@dir=$$(mktemp -d); trap 'rm -r "$$dir"' EXIT; chmod 755 "$$dir"; cd "$$dir"; set -x; \
	apt-get update -q; apt-get download -q prometheus; \
	dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/$(notdir $@); \
	mkdir -p $(CURDIR)/.bin; mv usr/bin/$(notdir $@) $@
