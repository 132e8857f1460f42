/*
 * ground: what the fuzz targets stand on: a directory of their own (on tmpfs,
 * where run.sh chose it), and a way to say which promise was broken.
 */
#ifndef RINGSPOOL_GROUND_H
#define RINGSPOOL_GROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise: where it is broken, says which and ends the process. */
#define require(promise) \
	((promise) ? (void)0 : ground_broken(#promise, __FILE__, __LINE__))
_Noreturn void ground_broken(const char *promise, const char *file, int line);

/* Makes the directory below $TMPDIR and sets the umask of the programs. */
void ground_make(void);

/* The path of something in it; one of eight buffers that are used in turn. */
__attribute__((format(printf, 1, 2)))
const char *ground_path(const char *format, ...);

void ground_directory(const char *path, mode_t mode);
void ground_write(const char *path, const void *bytes, size_t size, mode_t mode);

/* Calls `visit` for every file of a directory and those below it, and removes
 * it then; the directories stay.  Returns how many there were. */
size_t ground_harvest(const char *directory,
	void (*visit)(const char *path, const char *name, const void *context),
	const void *context);

/* A whole file, NUL-terminated, for free(). */
char *ground_read(const char *path, size_t *size);

/* Whether a file holds exactly these bytes. */
bool ground_holds(const char *path, const void *bytes, size_t size);

/* Standard error, and with `both` standard output too, go into memory;
 * ground_release() gives back what came, NUL-terminated, until the next time. */
void ground_capture(bool both);
const char *ground_release(size_t *size);

/* Whether a text has only printable ASCII, ends of lines, and what is in
 * `also`. */
bool ground_is_plain(const char *text, size_t size, const char *also);

/* Cuts an input at the first `separator` (or, without one, at its end): the
 * part before it, NUL-terminated, for free(); *rest is what is behind. */
char *ground_cut(const uint8_t **data, size_t *size, const char *separator);

#endif
