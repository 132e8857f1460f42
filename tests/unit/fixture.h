/*
 * fixture: what the unit tests share.  Real files in a scratch directory of
 * their own, which fixture_remove() takes away; mounts live in a mount
 * namespace that ends with the process.
 */
#ifndef RINGSPOOL_FIXTURE_H
#define RINGSPOOL_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

struct fixture {
	char root[64];			/* /tmp/ringspool-test-XXXXXX */
	char spool[PATH_MAX];		/* root/spool, 2770 */
};

void fixture_make(struct fixture *fixture);
void fixture_remove(struct fixture *fixture);

/* The same before and after a test whose state is a fixture and no more. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* root/NAME; one of four buffers that are used in turn. */
const char *fixture_path(const struct fixture *fixture, const char *name);

/* Makes root/NAME with this text and mode and returns its path. */
const char *fixture_file(const struct fixture *fixture, const char *name,
	const char *text, unsigned mode);

/* How many entries a directory has, and the name of the first in order. */
size_t count_entries(const char *directory);
const char *first_entry(const char *directory);

/* Whether a file holds exactly these bytes. */
bool file_holds(const char *path, const void *bytes, size_t size);

/* Mounts a file system of so many KiB at an existing directory, for this
 * process only: "tmpfs", or "ext4" on a loop device.  fixture_unmount() undoes
 * it.  Needs root. */
void fixture_mount(struct fixture *fixture, const char *type, unsigned kib,
	const char *directory);
void fixture_unmount(const char *directory);

/* A directory of root/spool. */
const char *spool_path(const struct fixture *fixture, const char *name);

#endif
