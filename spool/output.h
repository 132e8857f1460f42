/*
 * output: where a report goes: standard output, or a file that its readers
 * see whole or not at all.
 *
 *	output_begin(&output, path, &why);
 *	... fprintf(output.file, ...) ...
 *	output_commit(&output, &why) or output_abandon(&output);
 *
 * A file is written beside its place under another name, which no web server
 * or collector takes for it, then renamed over the old one.  It is readable
 * by everybody: web server and node_exporter are other users.
 */
#ifndef RINGSPOOL_OUTPUT_H
#define RINGSPOOL_OUTPUT_H

#include <limits.h>
#include <stdio.h>

#include "reason.h"

struct output {
	FILE *file;
	const char *path;		/* NULL: standard output */
	char temporary[PATH_MAX];
};

/* Begins; `path` NULL means standard output.  0, or -1 with *why filled: then
 * there is nothing to end. */
int output_begin(struct output *output, const char *path, struct reason *why);

/* Ends it.  -1 with *why filled when not all could be written: then the old
 * file is as it was, and nothing of the new one is left. */
int output_commit(struct output *output, struct reason *why);
void output_abandon(struct output *output);

#endif
