/*
 * spool: the directory that events wait in; ringspool-spool(5) is what its
 * consumers may rely on.
 *
 *	SPOOL/tmp/	being written
 *	SPOOL/new/	one whole event a file, until a consumer takes it
 *	SPOOL/seen/	marks of recent events, names only: seen/YYYY-MM-DD/NAME
 *	SPOOL/bad/	bodies that were not events
 *	SPOOL/renew/	an empty file per subscription that asked to be renewed
 *	SPOOL/lock	locked, a byte per NAME, while an event is taken in
 *
 * SPOOL is made by the administrator, what is below by us: SPOOL's group,
 * directories 2770, files 0640, the lock 0660.  A program that opens a spool
 * has set its umask to SPOOL_UMASK.  Everything is reached from an open
 * directory descriptor and no symbolic link is followed.
 *
 * What stands fast through a power cut or kill at any point:
 *
 *   - a file in new/ or bad/ is whole, and the very bytes that came in;
 *   - what spool_store() or spool_keep_bad() called SPOOL_STORED or
 *     SPOOL_DUPLICATE has been taken in durably;
 *   - a repeat within the retention time is taken in once only, between
 *     threads and between processes.  An event may come twice where its mark
 *     is missing: a power cut forgets the marks of the last seconds, and a
 *     kill between link and mark leaves none once a consumer took the file.
 *
 * A struct spool serves one thread at a time; every thread opens its own.
 * After SPOOL_FAILED the caller closes it and opens it anew: an error of
 * fsync(2) is reported once per descriptor and must not be outlived.
 */
#ifndef RINGSPOOL_SPOOL_H
#define RINGSPOOL_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reason.h"

enum {
	SPOOL_UMASK = 0007,
	SPOOL_NAME_SIZE = 64 + 1 + 16 + 1	/* readable part, '-', digits, NUL */
};

struct spool;

enum spool_result {
	SPOOL_STORED,
	SPOOL_DUPLICATE,	/* taken in before, durably; nothing was written */
	SPOOL_FAILED		/* nothing was taken in; *why is filled */
};

/* Opens the spool at `path`, making what is missing below it; marks of the
 * last `seen_days` days (1 to 30) count.  Returns NULL with *why filled; free
 * with spool_close(), which takes NULL as well. */
struct spool *spool_open(const char *path, unsigned seen_days, struct reason *why);
void spool_close(struct spool *spool);

/* Whether the path still leads to what is open here: false once the spool or
 * its new/ was moved, removed, replaced or mounted over, and within a second
 * where that befell another of its directories or the lock file. */
bool spool_is_current(struct spool *spool);

/* Writes a name that is safe as a file's: `text` with every byte
 * but [A-Za-z0-9-], and a '-' in front, made '_', cut at 64 bytes.  An empty
 * text becomes "_". */
void spool_safe_name(char out[SPOOL_NAME_SIZE], const char *text);

/* Takes an event in as new/NAME.json.  `digest` is what NAME is locked by:
 * the same for the same NAME.  On SPOOL_STORED *why is empty, or says why the
 * mark is missing by which a repeat is known. */
enum spool_result spool_store(struct spool *spool, const char *name,
	uint64_t digest, const void *body, size_t size, struct reason *why);

/* Whether an event of this NAME was taken in within the retention time; if
 * so, it has been made certain that it is durable.  1 yes, 0 no, -1 error. */
int spool_has_seen(struct spool *spool, const char *name, uint64_t digest,
	struct reason *why);

/* Keeps a body that is no event in bad/, named by its digest.  Of senders
 * that did not prove themselves 100 files and SPOOL_UNPROVEN_MAX bytes are
 * kept at most; the oldest go first, and a larger body is not to be given. */
#define SPOOL_UNPROVEN_MAX ((size_t)16 << 20)
enum spool_result spool_keep_bad(struct spool *spool, bool proven,
	const void *body, size_t size, struct reason *why);

/* Leaves the mark renew/ID for ringspool-renew(8): a hint, not made durable.
 * `id` is a safe name.  Returns 0, or -1 with *why filled. */
int spool_mark_renewal(struct spool *spool, const char *id, struct reason *why);

/* Whether an event could be taken in now: looks for a mark, makes and drops an
 * unnamed file, and wants `min_free` bytes free for unprivileged users.  0, or
 * -1 with *why filled. */
int spool_check(struct spool *spool, uint64_t min_free, struct reason *why);

/* House-keeping for the time after a reply: forgets expired marks, removes
 * leftovers of tmp/ older than a day, makes the days' directories.  Bounded
 * work, done by one process at a time and every ten seconds at most.
 * Returns 1 when it ran, 0 when it was not due, -1 with *why filled. */
int spool_tidy(struct spool *spool, struct reason *why);

#endif
