# Everything a newcomer needs: `make demo`, `make test`. `make` alone lists the targets.

PREFIX  ?= /usr/local
DESTDIR ?=
CARGO   ?= cargo
CTEST   ?= ctest

version  := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
jobs     := $(shell nproc 2>/dev/null || echo 2)
symbols  := src/pjsip/symbols-2.17.txt
build    := build
recipe   := scripts/artefacts.sh $(symbols)

.DELETE_ON_ERROR:
.PHONY: help FORCE
help: ## list the targets (default)
	@echo "pjauth $(version)"; echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 18
	@echo; echo "PREFIX=$(PREFIX)  DESTDIR=$(DESTDIR)  PJPROJECT_DIR (default: pkg-config libpjproject)"

# -- the libraries -------------------------------------------------------------------------------------------------
#
# Cargo makes an archive; scripts/artefacts.sh makes of it what is shipped. relro-level=partial is not about RELRO
# (the linker is told that later): it makes rustc call imported functions through the PLT. By default it
# calls them through the GOT, which the dynamic linker fills at once even in a lazily bound library, and a shell
# that is started with the library preloaded would die of the first PJLIB function it does not have. The flag is
# given here and not in .cargo/config.toml because a RUSTFLAGS in the environment would replace that one.
cargo_archive = $(CARGO) rustc --release --lib --crate-type staticlib --target-dir $(1) $(2) -- -C relro-level=partial

.PHONY: lib asterisk
lib: $(build)/lib/libpjauth.a $(build)/lib/libpjauth-turn.a ## the libraries, static and shared, into build/lib

$(build)/lib/libpjauth.a: target/release/libpjauth.a $(recipe)
	{ cat $(symbols); echo 'pjauth_*'; } | scripts/artefacts.sh $< libpjauth $(version) $(@D)

$(build)/lib/libpjauth-turn.a: target/turn/release/libpjauth.a $(recipe)
	echo 'pjauth_*' | scripts/artefacts.sh $< libpjauth-turn $(version) $(@D) -Wl,-z,defs

asterisk: $(build)/asterisk/libpjauth.a ## the same for Asterisk's configuration of pjproject, into build/asterisk

$(build)/asterisk/libpjauth.a: target/asterisk/release/libpjauth.a $(recipe)
	{ cat $(symbols); echo 'pjauth_*'; } | scripts/artefacts.sh $< libpjauth $(version) $(@D)

# Cargo knows best whether anything changed: it is always asked, and leaves the archive alone if nothing did.
target/release/libpjauth.a: FORCE
	$(call cargo_archive,target)
target/turn/release/libpjauth.a: FORCE
	$(call cargo_archive,target/turn,--no-default-features --features turn)
target/asterisk/release/libpjauth.a: FORCE
	PJAUTH_CONFIG=asterisk $(call cargo_archive,target/asterisk)

.PHONY: clean
clean: ## remove what was built
	rm -rf $(build) target
