/*
 * selftest: the program option -T of the receivers: what is in force, and
 * whether it would work for the user who asks.
 */
#ifndef RINGSPOOL_SELFTEST_H
#define RINGSPOOL_SELFTEST_H

#include <stdio.h>

#include "config.h"

/* Prints the configuration, and a line each for what is right, doubtful or
 * wrong with spools and verification tokens; changes nothing.  Returns the
 * number of faults: with none, events would be taken in. */
unsigned selftest(const struct config *config, FILE *out);

#endif
