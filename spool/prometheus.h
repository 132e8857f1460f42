/*
 * prometheus: a survey in the text format that Prometheus scrapes, for
 * node_exporter's textfile collector.
 */
#ifndef RINGSPOOL_PROMETHEUS_H
#define RINGSPOOL_PROMETHEUS_H

#include <stdio.h>

#include "renewal.h"
#include "survey.h"

void prometheus_print(FILE *out, const struct survey *survey,
	const struct renewal *renewal);

/* Writes a label's value, quoted. */
void prometheus_label(FILE *out, const char *value);

#endif
