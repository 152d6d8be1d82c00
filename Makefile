# SPDX-License-Identifier: Apache-2.0
# Every target does its own set-up, packages included; running one twice is quick and harmless.

DESTDIR ?=
SWIFT   ?= swift
# The Swift runtime is linked statically, unused code left out: half the start-up time, and nothing to install beside the programs.
RELEASE := -c release --static-swift-stdlib -Xlinker --gc-sections -Xlinker -s
BIN     := .build/release
PRODUCTS := vervet-ocf send_arp ldirectord heartbeat syncrelay configsync vervet
STAGE   := .build/stage

.PHONY: build install stage test demo bench lint clean help

help:
	@echo "make build | install DESTDIR=… | test | demo [PEERS=1] | bench | lint | clean"

build:
	@tools/packages build
	@set -e; for product in $(PRODUCTS); do $(SWIFT) build $(RELEASE) --product $$product; done

install: build
	install -d $(DESTDIR)/usr/libexec/vervet $(DESTDIR)/usr/lib/ocf/resource.d $(DESTDIR)/usr/sbin
	install -d $(DESTDIR)/usr/lib/systemd/system $(DESTDIR)/usr/share/vervet $(DESTDIR)/usr/share/doc/vervet/examples
	install -m 755 $(BIN)/vervet-ocf $(DESTDIR)/usr/libexec/vervet/
	cp -RP ocf/resource.d/vervet $(DESTDIR)/usr/lib/ocf/resource.d/
	install -m 755 $(BIN)/ldirectord $(BIN)/heartbeat $(BIN)/syncrelay $(BIN)/send_arp $(BIN)/configsync $(BIN)/vervet $(DESTDIR)/usr/sbin/
	ln -sfn send_arp $(DESTDIR)/usr/sbin/send_ua
	install -m 644 packaging/systemd/*.service $(DESTDIR)/usr/lib/systemd/system/
	install -D -m 644 packaging/logrotate/ldirectord $(DESTDIR)/etc/logrotate.d/ldirectord
	install -m 755 crm-examples/sync-ldirectord $(DESTDIR)/usr/share/vervet/
	install -m 644 crm-examples/*.crm crm-examples/*.cf crm-examples/*.conf $(DESTDIR)/usr/share/doc/vervet/examples/
	install -m 644 README.md LICENSE $(DESTDIR)/usr/share/doc/vervet/
	install -D -m 644 docs/ldirectord.md $(DESTDIR)/usr/share/doc/vervet/docs/ldirectord.md
	install -m 644 docs/heartbeat.md $(DESTDIR)/usr/share/doc/vervet/docs/heartbeat.md
	install -m 644 docs/syncd.md $(DESTDIR)/usr/share/doc/vervet/docs/syncd.md
	install -m 644 docs/syncrelay.md $(DESTDIR)/usr/share/doc/vervet/docs/syncrelay.md
	install -m 644 docs/config-sync.md docs/vervet.md $(DESTDIR)/usr/share/doc/vervet/docs/
	install -D -m 644 docs/demo.svg $(DESTDIR)/usr/share/doc/vervet/docs/demo.svg

# What the lab's directors get laid over their /usr.
stage: build
	@rm -rf $(STAGE)
	@$(MAKE) --no-print-directory install DESTDIR=$(STAGE) >/dev/null

test: stage
	@tools/packages lab
	@tools/test

demo: stage
	@tools/packages lab
	@lab/demo/demo --install $(STAGE) $(if $(PEERS),--peers)

bench: stage
	@tools/packages lab
	@tools/bench

lint:
	@$(SWIFT) format lint --strict -r Sources Tests Package.swift

clean:
	rm -rf .build demo-out lab-out
