# The front door. `make help` lists what there is.

PLAN ?=
SEED ?=
RUN ?= results/runs/latest
ARGS ?=

SYSTEM := $(shell uname -s)
ifneq ($(SYSTEM),Linux)
$(error Double Trouble needs Linux (it watches its children through prctl and waitid), and this is $(SYSTEM))
endif

HARNESS := target/release/double-trouble
SERVICES := -p wire -p base -p catalog -p order -p front-end -p services
# Every crate but the client programs for engines, which few people need, and whose dependencies must not decide how the others
# are compiled: `make clients`.
WORKSPACE := --workspace --exclude clients
OPTIONS := $(if $(PLAN),--plan $(PLAN)) $(if $(SEED),--seed $(SEED)) $(ARGS)

.DEFAULT_GOAL := help
.PHONY: peers history instructions lab scale million rates soak explore bench failover-test prove planted check report compare serve client build dist test verify fix clean help

bench: build ## Sweep p with the cache on and off; PLAN=FILE, SEED=N (4 minutes; PLAN=quick: one)
	@$(HARNESS) bench $(OPTIONS)

rates: build ## Sweep the offered rate up to saturation; PLAN=FILE, SEED=N (1.5 minutes)
	@$(HARNESS) bench $(if $(PLAN),,--plan rates) $(OPTIONS)

failover-test: build ## Kill leaders under load and check what was lost; PLAN=FILE, SEED=N (one minute)
	@$(HARNESS) failover $(OPTIONS)

prove: planted ## Plant bugs in the services: does its check catch each? ARGS="--quick" or "--bug NAME" (4 minutes, quick: half)
	@target/debug/double-trouble prove $(ARGS)

N ?=
lab: build planted ## Exercises: find the bug that a bazaar hides; N=1 begins the first, ARGS="--plan failover"
	@$(HARNESS) lab $(N) $(ARGS)

check: build ## Check a run again, from its files; RUN=FOLDER (results/runs/latest)
	@$(HARNESS) check $(RUN)

report: build ## Write a run's report.html, charts and tables again; RUN=FOLDER (results/runs/latest)
	@$(HARNESS) report $(RUN)

compare: build ## What changed between two runs, or two builds in one? A=FOLDER B=FOLDER NOISE=FOLDER
	@$(HARNESS) compare $(or $(A),$(RUN)) $(B) $(if $(NOISE),--noise $(NOISE)) $(ARGS)

RUNS ?= results/runs
history: build ## Figures of comparable runs over time, by commit; RUNS="FOLDER FOLDER" (results/runs)
	@$(HARNESS) history $(RUNS) $(ARGS)

serve: build ## Keep a bazaar up until Ctrl-C; ARGS="--cache off"
	@$(HARNESS) serve $(ARGS)

.PHONY: console
console: build ## Keep a bazaar up and watch it on a local page, http://127.0.0.1:30000/; ARGS="--console-port 8080"
	@$(HARNESS) serve --console $(ARGS)

soak: build ## Break the bazaar at random; SEED=N, MINUTES=M (1, 10)
	@$(HARNESS) soak --seed $(or $(SEED),1) --minutes $(or $(MINUTES),10) $(ARGS)

explore: ## Run the real cores through whatever can happen to them, rule by rule (22 minutes, 5 GB)
	@cargo test --profile explore -p services --features planted-bugs --test explore --quiet -- --ignored --nocapture

million: build ## A bazaar with a million orders: takeover, lost files, dump and checks, timed (3 minutes, 2 GB)
	@cargo test --release -p loadgen --test million --quiet -- --ignored --nocapture

# How many operations `make scale` makes up.
OPERATIONS ?= 1000000
SCALE := target/release/examples/large_run
scale: ## Check and report made-up runs of OPERATIONS (1000000), correct and broken: time and memory
	@cargo build --release -p results --example large_run --quiet
	@for kind in correct broken; do \
		echo "$$kind"; \
		$(SCALE) make target/scale/$$kind $(OPERATIONS) $$kind && \
		$(SCALE) check target/scale/$$kind && $(SCALE) report target/scale/$$kind || exit 1; \
	done; rm -r target/scale

# Everything is selected, as for `build`: what is selected decides the features of what both stand on.
peers: build ## The bazaar beside nginx, bare hyper, etcd and the disk; ARGS="--kills 100 --missed 100000" for all goals (20 minutes, so 40)
	@cargo build --release --workspace --bins --quiet
	@target/release/peers $(ARGS)

# One of each operation, so that a change of the code's cost shows without noise; nothing of it is in `make peers`.
instructions: build ## Instructions of a query and a trade in each process, by valgrind (half a minute)
	@cargo build --release --workspace --bins --quiet
	@target/release/peers --only instructions --rounds 1 --out results/instructions $(ARGS)

client: build ## By hand; ARGS="trade Stock1 Buy 3"
	@$(HARNESS) client $(ARGS)

# The rows of `make engines`; the bazaar is one more.
ENGINES := $(addprefix loadgen/targets/engines/,etcd.toml redis-sentinel.toml redis-sentinel.toml:wait postgres.toml \
	postgres.toml:sync nats.toml galera.toml galera.toml:sync)

# Optimised where something is measured: what measures must not be slow itself. Cargo says what it compiles.
build:
	@command -v $${CC:-cc} > /dev/null || { echo "a C compiler is needed, for SQLite: install gcc or clang" >&2; exit 3; }
	@command -v cargo > /dev/null || { echo "Rust 1.95 or newer is needed: https://rustup.rs" >&2; exit 3; }
	@test -x $(HARNESS) || echo "building for the first time: 320 crates, SQLite among them; about six minutes on two cores" >&2
	@cargo build --release $(WORKSPACE) --exclude peers --bins $(if $(wildcard $(HARNESS)),--quiet)

.PHONY: engines
engines: build clients ## etcd, Redis, PostgreSQL, NATS, Galera and the bazaar under the same load and faults, on one page; ARGS="--rounds 1" (2 hours; one round: 40 minutes)
	@$(HARNESS) engines --target $(ENGINES) $(ARGS)

# What `make engines` cannot break: links between members, which on one machine are told the same of each other.
PARTITIONED := $(addprefix loadgen/targets/engines/hosts/,etcd.toml redis-sentinel.toml redis-sentinel.toml:wait)

.PHONY: partitions
partitions: build clients ## etcd and Redis over six hosts on this machine, with their leaders killed, paused and cut off; ARGS="--rounds 1" (25 minutes)
	@$(HARNESS) hosts --count 6 -- $(HARNESS) engines --without-bazaar --target $(PARTITIONED) $(ARGS)

.PHONY: clients
clients: ## Client programs for etcd, Redis, PostgreSQL, NATS and Galera: loadgen/targets/engines
	@cargo build --release -p clients

dist: build ## One archive with programs, plans and licences, for machines of this kind without a toolchain
	@sh loadgen/dist.sh

.PHONY: hosts
hosts: build ## A leader cut off from clients, then from replicas, on five hosts; clients on two more (namespaces; over ssh too where sshd is; 4 minutes)
	@for plan in loadgen/targets/hosts/plans/*.toml; do \
		$(HARNESS) hosts --count 7 --by nsenter --by ssh -- \
			$(HARNESS) failover --target loadgen/targets/hosts/bazaar.toml --plan $$plan $(ARGS) || exit; \
	done

# Services in which bugs can be planted, in a folder of their own. They share all dependencies with the
# usual debug build, which is put back afterwards: only the services' crates are compiled twice.
planted:
	@echo "building services that bugs can be planted in" >&2
	@cargo build $(WORKSPACE) --exclude peers --bins --features services/planted-bugs --quiet
	@install -D -t target/planted $(addprefix target/debug/,bazaar front-end catalog order)
	@cargo build $(WORKSPACE) --exclude peers --bins --quiet

# The explorer needs services that bugs can be planted in: first, so that the usual ones are put back. Every line
# selects the same crates: what is selected decides which features of a dependency are on, and tokio, reqwest
# and SQLite would be compiled once for each such choice.
test: ## Run all tests
	cargo test $(WORKSPACE) --features services/planted-bugs --test explore --test panics --test planted \
		--test strangers --test order
	cargo test $(WORKSPACE) --features services/planted-bugs --test files slow
	cargo build $(WORKSPACE) --bins
	cargo test $(WORKSPACE)
	cargo test -p clients

verify: ## Formatting, lints and documentation, without changing anything
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy $(SERVICES) --all-targets --features planted-bugs -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

fix: ## Format, and apply what clippy can mend by itself
	cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged
	cargo fmt --all

clean: ## Remove what was built; runs are kept
	cargo clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
