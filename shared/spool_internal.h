/*
 * spool_internal: what the files of the spool module share; nobody else
 * includes it.  spool.c opens and names, spool_store.c is the write protocol,
 * spool_tidy.c the house-keeping, states.c what the operator's tool does with
 * the events that are there.
 */
#ifndef RINGSPOOL_SPOOL_INTERNAL_H
#define RINGSPOOL_SPOOL_INTERNAL_H

#include <limits.h>
#include <sys/stat.h>
#include <time.h>

#include "spool.h"

enum spool_directory {
	DIR_NEW,
	DIR_TMP,
	DIR_SEEN,
	DIR_BAD,
	DIR_RENEW,
	DIR_COUNT
};

enum {
	SEEN_DAYS_MAX = 30,
	DAY_NAME_SIZE = sizeof "YYYY-MM-DD"
};

/* What a byte of the lock file stands for.  A NAME's byte lies at
 * LOCK_NAMES or beyond. */
enum spool_lock_byte {
	LOCK_TIDY = 0,
	LOCK_BAD = 1,
	LOCK_NAMES = 16
};

struct day {
	long number;	/* days since 1970-01-01, UTC */
	int fd;		/* seen/YYYY-MM-DD, or -1 */
};

struct spool {
	char path[PATH_MAX];
	unsigned seen_days;
	int root;			/* SPOOL itself */
	int lock;			/* SPOOL/lock, a description of our own */
	int directories[DIR_COUNT];	/* -1 until needed, but for DIR_NEW */
	struct day days[SEEN_DAYS_MAX + 2]; /* tomorrow, today, seen_days back */
	struct stat root_identity, new_identity;
	bool named_files;		/* no O_TMPFILE, or no /proc: use tmp/ */
};

const char *spool_directory_name(enum spool_directory which);

/* The descriptor of a directory of the spool, opened (and made) on first use;
 * -1 with *why filled. */
int spool_directory(struct spool *spool, enum spool_directory which,
	struct reason *why);

/* Opens `name` below `parent`, making it (2770, the parent's group) and the
 * parent's entry durable if it is missing. */
int spool_make_directory(int parent, const char *name, struct reason *why);

/* Opens a directory without following a link; -1 with errno set. */
int spool_open_directory(int parent, const char *name);

/* Locks a byte of the lock file: waits, or with `wait` false returns -1 at
 * once where another holds it (errno EAGAIN).  Dropped by spool_unlock(), and
 * by the kernel when the process ends. */
int spool_lock(struct spool *spool, uint64_t byte, bool wait);
void spool_unlock(struct spool *spool, uint64_t byte);

/* rename(2) that replaces nothing: -1 with errno EEXIST where new_name is. */
int spool_rename(int from, const char *name, int to, const char *new_name);

/* Makes a directory's entries durable.  An error is final: never retried on
 * the same descriptor. */
int spool_make_durable(int directory);

/* The day of a time, and its directory's name below seen/. */
long spool_day(time_t now);
void spool_day_name(char out[DAY_NAME_SIZE], long day);

#endif
