/*
 * ranges: thresholds as the Monitoring Plugins guidelines write them.
 *
 *	10	alert outside 0 to 10
 *	10:	alert below 10
 *	~:10	alert above 10
 *	10:20	alert outside 10 to 20
 *	@10:20	alert within 10 to 20
 *
 * The ends belong to the range.  A length of time may be written with s, m,
 * h, d or w (5m, 1d:), and is kept in seconds.
 */
#ifndef RINGSPOOL_RANGES_H
#define RINGSPOOL_RANGES_H

#include <stdbool.h>
#include <stddef.h>

#include "reason.h"

struct range {
	double start, end;
	bool from_below;	/* ~: no start */
	bool endless;		/* no end */
	bool inside;		/* @: alert within */
	bool none;		/* no threshold: never alerts */
};

enum range_kind {
	RANGE_NUMBER,
	RANGE_TIME
};

enum { RANGE_TEXT = 64 };

/* Reads a range.  0, or -1 with *why filled. */
int range_parse(struct range *range, const char *text, enum range_kind kind,
	struct reason *why);

bool range_alerts(const struct range *range, double value);

/* Writes it in plain numbers, as performance data wants it; "" for none. */
void range_format(const struct range *range, char out[RANGE_TEXT]);

#endif
