/*
 * store: the state directory and its files, each of which appears whole or
 * not at all.
 *
 * A file that is damaged, or that another user could have written, is set
 * aside as NAME.damaged (one of each name is kept) and made anew.  Where root
 * runs the program by hand, files are given to the directory's owner, so that
 * the next run of that user finds its own.
 */
#ifndef RINGSPOOL_STORE_H
#define RINGSPOOL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "reason.h"

/* Opens the directory, making it (0755) where only it is missing.  Returns a
 * descriptor, or -1 with *why filled. */
int store_open(const char *path, struct reason *why);

/* Reads a private file whole (NUL-terminated, for free()).  Returns 0; 1 when
 * there is none; 2 with *why filled when it cannot be trusted: not a regular
 * file of ours that others cannot read, or over 16 MB; -1 with *why filled
 * when it cannot be read. */
int store_read(int directory, const char *name, char **text, size_t *size,
	struct reason *why);

/* Replaces a file: a new one is written, made durable, and renamed over it. */
int store_write(int directory, const char *name, mode_t mode, const char *text,
	struct reason *why);

/* Renames NAME to NAME.damaged, or where that cannot be to NAME.damaged-too;
 * *why says which, or with -1 what is in the way. */
int store_set_aside(int directory, const char *name, struct reason *why);

/* A mark is an empty file, for what has to be remembered without the lock;
 * *since is when it was made.  Where it cannot be made, there is none. */
bool store_marked(int directory, const char *name, time_t *since);
void store_mark(int directory, const char *name);
void store_unmark(int directory, const char *name);

/* Takes the lock that keeps runs apart, waiting so many seconds at most.
 * Returns a descriptor to close; -1 with *why filled; or -2 when another run
 * holds it, and then *age says for how many seconds. */
int store_lock(int directory, unsigned seconds, long *age, struct reason *why);

#endif
