/*
 * layout: a JSON text with line ends and indentation, for reading.
 *
 * Only the white space between its parts changes: numbers and texts are shown
 * as they were sent - no digit is rounded, no key dropped - but for what would
 * act on a terminal (text.h).
 */
#ifndef RINGSPOOL_LAYOUT_H
#define RINGSPOOL_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Writes `json`, which was found to be one JSON object; with anything else it
 * still ends, and writes all of it. */
void layout_print(FILE *out, const char *json, size_t size, bool colours);

#endif
