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
CFLAGS = -O2 -g
LDFLAGS = -Wl,-z,relro,-z,now -Wl,--as-needed

# make SAN=address, make SAN=thread: another build beside the plain one.
ifeq ($(SAN),address)
BUILD = build/address
HARDENING = -fPIE
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(SAN),thread)
BUILD = build/thread
HARDENING = -fPIE
SANITIZE = -fsanitize=thread
endif

COMPILE = $(CC) -std=c11 -D_GNU_SOURCE -DRINGSPOOL_VERSION='"$(VERSION)"' -Ishared \
	$(WARNINGS) $(HARDENING) $(SANITIZE) $(CFLAGS) -MMD -MP
LINK = $(CC) -pie $(SANITIZE) $(CFLAGS) $(LDFLAGS)

SHARED_LIBS = -linih -lcjson -lmd
SHARED_OBJECTS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard shared/*.c))
PROGRAMS = $(BUILD)/ringspool.cgi $(BUILD)/ringspool.fcgi \
	$(if $(wildcard renew/main.c),$(BUILD)/ringspool-renew) \
	$(if $(wildcard spool/main.c),$(BUILD)/ringspool)
TESTED_OBJECTS = $(SHARED_OBJECTS) $(patsubst %.c,$(BUILD)/%.o,\
	$(filter-out %/main.c,$(wildcard renew/*.c spool/*.c)))
UNIT_TESTS = $(patsubst tests/unit/test_%.c,$(BUILD)/tests/test_%,$(wildcard tests/unit/test_*.c))

all: $(PROGRAMS)	## build the programs into build/

help:	## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

$(BUILD)/ringspool.cgi: $(BUILD)/cgi/main.o $(SHARED_OBJECTS)
	$(LINK) -o $@ $^ $(SHARED_LIBS)

$(BUILD)/ringspool.fcgi: $(patsubst %.c,$(BUILD)/%.o,$(wildcard fcgi/*.c)) $(SHARED_OBJECTS)
	$(LINK) -o $@ $^ -lfcgi $(SHARED_LIBS) -pthread

$(BUILD)/ringspool-renew: $(patsubst %.c,$(BUILD)/%.o,$(wildcard renew/*.c)) $(SHARED_OBJECTS)
	$(LINK) -o $@ $^ -lcurl $(SHARED_LIBS)

$(BUILD)/ringspool: $(patsubst %.c,$(BUILD)/%.o,$(wildcard spool/*.c)) $(SHARED_OBJECTS)
	$(LINK) -o $@ $^ $(SHARED_LIBS)

# A unit test links what it tests: all objects but those with a main().
$(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(BUILD)/tests/unit/fixture.o $(TESTED_OBJECTS)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ -lcmocka -lcurl $(SHARED_LIBS) -pthread

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

clean:	## remove build/
	rm -rf build

.PHONY: all help clean
.SECONDARY:

-include $(shell find build -name '*.d' 2>/dev/null)
