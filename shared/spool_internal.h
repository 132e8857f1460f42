/*
 * spool_internal: what the files of the spool module share; nobody else
 * includes it.  spool.c opens and names, spool_store.c is the write protocol,
 * spool_bad.c keeps what is no event, spool_tidy.c is the house-keeping,
 * marks.c reads the marks, states.c what the operator's tool does with
 * the events that are there.
 */
#ifndef RINGSPOOL_SPOOL_INTERNAL_H
#define RINGSPOOL_SPOOL_INTERNAL_H

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
	SPOOL_PATH_SIZE = 1024 + sizeof "/new",
	SEEN_DAYS_MAX = 30,
	/* RingCentral waits 3 s for the reply, and a request at three locks: of the
	 * fallback spool (a look), the spool, the fallback spool. */
	LOCK_PATIENCE_MS = 800,
	SPOOL_FILE_SIZE = SPOOL_NAME_SIZE + sizeof "unproven-.json",
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

/* Something below SPOOL that is open, and what it is. */
struct opened {
	int fd;				/* -1: not open */
	struct stat identity;		/* as last looked at */
};

struct spool {
	char path[SPOOL_PATH_SIZE];
	char new_path[SPOOL_PATH_SIZE];	/* path/new */
	unsigned seen_days;
	int64_t looked;			/* clock_milliseconds() of the last whole look */
	struct opened root;		/* SPOOL itself */
	struct opened lock;		/* SPOOL/lock, a description of our own */
	struct opened directories[DIR_COUNT];	/* opened when needed; DIR_NEW at once */
	struct day days[SEEN_DAYS_MAX + 2]; /* tomorrow, today, seen_days back */
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

/* Calls `visit` for each entry of a directory, hidden ones left out, until it
 * returns false.  -1 with errno set where it cannot be read. */
int spool_each_entry(int parent, const char *name,
	bool (*visit)(int directory, const char *entry, void *context), void *context);

/* Gives what we made below the open directory `parent` its group and this
 * mode, where a set-group-ID bit and the umask did not already.  -1 with
 * errno set. */
int spool_settle_access(int parent, int fd, mode_t mode);

/* Locks a byte of the lock file; where another holds it, waits for up to
 * LOCK_PATIENCE_MS.  -1 with *why filled.  Dropped by spool_unlock(), and by the
 * kernel when the process ends. */
int spool_lock(struct spool *spool, uint64_t byte, struct reason *why);

/* The same without waiting.  -1 with errno set. */
int spool_try_lock(struct spool *spool, uint64_t byte);

void spool_unlock(struct spool *spool, uint64_t byte);

/* rename(2) that replaces nothing: -1 with errno EEXIST where new_name is. */
int spool_rename(int from, const char *name, int to, const char *new_name);

/* Fills *why with the spool, what was done, and errno's text; returns -1. */
int spool_fail(const struct spool *spool, const char *step, struct reason *why);

/* Writes a file, syncs it and gives it its name.  1: made; 0: an earlier
 * writer's is there; -1: *why is filled.  The name is not durable yet. */
int spool_publish(struct spool *spool, enum spool_directory where, const char *name,
	const void *body, size_t size, struct reason *why);

/* Makes a directory's entries durable.  An error is final: never retried on
 * the same descriptor. */
int spool_make_durable(int directory);

/* The day of a time, and its directory's name below seen/. */
long spool_day(time_t now);
void spool_day_name(char out[DAY_NAME_SIZE], long day);
bool spool_is_day_name(const char *name);

#endif
