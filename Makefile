# ringspool: `make help` lists what can be made.

VERSION = 0.1.0
PREFIX = /usr/local
DESTDIR =
BUILD = build
CC = gcc
SAN =

WARNINGS = -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wformat=2 -Werror
HARDENING = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CFLAGS = -O2 -g -ffunction-sections
LDFLAGS = -Wl,-z,relro,-z,now -Wl,--as-needed -Wl,--gc-sections

# make SAN=address, SAN=thread, SAN=fuzz, SAN=coverage: another build beside the plain one.
ifeq ($(SAN),address)
BUILD = build/address
HARDENING = -fPIE
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(SAN),thread)
BUILD = build/thread
HARDENING = -fPIE
SANITIZE = -fsanitize=thread
else ifeq ($(SAN),fuzz)
BUILD = build/fuzz
CC = clang
HARDENING = -fPIE
SANITIZE = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
else ifeq ($(SAN),coverage)
BUILD = build/coverage
HARDENING = -fPIE
SANITIZE = --coverage -fprofile-update=atomic -DCOVERAGE
CFLAGS = -O0 -g
endif

COMPILE = $(CC) -std=c11 -D_GNU_SOURCE -DRINGSPOOL_VERSION='"$(VERSION)"' -Ishared \
	$(WARNINGS) $(HARDENING) $(SANITIZE) $(CFLAGS) -MMD -MP
LINK = $(CC) -pie $(SANITIZE) $(CFLAGS) $(LDFLAGS)
PYTEST = PYTHONDONTWRITEBYTECODE=1 RINGSPOOL_BUILD=$(BUILD) /usr/bin/python3 -m pytest -q -p no:cacheprovider

# Debian's names of what each step needs.
BUILD_PACKAGES = gcc libc6-dev libcjson-dev libcurl4-openssl-dev libfcgi-dev libinih-dev libmd-dev libseccomp-dev
DEMO_PACKAGES = $(BUILD_PACKAGES) ca-certificates curl lighttpd lighttpd-mod-openssl openssl python3
CHECK_PACKAGES = $(DEMO_PACKAGES) apache2 btrfs-progs chromium clang clang-tidy cppcheck \
	libapache2-mod-fcgid libclang-rt-14-dev libcmocka-dev libfcgi-bin mandoc nginx-light \
	patch procps python3-pytest shellcheck spawn-fcgi strace systemd xfsprogs

BENCH_PACKAGES = $(BUILD_PACKAGES) apache2 gunicorn lighttpd nodejs perl php-fpm python3 \
	webhook wrk

BINDIR = $(DESTDIR)$(PREFIX)/bin
LIBDIR = $(DESTDIR)$(PREFIX)/lib
SHAREDIR = $(DESTDIR)$(PREFIX)/share
DATADIR = $(SHAREDIR)/ringspool

SHARED_LIBS = -linih -lcjson -lmd
# A process a request: each shared library costs it 50 microseconds.
CGI_LIBS = -l:libinih.a -lcjson -l:libmd.a
SHARED_OBJECTS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard shared/*.c))
PROGRAMS = $(BUILD)/ringspool.cgi $(BUILD)/ringspool.fcgi \
	$(if $(wildcard renew/main.c),$(BUILD)/ringspool-renew) \
	$(if $(wildcard spool/main.c),$(BUILD)/ringspool)
TESTED_OBJECTS = $(SHARED_OBJECTS) $(BUILD)/fcgi/turns.o $(patsubst %.c,$(BUILD)/%.o,\
	$(filter-out %/main.c,$(wildcard renew/*.c spool/*.c)))
UNIT_TESTS = $(patsubst tests/unit/test_%.c,$(BUILD)/tests/test_%,$(wildcard tests/unit/test_*.c))
SUITES = renew integration spool proof platform

all: $(PROGRAMS)	## build the programs into build/

help:	## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

$(BUILD)/ringspool.cgi: $(BUILD)/cgi/main.o $(SHARED_OBJECTS)
	$(LINK) -o $@ $^ $(CGI_LIBS)

$(BUILD)/ringspool.fcgi: $(patsubst %.c,$(BUILD)/%.o,$(wildcard fcgi/*.c)) $(SHARED_OBJECTS)
	$(LINK) -o $@ $^ -lfcgi -lseccomp $(SHARED_LIBS) -pthread

$(BUILD)/ringspool-renew: $(patsubst %.c,$(BUILD)/%.o,$(wildcard renew/*.c)) $(SHARED_OBJECTS)
	$(LINK) -o $@ $^ -lcurl -lresolv $(SHARED_LIBS)

$(BUILD)/ringspool: $(patsubst %.c,$(BUILD)/%.o,$(wildcard spool/*.c)) $(SHARED_OBJECTS)
	$(LINK) -o $@ $^ $(SHARED_LIBS)

# A unit test links what it tests: all objects but those with a main().
$(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(BUILD)/tests/unit/fixture.o $(TESTED_OBJECTS)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ -lcmocka -lcurl -lresolv $(SHARED_LIBS) -pthread

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

packages:	## install what building needs (Debian)
	@tests/install-packages.sh $(BUILD_PACKAGES)

demo:	## show the main job for real, with a web server and a stand-in platform
	@tests/install-packages.sh $(DEMO_PACKAGES)
	@$(MAKE) --no-print-directory --silent all
	@/usr/bin/python3 -B tests/demo/demo.py

# The same suites against three builds; only ringspool.fcgi has threads.  Most
# tests wait more than they compute, so that three at a time suit two cores.
CHECKS = check-plain check-address check-thread check-fuzz check-lint

check:	## build and pass all tests
	@tests/install-packages.sh $(CHECK_PACKAGES)
	@+$(MAKE) --no-print-directory --silent -j2 tested
	@+$(MAKE) --no-print-directory --silent -j2 SAN=address tested
	@+$(MAKE) --no-print-directory --silent -j2 SAN=thread tested
	@+$(MAKE) --no-print-directory --silent -j3 -O $(CHECKS)

check-plain: unit suites

check-address:
	@+$(MAKE) --no-print-directory SAN=address unit suites \
		SUITES="$(filter-out platform proof,$(SUITES))"

check-thread:
	@+$(MAKE) --no-print-directory SAN=thread unit suites SUITES=integration

check-fuzz: fuzz-smoke

check-lint:
	@+nice -n 19 $(MAKE) --no-print-directory lint

tested: all $(UNIT_TESTS)

unit: tested
	@for test in $(UNIT_TESTS); do $$test || exit 1; done

suites: $(SUITES:%=suite-%)

suite-%: all
	@echo "== $(BUILD): tests/$*"
	@scratch=$$(mktemp -d); $(PYTEST) --basetemp=$$scratch/pytest tests/$*; status=$$?; \
	rm -rf $$scratch; exit $$status

# The tests that tests/proof/scale.py shortens, in full; needs an hour and root.
proof: all	## prove the promises: power cuts, kills, faults, load, in full
	@tests/install-packages.sh $(CHECK_PACKAGES)
	@RINGSPOOL_PROOF=full $(MAKE) --no-print-directory --silent suites \
		SUITES="proof renew"

# Static analysis.  The programs' sources go through everything; tests and
# benchmarks through the compilers' warnings and cppcheck.  What was found well
# is not looked at again until a source, a header or the settings change.
SOURCES = $(wildcard cgi/*.c fcgi/*.c renew/*.c shared/*.c spool/*.c)
TEST_SOURCES = $(wildcard tests/*/*.c bench/*.c)
HEADERS = $(wildcard */*.h tests/*/*.h)
SCRIPTS = $(shell grep -lE '^\#(!/bin/(ba)?sh| shellcheck shell=)' \
	.ci/* $(wildcard bench/* etc/* etc/*/* examples/* tests/* tests/*/*) 2>/dev/null)
ANALYSE = -std=c11 -D_GNU_SOURCE -DRINGSPOOL_VERSION='"$(VERSION)"' -Ishared $(WARNINGS)

lint: $(SOURCES:%=build/lint/%.tidy) $(SOURCES:%=build/lint/%.gcc) \
		$(SOURCES:%=build/lint/%.clang) $(TEST_SOURCES:%=build/lint/%.clang) \
		build/lint/cppcheck build/lint/texts	## analyse sources, scripts and manuals

build/lint/%.tidy: % .clang-tidy $(HEADERS)
	@mkdir -p $(@D)
	clang-tidy --quiet $< -- $(ANALYSE) >$@.log 2>&1 || { cat $@.log; exit 1; }
	@touch $@

# Its analyser needs the optimiser.  As of gcc 12 it loses sight of what is
# stored into an array; for leaks there are clang-tidy and SAN=address.
build/lint/%.gcc: % $(HEADERS)
	@mkdir -p $(@D)
	gcc $(ANALYSE) -O2 -fanalyzer -Wno-analyzer-malloc-leak -c -o $@ $<

build/lint/%.clang: % $(HEADERS)
	@mkdir -p $(@D)
	clang $(ANALYSE) -fsyntax-only $<
	@touch $@

build/lint/cppcheck: $(SOURCES) $(TEST_SOURCES) $(HEADERS) tests/lint/cppcheck.txt
	@mkdir -p $(@D)
	cppcheck -q --std=c11 --enable=warning,style,performance,portability --inline-suppr \
		--suppressions-list=tests/lint/cppcheck.txt --error-exitcode=1 \
		--library=posix --library=gnu -Ishared -D_GNU_SOURCE -DRINGSPOOL_VERSION='""' \
		--include=/usr/include/cjson/cJSON.h \
		$(SOURCES) $(TEST_SOURCES)
	@touch $@

build/lint/texts: $(SCRIPTS) $(wildcard man/*)
	@mkdir -p $(@D)
	shellcheck $(SCRIPTS)
	mandoc -Tlint -Wwarning man/*
	@touch $@

# Which lines and branches the tests reach.  Several users run the programs, so
# the files of counts are there before them, and everybody may add to them.
coverage:	## measure what the tests reach, file by file
	@tests/install-packages.sh $(CHECK_PACKAGES) gcovr
	@+$(MAKE) --no-print-directory --silent -j2 SAN=coverage tested
	@find build/coverage -name '*.gcno' | while read -r notes; do \
		: >"$${notes%.gcno}.gcda"; chmod a+rw "$${notes%.gcno}.gcda"; \
	done
	@+$(MAKE) --no-print-directory --silent -j2 SAN=coverage unit suites
	@gcovr --root . build/coverage --filter '(cgi|fcgi|renew|shared|spool)/' \
		--exclude-unreachable-branches --csv | cut -d, -f1,4,7 | column -t -s,

# Fuzz targets: tests/fuzz/fuzz_NAME.c with seeds in tests/fuzz/seeds/NAME and,
# for some, words of their format in tests/fuzz/NAME.dict.
FUZZ_SECONDS = 60
FUZZ_JOBS = 2
FUZZERS = $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/fuzz_%,$(wildcard tests/fuzz/fuzz_*.c))
FASTCGI_OBJECTS = $(patsubst %.c,$(BUILD)/%.o,$(filter-out %/main.c,$(wildcard fcgi/*.c)))

$(BUILD)/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/ground.o \
		$(TESTED_OBJECTS) $(FASTCGI_OBJECTS)
	$(LINK) -fsanitize=fuzzer -o $@ $^ -lfcgi -lseccomp -lcurl -lresolv $(SHARED_LIBS) -pthread

# It is the platform itself.
$(BUILD)/fuzz_replies: LDFLAGS += -Wl,--wrap=http_call,--wrap=http_wait,--wrap=check_endpoint

fuzzers: $(FUZZERS)

fuzz:	## fuzz each target for FUZZ_SECONDS, FUZZ_JOBS at a time
	@+$(MAKE) --no-print-directory --silent SAN=fuzz fuzzers
	@tests/fuzz/run.sh build/fuzz $(FUZZ_SECONDS) $(FUZZ_JOBS) \
		$(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

# Beside the other checks, with the processor time that they leave.
fuzz-smoke:
	@+nice -n 19 $(MAKE) --no-print-directory fuzz FUZZ_SECONDS=60 FUZZ_JOBS=4

# Programs to measure against.
BENCH_PROGRAMS = $(patsubst %.c,$(BUILD)/%,$(wildcard bench/*.c))
BENCH = fcgi cgi peers growth
BENCH_ROUNDS = 7
BENCH_SECONDS = 1

$(BUILD)/bench/%: $(BUILD)/bench/%.o
	$(LINK) -o $@ $^ -lfcgi -pthread

bench: all $(BENCH_PROGRAMS)	## measure beside bare programs and other receivers
	@tests/install-packages.sh $(BENCH_PACKAGES)
	@RINGSPOOL_BUILD=$(BUILD) /usr/bin/python3 -B bench/bench.py \
		--rounds $(BENCH_ROUNDS) --seconds $(BENCH_SECONDS) $(BENCH)

# Units and scripts name /usr/bin; below another PREFIX they name that.
install: all	## install below DESTDIR and PREFIX
	install -d $(LIBDIR)/cgi-bin $(BINDIR) $(DATADIR)
	install -m 755 $(BUILD)/ringspool.cgi $(LIBDIR)/cgi-bin/
	install -m 755 $(filter-out %.cgi,$(PROGRAMS)) $(BINDIR)/
	for page in man/*; do \
		install -D -m 644 $$page $(SHAREDIR)/man/man$${page##*.}/$${page##*/} || exit 1; \
	done
	cp -R --no-preserve=ownership README.md SECURITY.md apache-conf lighttpd-conf etc examples docs $(DATADIR)/
	chmod -R u=rwX,go=rX $(DATADIR)
	find $(DATADIR) -type f -exec sed -i -e 's|/usr/bin/ringspool|$(PREFIX)/bin/ringspool|g' \
		-e 's|/usr/lib/cgi-bin/|$(PREFIX)/lib/cgi-bin/|g' {} +
	install -d $(LIBDIR)/systemd/system $(SHAREDIR)/bash-completion/completions
	install -m 644 $(DATADIR)/etc/*.service $(DATADIR)/etc/*.socket $(DATADIR)/etc/*.timer \
		$(DATADIR)/etc/*.path $(LIBDIR)/systemd/system/
	install -m 644 $(DATADIR)/etc/completion/* $(SHAREDIR)/bash-completion/completions/
	for kind in sysusers.d tmpfiles.d; do \
		install -D -m 644 etc/$$kind/ringspool.conf $(LIBDIR)/$$kind/ringspool.conf || exit 1; \
	done

clean:	## remove build/
	rm -rf build

.PHONY: all help packages demo check $(CHECKS) tested unit suites lint coverage proof fuzzers fuzz \
	fuzz-smoke bench install clean
.SECONDARY:

-include $(shell find build -name '*.d' 2>/dev/null)
