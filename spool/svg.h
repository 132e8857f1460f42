/*
 * svg: arrivals over time as a picture, to stand in a page of HTML.
 *
 * The picture is scaled by the page, and coloured by its style sheet through
 * the classes bar, grid and label.  It carries its title and description for
 * people who do not see it.
 */
#ifndef RINGSPOOL_SVG_H
#define RINGSPOOL_SVG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* A round number from `most` on, of which half is whole as well: what the
 * vertical scale ends with. */
uint64_t svg_ceiling(uint64_t most);

/* How high a bar is in a plot of this height: 0 for nothing, and never too
 * low to be seen. */
double svg_height(uint64_t value, uint64_t ceiling, double plot);

/* Draws a bar for each of `hours` hours: hourly[0] is the one that `now` is
 * in, and stands on the right. */
void svg_arrivals(FILE *out, const uint64_t *hourly, size_t hours, time_t now);

#endif
