/*
 * options: the command line of ringspool.fcgi(8).
 */
#ifndef RINGSPOOL_OPTIONS_H
#define RINGSPOOL_OPTIONS_H

#include <stdbool.h>
#include <sys/types.h>

#define PROGRAM "ringspool.fcgi"

struct options {
	const char *config;	/* -c, or NULL */
	const char *socket;	/* -s, or NULL: inherited */
	mode_t mode;
	unsigned threads;
	bool test;
};

/* Reads the options; answers -V and -h, and what makes no sense.  Returns -1
 * to go on, or the status to end with. */
int options_parse(struct options *options, int argc, char **argv);

#endif
