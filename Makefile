# Everything a newcomer needs: `make demo`, `make test`. `make` alone lists the targets.

MAKEFLAGS += --no-print-directory

PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
DESTDIR ?=
CARGO   ?= cargo

version  := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
jobs     := $(shell nproc 2>/dev/null || echo 2)
build    := build$(if $(RUST_TARGET),/$(RUST_TARGET))
target   := target
release  := $(if $(RUST_TARGET),$(RUST_TARGET)/)release
ctests   := $(build)/c-tests
tested   := $(build)/tested
recipe   := scripts/artefacts.sh

.DELETE_ON_ERROR:
.PHONY: help FORCE
help: ## list the targets (default)
	@echo "pjauth $(version)"; echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 18
	@echo; echo "PREFIX=$(PREFIX)  LIBDIR=$(LIBDIR)  DESTDIR=$(DESTDIR)"
	@echo "PJPROJECT_DIR=TREE_OR_PREFIX or PJAUTH_CONFIG=NAME (default: pkg-config libpjproject)"

# -- the entrances ---------------------------------------------------------------------------------------------------
#
# What stands before a target that builds, installs or tests, once for the whole run and however many jobs it has:
# two makes in one checkout take turns, and each looks for what it needs before it begins (scripts/enter.sh).
built       := $(wildcard $(build)/lib/libpjauth*.a)
needs_lib   := lib asterisk pjsua2-wheel stage bench bench-sip bench-turn header $(if $(built),,install deb)
needs_turn  := lib-turn demo-turn bench-tls bench-kernel
needs_demo  := demo demo-sip
needs_tests := test matrix configure build-tests differences soak sanitize $(filter-out test-fresh,$(filter test-%,$(MAKECMDGOALS)))
building    := $(filter $(needs_lib) $(needs_turn) $(needs_demo) $(needs_tests),$(MAKECMDGOALS))
entrances   := $(strip $(building) $(filter install deb uninstall,$(MAKECMDGOALS)))
asked       := $(filter-out --%,$(firstword -$(MAKEFLAGS)))
ifneq ($(and $(entrances),$(if $(PJAUTH_ENTERED)$(findstring n,$(asked))$(findstring q,$(asked)),,enter)),)

purposes := $(if $(building),building) $(if $(filter-out $(needs_turn),$(building)),sip) \
	$(if $(filter demo-turn,$(building)),demo-turn) $(if $(filter $(needs_demo),$(building)),demo) \
	$(if $(filter $(needs_tests),$(building)),tests optional)
.PHONY: enter $(MAKECMDGOALS)
$(MAKECMDGOALS): enter ; @:
enter:
	+@scripts/enter.sh '$(build)' '$(purposes)' $(MAKE) PJAUTH_ENTERED=yes $(MAKECMDGOALS)

else

# -- the libraries -------------------------------------------------------------------------------------------------
#
# Cargo makes an archive; scripts/artefacts.sh makes of it what is shipped. relro-level=partial is not about RELRO
# (the linker is told that later): it makes rustc call imported functions through the PLT. By default it
# calls them through the GOT, which the dynamic linker fills at once even in a lazily bound library, and a shell
# that is started with the library preloaded would die of the first PJLIB function it does not have. The flag is
# given here and not in .cargo/config.toml because a RUSTFLAGS in the environment would replace that one.
#
# For another machine than this, into build/RUST_TARGET/lib:
#   make lib RUST_TARGET=aarch64-unknown-linux-gnu CROSS_COMPILE=aarch64-linux-gnu-
cargo_archive = $(CARGO) rustc --release --lib --crate-type staticlib $(if $(RUST_TARGET),--target $(RUST_TARGET)) \
	--target-dir $(1) $(2) -- -C relro-level=partial

# artefacts OUT_DIR, NAME, LINK_FLAG...: what is shipped, of the archive that Cargo made
artefacts = echo 'pjauth_*' | $(recipe) $< $2 $(version) $1 $3

.PHONY: lib lib-turn asterisk pjsua2-wheel
lib: $(build)/lib/libpjauth.a $(build)/lib/libpjauth-turn.a ## the libraries, static and shared, into build/lib
lib-turn: $(build)/lib/libpjauth-turn.a ## the TURN half alone: needs neither PJSIP nor libclang
asterisk: $(build)/asterisk/libpjauth.a ## the libraries for Asterisk's configuration of pjproject, into build/asterisk
pjsua2-wheel: $(build)/pjsua2-wheel/libpjauth.a ## the same for the Python wheel pjsua2-python, into build/pjsua2-wheel

# The demo and the tests have their own, so that what `make lib` was told to make is still there for `make install`.
stage_libraries := $(tested)/lib/libpjauth.a $(tested)/lib/libpjauth-turn.a

$(build)/lib/libpjauth.a: $(target)/$(release)/libpjauth.a $(recipe)
	$(call artefacts,$(@D),libpjauth)
$(tested)/lib/libpjauth.a: $(target)/tested/$(release)/libpjauth.a $(recipe)
	$(call artefacts,$(@D),libpjauth)
$(build)/asterisk/libpjauth.a: $(target)/asterisk/$(release)/libpjauth.a $(recipe)
	$(call artefacts,$(@D),libpjauth)
$(build)/pjsua2-wheel/libpjauth.a: $(target)/pjsua2-wheel/$(release)/libpjauth.a $(recipe)
	$(call artefacts,$(@D),libpjauth)
$(build)/lib/libpjauth-turn.a $(tested)/lib/libpjauth-turn.a: $(target)/turn/$(release)/libpjauth.a $(recipe)
	$(call artefacts,$(@D),libpjauth-turn,-Wl$(comma)-z$(comma)defs)
comma := ,

# Whose structures: said, or found. What is installed is not guessed; the demo and the tests bring Debian's pjproject,
# or need none, and are built for our own description where there is no other.
layouts := $(or $(PJAUTH_CONFIG),$(PJPROJECT_DIR),$(shell scripts/pjproject.sh $(RUST_TARGET)))
define no_layouts
make lib: whose structures? Say it in one of three ways:
  install pjproject, so that pkg-config finds libpjproject (PKG_CONFIG_PATH)
  make lib PJPROJECT_DIR=/path/to/pjproject     a source tree, configured, or an installation prefix
  make lib PJAUTH_CONFIG=NAME                   no headers, our description of 2.17: $(basename $(notdir $(wildcard src/pjsip/configs/*.h)))
(make lib-turn is the TURN half alone, which needs none.)
endef

# Cargo knows best whether anything changed: it is always asked, and leaves the archive alone if nothing did.
$(target)/$(release)/libpjauth.a: FORCE
	$(if $(layouts),,$(error $(no_layouts)))
	$(call cargo_archive,$(target))
$(target)/tested/$(release)/libpjauth.a: FORCE
	$(if $(layouts),,PJAUTH_CONFIG=default) $(call cargo_archive,$(target)/tested)
$(target)/turn/$(release)/libpjauth.a: FORCE
	$(call cargo_archive,$(target)/turn,--no-default-features --features tls$(comma)kernel)
$(target)/asterisk/$(release)/libpjauth.a: FORCE
	PJAUTH_CONFIG=asterisk $(call cargo_archive,$(target)/asterisk)
$(target)/pjsua2-wheel/$(release)/libpjauth.a: FORCE
	PJAUTH_CONFIG=pjsua2-wheel $(call cargo_archive,$(target)/pjsua2-wheel)

# -- demo, tests, benchmarks ---------------------------------------------------------------------------------------

.PHONY: demo demo-sip demo-turn test test-fresh matrix bench bench-sip bench-turn bench-tls bench-kernel bench-crate
demo: demo-sip demo-turn ## both halves at work: decisions that come later, and a table of what happened

# With the pjproject that pkg-config finds, or else with Debian's: DEMO is static, shared or debian.
DEMO ?= $(if $(shell scripts/pjproject.sh),static,debian)
demo-sip: $(if $(filter debian,$(DEMO)),asterisk,stage) ## real PJSIP, and a vault thread that answers 300 ms later
	@examples/demo.sh $(DEMO)

demo-turn: stage-turn ## a TURN server whose decisions come 200 ms later, and coturn's client; needs no PJSIP
	@examples/turn_demo.sh

test: build-tests ## every test, and a closing table: passed, failed, skipped and why
	@JOBS=$(jobs) scripts/test.sh

# On a bare machine: SUITE is bookworm, trixie or sid, AS is root or user, RUN what is run in a fresh clone there.
SUITE ?= bookworm
AS    ?= root
RUN   ?= make demo test
test-fresh: ## the demo and the tests on a bare Debian, SUITE=bookworm, AS=root or user (as root, with mmdebstrap)
	@scripts/fresh.sh $(SUITE) $(AS) sh -c '$(RUN)'

# PJPROJECTS="PREFIX PREFIX ...": installed pjprojects; without it, the one that pkg-config finds.
matrix: ## the tests on real PJSIP for several versions of pjproject (PJPROJECTS="PREFIX ..."), and a table
	@JOBS=$(jobs) scripts/matrix.sh

bench bench-sip bench-turn: export LIBPJAUTH := $(tested)/lib/libpjauth.a
bench bench-sip bench-turn bench-kernel: export LIBPJAUTH_TURN := $(tested)/lib/libpjauth-turn.a
bench: $(stage_libraries) ## both halves beside their competitors: one table, build/bench.json, build/bench.svg
	benches/table.py --json $(build)/bench.json --svg $(build)/bench.svg

bench-sip: $(tested)/lib/libpjauth.a ## of the SIP half alone (benches/sip/run.sh --json: for machines)
	benches/sip/run.sh

bench-turn: $(tested)/lib/libpjauth-turn.a ## of the TURN half alone (benches/turn/run.sh --json: for machines)
	benches/turn/run.sh

bench-tls: stage-turn ## what TLS costs the TURN server, beside coturn
	@$(CC) -O2 -Iinclude -o $(tested)/tls_server c-tests/turn/judges/server.c $(tested)/lib/libpjauth-turn.a -lpthread -ldl -lm
	benches/turn/tls.py $(tested)/tls_server

bench-kernel: $(tested)/lib/libpjauth-turn.a ## what the kernel's way is worth, beside the sockets and coturn; as root (benches/turn/kernel.sh)
	benches/turn/kernel.sh

bench-crate: ## handles and digests alone, by themselves (cargo bench)
	$(CARGO) bench

# One target for each group of CTest's: a group is a label.
groups := always setup shared static differential valgrind asterisk wheel upstream turn turn-judges soak faults
test_groups := $(addprefix test-,$(groups))
.PHONY: $(test_groups)
test-always: ## headers, symbols, link modes, NULL arguments, preloading: needs no PJSIP
test-setup: ## what the set-up asks for, on machines that lack one thing or another, and what it says
test-shared: ## inside libasteriskpj.so.2, Debian's PJSIP 2.17 as a shared library
test-static: ## inside the pjproject that pkg-config finds, statically linked
test-differential: ## the original object and ours, given the same inputs
test-valgrind: ## test-static and test-shared under valgrind
test-asterisk: ## unmodified Asterisk with the library preloaded
test-wheel: ## the Python wheel pjsua2-python with the library preloaded
test-upstream: ## PJSIP's own tests, relinked: PJPROJECT_DIR=TREE, a pjproject that was built from source
test-turn: ## the TURN server from C and C++: needs no PJSIP
test-turn-judges: ## the TURN server against coturn's client, aioice, Chromium and PJNATH
test-faults: ## full tables, stopped and forked processes, clocks that jump (FAULTS_STOP_SECONDS: how long a stop)
test-soak: ## both halves in one process for SOAK_SECONDS (60), and what is left afterwards
label_shared := real-shared
label_static := real-static
label_differential := differential(-shared)?
label_valgrind := valgrind(-shared)?
label_soak := soak(-shared)?
label_faults := faults(-shared)?
$(test_groups): test-%: build-tests
	ctest --test-dir $(ctests) --output-on-failure --no-tests=error -L '^$(or $(label_$*),$*)$$'

# The programs are linked from an installation, as a user's are.
.PHONY: stage stage-turn configure build-tests
install_stage = LIBRARIES=$(tested)/lib scripts/install.sh install $(version) "$(CURDIR)/$(build)/stage" >$(tested)/installed
stage: $(stage_libraries)
	@$(install_stage)
stage-turn: $(tested)/lib/libpjauth-turn.a
	@$(install_stage)
configure:
	+@$(MAKE) -j$(jobs) stage asterisk pjsua2-wheel
	@cmake -S c-tests -B $(ctests) -DCMAKE_BUILD_TYPE=RelWithDebInfo --log-level=WARNING \
		-DPJAUTH_STATIC_LIB="$(CURDIR)/$(tested)/lib/libpjauth.a" \
		-DPJAUTH_SHARED_LIB="$(CURDIR)/$(tested)/lib/libpjauth.so" \
		-DPJAUTH_TURN_STATIC_LIB="$(CURDIR)/$(tested)/lib/libpjauth-turn.a" \
		-DPJAUTH_TURN_SHARED_LIB="$(CURDIR)/$(tested)/lib/libpjauth-turn.so" \
		-DPJAUTH_TURN_LIB="$(CURDIR)/$(tested)/lib/libpjauth-turn.a" >/dev/null
build-tests: configure
	@cmake --build $(ctests) --parallel $(jobs)

# -- the crate -----------------------------------------------------------------------------------------------------

.PHONY: header kernel differences lint loom miri
differences: build-tests ## write the table of docs/differences.md anew from the list that the comparison goes by
	python3 c-tests/differential/documented.py --update docs/differences.md $(ctests)/differential/differential

header: ## write include/pjauth.h anew from src/
	PJAUTH_UPDATE_HEADER=1 $(CARGO) test --quiet --test header

kernel: ## make src/turn/kernel/relay.bpf anew from relay.c (with the clang that tests/kernel_program.rs names)
	PJAUTH_UPDATE_KERNEL=1 $(CARGO) test --quiet --no-default-features --features kernel --test kernel_program

lint: ## formatting, clippy and documentation without a warning
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	$(CARGO) clippy --no-default-features --features turn -- -D warnings
	$(CARGO) clippy --no-default-features --features kernel --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --no-deps --document-private-items

loom: ## the handles under the model checker
	RUSTFLAGS='--cfg loom' $(CARGO) test --release --target-dir target/loom --lib --no-default-features handle::

miri: ## handles, digests and the TURN server without its sockets under Miri
	@if $(CARGO) +nightly miri --version >/dev/null 2>&1; then \
		$(CARGO) +nightly miri test --no-default-features --features turn --lib -- \
			--skip turn::driver --skip turn::exports; \
	else \
		echo 'SKIP no toolchain here has the miri component'; \
	fi

# How long each target of `make fuzz` runs, in seconds.
FUZZ_SECONDS ?= 30
.PHONY: fuzz sanitize soak
fuzz: ## each fuzz target for FUZZ_SECONDS (30); `cargo test` replays what is kept of their inputs
	@scripts/fuzz.sh $(FUZZ_SECONDS)

sanitize: ## the C tests with address and thread sanitizer in them and in the libraries
	@JOBS=$(jobs) scripts/sanitize.sh

soak: build-tests ## 200 registrations and 500 allocations for SECONDS (3600)
	@sh $(ctests)/soak/soak.sh $(or $(SECONDS),3600)

# -- installing ----------------------------------------------------------------------------------------------------

.PHONY: docs
docs: ## HTML and man pages of the public headers (Doxygen), into build/docs; `make install` takes them along
	@command -v doxygen >/dev/null || { echo 'pjauth: doxygen is not installed (Debian package doxygen)' >&2; exit 1; }
	@mkdir -p $(build)/docs
	@{ cat packaging/Doxyfile; echo 'PROJECT_NUMBER=$(version)'; echo 'INPUT=include'; \
		echo 'OUTPUT_DIRECTORY=$(build)/docs'; } | doxygen -
	@echo "$(build)/docs/html/index.html"

.PHONY: install uninstall deps clean
# What `make lib` has built, with whatever settings: nothing is built anew under it. `sudo make install` finds no cargo.
install: $(if $(built),,lib) ## what `make lib` made: libraries, headers, pkg-config and CMake files, into DESTDIR and PREFIX
	@LIBRARIES=$(build)/lib LIBDIR='$(LIBDIR)' scripts/install.sh install $(version) '$(PREFIX)' '$(DESTDIR)'

.PHONY: deb
deb: $(if $(built),,lib) ## the same as Debian packages, into build/deb
	@LIBRARIES=$(build)/lib scripts/deb.sh $(version) $(build)/deb

uninstall: ## remove what install laid down
	@LIBDIR='$(LIBDIR)' scripts/install.sh uninstall $(version) '$(PREFIX)' '$(DESTDIR)'

deps: ## install from apt what building and testing need and this machine lacks
	@scripts/install-deps.sh

clean: ## remove what was built
	rm -rf $(build) target

endif
