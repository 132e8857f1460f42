/*
 * times: moments as the platform writes them, and as a person reads them.
 */
#ifndef RINGSPOOL_TIMES_H
#define RINGSPOOL_TIMES_H

#include <stdbool.h>
#include <time.h>

enum { TIME_TEXT = 32 };

/* Reads an ISO 8601 date and time with zone (Z, +hh:mm or +hhmm) and any
 * number of digits of fraction, which is dropped.  False for anything else. */
bool time_parse(const char *text, time_t *moment);

/* Writes YYYY-MM-DDThh:mm:ssZ. */
void time_format(time_t moment, char out[TIME_TEXT]);

/* Writes a length of time in its two largest units, as in "6 days 23 h";
 * negative ones end in " ago". */
void time_format_span(time_t seconds, char out[TIME_TEXT]);

#endif
