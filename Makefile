# The commands of the house. Each sets up what it needs, and says so.

CARGO  := setup/with-rust cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)

# Asks cargo for a subcommand that not every machine has.
has = $(CARGO) $(1) --version >/dev/null 2>&1

.PHONY: help demo app test check bench package types

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## sign in at a practice provider and keep a container signed in, in front of your eyes
	@setup/install build
	$(CARGO) build --package tokenferry --package tokenferry-practice
	@setup/with-engine --or-answering $(TARGET)/debug/tokenferry demo

app: page ## open the desktop app from this clone
	@if [ "$$(uname)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
		echo 'There is no screen here. Use the program for terminals: make demo shows it at work; tokenferry run' \
			'keeps everything fresh, and tokenferry login --paste signs in.' >&2; exit 1; fi
	@setup/install build window
	$(CARGO) build --package tokenferry --package tokenferry-desktop
	$(TARGET)/debug/tokenferry-desktop

# What the app's window shows. Made anew when something of it has changed.
.PHONY: page
page:
	@setup/install page
	@$(MAKE) --no-print-directory ui/dist/index.html

ui/node_modules/.package-lock.json: ui/package-lock.json
	npm --prefix ui ci --no-audit --no-fund

ui/dist/index.html: ui/node_modules/.package-lock.json ui/index.html $(wildcard ui/*.ts ui/*.json) $(shell find ui/src -type f 2>/dev/null)
	npm --prefix ui run build
	@touch $@

# The programs are built together with the tests, so that both get the same features and nothing is compiled twice.
test: page ## run every test, on a private Docker Engine, a real keychain and the practice provider
	@setup/install build keychain foreign compose proxy ssh podman postgres terminal systemd python node window screen package
	npm --prefix ui test
	$(CARGO) build --workspace --bins --tests
	-setup/static
	@if $(call has,nextest); then \
		setup/with-engine $(CARGO) nextest run --workspace --no-fail-fast; \
	else \
		setup/with-engine $(CARGO) test --workspace --bins --lib --tests --no-fail-fast; \
	fi
	$(CARGO) test --workspace --doc
	@for missing in $(TARGET)/tmp/*.missing; do \
		if [ -e "$$missing" ]; then echo; cat "$$missing"; fi; \
	done

check: page ## formatting, lints, documentation and the courier's bytes, with every warning an error
	@setup/install build window
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- --deny warnings
	RUSTDOCFLAGS='--deny warnings' $(CARGO) doc --workspace --no-deps --document-private-items --quiet
	@setup/with-rust src-tauri/crates/courier/build.sh --check || [ $$? -eq 3 ]
	@if command -v shellcheck >/dev/null; then echo shellcheck; \
		shellcheck $$(find setup -maxdepth 1 -type f) .ci/run src-tauri/crates/courier/build.sh; \
	else echo 'shellcheck is not at hand, so the scripts were not looked at.'; fi
	@if command -v actionlint >/dev/null; then echo actionlint; actionlint; \
	else echo 'actionlint is not at hand, so the workflows were not looked at.'; fi
	@if $(call has,deny); then echo cargo deny check; $(CARGO) deny check; \
	else echo 'cargo-deny is not at hand, so licences and advisories were not looked at.'; fi

bench: ## measure delivery, renewal and the token command against their plain counterparts
	@setup/install build keychain load
	$(CARGO) build --release --bins --package tokenferry --package tokenferry-practice --package tokenferry-tests
	@setup/with-engine $(TARGET)/release/bench

types: ## write the page's types anew, from the Rust ones
	WRITE_TYPES=1 $(CARGO) test --workspace --bins --test page types::

package: page ## make a .deb and an .rpm in target/package, and try them in a copy of this system
	@setup/install build window screen package
	$(CARGO) build --release --locked --package tokenferry --package tokenferry-desktop
	@for kind in deb rpm; do setup/package $$kind $(TARGET)/release $(TARGET)/package || exit; done
	$(CARGO) build --workspace --bins
	$(CARGO) test --workspace --test package -- --include-ignored
